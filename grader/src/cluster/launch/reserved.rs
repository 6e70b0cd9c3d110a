//! Options of sbatch(1) that are grader's own affair.

use crate::lab::Text;

/// What grader says itself: its long name, its letter, and what to do instead.
const RESERVED: [(&str, Option<char>, &str, &str); 6] = [
    (
        "job-name",
        Some('J'),
        "by its name a job is found again; --comment is free",
        "по имени задание находят снова; свободен --comment",
    ),
    (
        "array",
        Some('a'),
        "--workers says how many",
        "сколько их, говорит --workers",
    ),
    (
        "clusters",
        Some('M'),
        "set SLURM_CLUSTERS, which squeue and scancel go by as well",
        "задайте SLURM_CLUSTERS: с ним считаются и squeue, и scancel",
    ),
    (
        "output",
        Some('o'),
        "what workers say is read from STORE/log",
        "что говорят исполнители, читается из STORE/log",
    ),
    (
        "wait",
        Some('W'),
        "the batch waits by itself",
        "проверка ждёт сама",
    ),
    ("wrap", None, "the script is grader's", "скрипт — от grader"),
];

/// Variables by which sbatch(1), squeue(1) and scancel(1) do something else than they are told: those of
/// sbatch beat the script's directives.
pub(super) const VARIABLES: [&str; 14] = [
    "SBATCH_JOB_NAME",
    "SBATCH_ARRAY_INX",
    "SBATCH_OUTPUT",
    "SBATCH_WAIT",
    "SQUEUE_FORMAT",
    "SQUEUE_FORMAT2",
    "SQUEUE_NAMES",
    "SQUEUE_PARTITION",
    "SQUEUE_STATES",
    "SQUEUE_ACCOUNT",
    "SQUEUE_QOS",
    "SCANCEL_INTERACTIVE",
    "SCANCEL_NAME",
    "SCANCEL_STATE",
];

/// Why an option is not one to be given.
pub(super) fn reserved(argument: &str) -> Option<Text> {
    let end = argument.find(['=', ' ']).unwrap_or(argument.len());
    let is = |long: &str, letter: Option<char>| match argument[..end].strip_prefix("--") {
        // As much of a long name as is nobody else's will do (getopt_long(3)); `--wait-all-nodes` is
        // another one, and so is what `--a` and `--w` may stand for.
        Some(name) => name.len() > 2 && long.starts_with(name),
        None => letter.is_some_and(|letter| argument[1..].starts_with(letter)),
    };
    let (long, _, en, ru) = RESERVED
        .iter()
        .find(|(long, letter, ..)| is(long, *letter))?;
    Some(Text::both(
        format!("`{argument}`: grader says --{long} itself: {en}"),
        format!("`{argument}`: --{long} задаёт сам grader: {ru}"),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_hide_the_workers_is_refused() {
        for bad in [
            "--job-name=os",
            "--job-name os",
            "--job=os",
            "-J os",
            "-Jos",
            "-a 0-3",
            "--array=0-3",
            "-W",
            "--wait",
            "--wrap=x",
            "--output=x",
            "-M all",
        ] {
            let why = reserved(bad);
            assert!(
                why.is_some_and(|why| why.en.starts_with(&format!("`{bad}`: "))),
                "{bad}"
            );
        }
        for good in [
            "--partition=grade",
            "-p grade",
            "--account=a",
            "-A os",
            "-w n1",
            "--wait-all-nodes=1",
            "--wckey=x",
            "--comment=--array",
            "--open-mode=truncate",
            "-c 2",
            "-q low",
        ] {
            assert!(reserved(good).is_none(), "{good}");
        }
    }
}
