//! The lines that Curfew itself writes to a person's terminal: warnings before the end, and the last one.

use std::time::Duration;

use curfew_policy::id::{GrantId, SessionId};
use curfew_policy::text::plain;
use curfew_policy::time::format_duration;

use crate::lease::End;
use crate::lease::warning::Warning;

/// The exit status of a session that Curfew cut, as `timeout(1)` has it.
pub const EXIT_CUT: u32 = 124;

/// The exit status of a connection that was refused (`EX_NOPERM` of sysexits.h).
pub const EXIT_REFUSED: u32 = 77;

/// The exit status when a target could not be reached, as `ssh` itself has it.
pub const EXIT_UNREACHABLE: u32 = 255;

/// Extended data that is stderr (RFC 4254 §5.2).
pub const STDERR: u32 = 1;

/// Leaves the alternate screen, resets colours and shows the cursor, so that the last line can be read.
pub const RESTORE: &str = "\x1b[?1049l\x1b[0m\x1b[?25h";

impl Warning {
    /// As a marker in a recording.
    #[must_use]
    pub fn mark(self) -> String {
        match self {
            Self::Ends(left) | Self::EndsWithGrace(left, _) => format!("warned: {} left", left.as_secs()),
            Self::Grace(left) => format!("expired: {} of grace", left.as_secs()),
            Self::Cut(left) => format!("warned: {} of grace left", left.as_secs()),
        }
    }

    /// What comes: `g9 ends in 5m`.
    fn words(self, grant: GrantId) -> String {
        match self {
            Self::Ends(left) | Self::EndsWithGrace(left, _) => format!("{grant} ends in {}", roughly(left)),
            Self::Grace(left) => format!("{grant} expired; what runs is cut in {}", roughly(left)),
            Self::Cut(left) => format!("what still runs is cut in {}", roughly(left)),
        }
    }

    /// As a line of its own, for a shell prompt.
    #[must_use]
    pub fn line(self, grant: GrantId) -> String {
        let more = format!("more time: ssh BASTION extend {grant} --for 30m --reason TEXT");
        let next = match self {
            Self::Ends(_) => format!("; {more}"),
            Self::EndsWithGrace(_, grace) => format!(", what runs then may finish for {}; {more}", roughly(grace)),
            Self::Grace(_) => ", nothing new opens".to_owned(),
            Self::Cut(_) => String::new(),
        };
        format!("\r\ncurfew: {}{next}\r\n", self.words(grant))
    }

    /// For a full-screen program: the bell, and the window's title; nothing on the screen.
    #[must_use]
    pub fn title(self, grant: GrantId) -> String {
        format!("\x07\x1b]2;curfew: {}\x07", self.words(grant))
    }
}

/// Why a channel does not open in the grace of a lease.
#[must_use]
pub fn nothing_new(grant: GrantId) -> String {
    format!("{grant} expired; what runs may finish, and nothing new opens")
}

/// The last line: which grant ended, and why. `None` where Curfew did not end the session.
#[must_use]
pub fn last_line(grant: GrantId, session: SessionId, end: &End) -> Option<String> {
    let line = match end {
        End::Client | End::Target => return None,
        End::Expired => format!("{grant} expired; session {session} is closed"),
        End::Revoked { by, note } => {
            format!("{grant} was revoked by {}{}; session {session} is closed", plain(by), said(note))
        }
        End::Killed { by, note } => {
            format!("session {session} under {grant} was killed by {}{}", plain(by), said(note))
        }
        End::Idle => format!("session {session} under {grant} was idle for too long and is closed"),
        End::RecordingFailed => format!("session {session} under {grant} can no longer be recorded and is closed"),
        End::Shutdown => format!("the bastion is restarting; session {session} under {grant} is closed, connect again"),
        End::Interrupted => {
            format!("a fault of the bastion's own broke off session {session} under {grant}; connect again")
        }
        End::Unreachable(why) => plain(why),
    };
    Some(format!("curfew: {line}"))
}

fn said(note: &str) -> String {
    if note.trim().is_empty() { String::new() } else { format!(" ({})", plain(note)) }
}

/// `5m`, `1m`, or what is left when a warning comes late.
fn roughly(left: Duration) -> String {
    format_duration(Duration::from_secs(left.as_secs_f64().round() as u64))
}

#[cfg(test)]
mod tests;
