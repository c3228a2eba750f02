//! The seals of recordings that the database could not take yet.

use std::sync::{Mutex, PoisonError};

use curfew_policy::id::SessionId;
use jiff::Timestamp;

/// Seals that the database has not taken yet.
#[derive(Debug, Default)]
pub struct LateSeals(Mutex<Vec<LateSeal>>);

/// A recording was sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LateSeal {
    /// The session.
    pub session: SessionId,
    /// Which of its channels.
    pub channel: u32,
    /// When it was sealed.
    pub at: Timestamp,
    /// How long the file is.
    pub bytes: u64,
    /// The seal.
    pub seal: String,
}

impl LateSeals {
    /// Keeps a seal until the database takes it.
    pub fn keep(&self, seal: LateSeal) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(seal);
    }

    /// A seal was written.
    pub fn forget(&self, seal: &LateSeal) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|kept| kept != seal);
    }

    /// Takes out all seals that are kept.
    #[must_use]
    pub fn take(&self) -> Vec<LateSeal> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
