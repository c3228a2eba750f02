//! How many connections of one person may wait for a decision.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The most connections of one person that ask or wait at a time.
pub const MOST_EACH: usize = 16;

/// The connections that ask or wait, by person. Its clones are the same.
#[derive(Debug, Clone, Default)]
pub struct WaitingLimit(Arc<WaitingCounts>);

#[derive(Debug, Default)]
struct WaitingCounts {
    waiting: Mutex<HashMap<String, usize>>,
    alone: tokio::sync::Mutex<()>,
}

/// One connection, counted until it is dropped.
#[derive(Debug)]
pub struct Waiting {
    waiting_limit: WaitingLimit,
    user: String,
}

impl WaitingLimit {
    /// Counts a connection in, unless there are too many of this person.
    #[must_use]
    pub fn enter(&self, user: &str) -> Option<Waiting> {
        let mut waiting = self.waiting();
        let count = waiting.entry(user.to_owned()).or_default();
        if *count >= MOST_EACH {
            return None;
        }
        *count += 1;
        Some(Waiting { waiting_limit: self.clone(), user: user.to_owned() })
    }

    /// Waits until nobody else looks for a request and files it.
    pub(super) async fn alone(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.0.alone.lock().await
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<String, usize>> {
        self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let mut waiting = self.waiting_limit.waiting();
        if let Some(count) = waiting.get_mut(&self.user) {
            *count -= 1;
            if *count == 0 {
                waiting.remove(&self.user);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_has_so_many_and_others_have_their_own() {
        let waiting_limit = WaitingLimit::default();
        let mut all: Vec<Waiting> = (0..MOST_EACH).map(|_| waiting_limit.enter("alice").expect("room")).collect();
        assert!(waiting_limit.enter("alice").is_none());
        assert!(waiting_limit.enter("bob").is_some());
        all.pop();
        assert!(waiting_limit.enter("alice").is_some());
        drop(all);
        assert!(waiting_limit.waiting().is_empty(), "nothing is kept of who has left");
    }
}
