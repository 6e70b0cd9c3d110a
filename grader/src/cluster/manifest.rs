//! A Kubernetes Job with indexed completions: one shard for each index, where nothing is shared but
//! the volume that results are put on.

use serde_json::json;

/// What the Job is made of.
#[derive(Clone, Debug)]
pub struct ManifestOptions {
    /// Its name: letters of DNS labels.
    pub name: String,
    /// The image that has the grader and a C compiler.
    pub image: String,
    /// The persistent volume claim on which the submissions are, and results are put.
    pub claim: String,
    /// The labs, and last the submissions' place on the volume.
    pub what: Vec<String>,
    /// What else every shard is told.
    pub options: Vec<String>,
    /// How many shards.
    pub shards: usize,
    /// How many run at once.
    pub parallel: usize,
}

/// Where the volume is inside a container.
const VOLUME: &str = "/class";
/// That some submission cannot be graded (exit status 1) is no failure of the pod: to grade it again
/// would say the same.
const STATUS: &str = r#""$@"; status=$?; [ $status != 1 ] || exit 0; exit $status"#;

/// The manifest, as JSON, which is YAML as well and which `kubectl apply -f` takes.
///
/// A pod that is lost to its node is tried again without counting; one that the grader cannot run
/// in (exit status 2, wrong usage) fails its index at once (Kubernetes' documentation of Job:
/// `podFailurePolicy`, `backoffLimitPerIndex`).
#[must_use]
pub fn kubernetes(options: &ManifestOptions) -> String {
    let mut command: Vec<String> = ["sh", "-c", STATUS, "sh", "grader", "batch"]
        .map(str::to_owned)
        .into();
    // A `$(…)` of theirs would be taken for a variable of the pod's.
    let theirs = options.what.iter().chain(&options.options);
    command.extend(theirs.map(|word| word.replace("$(", "$$(")));
    command.extend([
        "--shard".to_owned(),
        format!("$(JOB_COMPLETION_INDEX)/{}", options.shards),
        "--gradebook".to_owned(),
        format!("{}-$(JOB_COMPLETION_INDEX).db", options.name),
        "--quiet".to_owned(),
    ]);
    let manifest = json!({
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": { "name": options.name },
        "spec": {
            "completionMode": "Indexed",
            "completions": options.shards,
            "parallelism": options.parallel,
            "backoffLimitPerIndex": 3,
            "maxFailedIndexes": options.shards,
            "podReplacementPolicy": "Failed",
            "podFailurePolicy": { "rules": [
                {
                    "action": "Ignore",
                    "onPodConditions": [{ "type": "DisruptionTarget", "status": "True" }]
                },
                {
                    "action": "FailIndex",
                    "onExitCodes": { "containerName": "grade", "operator": "In", "values": [2] }
                }
            ] },
            "template": { "spec": {
                "restartPolicy": "Never",
                "containers": [{
                    "name": "grade",
                    "image": options.image,
                    "command": command,
                    "workingDir": VOLUME,
                    "resources": {
                        "requests": { "cpu": "1", "memory": "1Gi" },
                        "limits": { "memory": "2Gi" }
                    },
                    "volumeMounts": [{ "name": "class", "mountPath": VOLUME }]
                }],
                "volumes": [{
                    "name": "class",
                    "persistentVolumeClaim": { "claimName": options.claim }
                }]
            } }
        }
    });
    format!("{manifest:#}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pod_is_told_everything_and_fails_for_its_own_faults_only() {
        let text = kubernetes(&ManifestOptions {
            name: "grader".into(),
            image: "image".into(),
            claim: "claim".into(),
            what: vec!["us-upper".into(), "sub/$(x)".into()],
            options: vec!["--layout".into(), "{student}".into()],
            shards: 4,
            parallel: 2,
        });
        let manifest: serde_json::Value = serde_json::from_str(&text).unwrap();
        let container = &manifest["spec"]["template"]["spec"]["containers"][0];
        assert_eq!(container["workingDir"], VOLUME);
        let command = container["command"].as_array().unwrap();
        let words: Vec<&str> = command.iter().map(|word| word.as_str().unwrap()).collect();
        assert_eq!(words[..3], ["sh", "-c", STATUS]);
        assert_eq!(
            words[4..],
            [
                "grader",
                "batch",
                "us-upper",
                "sub/$$(x)",
                "--layout",
                "{student}",
                "--shard",
                "$(JOB_COMPLETION_INDEX)/4",
                "--gradebook",
                "grader-$(JOB_COMPLETION_INDEX).db",
                "--quiet"
            ]
        );
        for (ends, pod) in [(0, 0), (1, 0), (2, 2), (3, 3)] {
            let status = std::process::Command::new("sh")
                .args(["-c", STATUS, "sh", "sh", "-c", &format!("exit {ends}")])
                .status();
            assert_eq!(status.unwrap().code(), Some(pod));
        }
    }
}
