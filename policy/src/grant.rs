//! An approved request: scheduled → active → ended.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;

use crate::id::{GrantId, RequestId};

/// Why a grant ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GrantEnd {
    /// Its time was up.
    Expired,
    /// Somebody took it back, or its user, target or role is gone.
    Revoked,
    /// Its owner was done with it.
    Done,
    /// Its time was up and nobody had used it.
    Unused,
}

impl GrantEnd {
    /// The word in JSON and in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::Revoked => "revoked",
            Self::Done => "done",
            Self::Unused => "unused",
        }
    }
}

impl fmt::Display for GrantEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for GrantEnd {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        [Self::Expired, Self::Revoked, Self::Done, Self::Unused].into_iter().find(|end| end.as_str() == text).ok_or(())
    }
}

/// Where a grant stands at some moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GrantState {
    /// It begins later.
    Scheduled,
    /// It carries sessions.
    Active,
    /// It is over, whether or not the sweep has written that down yet.
    Ended,
}

impl GrantState {
    /// The word in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Scheduled => "scheduled",
            Self::Active => "active",
            Self::Ended => "ended",
        }
    }
}

impl fmt::Display for GrantState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The right to open sessions on targets in a role, from one moment to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Its id.
    pub id: GrantId,
    /// The request it came of.
    pub request: RequestId,
    /// Whose it is.
    pub user: String,
    /// For which targets, never empty.
    pub targets: Vec<String>,
    /// In which role.
    pub role: String,
    /// With which login; `None` is any login of the role.
    pub login: Option<String>,
    /// From when on.
    pub starts_at: Timestamp,
    /// Until when, to the millisecond.
    pub expires_at: Timestamp,
    /// When and why it ended, once that is written down.
    pub ended: Option<(Timestamp, GrantEnd)>,
    /// Who ended it, once that is written down.
    pub ended_by: Option<String>,
    /// What was said at its end (`revoke --note`).
    pub ended_note: Option<String>,
    /// Whether a session was ever opened under it.
    pub used: bool,
}

impl Grant {
    /// Where it stands at `now`.
    #[must_use]
    pub fn state(&self, now: Timestamp) -> GrantState {
        if self.ended.is_some() || now >= self.expires_at {
            GrantState::Ended
        } else if now < self.starts_at {
            GrantState::Scheduled
        } else {
            GrantState::Active
        }
    }

    /// Whether it carries a session on this target at `now`.
    #[must_use]
    pub fn fits(&self, target: &str, now: Timestamp) -> bool {
        self.state(now) == GrantState::Active && self.targets.iter().any(|t| t == target)
    }
}

#[cfg(test)]
mod tests;
