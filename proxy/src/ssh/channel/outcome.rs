//! How a channel comes to its end: what its client is told, and why its recording is sealed.

use std::future::Future;

use russh::{ChannelWriteHalf, server};

use crate::lease::End;
use crate::lease::farewells::{CHANNEL_FAREWELL, SESSION_FAREWELL};
use crate::ssh::channel::context::SessionContext;
use crate::ssh::channel::relay::Finished;
use crate::ssh::say::last::farewell;
use crate::ssh::say::messages::{EXIT_CUT, EXIT_UNREACHABLE, last_line};
use crate::ssh::say::terminal::Screen;

/// How the work of a channel ended.
pub enum Outcome {
    /// The session ended.
    Cut(End),
    /// Nothing began on the target: why, in one line.
    NotBegun(String),
    /// The relay came to its end; and what was wrong with the target, where that ended it.
    Relayed(Finished, Option<String>),
}

/// The client of a channel that ends.
#[derive(Clone, Copy)]
pub struct ClientSide<'a> {
    /// To the client.
    pub client: &'a ChannelWriteHalf<server::Msg>,
    /// What the terminal is in the middle of, where there is one.
    pub terminal: Option<&'a Screen>,
    /// Whether the client waits for an answer to what it asked to run.
    pub want_reply: bool,
}

impl Outcome {
    /// Ends the channel, and tells its client why where there is something to tell. Gives the word with which the recording
    /// is sealed, and why the whole session has to end with the channel, if it has to.
    pub async fn conclude<G>(
        self,
        session: &SessionContext<G>,
        client_side: ClientSide<'_>,
    ) -> (&'static str, Option<End>) {
        match self {
            Self::Relayed(Finished::Target, Some(line)) => {
                client_side.tell(&line, EXIT_UNREACHABLE).await;
                ("unreachable", None)
            }
            Self::Relayed(Finished::Target, None) => {
                let _ = client_side.client.close().await;
                ("done", None)
            }
            Self::Relayed(Finished::Client, _) => {
                let _ = client_side.client.close().await;
                ("client", None)
            }
            Self::Relayed(Finished::Garbled(line), _) => {
                client_side.tell(&line, EXIT_UNREACHABLE).await;
                ("garbled", None)
            }
            Self::Relayed(Finished::RecordingFailed, _) => {
                client_side.say_goodbye(session, &End::RecordingFailed).await;
                ("recording-failed", Some(End::RecordingFailed))
            }
            Self::NotBegun(line) => {
                client_side.answer().await;
                client_side.tell(&line, EXIT_UNREACHABLE).await;
                ("target", None)
            }
            Self::Cut(end) => {
                client_side.say_goodbye(session, &end).await;
                // All that was shown is written down already.
                let _ = tokio::time::timeout(SESSION_FAREWELL, session.farewells.over()).await;
                (end.as_str(), None)
            }
        }
    }
}

impl ClientSide<'_> {
    /// Ends the channel with a line.
    pub async fn tell(self, line: &str, status: u32) {
        in_time(farewell(self.client, self.terminal, Some(&format!("curfew: {line}")), status)).await;
    }

    /// Ends the channel with the session's last line.
    pub async fn say_goodbye<G>(self, session: &SessionContext<G>, end: &End) {
        let line = last_line(session.permit.grant(), session.id, end);
        let status = if end.is_cut() { EXIT_CUT } else { EXIT_UNREACHABLE };
        in_time(farewell(self.client, self.terminal, line.as_deref(), status)).await;
    }

    /// Answers what was asked to run, if the client waits for that: some clients show nothing before.
    pub async fn answer(self) {
        if self.want_reply {
            let _ = self.client.reply(true).await;
        }
    }
}

/// Gives a farewell the time it may take. A client that stopped reading gets none.
async fn in_time(farewell: impl Future<Output = Result<(), russh::Error>>) {
    let _ = tokio::time::timeout(CHANNEL_FAREWELL, farewell).await;
}
