//! Reading a file line by line, with a bound on a line's length.

use std::io::{self, BufRead, Read};

use crate::cast::MAX_LINE;

/// A line as it was found.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// A whole line; its line feed is included.
    Whole,
    /// The end of the file came before the line's end.
    Torn,
    /// The line is longer than any line may be. Only its beginning was read.
    TooLong,
    /// The end of the file.
    End,
}

/// Reads the next line into `line`, which is emptied first.
pub(crate) fn read_line(reader: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<Found> {
    line.clear();
    let read = reader.take(MAX_LINE as u64).read_until(b'\n', line)?;
    Ok(match line.last() {
        None => Found::End,
        Some(b'\n') => Found::Whole,
        Some(_) if read < MAX_LINE => Found::Torn,
        Some(_) => Found::TooLong,
    })
}
