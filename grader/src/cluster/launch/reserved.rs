//! Options of sbatch(1) that are grader's own affair.

use std::ffi::OsStr;

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

/// Variables of sbatch(1) that beat what its script says.
const BEAT: [&str; 4] = [
    "SBATCH_JOB_NAME",
    "SBATCH_ARRAY_INX",
    "SBATCH_OUTPUT",
    "SBATCH_WAIT",
];

/// Whether a variable makes sbatch(1), squeue(1) or scancel(1) do something else than they are told. The
/// latter two are asked about workers only, which nothing may hide.
pub(super) fn misleads(variable: &OsStr) -> bool {
    let Some(name) = variable.to_str() else {
        return false;
    };
    name.starts_with("SQUEUE_") || name.starts_with("SCANCEL_") || BEAT.contains(&name)
}

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
    fn a_sites_own_variables_are_left() {
        for (name, wanted) in [
            ("SQUEUE_STATES", true),
            ("SCANCEL_INTERACTIVE", true),
            ("SBATCH_JOB_NAME", true),
            ("SBATCH_PARTITION", false),
            ("SLURM_CONF", false),
            ("SLURM_CLUSTERS", false),
        ] {
            assert_eq!(misleads(OsStr::new(name)), wanted, "{name}");
        }
    }

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
