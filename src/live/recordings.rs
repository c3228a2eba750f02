//! The recordings that are being made now, for those who watch: the SSH door tells of them, the console looks them up.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use curfew_policy::id::SessionId;
use curfew_recorder::LiveRecording;
use tokio::sync::watch;

/// The recordings of live sessions. Its clones are the same registry. Telling it never waits for who watches.
#[derive(Debug, Clone, Default)]
pub struct LiveRecordings(Arc<Mutex<HashMap<SessionId, watch::Sender<Vec<LiveChannel>>>>>);

/// A channel of a live session.
#[derive(Debug, Clone)]
pub struct LiveChannel {
    /// Its number in the session, from 1.
    pub number: u32,
    /// What it carries, as in JSON (`shell`, `exec`, …).
    pub kind: &'static str,
    /// The command or subsystem.
    pub command: Option<String>,
    /// The terminal's columns and rows when it began.
    pub size: (u32, u32),
    /// Its recording.
    pub live: LiveRecording,
}

impl LiveRecordings {
    /// A channel of a session is being recorded.
    pub fn begin(&self, session: SessionId, channel: LiveChannel) {
        let mut sessions = self.sessions();
        sessions.entry(session).or_default().send_modify(|channels| channels.push(channel));
    }

    /// A channel of a session is over.
    pub fn end(&self, session: SessionId, number: u32) {
        if let Some(channels) = self.sessions().get(&session) {
            channels.send_modify(|channels| channels.retain(|channel| channel.number != number));
        }
    }

    /// A session is over. Who watches it sees the end of the list. To be called after its lease was forgotten, so that
    /// nobody who saw it live comes later than this.
    pub fn over(&self, session: SessionId) {
        self.sessions().remove(&session);
    }

    /// The channels of a session, as they come and go; the sender is dropped with the session. One that has no channel
    /// yet is there for those who come early, so only ask for sessions that are live.
    #[must_use]
    pub fn channels(&self, session: SessionId) -> watch::Receiver<Vec<LiveChannel>> {
        self.sessions().entry(session).or_default().subscribe()
    }

    /// How many recordings are being made.
    #[must_use]
    pub fn count(&self) -> usize {
        self.sessions().values().map(|channels| channels.borrow().len()).sum()
    }

    fn sessions(&self) -> MutexGuard<'_, HashMap<SessionId, watch::Sender<Vec<LiveChannel>>>> {
        // Nothing in here panics half-way through a change.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
