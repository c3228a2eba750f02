//! The ends of sessions that the database could not take yet.

use std::sync::{Mutex, PoisonError};

use curfew_policy::id::SessionId;
use jiff::Timestamp;

/// Why a session ended that the gateway did not live to see the end of.
pub const INTERRUPTED: &str = "interrupted";

/// Ends that the database has not taken yet.
#[derive(Debug, Default)]
pub struct LateEnds(Mutex<Vec<EndedSession>>);

/// The end of a session.
#[derive(Debug, Clone)]
pub struct EndedSession {
    /// The session.
    pub session: SessionId,
    /// Where a commit was not answered: when that session began. Its id, if the commit failed, is another's by now.
    pub began: Option<Timestamp>,
    /// When it ended.
    pub at: Timestamp,
    /// Why, in a word.
    pub why: String,
    /// Who ended it, where somebody did.
    pub by: Option<String>,
    /// What they said, or what was wrong.
    pub note: Option<String>,
}

impl LateEnds {
    /// Remembers that a session which was to begin at `at`, if the database knows of it at all, is over.
    pub fn never_began(&self, session: SessionId, at: Timestamp) {
        self.keep(EndedSession { session, began: Some(at), at, why: INTERRUPTED.to_owned(), by: None, note: None });
    }

    /// Keeps an end until the database takes it.
    pub fn keep(&self, ended: EndedSession) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(ended);
    }

    /// The end of a session was written.
    pub fn forget(&self, session: SessionId) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|ended| ended.session != session || ended.began.is_some());
    }

    /// Takes out all ends that are kept.
    #[must_use]
    pub fn take(&self) -> Vec<EndedSession> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
