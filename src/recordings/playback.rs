//! Recordings being played: read on a thread of their own, a few pieces ahead at most, and given out when they are due.

use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use curfew_proxy::lease::clock::Clock;
use curfew_recorder::{Cast, CastError, Frame, Pace, Player};
use tokio::sync::mpsc;

/// How many pieces are read ahead. A recorder makes none larger than a few dozen KiB.
const AHEAD: usize = 8;

/// Puts a terminal back after a recording was played on it: ends the alternate screen (not by 1049, which would move the
/// cursor of a terminal that is not on it), mouse reports, bracketed paste, colours and a hidden cursor.
pub const TIDY: &str =
    "\u{1b}[?1047l\u{1b}[?1000l\u{1b}[?1002l\u{1b}[?1003l\u{1b}[?1006l\u{1b}[?2004l\u{1b}[?25h\u{1b}[0m\r\n";

/// Timers tell nothing shorter apart.
const TIMER: Duration = Duration::from_millis(1);

/// How a recording is played.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Manner {
    /// For a terminal: at some pace.
    Paced(Pace),
    /// For a file or a pipe: at once, and byte for byte, even where the bytes are not text.
    AtOnce,
}

/// A recording being played.
#[derive(Debug)]
pub struct Playback {
    frames: mpsc::Receiver<Result<Frame, CastError>>,
    clock: Clock,
    began: Duration,
    due: Duration,
}

impl Playback {
    /// Begins to play a file. When it is dropped the reading ends.
    #[must_use]
    pub fn start(path: &Path, manner: Manner, clock: Clock) -> Self {
        let (sender, frames) = mpsc::channel(AHEAD);
        let path = path.to_owned();
        tokio::task::spawn_blocking(move || {
            if let Err(why) = read(&path, manner, &sender) {
                // Nobody listens any more, or somebody hears why.
                let _ = sender.blocking_send(Err(why));
            }
        });
        let began = clock.now().mono;
        Self { frames, clock, began, due: Duration::ZERO }
    }

    /// The next piece, when it is due; `None` at the end. Time that the last piece took to be shown is made up for.
    ///
    /// # Errors
    /// When the file cannot be read, or is no recording. The end of one that is still being made is no error.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, CastError> {
        match self.frames.recv().await {
            None | Some(Err(CastError::Torn { .. })) => Ok(None),
            Some(Err(why)) => Err(why),
            Some(Ok(frame)) => {
                self.due += frame.delay;
                let ahead = self.due.saturating_sub(self.clock.now().mono.saturating_sub(self.began));
                if ahead >= TIMER {
                    self.clock.sleep(ahead).await;
                }
                Ok(Some(frame.bytes))
            }
        }
    }
}

fn read(path: &Path, manner: Manner, to: &mpsc::Sender<Result<Frame, CastError>>) -> Result<(), CastError> {
    let cast = Cast::open(path)?;
    match manner {
        Manner::AtOnce => cast.copy_raw(&mut Frames(to)).map(|_| ()),
        Manner::Paced(pace) => {
            for frame in Player::new(cast, pace)? {
                if to.blocking_send(Ok(frame?)).is_err() {
                    break;
                }
            }
            Ok(())
        }
    }
}

/// Writes bytes as frames that are due at once.
struct Frames<'a>(&'a mpsc::Sender<Result<Frame, CastError>>);

impl Write for Frames<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let frame = Frame { delay: Duration::ZERO, bytes: bytes.to_vec() };
        self.0.blocking_send(Ok(frame)).map_err(|_| io::ErrorKind::BrokenPipe)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "{\"version\":2,\"width\":80,\"height\":24}\n";

    fn recording(lines: &str) -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.cast");
        std::fs::write(&path, format!("{HEADER}{lines}")).expect("a file");
        (folder, path)
    }

    fn clock() -> Clock {
        Clock::manual("2026-11-23T04:00:00Z".parse().expect("a time"))
    }

    #[tokio::test]
    async fn a_piece_is_given_out_when_it_is_due() {
        let (_folder, path) = recording("[1.0,\"o\",\"a\"]\n[9.0,\"o\",\"b\"]\n[9.5,\"i\",\"x\"]\n");
        let clock = clock();
        let pace = Pace { speed: 2.0, idle_limit: Some(Duration::from_secs(4)), start_at: Duration::ZERO };
        let mut playback = Playback::start(&path, Manner::Paced(pace), clock.clone());
        let mut shown = Vec::new();
        for expected in [500, 2500] {
            let next = playback.next();
            tokio::pin!(next);
            while let Err(_early) = tokio::time::timeout(Duration::from_millis(5), next.as_mut()).await.map(|piece| {
                shown.push((piece.expect("it plays").expect("a piece"), clock.now().mono.as_millis()));
            }) {
                clock.advance(Duration::from_millis(100));
            }
            assert_eq!(shown.last().map(|(_, at)| *at), Some(expected));
        }
        assert_eq!(shown.iter().map(|(piece, _)| piece.as_slice()).collect::<Vec<_>>(), [b"a", b"b"]);
        assert!(playback.next().await.expect("it ends").is_none());
    }

    #[tokio::test]
    async fn a_pipe_gets_the_exact_bytes_at_once_and_a_half_line_is_the_end() {
        let (_folder, path) = recording("[1.0,\"o\",\"a\"]\n[3600.0,\"o\",\"b\"]\n[3601.0,\"o\",\"c");
        let mut playback = Playback::start(&path, Manner::AtOnce, clock());
        let mut all = Vec::new();
        while let Some(piece) = playback.next().await.expect("it plays") {
            all.extend(piece);
        }
        assert_eq!(all, b"ab");
    }

    #[tokio::test]
    async fn what_is_no_recording_is_said() {
        let (folder, path) = recording("nonsense\n");
        let mut playback = Playback::start(&path, Manner::AtOnce, clock());
        assert!(playback.next().await.is_err());
        let mut playback = Playback::start(&folder.path().join("none.cast"), Manner::AtOnce, clock());
        assert!(playback.next().await.is_err());
    }
}
