//! The hours of the week in which something is signed, in UTC.

use jiff::civil::Weekday;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, Zoned};
use serde::Deserialize;
use std::collections::BTreeSet;
use std::fmt;
use thiserror::Error;

/// Minutes of a day.
const DAY: u16 = 24 * 60;

/// Opening hours: from a time of some days on, until another time of the same day, or of the next one where that is
/// earlier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hours {
    /// In minutes of the day.
    from: u16,
    to: u16,
    days: BTreeSet<Day>,
}

/// Hours that never are.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum HoursError {
    /// A time of the day that is none.
    #[error("{0:?} is no time of the day: write it like \"08:30\", from \"00:00\" to \"24:00\"")]
    Time(String),
    /// They have no length.
    #[error("`from` and `to` are the same")]
    Empty,
    /// No day.
    #[error("`days` is empty")]
    NoDay,
}

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Day {
    /// Monday.
    Mon,
    /// Tuesday.
    Tue,
    /// Wednesday.
    Wed,
    /// Thursday.
    Thu,
    /// Friday.
    Fri,
    /// Saturday.
    Sat,
    /// Sunday.
    Sun,
}

impl From<Weekday> for Day {
    fn from(day: Weekday) -> Self {
        match day {
            Weekday::Monday => Self::Mon,
            Weekday::Tuesday => Self::Tue,
            Weekday::Wednesday => Self::Wed,
            Weekday::Thursday => Self::Thu,
            Weekday::Friday => Self::Fri,
            Weekday::Saturday => Self::Sat,
            Weekday::Sunday => Self::Sun,
        }
    }
}

/// Minutes of the day, from a text like `08:30`.
fn minutes(text: &str) -> Result<u16, HoursError> {
    let digits = |text: &str, most: u16| {
        let number: Option<u16> = text.parse().ok();
        number
            .filter(|number| *number <= most && text.len() == 2 && text.bytes().all(|it| it.is_ascii_digit()))
    };
    let time = text.split_once(':').and_then(|(hour, minute)| {
        let time = digits(hour, 24)? * 60 + digits(minute, 59)?;
        (time <= DAY).then_some(time)
    });
    time.ok_or_else(|| HoursError::Time(text.to_owned()))
}

impl Hours {
    /// Hours of days, as texts like `08:30`.
    ///
    /// # Errors
    /// [`HoursError`].
    pub fn new(from: &str, to: &str, days: BTreeSet<Day>) -> Result<Self, HoursError> {
        let (from, to) = (minutes(from)?, minutes(to)?);
        if from == to {
            return Err(HoursError::Empty);
        }
        if days.is_empty() { Err(HoursError::NoDay) } else { Ok(Self { from, to, days }) }
    }

    /// When it opens again, in milliseconds since 1970 UTC; `None` where it is open. A time that no calendar has is
    /// never open.
    pub(super) fn closed_until(&self, time: u64) -> Option<u64> {
        const NEVER: u64 = u64::MAX;
        let Some(now) = zoned(time) else { return Some(NEVER) };
        let length = if self.from < self.to { self.to - self.from } else { DAY - self.from + self.to };
        // Yesterday's may not be over yet.
        let openings = (-1..=7).filter_map(|days| {
            let day = now.date().checked_add(Span::new().days(days)).ok()?;
            let midnight = day.to_zoned(TimeZone::UTC).ok()?;
            let opens = midnight.checked_add(Span::new().minutes(self.from)).ok()?;
            self.days.contains(&day.weekday().into()).then_some(opens)
        });
        let mut next = None;
        for opens in openings {
            if opens > now {
                next = Some(opens);
                break;
            }
            if opens.checked_add(Span::new().minutes(length)).is_ok_and(|closes| now < closes) {
                return None;
            }
        }
        let milliseconds = |opens: Zoned| u64::try_from(opens.timestamp().as_millisecond()).unwrap_or(NEVER);
        Some(next.map_or(NEVER, milliseconds))
    }
}

fn zoned(time: u64) -> Option<Zoned> {
    let time = Timestamp::from_millisecond(i64::try_from(time).ok()?).ok()?;
    Some(time.to_zoned(TimeZone::UTC))
}

impl fmt::Display for Hours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let days: Vec<String> = self.days.iter().map(|day| format!("{day:?}")).collect();
        let time = |minutes: u16| format!("{:02}:{:02}", minutes / 60, minutes % 60);
        write!(f, "{} to {} UTC, {}", time(self.from), time(self.to), days.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> u64 {
        u64::try_from(text.parse::<Timestamp>().unwrap().as_millisecond()).unwrap()
    }

    #[test]
    fn it_is_open_from_the_first_moment_to_the_last() {
        let hours = Hours::new("08:00", "18:30", [Day::Mon, Day::Fri].into()).unwrap();
        // 27 November 2026 is a Friday.
        for (now, opens) in [
            ("2026-11-27T08:00:00Z", None),
            ("2026-11-27T18:29:59.999Z", None),
            ("2026-11-27T07:59:59.999Z", Some("2026-11-27T08:00:00Z")),
            ("2026-11-27T18:30:00Z", Some("2026-11-30T08:00:00Z")),
            ("2026-11-28T12:00:00Z", Some("2026-11-30T08:00:00Z")),
            ("2026-11-30T19:00:00Z", Some("2026-12-04T08:00:00Z")),
        ] {
            assert_eq!(hours.closed_until(at(now)), opens.map(at), "{now}");
        }
        let nights = Hours::new("22:00", "06:00", [Day::Fri].into()).unwrap();
        for (now, opens) in [
            ("2026-11-27T21:59:59.999Z", Some("2026-11-27T22:00:00Z")),
            ("2026-11-27T22:00:00Z", None),
            ("2026-11-28T05:59:59.999Z", None),
            ("2026-11-28T06:00:00Z", Some("2026-12-04T22:00:00Z")),
            // Thursday night is not Friday's.
            ("2026-11-27T05:00:00Z", Some("2026-11-27T22:00:00Z")),
        ] {
            assert_eq!(nights.closed_until(at(now)), opens.map(at), "{now}");
        }
        let always = Hours::new("00:00", "24:00", [Day::Fri].into()).unwrap();
        assert_eq!(always.closed_until(at("2026-11-27T23:59:59.999Z")), None);
        let mondays = Hours::new("08:00", "09:00", [Day::Mon].into()).unwrap();
        assert_eq!(mondays.closed_until(at("2026-11-30T09:00:00Z")), Some(at("2026-12-07T08:00:00Z")));
        assert_eq!(mondays.closed_until(u64::MAX), Some(u64::MAX));
    }

    #[test]
    fn hours_that_never_are_are_refused() {
        let days = || BTreeSet::from([Day::Mon]);
        for time in ["8h", "8:05", " 8:05", "08:5", "24:01", "23:60", "+8:00", "", "08:00:00"] {
            assert_eq!(Hours::new(time, "09:00", days()), Err(HoursError::Time(time.to_owned())));
        }
        assert_eq!(Hours::new("09:00", "09:00", days()), Err(HoursError::Empty));
        assert_eq!(Hours::new("08:00", "09:00", BTreeSet::new()), Err(HoursError::NoDay));
    }
}
