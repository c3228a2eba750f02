//! Somebody asking, with a reason and a duration: pending → granted, denied, cancelled or lapsed.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use jiff::Timestamp;

use crate::id::{GrantId, RequestId};

/// How long a request waits for its approvals.
pub const LAPSES_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

/// Where a request stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestState {
    /// Waiting for approvals.
    Pending,
    /// Approved; its grant has begun or will.
    Granted,
    /// An approver said no.
    Denied,
    /// Its owner took it back.
    Cancelled,
    /// Nobody decided in time.
    Lapsed,
}

impl RequestState {
    /// The word in JSON and in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Granted => "granted",
            Self::Denied => "denied",
            Self::Cancelled => "cancelled",
            Self::Lapsed => "lapsed",
        }
    }
}

impl fmt::Display for RequestState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for RequestState {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        [Self::Pending, Self::Granted, Self::Denied, Self::Cancelled, Self::Lapsed]
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or(())
    }
}

/// One person's yes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    /// Who said it.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// With what words.
    pub note: Option<String>,
}

/// Somebody asking for a role on targets, for a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Its id.
    pub id: RequestId,
    /// Where it stands.
    pub state: RequestState,
    /// Who asks.
    pub user: String,
    /// For which targets, never empty.
    pub targets: Vec<String>,
    /// For which role.
    pub role: String,
    /// For which login; `None` is any login of the role.
    pub login: Option<String>,
    /// For how long. An approver may have shortened it.
    pub duration: Duration,
    /// Why.
    pub reason: String,
    /// When it was asked.
    pub asked_at: Timestamp,
    /// From when on, where it was asked for later (`--at`).
    pub starts_at: Option<Timestamp>,
    /// The approvals so far, oldest first.
    pub approvals: Vec<Approval>,
    /// How many approvals it needs in all.
    pub needed: u32,
    /// The grant that came of it, or the grant that it would extend.
    pub grant: Option<GrantId>,
    /// Whether it asks to extend `grant` rather than for a new one.
    pub extends: bool,
    /// Who denied it, or cancelled it, and in which words.
    pub decided: Option<Approval>,
}

#[cfg(test)]
mod tests;
