//! Whether what is merged is a whole class, and one that can be compared with itself.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use grader::batch::Shard;
use grader::gradebook::{Division, Fit, Gradebook};
use grader::text::clean;

use super::failed;
use super::merge::Seen;
use crate::cli::failure::Failure;
use crate::cli::lang::both;
use crate::cli::tell::tell;
use crate::cli::words::Words;

/// The parts of the class that are named, and those that are there.
#[derive(Default)]
pub(super) struct Parts {
    before: BTreeMap<String, Division>,
    named: BTreeMap<String, Division>,
    /// Who brings a part, as far as it was divided.
    from: Vec<(String, Shard, PathBuf)>,
}

impl Parts {
    /// What the gradebook has already.
    pub(super) fn before(&mut self, book: &Gradebook) -> Result<(), Failure> {
        self.before = book.parts().map_err(|e| failed(book.path(), e))?;
        Ok(())
    }

    /// What a part brings.
    pub(super) fn part(&mut self, book: &Gradebook) -> Result<(), Failure> {
        for (lab, division) in book.parts().map_err(|e| failed(book.path(), e))? {
            let named = self.named.entry(lab.clone()).or_default();
            for shard in division.shards().filter(|shard| *shard != Shard::WHOLE) {
                named.add(shard);
                let from = book.path().to_owned();
                self.from.push((lab.clone(), shard, from));
            }
        }
        Ok(())
    }

    fn fits(&self) -> impl Iterator<Item = (&String, Fit)> {
        let nothing = Division::default();
        self.named.iter().map(move |(lab, named)| {
            let before = self.before.get(lab).unwrap_or(&nothing);
            (lab, named.onto(before))
        })
    }

    /// Refuses parts of classes that were divided otherwise: some students are in two of them, some
    /// in none.
    pub(super) fn same_division(&self) -> Result<(), Failure> {
        for (lab, fit) in self.fits() {
            let Fit::Unlike(divisions) = fit else {
                continue;
            };
            let mut said = Vec::new();
            for parts in divisions {
                let mut from = self.from.iter();
                let one = from.find(|(of, shard, _)| of == lab && shard.of() == parts);
                said.push(match one {
                    Some((_, shard, path)) => {
                        let (number, path) = (shard.number(), path.display());
                        both(
                            format!("{number} of {parts} in {path}"),
                            format!("{number} из {parts} в {path}"),
                        )
                    }
                    None => both(
                        format!("some of {parts} in the gradebook"),
                        format!("какие-то из {parts} в ведомости"),
                    ),
                });
            }
            let said = said.join(", ");
            return Err(Failure::usage(clean(&both(
                format!("{lab}: parts of different divisions make no class: {said}"),
                format!("{lab}: части разных делений не составляют группу: {said}"),
            )))
            .hint(both(
                "grade all parts with the same number of them, --shard 0/N to N-1/N; nothing was merged",
                "проверьте все части при одном их числе, от --shard 0/N до N-1/N; ничего не объединено",
            )));
        }
        Ok(())
    }

    /// Tells what is missing or named twice; `false` where the class is not whole.
    pub(super) fn tell(&self, into: &Path, words: Words) -> bool {
        let mut first: HashMap<(&str, u32, u32), &Path> = HashMap::new();
        for (lab, shard, path) in &self.from {
            let known = first.insert((lab, shard.number(), shard.of()), path);
            if let Some(known) = known {
                tell!("{}", clean(&words.twice(lab, *shard, known, path)));
            }
        }
        let mut whole = true;
        for (lab, fit) in self.fits() {
            match fit {
                Fit::Whole | Fit::Unlike(_) => {}
                Fit::Some(parts) => tell!("{}", clean(&words.some_parts(lab, parts, into))),
                Fit::Lacking(parts, missing) => {
                    whole = false;
                    tell!("{}", clean(&words.missing_parts(lab, parts, &missing)));
                }
            }
        }
        whole
    }
}

/// What was granted (isolation, observation, and what the lab needs and was lacking), to how many, and
/// one of them, with where it is.
type Kinds = BTreeMap<(String, String, Vec<String>), (usize, String)>;

/// A lab whose results were made by machines that grant unlike things.
pub(super) struct Unlike {
    /// The lab.
    pub(super) lab: String,
    /// The unlike things.
    pub(super) kinds: Kinds,
}

/// The labs of which that is so: not all of such points can be compared.
pub(super) fn granted(seen: &Seen) -> Vec<Unlike> {
    let mut labs: BTreeMap<&str, Kinds> = BTreeMap::new();
    for (path, record) in seen.values() {
        let enforced = record.report.as_ref().and_then(|r| r.enforced.as_ref());
        let Some(enforced) = enforced else {
            continue;
        };
        let kind = (
            enforced.isolation.clone(),
            enforced.observation.clone(),
            enforced.lacks.clone(),
        );
        let one = format!("{} in {}", record.identity, path.display());
        let kinds = labs.entry(&record.identity.lab).or_default();
        let (count, known) = kinds.entry(kind).or_insert((0, one.clone()));
        *count += 1;
        // The same one each time: what is seen has no order.
        if one < *known {
            *known = one;
        }
    }
    let unlike = labs.into_iter().filter(|(_, kinds)| kinds.len() > 1);
    unlike
        .map(|(lab, kinds)| Unlike {
            lab: lab.to_owned(),
            kinds,
        })
        .collect()
}
