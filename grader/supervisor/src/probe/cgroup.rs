//! cgroup v2: whether memory and processes of a whole scenario could be limited together.

use std::fs;
use std::path::PathBuf;

use super::Check;

pub(super) fn check() -> Check {
    Check::new("cgroup v2 delegation", delegated()).or(
        "run grader below `systemd-run --user --scope -p Delegate=yes`; without it memory is \
         limited for each process, not for all of a scenario together",
    )
}

/// Makes a group below this process's own and removes it again.
fn delegated() -> Result<String, String> {
    let groups = fs::read_to_string("/proc/self/cgroup").map_err(|e| e.to_string())?;
    let own = groups.lines().find_map(|line| line.strip_prefix("0::/"));
    let own = own.ok_or("no cgroup v2 hierarchy")?;
    let place = hierarchy().ok_or("cgroup v2 is not mounted")?.join(own);
    let controllers = fs::read_to_string(place.join("cgroup.controllers"))
        .map_err(|e| format!("{}: {e}", place.display()))?;
    let missing = ["memory", "pids"]
        .into_iter()
        .filter(|wanted| !controllers.split_whitespace().any(|there| there == *wanted));
    let missing: Vec<_> = missing.collect();
    if !missing.is_empty() {
        return Err(format!(
            "no {} controller in {}",
            missing.join(" and "),
            place.display()
        ));
    }
    let group = place.join(format!("grader-probe-{}", std::process::id()));
    fs::create_dir(&group).map_err(|e| format!("{}: {e}", group.display()))?;
    fs::remove_dir(&group).map_err(|e| format!("{}: {e}", group.display()))?;
    Ok(place.display().to_string())
}

/// Where cgroup v2 is mounted.
fn hierarchy() -> Option<PathBuf> {
    let mounts = fs::read_to_string("/proc/self/mounts").ok()?;
    let mut mounts = mounts.lines().map(|line| line.split(' '));
    mounts.find_map(|mut fields| {
        let (_, place, kind) = (fields.next()?, fields.next()?, fields.next()?);
        (kind == "cgroup2").then(|| PathBuf::from(place))
    })
}
