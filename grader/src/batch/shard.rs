//! A part of a class, where several machines share nothing.

use std::str::FromStr;

use super::item::Identity;

/// One of several parts: `0/4` to `3/4`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    number: u32,
    of: u32,
}

impl Shard {
    /// The whole as its only part.
    pub const WHOLE: Self = Self { number: 0, of: 1 };

    /// The part with this number of so many; `None` where there is none.
    #[must_use]
    pub fn new(number: u32, of: u32) -> Option<Self> {
        (number < of).then_some(Self { number, of })
    }

    /// Which part, from 0.
    #[must_use]
    pub fn number(self) -> u32 {
        self.number
    }

    /// Of how many.
    #[must_use]
    pub fn of(self) -> u32 {
        self.of
    }

    /// Whether somebody's submission belongs to this part. It depends on whose it is and nothing
    /// else, so that parts fit together whatever each machine finds; all attempts at a lab stay
    /// together.
    #[must_use]
    pub fn has(self, identity: &Identity) -> bool {
        let mut hasher = blake3::Hasher::new();
        for part in [&identity.group, &identity.student, &identity.lab] {
            hasher.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_le_bytes());
            hasher.update(part.as_bytes());
        }
        let mut first = [0; 8];
        first.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
        u64::from_le_bytes(first) % u64::from(self.of) == u64::from(self.number)
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wanted = || "a part is NUMBER/PARTS, counted from 0: 0/4, 1/4, 2/4, 3/4".to_owned();
        let (number, of) = text.split_once('/').ok_or_else(wanted)?;
        let number = number.parse().map_err(|_| wanted())?;
        let of = of.parse().map_err(|_| wanted())?;
        Self::new(number, of).ok_or_else(wanted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_submission_is_in_exactly_one_part() {
        let shards: Vec<Shard> = (0..4).map(|n| format!("{n}/4").parse().unwrap()).collect();
        let mut sizes = [0_u32; 4];
        for n in 0..400 {
            let identity = Identity {
                group: "21214".into(),
                student: format!("s{n}"),
                lab: "us-upper".into(),
                attempt: 1,
            };
            let mine: Vec<usize> = (0..4).filter(|i| shards[*i].has(&identity)).collect();
            assert_eq!(mine.len(), 1);
            let again = Identity {
                attempt: 2,
                ..identity
            };
            assert!(shards[mine[0]].has(&again));
            sizes[mine[0]] += 1;
        }
        assert!(sizes.iter().all(|n| (60..140).contains(n)), "{sizes:?}");
    }

    #[test]
    fn what_is_no_part_is_refused() {
        for bad in ["4/4", "1", "a/b", "0/0", "-1/4", "1/4/2"] {
            assert!(bad.parse::<Shard>().is_err(), "{bad}");
        }
    }
}
