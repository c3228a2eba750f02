//! Somebody at a terminal in raw mode: asks for a line, shows what is typed, takes a key.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use curfew_policy::refusal::Refusal;
use curfew_proxy::lease::clock::Clock;
use tokio::sync::mpsc;
use unicode_width::UnicodeWidthChar;

use super::line::{Did, TypedLine};
use super::stop::AskingStop;
use crate::console::pen::Pen;
use crate::console::wait::FRESH_LINE;

/// How long somebody may think about a question.
const THINK: Duration = Duration::from_secs(5 * 60);

/// The terminal's bell.
const BELL: &[u8] = b"\x07";

/// What somebody types.
#[derive(Debug)]
pub(super) struct Typist {
    input: mpsc::Receiver<Bytes>,
    clock: Clock,
    /// What was typed and not yet read.
    ahead: VecDeque<u8>,
    /// Whether the last byte was a carriage return: a line feed after it is no line of its own.
    returned: bool,
}

impl Typist {
    pub fn new(input: mpsc::Receiver<Bytes>, clock: Clock) -> Self {
        Self { input, clock, ahead: VecDeque::new(), returned: false }
    }

    /// Asks for a line of at most so many bytes. `columns` is how wide the terminal is by now.
    ///
    /// # Errors
    /// When the person wants to leave, types nothing for long, or is gone.
    pub async fn line(
        &mut self,
        pen: &Pen,
        prompt: &str,
        most: usize,
        columns: impl Fn() -> u32,
    ) -> Result<String, AskingStop> {
        let mut line = TypedLine::of(most);
        pen.raw(prompt.as_bytes()).await?;
        loop {
            let (did, shown) = (self.edit(&mut line).await, fitting(prompt, line.text(), columns()));
            pen.raw(format!("{FRESH_LINE}{prompt}{shown}").as_bytes()).await?;
            match did {
                Some(Did::Enter) => {
                    pen.raw(b"\r\n").await?;
                    return Ok(line.text().trim().to_owned());
                }
                Some(Did::Full) => pen.raw(BELL).await?,
                Some(Did::Nothing) => {}
                Some(Did::Leave) | None => {
                    pen.raw(b"\r\n").await?;
                    return Err(Refusal::withdrawn("not-asked", "nothing was asked for").into());
                }
            }
        }
    }

    /// Edits a line with what is typed next: all that came together, or up to what needs an answer. `None` when nothing
    /// comes any more.
    async fn edit(&mut self, line: &mut TypedLine) -> Option<Did> {
        let mut did = Did::Nothing;
        let mut byte = self.key(THINK).await?;
        loop {
            match line.press(byte) {
                Did::Nothing => {}
                Did::Full => did = Did::Full,
                end => return Some(end),
            }
            let Some(next) = self.next_ahead() else { return Some(did) };
            byte = next;
        }
    }

    /// The next key; `None` when none comes in that time, or none can come any more.
    pub async fn key(&mut self, within: Duration) -> Option<u8> {
        loop {
            if let Some(byte) = self.next_ahead() {
                return Some(byte);
            }
            let clock = self.clock.clone();
            let typed = tokio::select! {
                biased;
                typed = self.input.recv() => typed?,
                () = clock.sleep(within) => return None,
            };
            self.ahead.extend(typed);
        }
    }

    /// Waits until Ctrl-C is typed; for ever, where nothing more can be typed. All else is dropped.
    pub async fn interrupt(&mut self) {
        loop {
            self.ahead.clear();
            match self.input.recv().await {
                Some(typed) if typed.contains(&0x03) => return,
                Some(_) => {}
                None => std::future::pending().await,
            }
        }
    }

    fn next_ahead(&mut self) -> Option<u8> {
        let byte = self.ahead.pop_front()?;
        let fed = byte == b'\n' && std::mem::take(&mut self.returned);
        self.returned = byte == b'\r';
        if fed { self.next_ahead() } else { Some(byte) }
    }
}

/// As much of the end of a text as fits behind a prompt, on one line.
fn fitting(prompt: &str, text: &str, columns: u32) -> String {
    let width = |c: char| c.width().unwrap_or(0);
    // A terminal that says 0 does not know.
    let columns = usize::try_from(if columns == 0 { 80 } else { columns }).unwrap_or(80);
    let room = columns.saturating_sub(prompt.chars().map(width).sum::<usize>() + 1).max(10);
    if text.chars().map(width).sum::<usize>() <= room {
        return text.to_owned();
    }
    let mut left = room - 1;
    let fits = |c: &char| {
        let fits = width(*c) <= left;
        left -= width(*c).min(left);
        fits
    };
    let end: Vec<char> = text.chars().rev().take_while(fits).collect();
    std::iter::once('…').chain(end.into_iter().rev()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_is_too_wide_shows_its_end() {
        assert_eq!(fitting("Reason: ", "short", 30), "short");
        assert_eq!(fitting("Reason: ", &"0123456789".repeat(3), 30), "…01234567890123456789".to_owned());
        assert_eq!(fitting("", "日本日本日本日本", 12), "…本日本日本");
    }
}
