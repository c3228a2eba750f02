//! Times and durations as people write and read them.

use std::time::Duration;

use jiff::Timestamp;

/// The shortest duration that may be asked for.
pub const SHORTEST: Duration = Duration::from_secs(1);

/// A duration that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a duration: write it like 30m, 1h 30m, 12h or 90s")]
pub struct BadDuration(pub String);

/// Reads `90s`, `30m`, `1h 30m`, `12h`, `7d`; a bare number is refused.
///
/// # Errors
/// When the text is anything else, or the sum does not fit in ten years.
pub fn parse_duration(text: &str) -> Result<Duration, BadDuration> {
    let bad = || BadDuration(text.escape_debug().take(40).collect());
    let mut total: u64 = 0;
    let mut number: Option<u64> = None;
    let mut parts = 0;
    for c in text.chars() {
        match c {
            '0'..='9' => {
                let digit = u64::from(c) - u64::from('0');
                number = Some(number.unwrap_or(0).checked_mul(10).and_then(|n| n.checked_add(digit)).ok_or_else(bad)?);
            }
            's' | 'm' | 'h' | 'd' => {
                let unit = match c {
                    's' => 1,
                    'm' => 60,
                    'h' => 3600,
                    _ => 86_400,
                };
                let n = number.take().ok_or_else(bad)?;
                total = n.checked_mul(unit).and_then(|n| total.checked_add(n)).ok_or_else(bad)?;
                parts += 1;
            }
            ' ' if number.is_none() => {}
            _ => return Err(bad()),
        }
    }
    if number.is_some() || parts == 0 || total > 10 * 366 * 86_400 {
        return Err(bad());
    }
    Ok(Duration::from_secs(total))
}

/// Writes a duration as [`parse_duration`] reads it: `1h 30m`, `90s` as `1m 30s`, zero as `0s`; parts of a second are
/// dropped.
#[must_use]
pub fn format_duration(duration: Duration) -> String {
    let mut rest = duration.as_secs();
    let mut parts = Vec::new();
    for (unit, name) in [(86_400, "d"), (3600, "h"), (60, "m"), (1, "s")] {
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
