//! What handing in late costs.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use crate::lab::Lang;

/// A late policy: `10%/day`, `5/day, max 50%, grace 15m`, `none`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Late {
    per_day: Option<Amount>,
    most: Option<Amount>,
    grace: i64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Amount {
    /// Of what was earned.
    Percent(f64),
    Points(f64),
}

/// A policy that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "`{0}` is no late policy; write `10%/day`, `5/day, max 50%`, `10%/day, grace 15m`, or `none`"
)]
pub struct LateError(String);

impl LateError {
    /// The same for who reads `lang`.
    #[must_use]
    pub fn told(&self, lang: Lang) -> String {
        match lang {
            Lang::En => self.to_string(),
            Lang::Ru => format!(
                "`{}` — не правило; пишется `10%/day`, `5/day, max 50%`, `10%/day, grace 15m` или `none`",
                self.0
            ),
        }
    }
}

const DAY: i64 = 86_400;

impl Late {
    /// The points that are taken away from `points`.
    #[must_use]
    pub fn penalty(&self, points: f64, submitted: Option<i64>, due: Option<i64>) -> f64 {
        let (Some(per_day), Some(submitted), Some(due)) = (self.per_day, submitted, due) else {
            return 0.0;
        };
        let late = submitted.saturating_sub(due);
        if late <= self.grace {
            return 0.0;
        }
        // A day begun is a day; the grace only forgives, it moves nothing.
        let days = ((late - 1) / DAY + 1) as f64;
        let of = |amount: Amount| match amount {
            Amount::Percent(percent) => points * percent / 100.0,
            Amount::Points(points) => points,
        };
        let all = of(per_day) * days;
        let most = self.most.map_or(points, of);
        all.min(most).min(points).max(0.0)
    }
}

impl FromStr for Late {
    type Err = LateError;

    fn from_str(text: &str) -> Result<Self, LateError> {
        let bad = || LateError(text.to_owned());
        let mut out = Self::default();
        for part in text
            .split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty())
        {
            if part == "none" {
                continue;
            }
            if let Some(most) = part.strip_prefix("max ") {
                out.most = Some(amount(most).ok_or_else(bad)?);
            } else if let Some(grace) = part.strip_prefix("grace ") {
                out.grace = seconds(grace.trim()).ok_or_else(bad)?;
            } else {
                let per = part.strip_suffix("/day").ok_or_else(bad)?;
                out.per_day = Some(amount(per).ok_or_else(bad)?);
            }
        }
        Ok(out)
    }
}

impl fmt::Display for Late {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(per_day) = self.per_day else {
            return f.write_str("none");
        };
        write!(f, "{per_day}/day")?;
        if let Some(most) = self.most {
            write!(f, ", max {most}")?;
        }
        if self.grace > 0 {
            write!(f, ", grace {}m", self.grace / 60)?;
        }
        Ok(())
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Percent(n) => write!(f, "{n}%"),
            Self::Points(n) => write!(f, "{n}"),
        }
    }
}

fn amount(text: &str) -> Option<Amount> {
    let text = text.trim();
    let number = |text: &str| {
        let number: f64 = text.trim().parse().ok()?;
        (number.is_finite() && (0.0..=100_000.0).contains(&number)).then_some(number)
    };
    match text.strip_suffix('%') {
        Some(percent) => number(percent).map(Amount::Percent),
        None => number(text).map(Amount::Points),
    }
}

fn seconds(text: &str) -> Option<i64> {
    let cut = text.len().checked_sub(1)?;
    let (number, unit) = text.split_at_checked(cut)?;
    let number: i64 = number.parse().ok().filter(|n| (0..100_000).contains(n))?;
    Some(match unit {
        "m" => number * 60,
        "h" => number * 3600,
        "d" => number * DAY,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_begun_is_a_day() {
        let penalty = |policy: &str, late: i64| {
            let late_policy: Late = policy.parse().unwrap();
            late_policy.penalty(80.0, Some(1000 + late), Some(1000))
        };
        assert_eq!(penalty("10%/day", 0), 0.0);
        assert_eq!(penalty("10%/day", 1), 8.0);
        assert_eq!(penalty("10%/day", DAY), 8.0);
        assert_eq!(penalty("10%/day", DAY + 1), 16.0);
        assert_eq!(penalty("10%/day, grace 15m", 900), 0.0);
        assert_eq!(penalty("10%/day, grace 15m", 901), 8.0);
        assert_eq!(penalty("5/day, max 50%", 30 * DAY), 40.0);
        assert_eq!(penalty("30/day", 30 * DAY), 80.0);
        assert_eq!(penalty("none", 30 * DAY), 0.0);
        let late: Late = "10%/day".parse().unwrap();
        assert_eq!(late.penalty(80.0, None, Some(1)), 0.0);
    }

    #[test]
    fn a_policy_is_written_as_it_is_read() {
        for text in ["none", "10%/day", "5/day, max 50%, grace 15m"] {
            assert_eq!(text.parse::<Late>().unwrap().to_string(), text);
        }
        for bad in ["10", "10%", "x/day", "-1/day", "10%/day max 5", "grace 5"] {
            assert!(bad.parse::<Late>().is_err(), "{bad}");
        }
    }
}
