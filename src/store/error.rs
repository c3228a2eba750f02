//! What can go wrong with the database, and what a person is told of it.

use super::chain::Checkpoint;
use crate::config::location::BadLocation;
use crate::files::private::NotPrivate;

/// The database did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It is locked by another program, full, gone or replaced. Trying again may help.
    #[error("the database does not answer: {0}")]
    Unavailable(String),
    /// It may not be used, as it is: somebody else uses it, or it is another's. The line says what to do.
    #[error("{0}")]
    NotOurs(String),
    /// A commit was sent, and no answer came: it took place, or not.
    #[error("the database did not answer a commit")]
    Unanswered(Box<Checkpoint>),
    /// Another process has begun as this gateway since.
    #[error("another curfew has started as gateway `{0}` on this database; this one writes no more. Stop one of them")]
    Fenced(String),
    /// Where the database is makes no sense.
    #[error(transparent)]
    Location(#[from] BadLocation),
    /// It holds something that this version of Curfew does not understand.
    #[error("the database holds something unreadable: {0}")]
    Unreadable(String),
    /// Its files cannot be used, at the start.
    #[error(transparent)]
    Files(#[from] NotPrivate),
}

impl StoreError {
    /// The line for the person who asked; the details are for the log.
    #[must_use]
    pub const fn public(&self) -> &'static str {
        match self {
            Self::Unavailable(_) | Self::NotOurs(_) | Self::Files(_) | Self::Unanswered(_) | Self::Location(_) => {
                "the bastion's database does not answer; try again in a moment"
            }
            Self::Fenced(_) => "this bastion has been replaced by another process; connect again",
            Self::Unreadable(_) => "the bastion's database cannot be read; tell its operators",
        }
    }

    /// For a column whose text is none of those that we write.
    pub(super) fn odd(what: &str, value: &str) -> Self {
        Self::Unreadable(format!("{what} `{}`", value.escape_debug()))
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::RowNotFound
            | sqlx::Error::ColumnDecode { .. }
            | sqlx::Error::ColumnNotFound(_)
            | sqlx::Error::Decode(_) => Self::Unreadable(error.to_string()),
            error => Self::Unavailable(error.to_string()),
        }
    }
}
