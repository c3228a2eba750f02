//! A program on a pty: typed at, read, resized.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use pty_process::Size;
use pty_process::blocking::{Command, Pty};
use rustix::process::{Pid, Signal, kill_process_group};

use super::process::Stream;
use super::wait::Stopwatch;

/// A program on a pty of its own. Dropped, it is killed.
pub struct Terminal {
    pty: Arc<Pty>,
    child: std::process::Child,
    seen: Stream,
}

/// Reads the pty's side of the screen.
struct Screen(Arc<Pty>);

impl std::io::Read for Screen {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        (&*self.0).read(buffer)
    }
}

impl Terminal {
    /// Starts a program on a terminal of 80 columns and 24 rows.
    pub fn start(program: &str, args: &[String]) -> Self {
        let (pty, pts) = pty_process::blocking::open().expect("open a pty");
        pty.resize(Size::new(24, 80)).expect("resize a pty");
        let command = Command::new(program).args(args).env("TERM", "xterm-256color").env_remove("SSH_AUTH_SOCK");
        let child =
            command.env("LC_ALL", "C.UTF-8").spawn(pts).unwrap_or_else(|e| panic!("cannot start {program}: {e}"));
        let pty = Arc::new(pty);
        let seen = Stream::reading(Screen(pty.clone()));
        Self { pty, child, seen }
    }

    pub fn type_in(&self, text: impl AsRef<[u8]>) {
        (&*self.pty).write_all(text.as_ref()).expect("type on a pty");
    }

    pub fn resize(&self, columns: u16, rows: u16) {
        self.pty.resize(Size::new(rows, columns)).expect("resize a pty");
    }

    /// Waits until this text has come on the screen.
    #[track_caller]
    pub fn wait_for(&self, text: &str, limit: Duration) {
        self.seen.wait_for(text, limit);
    }

    /// All that came on the screen, escape sequences too.
    pub fn screen(&self) -> String {
        self.seen.text()
    }

    /// Waits for the program's end and gives its exit code (`None` where a signal ended it).
    #[track_caller]
    pub fn wait(&mut self, limit: Duration) -> Option<i32> {
        let waiting = Stopwatch::start();
        loop {
            if let Some(status) = self.child.try_wait().expect("wait for a child") {
                let _ = self.seen.ended_within(Duration::from_millis(500));
                return status.code();
            }
            assert!(
                waiting.elapsed() < limit,
                "the program on the pty has not ended within {limit:?}: {}",
                self.screen()
            );
            std::thread::sleep(Duration::from_millis(3));
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            if let Some(group) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
                let _ = kill_process_group(group, Signal::CONT);
                let _ = kill_process_group(group, Signal::KILL);
            }
            let _ = self.child.wait();
        }
    }
}
