use proptest::prelude::*;
use supervisor::Bytes;

use super::workspace::SHIM;
use super::*;
use crate::lab::{
    AddressMode, Data, DataSource, DisturbOn, Disturbance, Effect, FileStep, InputKind, Nth,
    OutputKind, Setup, Step, Stimulus, sample,
};
use crate::submission::Declared;

fn role(name: &str) -> Program {
    sample::program(name, &format!("us-{name}"))
}

fn lab(scenario: Scenario) -> Lab {
    Lab {
        programs: vec![role("server"), role("client")],
        scenarios: vec![scenario],
        ..sample::lab("us-upper")
    }
}

fn scenario(stimuli: Vec<Stimulus>) -> Scenario {
    Scenario {
        students: vec!["server".into()],
        steps: stimuli
            .into_iter()
            .map(|stimulus| Step {
                stimuli: vec![stimulus],
                proves: Vec::new(),
            })
            .collect(),
        ..sample::scenario("s")
    }
}

fn start(role: &str) -> Stimulus {
    Stimulus::Start(role.into())
}

fn send(text: &str) -> Stimulus {
    Stimulus::Send {
        peer: "alice".into(),
        data: Data {
            source: DataSource::Text(text.into()),
            pieces: vec![1, 2],
        },
    }
}

fn connect(peer: &str) -> Stimulus {
    Stimulus::Connect {
        peer: peer.into(),
        to: "server".into(),
        stalled: false,
        reach: None,
        stranger: false,
    }
}

fn built(run: Option<&[&str]>) -> BTreeMap<String, BuiltProgram> {
    let program = BuiltProgram {
        executable: "/cache/0".into(),
        run: run.map(|words| words.iter().map(|w| (*w).to_owned()).collect()),
        env: Vec::new(),
        address: None,
        beside: Vec::new(),
        opens: Vec::new(),
        asks: false,
    };
    BTreeMap::from([("server".to_owned(), program)])
}

/// `server` reads what `path` names.
fn lab_reading(scenario: Scenario, path: &str) -> Lab {
    let mut lab = lab(scenario);
    lab.programs[0].reads = Some(path.to_owned());
    lab
}

fn planned_with(
    scenario: Scenario,
    cast: &Cast,
    programs: &BTreeMap<String, BuiltProgram>,
    shim: Option<&Path>,
    seed: u64,
) -> Result<Planned, PlanError> {
    let lab = lab_reading(scenario, "poem.txt");
    let setting = Setting {
        cast,
        programs,
        rungs: &Rungs::default(),
        shim,
        tools: &BTreeMap::new(),
        seed,
        observation: sv::Observation::Full,
        isolation: sv::Isolation::BestEffort,
    };
    plan(&lab, &lab.scenarios[0], &setting)
}

fn planned(scenario: Scenario) -> Result<Planned, PlanError> {
    let cast = Cast::of(&scenario);
    planned_with(scenario, &cast, &built(None), None, 1)
}

fn argv(plan: &sv::Plan, i: usize) -> Vec<String> {
    plan.programs[i].argv.iter().map(Bytes::escaped).collect()
}

#[test]
fn a_step_of_the_lab_is_a_step_of_the_plan() {
    let Planned { plan, names } = planned(scenario(vec![
        start("client"),
        start("server"),
        connect("alice"),
        connect("bob"),
        send("hello {nonce}\n"),
        Stimulus::Signal {
            program: "server".into(),
            process: 1,
            signal: "SIGTERM".into(),
            count: 3,
        },
        Stimulus::File(FileStep::Stale {
            path: "{socket}".into(),
        }),
        Stimulus::Listen {
            peer: "carol".into(),
            kind: SocketKind::Stream,
            host: None,
        },
    ]))
    .unwrap();
    assert_eq!(plan.name, "us-upper/s");
    // Programs in the lab's order, peers in order of appearance.
    let names_of = |programs: &[sv::Program]| -> Vec<String> {
        programs.iter().map(|p| p.name.clone()).collect()
    };
    assert_eq!(names_of(&plan.programs), ["server", "client"]);
    assert_eq!(plan.peers, ["alice", "bob", "carol"]);
    assert_eq!(plan.steps.len(), 8);
    let act = |i: usize| &plan.steps[i].acts[0];
    assert!(matches!(act(0), sv::Act::Start(sv::ProgramId(1))));
    assert!(matches!(
        act(3),
        sv::Act::Connect {
            peer: sv::PeerId(1),
            to: sv::ProgramId(0),
            stalled: false,
            stranger: false,
        }
    ));
    let nonce = names.nonce.unwrap();
    assert!(matches!(act(4), sv::Act::Send { bytes, pieces, .. }
        if bytes.escaped() == format!("hello {nonce}\\n") && *pieces == [1, 2]));
    assert!(matches!(
        act(5),
        sv::Act::Signal {
            to: sv::ProcessId {
                program: sv::ProgramId(0),
                number: 1
            },
            signal: 15,
            count: 3
        }
    ));
    assert!(
        matches!(act(6), sv::Act::File(sv::FileAct::StaleSocket(path)) if path.escaped() == SOCKET)
    );
    assert!(
        matches!(act(7), sv::Act::Listen { address: sv::Address::Path(path), .. } if path.escaped() == SOCKET)
    );
    assert_eq!(names.socket.unwrap().escaped(), SOCKET);
}

#[test]
fn the_student_brings_a_file_the_reference_is_built_in() {
    let plan = planned(scenario(vec![start("server"), start("client")]))
        .unwrap()
        .plan;
    assert!(matches!(&plan.programs[0].image, sv::Image::File(f) if f.escaped() == "us-server"));
    assert!(matches!(&plan.programs[1].image, sv::Image::Builtin(f) if f == "us-client"));
    assert_eq!(argv(&plan, 0), ["./us-server", SOCKET]);
    assert_eq!(argv(&plan, 1), ["./us-client", SOCKET]);
    let [file] = plan.files.as_slice() else {
        panic!("{:?}", plan.files);
    };
    assert_eq!(
        (file.name.escaped().as_str(), file.mode),
        ("us-server", 0o755)
    );
    assert!(matches!(&file.source, sv::FileSource::Host(p) if p == Path::new("/cache/0")));
    assert_eq!(plan.programs[0].stdin, sv::Input::Pipe);
    assert_eq!(
        plan.programs[0].address,
        Some(sv::Address::Path(SOCKET.into()))
    );

    let steps = scenario(vec![start("server")]);
    let reference = planned_with(steps, &Cast::reference(), &BTreeMap::new(), None, 1).unwrap();
    assert!(reference.plan.files.is_empty());
    assert!(matches!(
        &reference.plan.programs[0].image,
        sv::Image::Builtin(_)
    ));
}

#[test]
fn nothing_of_the_callers_environment_gets_in() {
    let plan = planned(scenario(vec![start("server")])).unwrap().plan;
    let env: Vec<String> = plan.programs[0]
        .env
        .iter()
        .map(|(k, v)| format!("{}={}", k.escaped(), v.escaped()))
        .collect();
    assert_eq!(
        env,
        [
            "PATH=/usr/local/bin:/usr/bin:/bin",
            "HOME=/lab",
            "TMPDIR=/tmp",
            "LC_ALL=C.UTF-8",
            "LAB_SOCK=/lab/./socket",
            "MALLOC_ARENA_MAX=1"
        ]
    );
}

#[test]
fn the_labs_own_programs_come_first_on_the_path() {
    let scenario = scenario(vec![start("server")]);
    let tools = BTreeMap::from([("child".to_owned(), PathBuf::from("/cache/0"))]);
    let setting = Setting {
        cast: &Cast::reference(),
        programs: &BTreeMap::new(),
        rungs: &Rungs::default(),
        shim: None,
        tools: &tools,
        seed: 1,
        observation: sv::Observation::Full,
        isolation: sv::Isolation::BestEffort,
    };
    let lab = lab(scenario);
    let plan = plan(&lab, &lab.scenarios[0], &setting).unwrap().plan;
    assert_eq!(plan.tools.len(), 1);
    assert_eq!(plan.tools[0].name, "child".into());
    assert_eq!(plan.tools[0].mode, 0o755);
    let path = &plan.programs[0].env[0].1;
    assert_eq!(path.escaped(), "/tools:/usr/local/bin:/usr/bin:/bin");
    assert_eq!(sv::TOOLS, "/tools");
}

#[test]
fn a_scenario_sets_a_program_up() {
    let mut s = scenario(vec![start("server")]);
    s.wall_seconds = Some(7);
    s.setup.insert(
        "server".into(),
        Setup {
            args: Some(vec!["-v".into(), "x{socket}".into()]),
            stdin: Some(InputKind::Null),
            stdout_to: Some(OutputKind::Full),
            audit_handlers: true,
            ..Setup::default()
        },
    );
    let cast = Cast::of(&s);
    let shim = Some(Path::new("/cache/shim.so"));
    let plan = planned_with(s.clone(), &cast, &built(None), shim, 1)
        .unwrap()
        .plan;
    assert_eq!(plan.limits.wall_ms, 7000);
    assert_eq!(argv(&plan, 0), ["./us-server", "-v", "x/lab/socket"]);
    assert_eq!(plan.programs[0].stdin, sv::Input::Null);
    assert_eq!(plan.programs[0].stdout, sv::Output::Full);
    assert!(plan.programs[0].audit_handlers);
    let preload = plan.programs[0]
        .env
        .iter()
        .find(|(k, _)| k.escaped() == "LD_PRELOAD");
    assert_eq!(preload.unwrap().1.escaped(), "/lab/.grader/handlers.so");
    assert!(plan.files.iter().any(|f| f.name.escaped() == SHIM));
    let without = planned_with(s.clone(), &cast, &built(None), None, 1).unwrap_err();
    assert_eq!(without, PlanError::NoShim);
    // The reference is not executed: nothing to preload, nothing to miss.
    let reference = planned_with(s, &Cast::reference(), &BTreeMap::new(), None, 1).unwrap();
    assert!(!reference.plan.programs[0].audit_handlers);
}

#[test]
fn the_manifests_arguments_take_the_labs_in() {
    let s = scenario(vec![start("server")]);
    let cast = Cast::of(&s);
    let programs = built(Some(&["--listen", "{socket}", "--", "{args}"]));
    let plan = planned_with(s, &cast, &programs, None, 1).unwrap().plan;
    assert_eq!(
        argv(&plan, 0),
        ["./us-server", "--listen", SOCKET, "--", SOCKET]
    );
}

#[test]
fn a_program_that_was_not_built_is_named() {
    let mut s = scenario(vec![start("server"), start("client")]);
    s.students = vec!["server".into(), "client".into()];
    let error = planned(s).unwrap_err();
    assert_eq!(
        error,
        PlanError::NotBuilt {
            program: "client".into()
        }
    );
    // A scenario that does not start it can be run all the same.
    let mut s = scenario(vec![start("server")]);
    s.students = vec!["server".into(), "client".into()];
    assert!(planned(s).is_ok());
}

#[test]
fn names_of_signals_and_errors_become_numbers() {
    let disturb = |effect| {
        scenario(vec![
            start("server"),
            Stimulus::Disturb {
                program: "server".into(),
                disturbance: Disturbance {
                    calls: vec!["write".into()],
                    on: DisturbOn::Socket,
                    nth: Nth::Only(2),
                    effect,
                },
            },
        ])
    };
    let effect = |effect| match planned(disturb(effect))?.plan.steps[1].acts[0].clone() {
        sv::Act::Disturb { disturbance, .. } => Ok(disturbance.effect),
        other => panic!("{other:?}"),
    };
    assert_eq!(effect(Effect::Fail("EIO".into())), Ok(sv::Effect::Fail(5)));
    assert_eq!(
        effect(Effect::Fail("EWOULDBLOCK".into())),
        Ok(sv::Effect::Fail(11))
    );
    assert_eq!(
        effect(Effect::SignalBefore("SIGRTMIN".into())),
        Ok(sv::Effect::SignalBefore(34))
    );
    assert!(
        matches!(effect(Effect::Fail("ENONSENSE".into())), Err(PlanError::Lab { what, .. }) if what.contains("ENONSENSE"))
    );
    assert!(effect(Effect::SignalAfter("SIGNONE".into())).is_err());
    assert_eq!(effect(Effect::Delay(300)), Ok(sv::Effect::Delay(300)));
    assert_eq!(effect(Effect::Freeze), Ok(sv::Effect::Freeze));
    assert_eq!(
        effect(Effect::ParentFirst),
        Ok(sv::Effect::First(sv::First::Parent))
    );
}

#[test]
fn opening_is_watched_only_where_a_peer_opens_a_fifo() {
    let opens = |stimuli| planned(scenario(stimuli)).unwrap().plan.opens;
    assert!(!opens(vec![start("server"), connect("alice")]));
    let open = Stimulus::Open {
        peer: "alice".into(),
        path: "fifo".into(),
        writing: true,
        stalled: false,
        room: None,
    };
    assert!(opens(vec![open, start("server")]));
}

#[test]
fn every_signal_a_lab_may_name_has_a_number() {
    for (name, number) in [
        ("SIGHUP", 1),
        ("SIGKILL", 9),
        ("SIGUSR1", 10),
        ("SIGPIPE", 13),
        ("SIGCHLD", 17),
        ("SIGIO", 29),
        ("SIGPOLL", 29),
        ("SIGSYS", 31),
        ("SIGRTMIN", 34),
    ] {
        let signal = Stimulus::Signal {
            program: "server".into(),
            process: 0,
            signal: name.into(),
            count: 1,
        };
        let plan = planned(scenario(vec![start("server"), signal]))
            .unwrap()
            .plan;
        assert!(
            matches!(plan.steps[1].acts[0], sv::Act::Signal { signal, .. } if signal == number),
            "{name}"
        );
    }
}

proptest! {
    /// The same seed gives the same plan, another seed differs in the nonce only.
    #[test]
    fn a_plan_comes_from_its_seed(seed: u64, other: u64) {
        prop_assume!(seed != other);
        let of = |seed| {
            let s = scenario(vec![start("server"), connect("alice"), send("{nonce}")]);
            let cast = Cast::of(&s);
            planned_with(s, &cast, &built(None), None, seed).unwrap()
        };
        let text = |p: &Planned| format!("{:?}", p.plan);
        prop_assert_eq!(text(&of(seed)), text(&of(seed)));
        let (one, two) = (of(seed), of(other));
        let (a, b) = (one.names.nonce.clone().unwrap(), two.names.nonce.clone().unwrap());
        prop_assert_eq!(text(&one).replace(&a, "N"), text(&two).replace(&b, "N"));
    }
}

#[test]
fn a_role_that_wants_no_arguments_gets_none_unless_the_scenario_is_about_them() {
    let rungs = Rungs {
        starts: BTreeMap::from([("server".to_owned(), Taken::NoArguments)]),
        ..Rungs::default()
    };
    let mut scenario = scenario(vec![start("server")]);
    for own_args in [false, true] {
        if own_args {
            let setup = scenario.setup.entry("server".to_owned()).or_default();
            setup.args = Some(vec!["bad".to_owned()]);
        }
        let lab = lab(scenario.clone());
        let cast = Cast::of(&scenario);
        let programs = built(None);
        let setting = Setting {
            cast: &cast,
            programs: &programs,
            rungs: &rungs,
            shim: None,
            tools: &BTreeMap::new(),
            seed: 1,
            observation: sv::Observation::Full,
            isolation: sv::Isolation::BestEffort,
        };
        let plan = plan(&lab, &lab.scenarios[0], &setting).unwrap().plan;
        assert_eq!(plan.programs[0].argv.len(), 1 + usize::from(own_args));
    }
}

#[test]
fn alternatives_never_repeat_the_handout() {
    let program = role("server");
    assert_eq!(
        alternatives(&program),
        [Taken::NoArguments, Taken::PathRole, Taken::Port]
    );
    let bare = Program {
        args: Vec::new(),
        ..program.clone()
    };
    assert_eq!(
        alternatives(&bare),
        [Taken::Path, Taken::PathRole, Taken::Port]
    );
    let without_address = Program {
        address: AddressMode::None,
        args: vec!["10".to_owned()],
        ..program
    };
    assert_eq!(alternatives(&without_address), [Taken::NoArguments]);
}

#[test]
fn the_manifests_address_and_variables_reach_the_program() {
    let mut programs = built(Some(&["--port", "{port}"]));
    let server = programs.get_mut("server").unwrap();
    server.env = vec![("SOCK".to_owned(), "{socket}".to_owned())];
    server.address = Some(Declared::Port(7777));
    let scenario = scenario(vec![start("server")]);
    let cast = Cast::of(&scenario);
    let plan = planned_with(scenario.clone(), &cast, &programs, None, 1)
        .unwrap()
        .plan;
    assert_eq!(argv(&plan, 0)[1..], ["--port", "7777"]);
    let sock = (Bytes::from("SOCK"), Bytes::from("/lab/./socket"));
    assert!(plan.programs[0].env.contains(&sock));

    let server = programs.get_mut("server").unwrap();
    server.address = Some(Declared::Socket("run/my.sock".to_owned()));
    let plan = planned_with(scenario, &cast, &programs, None, 1)
        .unwrap()
        .plan;
    let directory = plan.files.iter().find(|file| *file.name == *b"run");
    assert!(matches!(
        directory.map(|file| &file.source),
        Some(sv::FileSource::Directory)
    ));
}

#[test]
fn a_text_stands_under_the_names_that_a_submission_has_built_in() {
    let write = |path: &str| {
        Stimulus::File(FileStep::Write {
            path: path.to_owned(),
            content: "The text".to_owned(),
            mode: 0o644,
        })
    };
    let written = |scenario: Scenario, cast: &Cast| -> Vec<Vec<String>> {
        let mut programs = built(None);
        programs.get_mut("server").unwrap().opens =
            ["own.txt", "poem.txt", "list"].map(str::to_owned).into();
        let plan = planned_with(scenario, cast, &programs, None, 1)
            .unwrap()
            .plan;
        let of_step = |step: &sv::Step| {
            let acts = step.acts.iter().filter_map(|act| match act {
                sv::Act::File(sv::FileAct::Write {
                    path,
                    content,
                    mode,
                }) => {
                    assert_eq!(content.escaped(), "The text");
                    // What is taken for such a name may be the program's to write.
                    let own = path.escaped() == "own.txt";
                    assert_eq!(*mode, if own { 0o666 } else { 0o644 });
                    Some(path.escaped())
                }
                _ => None,
            });
            acts.collect()
        };
        plan.steps.iter().map(of_step).collect()
    };
    let scenario = scenario(vec![write("poem.txt"), write("list"), start("server")]);
    let cast = Cast::of(&scenario);
    // `list` is the scenario's own.
    let all = vec![
        vec!["poem.txt".to_owned(), "own.txt".to_owned()],
        vec!["list".to_owned()],
        vec![],
    ];
    assert_eq!(written(scenario.clone(), &cast), all);
    // The reference needs no other name.
    let plain = vec![vec!["poem.txt".to_owned()], vec!["list".to_owned()], vec![]];
    assert_eq!(written(scenario, &Cast::reference()), plain);
}

#[test]
fn the_name_of_its_file_is_typed_to_a_program_that_asks_for_it() {
    let typed = |stimuli: Vec<Stimulus>, asks: bool| -> Vec<String> {
        let scenario = scenario(stimuli);
        let cast = Cast::of(&scenario);
        let mut programs = built(None);
        programs.get_mut("server").unwrap().asks = asks;
        let plan = planned_with(scenario, &cast, &programs, None, 1)
            .unwrap()
            .plan;
        let acts = plan.steps.into_iter().flat_map(|step| step.acts);
        acts.filter_map(|act| match act {
            sv::Act::Type { bytes, .. } => Some(bytes.escaped()),
            _ => None,
        })
        .collect()
    };
    let type_it = |text: &str| Stimulus::Type {
        program: "server".to_owned(),
        data: Data {
            source: DataSource::Text(text.to_owned()),
            pieces: Vec::new(),
        },
    };
    let number = || type_it("2\n");
    let name = || type_it("poem.txt\n");
    assert_eq!(
        typed(vec![start("server"), number()], true),
        ["poem.txt\\n", "2\\n"]
    );
    assert_eq!(typed(vec![start("server"), number()], false), ["2\\n"]);
    // The scenario says it itself.
    assert_eq!(typed(vec![start("server"), name()], true), ["poem.txt\\n"]);
}
