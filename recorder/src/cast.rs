//! Asciicast v2: the header, and the pure encoder that turns events into the exact bytes of the file.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::chain::Chain;
use crate::event::{CLOSING, code, moment, push_opening};
use crate::json::push_escaped;
use crate::key::SealKey;
use crate::text;
use crate::utf8::{Decoder, Piece};

/// The version of what this crate adds to asciicast v2.
pub const FORMAT: u32 = 1;

/// The longest line, in bytes, with its line feed. Readers refuse a longer one, so writers do too.
pub(crate) const MAX_LINE: usize = 8 << 20;

/// Chunks are written in lines of at most so many bytes before escaping, which at worst makes them six times longer.
const MAX_PIECE: usize = 64 << 10;

/// The first line of a recording.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// Always 2.
    pub version: u32,
    /// The terminal's columns.
    pub width: u16,
    /// The terminal's rows.
    pub height: u16,
    /// When the recording began, in seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<u64>,
    /// A title for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The environment: `TERM`, where there was a terminal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub env: Option<BTreeMap<String, String>>,
    /// What Curfew says of it; absent in other programs' recordings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub curfew: Option<Origin>,
}

/// Whose recording it is, and of what.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// [`FORMAT`]; set when the recording starts.
    #[serde(default)]
    pub format: u32,
    /// The id of the key that will seal it; set when the recording starts.
    #[serde(default)]
    pub key: String,
    /// The gateway's name.
    #[serde(default)]
    pub gateway: String,
    /// The session (`s345`).
    #[serde(default)]
    pub session: String,
    /// The grant (`g9`).
    #[serde(default)]
    pub grant: String,
    /// The user.
    #[serde(default)]
    pub user: String,
    /// The target.
    #[serde(default)]
    pub target: String,
    /// The login on the target.
    #[serde(default)]
    pub login: String,
    /// The channel's number in its session, from 1.
    #[serde(default)]
    pub channel: u32,
    /// What the channel carries: `shell`, `exec`, `sftp`…
    #[serde(default)]
    pub kind: String,
    /// The command, as it came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
}

impl Header {
    /// A header for a recording that begins at `timestamp` (seconds since 1970).
    ///
    /// A size of zero means unknown (RFC 4254 §6.2) and becomes 80 × 24. Control characters of the title become visible.
    #[must_use]
    pub fn new(
        (cols, rows): (u32, u32),
        timestamp: u64,
        term: Option<&str>,
        title: Option<&str>,
        origin: Origin,
    ) -> Self {
        Self {
            version: 2,
            width: if cols == 0 { 80 } else { dimension(cols) },
            height: if rows == 0 { 24 } else { dimension(rows) },
            timestamp: Some(timestamp),
            title: title.map(text::printable),
            env: term.map(|term| BTreeMap::from([("TERM".to_owned(), term.to_owned())])),
            curfew: Some(origin),
        }
    }

    /// The header in this line; the error says what is wrong with it.
    pub(crate) fn parse(line: &[u8]) -> Result<Self, String> {
        let header: Self = serde_json::from_slice(line).map_err(|error| error.to_string())?;
        if header.version == 2 { Ok(header) } else { Err(format!("asciicast version {}", header.version)) }
    }
}

/// A terminal's columns or rows, in the range that players take.
fn dimension(size: u32) -> u16 {
    u16::try_from(size.max(1)).unwrap_or(u16::MAX)
}

/// Whether a recording holds all there was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Completeness {
    /// It was sealed when its channel ended.
    Complete,
    /// It was cut short: its gateway stopped, and it was sealed afterwards.
    Interrupted,
}

/// How a recording ended: the last thing that is signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    /// Whether it holds all there was.
    pub state: Completeness,
    /// Why it ended.
    pub end: String,
    /// How many bytes of output it holds.
    pub output_bytes: u64,
    /// How many lines come before the statement.
    pub lines: u64,
    /// The id of the key that seals it.
    pub key: String,
}

/// What cannot be written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum EncodeError {
    #[error("a line would be longer than {MAX_LINE} bytes")]
    TooLong,
}

/// Turns events into the bytes of a file, with the chain through them. Bytes gather until [`Encoder::clear`].
#[derive(Debug, Default)]
pub(crate) struct Encoder {
    out: Vec<u8>,
    /// How much of `out` the chain has taken.
    chained: usize,
    chain: Chain,
    output: Decoder,
    input: Decoder,
    totals: Totals,
}

/// What a file holds so far.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Totals {
    /// The last moment written, in microseconds. Players want moments in their order.
    pub(crate) micros: u64,
    pub(crate) output_bytes: u64,
    pub(crate) lines: u64,
}

impl Encoder {
    /// Goes on with a file that holds this much.
    pub(crate) fn resume(chain: Chain, totals: Totals) -> Self {
        Self { chain, totals, ..Self::default() }
    }

    /// The bytes to write.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.out
    }

    /// The bytes were written.
    pub(crate) fn clear(&mut self) {
        self.chained = 0;
        self.out.clear();
    }

    /// Gives back memory that bulk output needed.
    pub(crate) fn shrink(&mut self) {
        self.out.shrink_to(1 << 10);
    }

    pub(crate) fn totals(&self) -> Totals {
        self.totals
    }

    /// The hash of all bytes, written or to be written.
    pub(crate) fn file_hash(&self) -> [u8; 32] {
        self.chain.current()
    }

    pub(crate) fn header(&mut self, header: &Header) -> Result<(), EncodeError> {
        // No map of this type has keys that are not strings, so this cannot fail.
        let json = serde_json::to_string(header).map_err(|_| EncodeError::TooLong)?;
        if json.len() >= MAX_LINE {
            return Err(EncodeError::TooLong);
        }
        self.out.extend_from_slice(json.as_bytes());
        self.out.push(b'\n');
        self.totals.lines += 1;
        Ok(())
    }

    pub(crate) fn output(&mut self, at: Duration, bytes: &[u8]) -> Result<(), EncodeError> {
        self.totals.output_bytes += bytes.len() as u64;
        let mut decoder = std::mem::take(&mut self.output);
        let done = bytes
            .chunks(MAX_PIECE)
            .try_for_each(|piece| self.pieces(at, Stream::Output, |emit| decoder.push(piece, emit)));
        self.output = decoder;
        done
    }

    pub(crate) fn input(&mut self, at: Duration, bytes: &[u8]) -> Result<(), EncodeError> {
        let mut decoder = std::mem::take(&mut self.input);
        let done = bytes
            .chunks(MAX_PIECE)
            .try_for_each(|piece| self.pieces(at, Stream::Input, |emit| decoder.push(piece, emit)));
        self.input = decoder;
        done
    }

    pub(crate) fn resize(&mut self, at: Duration, cols: u32, rows: u32) -> Result<(), EncodeError> {
        self.line(at, code::RESIZE, &format!("{}x{}", dimension(cols), dimension(rows)))
    }

    pub(crate) fn marker(&mut self, at: Duration, label: &str) -> Result<(), EncodeError> {
        self.line(at, code::MARKER, &text::printable(label))
    }

    /// A line of output made of `text`, and before it what it says, in fields.
    pub(crate) fn note(&mut self, at: Duration, text: &str, fields: &str) -> Result<(), EncodeError> {
        self.line(at, code::NOTE, fields)?;
        self.output(at, format!("{}\r\n", text::printable(text)).as_bytes())
    }

    /// A piece of a half-written line that was set aside.
    pub(crate) fn fragment(&mut self, at: Duration, bytes: &[u8]) -> Result<(), EncodeError> {
        self.bytes_line(at, code::FRAGMENT, bytes)
    }

    /// Ends a batch: nothing is held back any more, and a link covers it.
    pub(crate) fn link(&mut self, at: Duration) -> Result<(), EncodeError> {
        for stream in [Stream::Output, Stream::Input] {
            let mut decoder = std::mem::take(self.decoder(stream));
            let done = self.pieces(at, stream, |emit| decoder.settle_batch(emit));
            *self.decoder(stream) = decoder;
            done?;
        }
        self.totals.lines += 1;
        let micros = self.advance(at);
        self.chain.push_link(&mut self.out, self.chained, micros);
        self.chained = self.out.len();
        Ok(())
    }

    /// Ends the file: the statement, a last link, and the signature over all of it.
    pub(crate) fn seal(
        &mut self,
        at: Duration,
        state: Completeness,
        end: &str,
        key: &SealKey,
    ) -> Result<(), EncodeError> {
        for stream in [Stream::Output, Stream::Input] {
            let mut decoder = std::mem::take(self.decoder(stream));
            self.pieces(at, stream, |emit| decoder.finish(emit))?;
        }
        let Totals { output_bytes, lines, .. } = self.totals;
        let statement = Statement { state, end: end.to_owned(), output_bytes, lines, key: key.public().id() };
        let json = serde_json::to_string(&statement).map_err(|_| EncodeError::TooLong)?;
        self.line(at, code::STATEMENT, &json)?;
        self.link(at)?;
        push_opening(&mut self.out, self.totals.micros, code::SIGNATURE);
        self.catch_up();
        self.out.extend_from_slice(key.sign(&self.chain.current()).as_bytes());
        self.out.extend_from_slice(CLOSING);
        self.catch_up();
        self.totals.lines += 1;
        Ok(())
    }

    fn decoder(&mut self, stream: Stream) -> &mut Decoder {
        match stream {
            Stream::Output => &mut self.output,
            Stream::Input => &mut self.input,
        }
    }

    /// Lets the chain take what was appended.
    fn catch_up(&mut self) {
        self.chain.update(self.out.get(self.chained..).unwrap_or_default());
        self.chained = self.out.len();
    }

    /// The moment to write: never before the last one.
    fn advance(&mut self, at: Duration) -> u64 {
        self.totals.micros = self.totals.micros.max(moment(at));
        self.totals.micros
    }

    /// Writes the pieces that a decoder emits.
    fn pieces(
        &mut self,
        at: Duration,
        stream: Stream,
        decode: impl FnOnce(&mut dyn FnMut(Piece<'_>)),
    ) -> Result<(), EncodeError> {
        let (text_code, bytes_code) = match stream {
            Stream::Output => (code::OUTPUT, code::OUTPUT_BYTES),
            Stream::Input => (code::INPUT, code::INPUT_BYTES),
        };
        let mut done = Ok(());
        decode(&mut |piece| {
            let written = match piece {
                Piece::Text(text) | Piece::Picture(text) => self.line(at, text_code, text),
                Piece::Raw(bytes) => self.bytes_line(at, bytes_code, bytes),
            };
            done = done.and(written);
        });
        done
    }

    fn line(&mut self, at: Duration, code: &str, data: &str) -> Result<(), EncodeError> {
        self.line_with(at, code, |out| push_escaped(out, data))
    }

    /// A line of bytes in base64, which needs no escapes.
    fn bytes_line(&mut self, at: Duration, code: &str, bytes: &[u8]) -> Result<(), EncodeError> {
        self.line_with(at, code, |out| {
            let from = out.len();
            out.resize(from + base64::encoded_len(bytes.len(), true).unwrap_or_default(), 0);
            // The room is exactly what it needs.
            let _ = STANDARD.encode_slice(bytes, out.get_mut(from..).unwrap_or_default());
        })
    }

    fn line_with(&mut self, at: Duration, code: &str, data: impl FnOnce(&mut Vec<u8>)) -> Result<(), EncodeError> {
        let before = self.out.len();
        let micros = self.advance(at);
        push_opening(&mut self.out, micros, code);
        data(&mut self.out);
        self.out.extend_from_slice(CLOSING);
        self.totals.lines += 1;
        if self.out.len() - before > MAX_LINE { Err(EncodeError::TooLong) } else { Ok(()) }
    }
}

/// Which way bytes went.
#[derive(Debug, Clone, Copy)]
enum Stream {
    Output,
    Input,
}
