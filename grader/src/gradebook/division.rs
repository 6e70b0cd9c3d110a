//! Which parts of a class are in a gradebook: of one that is forgotten there is no other trace.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::params;

use super::merge::Merge;
use super::{Gradebook, GradebookError};
use crate::batch::Shard;

/// The parts of a lab's class that are there, however often it was divided, and into how many.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Division(BTreeMap<u32, BTreeSet<u32>>);

/// Whether parts that are put together are all there are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fit {
    /// They are, or nothing was divided.
    Whole,
    /// So far some are missing: `(parts, numbers)`, the first few.
    Lacking(u32, Vec<u32>),
    /// They are not, but the class was there before as a whole.
    Some(u32),
    /// They are of divisions into these numbers of parts, none of which is whole.
    Unlike(Vec<u32>),
}

/// More missing parts than this are not named.
const NAMED: usize = 16;

impl Division {
    /// Adds a part.
    pub fn add(&mut self, shard: Shard) {
        self.0.entry(shard.of()).or_default().insert(shard.number());
    }

    /// All parts.
    pub fn shards(&self) -> impl Iterator<Item = Shard> {
        let all = self.0.iter();
        all.flat_map(|(of, numbers)| numbers.iter().filter_map(|n| Shard::new(*n, *of)))
    }

    /// Whether there is a division of which no part is missing.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.0.keys().any(|of| self.lacks(*of).is_empty())
    }

    /// Of each division that is not whole the parts that are missing, the first few; nothing where
    /// one is whole.
    #[must_use]
    pub fn missing(&self) -> Vec<(u32, Vec<u32>)> {
        if self.is_whole() {
            return Vec::new();
        }
        self.0.keys().map(|of| (*of, self.lacks(*of))).collect()
    }

    fn lacks(&self, of: u32) -> Vec<u32> {
        let there = self.0.get(&of);
        let lacks = |n: &u32| there.is_none_or(|numbers| !numbers.contains(n));
        (0..of).filter(lacks).take(NAMED).collect()
    }

    /// How these parts go together with what was there before.
    #[must_use]
    pub fn onto(&self, before: &Self) -> Fit {
        let mut all = before.clone();
        self.shards().for_each(|shard| all.add(shard));
        let lacking = self.0.keys().find(|of| !all.lacks(**of).is_empty());
        let Some(lacking) = lacking else {
            return Fit::Whole;
        };
        if before.is_whole() {
            return Fit::Some(*lacking);
        }
        // Whoever divided nothing has graded other students.
        all.0.remove(&1);
        if all.is_whole() {
            return Fit::Whole;
        }
        match all.0.keys().copied().collect::<Vec<_>>()[..] {
            [of] => Fit::Lacking(of, all.lacks(of)),
            ref several => Fit::Unlike(several.to_vec()),
        }
    }
}

impl Gradebook {
    /// The parts that each lab's class consists of here; none of a lab of which no batch was finished
    /// that was for all its students.
    ///
    /// # Errors
    /// The gradebook cannot be read.
    pub fn parts(&self) -> Result<BTreeMap<String, Division>, GradebookError> {
        let mut query = self
            .connection
            .prepare("SELECT lab.name, number, parts FROM part JOIN lab ON lab.id = part.lab")?;
        let mut rows = query.query([])?;
        let mut all: BTreeMap<String, Division> = BTreeMap::new();
        while let Some(row) = rows.next()? {
            if let Some(shard) = Shard::new(row.get(1)?, row.get(2)?) {
                all.entry(row.get(0)?).or_default().add(shard);
            }
        }
        Ok(all)
    }
}

impl Merge<'_> {
    /// Notes that this part of a lab's class is here.
    ///
    /// # Errors
    /// The gradebook cannot be written.
    pub fn has_part(&mut self, lab: &str, shard: Shard) -> Result<(), GradebookError> {
        let lab = self.lab(lab)?;
        self.step.execute(
            "INSERT INTO part (lab, parts, number) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            params![lab, shard.of(), shard.number()],
        )?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn division(parts: &[(u32, u32)]) -> Division {
        let mut all = Division::default();
        for (number, of) in parts {
            all.add(Shard::new(*number, *of).unwrap());
        }
        all
    }

    #[test]
    fn a_part_that_is_not_there_is_missed() {
        let nothing = Division::default();
        let three = division(&[(0, 4), (1, 4), (3, 4)]);
        assert_eq!(three.onto(&nothing), Fit::Lacking(4, vec![2]));
        assert_eq!(three.missing(), [(4, vec![2])]);
        // Now or later.
        let last = division(&[(2, 4)]);
        assert_eq!(last.onto(&three), Fit::Whole);
        assert_eq!(division(&[(0, 4)]).onto(&last), Fit::Lacking(4, vec![1, 3]));
        let all = division(&[(0, 2), (1, 2)]);
        assert!(all.is_whole() && all.missing().is_empty());
        assert_eq!(all.onto(&nothing), Fit::Whole);
    }

    #[test]
    fn a_part_of_a_class_that_is_there_takes_nothing_away_from_it() {
        let whole = division(&[(0, 1)]);
        let again = division(&[(0, 2), (1, 2)]);
        assert_eq!(division(&[(5, 8)]).onto(&whole), Fit::Some(8));
        assert_eq!(division(&[(5, 8)]).onto(&again), Fit::Some(8));
        assert_eq!(whole.onto(&again), Fit::Whole);
    }

    #[test]
    fn parts_of_two_divisions_are_no_class_unless_one_is_whole() {
        let nothing = Division::default();
        let two = [(0, 3), (1, 4)];
        assert_eq!(division(&two).onto(&nothing), Fit::Unlike(vec![3, 4]));
        assert_eq!(
            division(&[(1, 4)]).onto(&division(&[(0, 3)])),
            Fit::Unlike(vec![3, 4])
        );
        let one_whole = [(0, 2), (1, 2), (1, 4)];
        assert_eq!(division(&one_whole).onto(&nothing), Fit::Whole);
        // A group that was graded undivided is another group.
        let beside = division(&[(0, 1), (0, 2)]);
        assert_eq!(beside.onto(&nothing), Fit::Lacking(2, vec![1]));
        let beside = division(&[(0, 1), (0, 2), (1, 2), (1, 4)]);
        assert_eq!(beside.onto(&nothing), Fit::Whole);
    }

    #[test]
    fn as_many_parts_as_one_likes_cost_nothing() {
        let one = division(&[(0, u32::MAX)]);
        let Fit::Lacking(u32::MAX, named) = one.onto(&Division::default()) else {
            panic!("most are missing");
        };
        assert_eq!(named.len(), NAMED);
    }
}
