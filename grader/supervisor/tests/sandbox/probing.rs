//! What the machine is said to grant agrees with what it grants.

use supervisor::probe::probe;

use crate::Test;
use crate::harness::{exe, plan, shell, try_run, worker};

pub(crate) const TESTS: &[Test] = &[
    ("probing_agrees_with_running", agrees),
    ("probing_leaves_nothing", leaves),
];

fn agrees() {
    let checks = probe(&exe());
    for check in &checks {
        assert!(!check.detail.is_empty(), "{check:?}");
        assert!(check.ok == check.remedy.is_none(), "{check:?}");
        println!(
            "  {} {}: {}",
            if check.ok { "+" } else { "-" },
            check.name,
            check.detail
        );
    }
    let granted = |name: &str| checks.iter().find(|check| check.name == name).unwrap().ok;
    let (_, result) = try_run(&mut worker(), &plan(vec![shell(":")]));
    assert_eq!(granted("a whole scenario"), result.is_ok());
    let each = [
        "user namespace",
        "mount namespace",
        "PID namespace",
        "network namespace",
    ];
    assert_eq!(each.iter().all(|name| granted(name)), result.is_ok());
    // With an executable that is no worker there is an answer as well.
    let checks = probe("/bin/true".as_ref());
    assert!(checks.iter().all(|check| !check.ok), "{checks:?}");
}

fn leaves() {
    let mounts = || std::fs::read_to_string("/proc/self/mountinfo").unwrap();
    let limit = || std::fs::read_to_string("/proc/sys/kernel/pid_max").unwrap();
    let before = (mounts(), limit());
    assert!(!probe(&exe()).is_empty());
    assert_eq!((mounts(), limit()), before);
}
