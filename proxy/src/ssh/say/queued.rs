//! Lines for the person that have no channel of their own yet: that a forward, X11 or the agent is refused. The next
//! channel that opens shows them on its stderr, which a terminal shows too and a pipe does not mistake for output.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use russh::{ChannelWriteHalf, server};
use tokio::sync::watch;

use crate::ssh::say::messages::STDERR;

/// How many different lines a session says, so that nobody fills a terminal, or memory, with refusals.
const MOST_LINES: usize = 16;

/// How long a channel that begins waits for what is not decided yet. A target that does not answer holds it up no longer.
const UNDECIDED_TIME: Duration = Duration::from_secs(5);

/// The lines of one session, each said once. Its clones are the same.
#[derive(Debug, Clone, Default)]
pub struct QueuedLines {
    lines: Arc<Mutex<Lines>>,
    undecided: Arc<watch::Sender<usize>>,
}

/// Something that may bring a line, until it is dropped.
#[derive(Debug)]
pub struct Undecided(Arc<watch::Sender<usize>>);

impl Drop for Undecided {
    fn drop(&mut self) {
        self.0.send_modify(|undecided| *undecided -= 1);
    }
}

#[derive(Debug, Default)]
struct Lines {
    all: Vec<String>,
    said: usize,
}

impl QueuedLines {
    /// Has a line said, unless it was.
    pub fn add(&self, line: &str) {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.all.len() < MOST_LINES && !lines.all.iter().any(|known| known == line) {
            lines.all.push(line.to_owned());
        }
    }

    /// Has channels wait for what is being decided.
    #[must_use]
    pub fn expect(&self) -> Undecided {
        self.undecided.send_modify(|undecided| *undecided += 1);
        Undecided(Arc::clone(&self.undecided))
    }

    /// The lines that were not said yet.
    fn take(&self) -> Vec<String> {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let new = lines.all.iter().skip(lines.said).cloned().collect();
        lines.said = lines.all.len();
        new
    }

    /// Says them on a channel.
    pub async fn say(&self, to_client: &ChannelWriteHalf<server::Msg>) {
        // The sender lives in `self`, so this ends only when nothing is undecided.
        let mut undecided = self.undecided.subscribe();
        let _ = tokio::time::timeout(UNDECIDED_TIME, undecided.wait_for(|undecided| *undecided == 0)).await;
        for line in self.take() {
            // The carriage return is for a terminal in raw mode, and does no harm elsewhere.
            let line = format!("curfew: {line}\r\n");
            let _ = to_client.extended_data_bytes(STDERR, line.into_bytes()).await;
        }
    }
}

#[cfg(test)]
mod tests;
