//! The lower rung.

use supervisor::event::ExitStatus;
use supervisor::plan::{Image, Isolation, PlacedFile, Plan, Program};

use crate::Test;
use crate::confinement::TAMPER;
use crate::harness::{Ran, builtin, file, is_root, plan, program, run, shell, worker};
use crate::lifetimes::somewhere;

pub(crate) const TESTS: &[Test] = &[
    ("reduced_has_a_private_workspace", workspace),
    ("reduced_cannot_write_elsewhere", elsewhere),
    ("reduced_has_the_labs_programs", tools),
    ("reduced_ends_daemons", daemons),
    ("reduced_refuses_calls_and_limits", calls),
    ("reduced_leaves_nothing_behind", nothing_left),
];

fn reduced(programs: Vec<Program>) -> Plan {
    Plan {
        isolation: Isolation::Reduced,
        ..plan(programs)
    }
}

fn ran(script: &str) -> Ran {
    let mut plan = reduced(vec![shell(script)]);
    plan.files = vec![file("dir/placed", "placed\n")];
    run(&mut worker(), &plan)
}

fn workspace() {
    let ran = ran(
        "cat dir/placed /lab/dir/placed; echo x > new && cat new; echo t > /tmp/t && cat /tmp/t",
    );
    assert_eq!(
        (ran.out().as_str(), ran.err().as_str()),
        ("placed\nplaced\nx\nt\n", "")
    );
    assert_eq!(ran.enforced().isolation, "reduced");
    let missing = ran.enforced().missing.join("; ");
    assert!(
        missing.contains("namespaces: only the reduced isolation was asked for"),
        "{missing}"
    );
    let mut argv = reduced(vec![program(
        Image::File("/bin/echo".into()),
        &["echo", "/lab/x", "/labour"],
    )]);
    let out = run(&mut worker(), &argv).out();
    assert!(
        out.starts_with("/tmp/grader-") && out.ends_with("/lab/x /labour\n"),
        "{out}"
    );
    argv.programs = vec![builtin("threads", &[])];
    assert_eq!(run(&mut worker(), &argv).out(), "140\n");
}

fn tools() {
    let mut plan = reduced(vec![shell(TAMPER)]);
    plan.tools = vec![PlacedFile {
        mode: 0o755,
        ..file("greet", "#!/bin/sh\necho hello from $0\n")
    }];
    let ran = run(&mut worker(), &plan);
    let out = ran.out();
    let rest = out.strip_prefix("hello from /tmp/grader-").expect(&out);
    assert!(
        rest.ends_with("/tools/greet\ngreet\nhello again\n"),
        "{out}"
    );
}

fn elsewhere() {
    let outside = tempfile::Builder::new()
        .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o777))
        .tempdir()
        .unwrap();
    std::fs::write(outside.path().join("secret"), "secret").unwrap();
    // The name is put together inside, so that it is not led to the private place.
    let name = outside
        .path()
        .to_str()
        .unwrap()
        .strip_prefix("/tmp")
        .unwrap();
    let script = format!(
        "d=/tm; d=\"$d\"p{name}; echo x > $d/new; cat $d/secret; touch /var/tmp/x-$$; true"
    );
    let ran = ran(&script);
    assert_eq!(ran.out(), "");
    assert_eq!(
        ran.err().matches("Permission denied").count(),
        3,
        "{}",
        ran.err()
    );
    assert!(!outside.path().join("new").exists());
}

fn daemons() {
    let name = format!("gd-{}", std::process::id());
    let ran = run(
        &mut worker(),
        &reduced(vec![builtin("daemon", &[&name]), shell("echo done")]),
    );
    assert_eq!(ran.out(), "done\n");
    assert!(!somewhere(&name));
}

fn calls() {
    let ran = run(&mut worker(), &reduced(vec![builtin("calls", &[])]));
    let refused = |name: &str| {
        ran.out()
            .lines()
            .any(|l| l == format!("{name} {}", libc::EPERM))
    };
    for name in ["ptrace", "unshare", "clone", "netlink"] {
        assert!(refused(name), "{name} in {}", ran.out());
    }
    let mut spin = reduced(vec![shell("while :; do :; done")]);
    spin.limits.cpu_ms = 1;
    let ended = run(&mut worker(), &spin);
    assert_eq!(ended.ends(), [ExitStatus::Signal(libc::SIGXCPU)]);
    // Everybody but itself: nobody, and above all not us.
    let ran = run(
        &mut worker(),
        &reduced(vec![shell("kill -9 -1 || echo refused")]),
    );
    assert_eq!(ran.out(), "refused\n");
    let id = run(&mut worker(), &reduced(vec![shell("id -u; id -G")])).out();
    let expected = if is_root() {
        "61000\n61000\n".to_owned()
    } else {
        "65534\n65534\n".into()
    };
    assert_eq!(id, expected);
}

fn nothing_left() {
    let mut worker = worker();
    let mut places = Vec::new();
    for _ in 0..2 {
        let script = "mkdir -p a/b; touch a/b/c; chmod 0 a; pwd";
        let ran = run(&mut worker, &reduced(vec![shell(script)]));
        let place = std::path::PathBuf::from(ran.out().trim_end());
        assert!(!place.exists() && place.parent().unwrap().exists());
        places.push(place);
    }
    drop(worker);
    assert!(!places[0].parent().unwrap().exists());
}
