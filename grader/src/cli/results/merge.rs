//! `grader results merge`.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use clap::Args;
use grader::batch::{Identity, ItemKey, PreparedLab, ResultRecord, Status};
use grader::gradebook::{Gradebook, LabSettings};
use grader::report::clean;

use super::{failed, say};
use crate::cli::failure::Failure;
use crate::cli::lookup;
use crate::cli::options::LangOption;
use crate::cli::words::Words;

/// Put the parts of a class that several machines have graded into one gradebook
///
/// Parts are what `grader batch --shard` made. Two results of the same files that disagree are
/// refused, and nothing is merged: a verdict that moves is somebody's fault, and not the student's.
#[derive(Args)]
pub(super) struct Merge {
    /// The parts' gradebooks
    #[arg(value_name = "PART", required = true)]
    parts: Vec<PathBuf>,
    /// A lab of the parts that is not inside this executable: its directory (may be repeated)
    #[arg(long, value_name = "DIR")]
    lab: Vec<PathBuf>,
    /// The course, where one gradebook is for several
    #[arg(long, value_name = "NAME", default_value = "course")]
    course: String,
    #[command(flatten)]
    lang: LangOption,
}

type Seen = HashMap<(Identity, ItemKey), (PathBuf, ResultRecord)>;

impl Merge {
    pub(super) fn run(&self, into: &Path) -> Result<(), Failure> {
        let mut seen = Seen::new();
        let mut gradebook = Gradebook::open(into).map_err(|e| failed(into, e))?;
        take(&gradebook, into, &mut seen)?;
        let before = seen.len();
        for part in &self.parts {
            let from = Gradebook::read_only(part).map_err(|e| failed(part, e))?;
            take(&from, part, &mut seen)?;
        }
        let mut records: Vec<ResultRecord> = seen.into_values().map(|(_, record)| record).collect();
        records.sort_by(|a, b| (&a.identity, a.started).cmp(&(&b.identity, b.started)));
        let labs = self.labs(&records)?;
        let mut merge = gradebook
            .merge(&self.course, &labs, "results merge")
            .map_err(|e| failed(into, e))?;
        for lab in labs.keys() {
            merge
                .settings(lab, &LabSettings::default())
                .map_err(|e| failed(into, e))?;
        }
        for record in &records {
            merge.record(record).map_err(|e| failed(into, e))?;
        }
        let merged = merge.finish().map_err(|e| failed(into, e))?;
        let words = Words(self.lang.get());
        let new = records.len() - before;
        say(&words.merged(new, self.parts.len(), merged.pending))
    }

    fn labs(&self, records: &[ResultRecord]) -> Result<BTreeMap<String, PreparedLab>, Failure> {
        let mut labs = BTreeMap::new();
        for dir in &self.lab {
            let lab = PreparedLab::new(lookup::lab(dir)?);
            let lab = lab.map_err(|e| Failure::usage(e.to_string()))?;
            labs.insert(lab.id().to_owned(), lab);
        }
        let mut names: Vec<&str> = records.iter().map(|r| r.identity.lab.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        for name in names {
            if !labs.contains_key(name) {
                let lab = PreparedLab::new(lookup::lab(Path::new(name))?);
                let lab = lab.map_err(|e| Failure::usage(e.to_string()))?;
                labs.insert(name.to_owned(), lab);
            }
        }
        Ok(labs)
    }
}

/// Takes what counts in a gradebook; the same twice is one.
fn take(gradebook: &Gradebook, path: &Path, seen: &mut Seen) -> Result<(), Failure> {
    let mut disagree = None;
    gradebook
        .current(&mut |record| {
            if record.status == Status::Error {
                return;
            }
            let key = (record.identity.clone(), record.key.clone());
            match seen.get(&key) {
                Some((other, known)) if !known.agrees_with(&record) => {
                    disagree.get_or_insert((other.clone(), record.identity.clone()));
                }
                Some(_) => {}
                None => {
                    seen.insert(key, (path.to_owned(), record));
                }
            }
        })
        .map_err(|e| failed(path, e))?;
    match disagree {
        None => Ok(()),
        Some((other, identity)) => Err(Failure::fault(format!(
            "{}: {} and {} have different results of the same files",
            clean(&identity.to_string()),
            other.display(),
            path.display()
        ))
        .hint(
            "nothing was merged; grade this submission again with --repeat 20 and see what moves",
        )),
    }
}
