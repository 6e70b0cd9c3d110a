//! Times as people write them. All are UTC unless an offset is written.

use std::time::{SystemTime, UNIX_EPOCH};

/// Seconds since 1970, now.
#[must_use]
pub fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
    })
}

/// Days since 1970 of a date in the Gregorian calendar (Hinnant, `days_from_civil`).
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// The date of a day since 1970.
fn date(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    let year = year + era * 400 + i64::from(month <= 2);
    (year, month, of_year - (153 * shifted + 2) / 5 + 1)
}

/// A time, as it was written: with the offset from UTC in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    /// Seconds since 1970.
    pub at: i64,
    offset: i64,
}

impl Written {
    /// `2026-11-20 23:59+07:00`; `2026-11-20 23:59 UTC` where nothing else was said.
    #[must_use]
    pub fn shown(self) -> String {
        if self.offset == 0 {
            return shown(self.at);
        }
        let local = shown(self.at + self.offset);
        let (sign, minutes) = (self.offset.signum(), self.offset.abs() / 60);
        let sign = if sign < 0 { '-' } else { '+' };
        let (hours, minutes) = (minutes / 60, minutes % 60);
        format!(
            "{}{sign}{hours:02}:{minutes:02}",
            local.trim_end_matches(" UTC")
        )
    }
}

/// `2026-11-20 23:59`, `2026-11-20T23:59:30+07:00`, `2026-11-20` (the end of that day), or
/// `yesterday`, `today`. `None` for anything else.
#[must_use]
pub fn parse(text: &str) -> Option<i64> {
    written(text).map(|written| written.at)
}

/// The same, with the offset.
#[must_use]
pub fn written(text: &str) -> Option<Written> {
    let text = text.trim();
    let utc = |at| Some(Written { at, offset: 0 });
    match text {
        "now" => return utc(now()),
        "today" => return utc(now().div_euclid(86_400) * 86_400),
        "yesterday" => return utc(now().div_euclid(86_400) * 86_400 - 86_400),
        _ => {}
    }
    let (day, rest) = text.split_at_checked(10)?;
    let mut numbers = day.splitn(3, '-').map(str::parse::<i64>);
    let (year, month, day) = (
        numbers.next()?.ok()?,
        numbers.next()?.ok()?,
        numbers.next()?.ok()?,
    );
    let begin = days(year, month, day);
    if !(1900..=9999).contains(&year) || date(begin) != (year, month, day) {
        return None;
    }
    if rest.is_empty() {
        return utc(begin * 86_400 + 86_399);
    }
    let rest = rest.strip_prefix(['T', ' '])?;
    let (clock, offset) = match rest.find(['Z', '+', '-']) {
        Some(at) => rest.split_at(at),
        None => (rest, "Z"),
    };
    let offset = match offset.split_at_checked(1)? {
        ("Z", "") => 0,
        (sign, zone) => {
            let (hours, minutes) = match zone.split_once(':') {
                Some(both) => both,
                None => zone.split_at_checked(2)?,
            };
            let minutes = if minutes.is_empty() { "0" } else { minutes };
            let seconds = number(hours, 23)? * 3600 + number(minutes, 59)? * 60;
            if sign == "-" { -seconds } else { seconds }
        }
    };
    let parts: Vec<&str> = clock.trim_end().split(':').collect();
    let seconds = match parts[..] {
        [hours, minutes] => number(hours, 23)? * 3600 + number(minutes, 59)? * 60,
        [hours, minutes, seconds] => {
            number(hours, 23)? * 3600 + number(minutes, 59)? * 60 + number(seconds, 59)?
        }
        _ => return None,
    };
    Some(Written {
        at: begin * 86_400 + seconds - offset,
        offset,
    })
}

fn number(text: &str, most: i64) -> Option<i64> {
    let digits = (1..=2).contains(&text.len()) && text.bytes().all(|c| c.is_ascii_digit());
    digits
        .then(|| text.parse().ok())
        .flatten()
        .filter(|n| *n <= most)
}

/// `2026-11-20 23:59 UTC`.
#[must_use]
pub fn shown(time: i64) -> String {
    let (year, month, day) = date(time.div_euclid(86_400));
    let seconds = time.rem_euclid(86_400);
    let (hours, minutes) = (seconds / 3600, seconds % 3600 / 60);
    format!("{year:04}-{month:02}-{day:02} {hours:02}:{minutes:02} UTC")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn times_are_read_as_people_write_them() {
        assert_eq!(parse("1970-01-01T00:00Z"), Some(0));
        assert_eq!(parse("2026-11-20 23:59"), Some(1_795_219_140));
        assert_eq!(parse("2026-11-21T06:59:00+07:00"), Some(1_795_219_140));
        assert_eq!(parse("2026-11-21T06:59:00+0700"), Some(1_795_219_140));
        assert_eq!(parse("2026-11-20"), Some(1_795_219_199));
        assert_eq!(shown(1_795_219_140), "2026-11-20 23:59 UTC");
        for text in ["2026-11-20 23:59+07:00", "2026-11-20 03:59-03:30"] {
            assert_eq!(written(text).unwrap().shown(), text);
        }
        assert_eq!(
            written("2026-11-20 23:59").unwrap().shown(),
            "2026-11-20 23:59 UTC"
        );
        for bad in [
            "",
            "2026-02-30",
            "2026-13-01",
            "20.11.2026",
            "2026-11-20 25:00",
            "2026-11-20 1",
            "2026-11-20x",
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn every_minute_comes_back(minutes in 0i64..4_000_000_000) {
            let time = minutes % 130_000_000 * 60;
            let text = shown(time);
            prop_assert_eq!(parse(text.trim_end_matches(" UTC")), Some(time));
        }

        #[test]
        fn any_text_is_read(text in "\\PC{0,24}") {
            let _ = parse(&text);
        }
    }
}
