//! The lines of a recording: what each code means, and how a moment is written.

use std::time::Duration;

use serde::Deserialize;

/// The codes of event lines. The first four are asciicast v2's; players pass over the others.
pub(crate) mod code {
    /// Text shown.
    pub(crate) const OUTPUT: &str = "o";
    /// Text typed.
    pub(crate) const INPUT: &str = "i";
    /// The terminal's size: `COLUMNSxROWS`.
    pub(crate) const RESIZE: &str = "r";
    /// A named moment.
    pub(crate) const MARKER: &str = "m";
    /// Exact bytes of output, in base64.
    pub(crate) const OUTPUT_BYTES: &str = "b";
    /// Exact bytes of input, in base64.
    pub(crate) const INPUT_BYTES: &str = "k";
    /// A JSON value that says in fields what the next output says in words.
    pub(crate) const NOTE: &str = "n";
    /// A half-written line that a repair set aside, in base64.
    pub(crate) const FRAGMENT: &str = "f";
    /// A link of the hash chain.
    pub(crate) const LINK: &str = "h";
    /// How the recording ended.
    pub(crate) const STATEMENT: &str = "s";
    /// The signature.
    pub(crate) const SIGNATURE: &str = "g";
}

/// One event as it was recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// When, since the start of the recording, in microseconds.
    pub at: Duration,
    /// What.
    pub what: What,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// Text shown (`o`). Malformed UTF-8 is shown as U+FFFD.
    Output(String),
    /// Text typed (`i`).
    Input(String),
    /// The terminal's new columns and rows (`r`).
    Resize(u16, u16),
    /// A named moment (`m`).
    Marker(String),
    /// Any other code, with its data: proofs of this crate, or another program's events.
    Other(String, String),
}

/// One event line, taken apart.
#[derive(Debug, Deserialize)]
pub(crate) struct Line<'a>(pub(crate) f64, #[serde(borrow)] pub(crate) &'a str, pub(crate) String);

impl<'a> Line<'a> {
    /// Takes a line apart; the error says what is wrong with it.
    pub(crate) fn parse(line: &'a [u8]) -> Result<Self, String> {
        let parsed: Self = serde_json::from_slice(line).map_err(|error| format!("not an event: {error}"))?;
        if !(parsed.0.is_finite() && parsed.0 >= 0.0) {
            return Err("the time is negative".into());
        }
        Ok(parsed)
    }

    /// When the event happened, to the microsecond.
    pub(crate) fn at(&self) -> Duration {
        let micros = (self.0 * 1e6).round();
        // A float beyond u64 becomes its largest value: a time of half a million years, not an overflow.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        Duration::from_micros(micros as u64)
    }

    /// The event of this line.
    pub(crate) fn into_event(self) -> Result<Event, String> {
        let at = self.at();
        let Self(_, code, data) = self;
        let what = match code {
            code::OUTPUT => What::Output(data),
            code::INPUT => What::Input(data),
            code::MARKER => What::Marker(data),
            code::RESIZE => {
                let size = data.split_once('x').and_then(|(cols, rows)| Some((cols.parse().ok()?, rows.parse().ok()?)));
                let (cols, rows) = size.ok_or_else(|| format!("not a terminal size: {data:?}"))?;
                What::Resize(cols, rows)
            }
            other => What::Other(other.to_owned(), data),
        };
        Ok(Event { at, what })
    }
}

/// Appends `[TIME,"CODE","`: the beginning of an event line.
pub(crate) fn push_opening(out: &mut Vec<u8>, micros: u64, code: &str) {
    out.push(b'[');
    push_time(out, micros);
    out.extend_from_slice(b",\"");
    out.extend_from_slice(code.as_bytes());
    out.extend_from_slice(b"\",\"");
}

/// The end of an event line.
pub(crate) const CLOSING: &[u8] = b"\"]\n";

/// The moment to write for this time, in microseconds.
///
/// A whole second is written a microsecond late: asciinema 3 reads the number as a float, and takes `1.0`, which prints
/// as `1`, for an invalid time.
pub(crate) fn moment(at: Duration) -> u64 {
    let micros = u64::try_from(at.as_micros()).unwrap_or(u64::MAX);
    if micros.is_multiple_of(1_000_000) { micros.saturating_add(1) } else { micros }
}

/// Appends a moment in seconds with six decimals.
fn push_time(out: &mut Vec<u8>, micros: u64) {
    let mut digits = [0u8; 21];
    let mut at = digits.len();
    let mut rest = micros;
    for (position, slot) in digits.iter_mut().rev().enumerate() {
        if position == 6 {
            *slot = b'.';
        } else if rest == 0 && position > 7 {
            break;
        } else {
            *slot = b'0' + u8::try_from(rest % 10).unwrap_or(0);
            rest /= 10;
        }
        at -= 1;
    }
    out.extend_from_slice(digits.get(at..).unwrap_or_default());
}

#[cfg(test)]
mod tests;
