//! Times and durations as people write and read them.

use std::time::Duration;

use jiff::Timestamp;

/// The shortest duration that may be asked for.
pub const SHORTEST: Duration = Duration::from_secs(1);

/// A duration that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a duration: write it like 30m, 1h 30m, 12h or 90s")]
pub struct BadDuration(pub String);

/// The longest duration that can be written: ten years, which no access should last.
pub const LONGEST: Duration = Duration::from_secs(10 * 366 * 86_400);

/// The units of a duration in seconds, the largest first.
const UNITS: [(char, u64); 4] = [('d', 86_400), ('h', 3600), ('m', 60), ('s', 1)];

/// Reads `90s`, `30m`, `1h 30m`, `12h`, `7d`; a bare number is refused, and so is a unit that comes twice or after a
/// smaller one, which is a slip rather than a sum.
///
/// # Errors
/// When the text is anything else, or longer than [`LONGEST`].
pub fn parse_duration(text: &str) -> Result<Duration, BadDuration> {
    let bad = || BadDuration(text.escape_debug().take(40).collect());
    let seconds = total_seconds(text).ok_or_else(bad)?;
    Some(Duration::from_secs(seconds)).filter(|duration| *duration <= LONGEST).ok_or_else(bad)
}

fn total_seconds(text: &str) -> Option<u64> {
    let mut units = UNITS.iter();
    let mut total: u64 = 0;
    let mut rest = text.trim_matches(' ');
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, tail) = rest.split_at_checked(digits)?;
        let mut tail = tail.chars();
        let name = tail.next()?;
        // What is left of the iterator are the smaller units.
        let (_, unit) = units.find(|(n, _)| *n == name)?;
        total = number.parse::<u64>().ok()?.checked_mul(*unit)?.checked_add(total)?;
        rest = tail.as_str().trim_start_matches(' ');
    }
    (!text.trim_matches(' ').is_empty()).then_some(total)
}

/// Writes a duration as [`parse_duration`] reads it: `1h 30m`, `90s` as `1m 30s`, zero as `0s`; parts of a second are
/// dropped.
#[must_use]
pub fn format_duration(duration: Duration) -> String {
    let mut rest = duration.as_secs();
    let mut parts = Vec::new();
    for (name, unit) in UNITS {
        if rest / unit > 0 {
            parts.push(format!("{}{name}", rest / unit));
            rest %= unit;
        }
    }
    if parts.is_empty() { "0s".to_owned() } else { parts.join(" ") }
}

/// A moment as JSON and the audit log have it: RFC 3339 in UTC, with milliseconds (`2026-11-23T04:06:00.123Z`).
#[must_use]
pub fn rfc3339(at: Timestamp) -> String {
    format!("{at:.3}")
}

/// `at` without what is finer than a millisecond, so that what is stored and what is compared are the same.
#[must_use]
pub fn to_millis(at: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(at.as_millisecond()).unwrap_or(at)
}

/// `at` moved forward, held at the end of time.
#[must_use]
pub fn after(at: Timestamp, duration: Duration) -> Timestamp {
    at.checked_add(duration).unwrap_or(Timestamp::MAX)
}

/// How long from `now` to `then`; zero when it is past.
#[must_use]
pub fn until(now: Timestamp, then: Timestamp) -> Duration {
    Duration::try_from(then.duration_since(now)).unwrap_or(Duration::ZERO)
}

#[cfg(test)]
mod tests;
