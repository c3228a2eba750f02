//! Why something was not done, in words for the person who asked.

use curfew_policy::refusal::Refusal;

use crate::store::StoreError;

/// What a use case comes to.
pub type Outcome<T> = Result<T, Fault>;

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// It may not be done, or not so.
    #[error("{0}")]
    Refused(#[from] Refusal),
    /// The database did not do its part.
    #[error("{}", .0.public())]
    Store(#[from] StoreError),
}

impl Fault {
    /// The answer to a stranger, and for what is not there: they cannot tell one from the other.
    #[must_use]
    pub fn not_found(id: impl std::fmt::Display) -> Self {
        Self::Refused(Refusal::not_found("not-found", format!("{id}: not found")))
    }

    /// The machine's word for it.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Refused(refusal) => refusal.code,
            Self::Store(_) => "database",
        }
    }

    /// The same as a refusal, for where only that can be said. The log is told what the database said.
    #[must_use]
    pub fn into_refusal(self) -> Refusal {
        match self {
            Self::Refused(refusal) => refusal,
            Self::Store(error) => Refusal::unavailable("database", error.public()).audited(error.to_string()),
        }
    }
}
