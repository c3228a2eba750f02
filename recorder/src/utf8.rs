//! Bytes into text: a terminal's bytes are not always UTF-8, and a chunk may end inside a character.

use std::str::from_utf8;

/// What became of some bytes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Piece<'a> {
    /// Text that is exactly its bytes.
    Text(&'a str),
    /// Bytes that came, of which the text is not an exact copy, or not yet known.
    Raw(&'a [u8]),
    /// How a terminal shows the raw bytes since the last text or picture.
    Picture(&'a str),
}

/// A chunk this long is looked at: where most of it is no text, its picture only says so.
const BULK: usize = 1 << 10;
/// How much of it is looked at.
const SAMPLE: usize = 1 << 9;

/// What a terminal shows for a malformed sequence.
const REPLACEMENT: &str = "\u{fffd}";

/// A streaming decoder. It holds back an unfinished character at the end of a chunk until it is known what it is.
///
/// The bytes of all `Text` and `Raw` pieces, in order, are the bytes that came, less what is held; after
/// [`Decoder::settle_batch`] nothing is less.
#[derive(Debug, Default)]
pub(crate) struct Decoder {
    held: Unfinished,
}

/// An unfinished character: a valid beginning of one, at most three bytes.
#[derive(Debug, Default, Clone, Copy)]
struct Unfinished {
    bytes: [u8; 4],
    len: usize,
    /// How many of them were given out as raw already.
    given: usize,
}

impl Unfinished {
    fn push(&mut self, byte: u8) {
        if let Some(slot) = self.bytes.get_mut(self.len) {
            *slot = byte;
            self.len += 1;
        }
    }

    fn all(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }

    fn not_given(&self) -> &[u8] {
        self.bytes.get(self.given..self.len).unwrap_or_default()
    }
}

impl Decoder {
    /// Takes a chunk and gives its pieces.
    pub(crate) fn push(&mut self, bytes: &[u8], mut emit: impl FnMut(Piece<'_>)) {
        let bytes = self.continue_held(bytes, &mut emit);
        if bytes.len() >= BULK && !is_text(bytes.get(..SAMPLE).unwrap_or(bytes)) {
            emit(Piece::Raw(bytes));
            emit(Piece::Picture(&format!("[{} bytes that are no text]\r\n", bytes.len())));
            return;
        }
        let unfinished = match from_utf8(bytes) {
            Ok(text) => {
                emit_text(text, &mut emit);
                return;
            }
            Err(error) if error.error_len().is_none() => {
                let (whole, unfinished) = bytes.split_at(error.valid_up_to());
                emit_text(from_utf8(whole).unwrap_or_default(), &mut emit);
                unfinished
            }
            Err(_) => {
                let (malformed, unfinished) = bytes.split_at(bytes.len() - unfinished_len(bytes));
                emit(Piece::Raw(malformed));
                emit(Piece::Picture(&String::from_utf8_lossy(malformed)));
                unfinished
            }
        };
        unfinished.iter().for_each(|&byte| self.held.push(byte));
    }

    /// Gives out held bytes as raw, for they must not be lost; their picture follows when they are complete.
    pub(crate) fn settle_batch(&mut self, mut emit: impl FnMut(Piece<'_>)) {
        if !self.held.not_given().is_empty() {
            emit(Piece::Raw(self.held.not_given()));
            self.held.given = self.held.len;
        }
    }

    /// The stream is over: a held character stays unfinished.
    pub(crate) fn finish(&mut self, mut emit: impl FnMut(Piece<'_>)) {
        if self.held.len > 0 {
            self.settle_batch(&mut emit);
            emit(Piece::Picture(REPLACEMENT));
            self.held = Unfinished::default();
        }
    }

    /// Goes on with a held character, and gives the bytes after it.
    fn continue_held<'a>(&mut self, bytes: &'a [u8], emit: &mut impl FnMut(Piece<'_>)) -> &'a [u8] {
        if self.held.len == 0 {
            return bytes;
        }
        let mut rest = bytes;
        while let [byte, after @ ..] = rest {
            let mut longer = self.held;
            longer.push(*byte);
            match from_utf8(longer.all()) {
                Ok(text) if longer.given == 0 => emit(Piece::Text(text)),
                Ok(text) => {
                    emit(Piece::Raw(longer.not_given()));
                    emit(Piece::Picture(text));
                }
                Err(error) if error.error_len().is_none() => {
                    self.held = longer;
                    rest = after;
                    continue;
                }
                Err(_) => {
                    // The byte begins something else; what was held never became a character.
                    self.finish(emit);
                    return rest;
                }
            }
            self.held = Unfinished::default();
            return after;
        }
        rest
    }
}

fn emit_text(text: &str, emit: &mut impl FnMut(Piece<'_>)) {
    if !text.is_empty() {
        emit(Piece::Text(text));
    }
}

/// Whether at least three quarters of this are characters that a terminal shows, or codes that it acts on.
fn is_text(sample: &[u8]) -> bool {
    let strange = |c: &char| *c == char::REPLACEMENT_CHARACTER || matches!(c, '\0'..='\x06' | '\x10'..='\x1a' | '\x7f');
    let text = String::from_utf8_lossy(sample);
    let (mut all, mut odd) = (0_usize, 0_usize);
    for c in text.chars() {
        all += 1;
        odd += usize::from(strange(&c));
    }
    odd * 4 <= all
}

/// How many bytes at the end begin a character that is not complete.
///
/// A byte that begins a character never continues another, so looking from the end is enough.
fn unfinished_len(bytes: &[u8]) -> usize {
    let begins = |len: &usize| {
        let tail = bytes.len().checked_sub(*len).and_then(|at| bytes.get(at..)).unwrap_or_default();
        from_utf8(tail).is_err_and(|error| error.valid_up_to() == 0 && error.error_len().is_none())
    };
    (1..=3).find(begins).unwrap_or(0)
}

#[cfg(test)]
mod tests;
