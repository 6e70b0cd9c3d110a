use super::super::sample;
use super::*;
use crate::lab::Lang;

fn text(run: &sample::Run) -> String {
    let mut bytes = Vec::new();
    run.feed(&mut Json::new(&mut bytes, sample::context(Lang::En)));
    String::from_utf8(bytes).unwrap()
}

#[test]
fn one_fault() {
    // The version of the grader is not what this test is about.
    let text = text(&sample::one_fault()).replace(env!("CARGO_PKG_VERSION"), "VERSION");
    insta::assert_snapshot!(text);
}

#[test]
fn hostile_bytes_are_read_back_as_they_were() {
    let run = sample::hostile();
    let text = text(&run);
    assert!(!text.contains("##["), "{text}");
    assert!(!text.contains('\u{1b}') && !text.contains('\0'));
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(value["submission"], run.summary.submission.as_str());
    assert_eq!(
        value["builds"][1]["warnings"],
        run.builds[1].warnings.as_str()
    );
}

#[test]
fn the_schema_names_every_key_that_is_written() {
    let schema = serde_json::to_value(schemars::schema_for!(Report)).unwrap();
    let properties = schema["properties"].as_object().unwrap();
    for run in sample::all() {
        let value: serde_json::Value = serde_json::from_str(&text(&run)).unwrap();
        for key in value.as_object().unwrap().keys() {
            assert!(properties.contains_key(key), "{key}");
        }
    }
}

#[test]
fn faults_are_told_apart_from_failures() {
    let value: serde_json::Value = serde_json::from_str(&text(&sample::machine_fault())).unwrap();
    assert_eq!(value["result"], "error");
    assert_eq!(value["exit-status"], 3);
    assert_eq!(value["requirements"][0]["outcome"], "error");
    assert_eq!(value["requirements"][2]["outcome"], "skipped");
    assert_eq!(value["requirements"][3]["outcome"], "unstable");
}
