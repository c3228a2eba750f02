//! Playing a recording back. Nothing here sleeps: frames say how long to wait before them.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use std::time::Duration;

use crate::cast::Header;
use crate::event::{Event, Line, What};
use crate::exact::Exact;
use crate::lines::{Found, read_line};
use crate::text::printable;

/// Why a recording cannot be played.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CastError {
    /// The file cannot be read, or what it holds cannot be passed on.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The first line is not a header of asciicast v2.
    #[error("line 1: not the header of a recording: {0}")]
    Header(String),
    /// A line is not an event.
    #[error("line {line}: {reason}")]
    Event {
        /// Its number, from 1.
        line: u64,
        /// What is wrong with it.
        reason: String,
    },
    /// A line is longer than any line may be.
    #[error("line {line}: too long")]
    TooLong {
        /// Its number, from 1.
        line: u64,
    },
    /// The file ends within a line: it is being written, or was cut short.
    #[error("line {line}: the file ends here, within the line")]
    Torn {
        /// Its number, from 1.
        line: u64,
    },
    /// A speed must be above zero.
    #[error("the speed must be a number above 0")]
    Speed,
}

/// A recording being read: asciicast v2, of Curfew or of another program. Iterates over its events.
#[derive(Debug)]
pub struct Cast<R> {
    header: Header,
    lines: Lines<R>,
}

impl Cast<BufReader<File>> {
    /// Opens a recording's file.
    ///
    /// # Errors
    /// When it cannot be read, or has no header.
    pub fn open(path: &Path) -> Result<Self, CastError> {
        Self::read(BufReader::with_capacity(64 << 10, File::open(path)?))
    }
}

impl<R: BufRead> Cast<R> {
    /// Reads the header.
    ///
    /// # Errors
    /// When it cannot be read, or is none.
    pub fn read(reader: R) -> Result<Self, CastError> {
        let mut lines = Lines { reader, line: Vec::new(), number: 0, over: false };
        let header = match lines.next()? {
            None => return Err(CastError::Header("the file is empty".into())),
            Some(line) => Header::parse(line).map_err(CastError::Header)?,
        };
        Ok(Self { header, lines })
    }

    /// The header.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The title, fit for a terminal.
    pub fn title(&self) -> Option<String> {
        self.header.title.as_deref().map(printable)
    }

    /// Writes the exact bytes of output, those included that are not text, and gives their number.
    ///
    /// # Errors
    /// When a line is not an event, or reading or writing fails.
    pub fn copy_raw(mut self, to: &mut impl Write) -> Result<u64, CastError> {
        let (mut exact, mut copied) = (Exact::default(), 0);
        while let Some(bytes) = self.lines.parsed(|line| exact.bytes(line))? {
            let bytes = bytes.unwrap_or_default();
            to.write_all(&bytes)?;
            copied += bytes.len() as u64;
        }
        Ok(copied)
    }
}

impl<R: BufRead> Iterator for Cast<R> {
    type Item = Result<Event, CastError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.lines.parsed(|line| line.into_event()).transpose()
    }
}

/// The exact bytes of output that a recording holds.
///
/// # Errors
/// When the file cannot be read, or is no recording.
pub fn raw_bytes(path: &Path) -> Result<Vec<u8>, CastError> {
    let mut bytes = Vec::new();
    Cast::open(path)?.copy_raw(&mut bytes)?;
    Ok(bytes)
}

/// Lines with their numbers. After an error there are no more.
#[derive(Debug)]
struct Lines<R> {
    reader: R,
    line: Vec<u8>,
    number: u64,
    over: bool,
}

impl<R: BufRead> Lines<R> {
    /// The next line. The last one may lack its line feed.
    fn next(&mut self) -> Result<Option<&[u8]>, CastError> {
        if self.over {
            return Ok(None);
        }
        self.over = true;
        self.number += 1;
        match read_line(&mut self.reader, &mut self.line)? {
            Found::End => return Ok(None),
            Found::TooLong => return Err(CastError::TooLong { line: self.number }),
            Found::Torn => {}
            Found::Whole => self.over = false,
        }
        Ok(Some(&self.line))
    }

    /// What `parse` makes of the next line that is not empty.
    fn parsed<T>(&mut self, parse: impl FnOnce(Line<'_>) -> Result<T, String>) -> Result<Option<T>, CastError> {
        loop {
            match self.next()? {
                None => return Ok(None),
                Some(line) if line.trim_ascii().is_empty() => {}
                Some(_) => break,
            }
        }
        let torn = self.over;
        self.over = true;
        let parsed = Line::parse(&self.line).and_then(parse).map_err(|reason| match torn {
            true => CastError::Torn { line: self.number },
            false => CastError::Event { line: self.number, reason },
        })?;
        self.over = torn;
        Ok(Some(parsed))
    }
}

/// How fast to play.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pace {
    /// How many recorded seconds pass in one; above zero.
    pub speed: f64,
    /// The longest recorded pause that is kept.
    pub idle_limit: Option<Duration>,
    /// What comes before this recorded moment is shown at once.
    pub start_at: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self { speed: 1.0, idle_limit: None, start_at: Duration::ZERO }
    }
}

/// A piece of output, and how long to wait before it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// How long after the frame before it.
    pub delay: Duration,
    /// What was recorded as output, and nothing else. Valid UTF-8.
    pub bytes: Vec<u8>,
}

/// Turns a recording into frames.
#[derive(Debug)]
pub struct Player<R> {
    cast: Cast<R>,
    pace: Pace,
    /// The recorded moment of the last frame.
    at: Duration,
}

impl<R: BufRead> Player<R> {
    /// Plays a recording.
    ///
    /// # Errors
    /// When the speed is not above zero.
    pub fn new(cast: Cast<R>, pace: Pace) -> Result<Self, CastError> {
        if !(pace.speed.is_finite() && pace.speed > 0.0) {
            return Err(CastError::Speed);
        }
        Ok(Self { cast, at: pace.start_at, pace })
    }

    /// The wait before what happened at this recorded moment.
    fn delay(&mut self, at: Duration) -> Duration {
        let pause = at.saturating_sub(self.at);
        self.at = self.at.max(at);
        let kept = self.pace.idle_limit.map_or(pause, |limit| pause.min(limit));
        Duration::try_from_secs_f64(kept.as_secs_f64() / self.pace.speed).unwrap_or(Duration::MAX)
    }
}

impl<R: BufRead> Iterator for Player<R> {
    type Item = Result<Frame, CastError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.cast.next()? {
                Err(error) => return Some(Err(error)),
                Ok(Event { at, what: What::Output(text) }) => {
                    return Some(Ok(Frame { delay: self.delay(at), bytes: text.into_bytes() }));
                }
                Ok(_) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests;
