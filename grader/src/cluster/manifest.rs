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
    /// The labs.
    pub labs: Vec<String>,
    /// The submissions' place on the volume.
    pub source: String,
    /// How many shards.
    pub shards: usize,
    /// How many run at once.
    pub parallel: usize,
}

/// Where the volume is inside a container.
const VOLUME: &str = "/class";

/// The manifest, as JSON, which is YAML as well and which `kubectl apply -f` takes.
///
/// A pod that is lost to its node is tried again without counting; one that the grader cannot run
/// in (exit status 2, wrong usage) fails its index at once (Kubernetes' documentation of Job:
/// `podFailurePolicy`, `backoffLimitPerIndex`).
#[must_use]
pub fn kubernetes(options: &ManifestOptions) -> String {
    let mut command = vec!["grader".to_owned(), "batch".to_owned()];
    command.extend(options.labs.iter().cloned());
    command.extend([
        format!("{VOLUME}/{}", options.source),
        "--shard".to_owned(),
        format!("$(JOB_COMPLETION_INDEX)/{}", options.shards),
        "--gradebook".to_owned(),
        format!("{VOLUME}/{}-$(JOB_COMPLETION_INDEX).db", options.name),
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
