//! Watching a recording while it is made: the watcher reads the file at its own pace, so it can delay nobody.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use tokio::sync::watch;

use crate::event::{Event, Line};
use crate::queue::Progress;

/// How much of the file a watcher reads at a time.
const READ_PIECE: usize = 256 << 10;

/// A view of a recording that is being made. It does not keep the recording alive.
#[derive(Debug, Clone)]
pub struct LiveRecording {
    path: PathBuf,
    progress: watch::Receiver<Progress>,
}

impl LiveRecording {
    pub(crate) fn new(path: PathBuf, progress: watch::Receiver<Progress>) -> Self {
        Self { path, progress }
    }

    /// The recording's file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Follows the recording from its beginning, which draws the screen as it is; then as it goes on.
    #[must_use]
    pub fn follow(&self) -> Follower {
        self.follow_from(0)
    }

    /// Follows the recording from at most `backlog` bytes of file ago: enough to draw most screens, sooner.
    #[must_use]
    pub fn follow_recent(&self, backlog: u64) -> Follower {
        let len = self.progress.borrow().len;
        self.follow_from(len.saturating_sub(backlog))
    }

    fn follow_from(&self, offset: u64) -> Follower {
        // From within the file, the line that `offset` is in may have begun before it.
        Follower { live: self.clone(), offset, held: Vec::new(), skip_line: true }
    }
}

/// One who watches a recording.
#[derive(Debug)]
pub struct Follower {
    live: LiveRecording,
    offset: u64,
    /// The beginning of a line whose end was not read yet.
    held: Vec<u8>,
    /// The line being read is the header, or one whose beginning was not read.
    skip_line: bool,
}

impl Follower {
    /// The next events, as soon as there are any; `None` when the recording is over and all was read. May be cancelled.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn next(&mut self) -> io::Result<Option<Vec<Event>>> {
        loop {
            let (len, over) = self.wait_for_more().await;
            if self.offset >= len {
                debug_assert!(over);
                return Ok(None);
            }
            let (path, offset, end) = (self.live.path.clone(), self.offset, len);
            let read = tokio::task::spawn_blocking(move || read_piece(&path, offset, end)).await;
            let piece = read.map_err(io::Error::other)??;
            self.offset += piece.len() as u64;
            let events = self.take(&piece);
            if !events.is_empty() {
                return Ok(Some(events));
            }
        }
    }

    /// Waits until the file is longer than what was read, or over.
    async fn wait_for_more(&mut self) -> (u64, bool) {
        let offset = self.offset;
        let reached = |progress: &Progress| progress.len > offset || progress.over;
        let more = self.live.progress.wait_for(reached).await.map(|progress| (progress.len, progress.over));
        if let Ok(more) = more {
            return more;
        }
        // The recording is gone, and with it all that could follow.
        (self.live.progress.borrow().len, true)
    }

    /// The events of the lines that are complete with these bytes.
    fn take(&mut self, piece: &[u8]) -> Vec<Event> {
        self.held.extend_from_slice(piece);
        let complete = self.held.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
        let rest = self.held.split_off(complete);
        let lines = std::mem::replace(&mut self.held, rest);
        let skip = usize::from(self.skip_line && complete > 0);
        self.skip_line &= complete == 0;
        let events = lines.split(|&byte| byte == b'\n').skip(skip).filter(|line| !line.is_empty());
        events.filter_map(|line| Line::parse(line).and_then(Line::into_event).ok()).collect()
    }
}

fn read_piece(path: &Path, offset: u64, end: u64) -> io::Result<Vec<u8>> {
    let wanted = usize::try_from(end - offset).unwrap_or(usize::MAX).min(READ_PIECE);
    let mut piece = vec![0; wanted];
    File::open(path)?.read_exact_at(&mut piece, offset)?;
    Ok(piece)
}

#[cfg(test)]
mod tests;
