//! cgroup v2: whether memory and processes of a whole scenario could be limited together.

use std::fs;

use super::Check;
use crate::cgroup;

pub(super) fn check() -> Check {
    Check::new("cgroup v2 delegation", delegated()).or(
        "run grader below `systemd-run --user --scope -p Delegate=yes`; without it memory of a \
         scenario is looked at every 20 ms, and the kernel limits each process alone",
    )
}

/// Makes a group below this process's own and removes it again.
fn delegated() -> Result<String, String> {
    let place = cgroup::place()?;
    cgroup::granted(&place)?;
    let group = place.join(format!("grader-probe-{}", std::process::id()));
    fs::create_dir(&group).map_err(|e| format!("{}: {e}", group.display()))?;
    fs::remove_dir(&group).map_err(|e| format!("{}: {e}", group.display()))?;
    Ok(place.display().to_string())
}
