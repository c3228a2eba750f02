//! Who waits for a request to be decided, and is told when it has changed.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use curfew_policy::id::RequestId;
use tokio::sync::watch;

/// Those who wait, by request.
#[derive(Debug, Default)]
pub struct Waiters(Mutex<HashMap<RequestId, watch::Sender<()>>>);

/// Told when one request has changed.
#[derive(Debug)]
pub struct Changes(watch::Receiver<()>);

impl Changes {
    /// Waits for the next change since the last one that was waited for.
    pub async fn next(&mut self) {
        if self.0.changed().await.is_err() {
            // The sender lives as long as this: it is dropped only when nobody listens.
            std::future::pending::<()>().await;
        }
    }
}

impl Waiters {
    /// Listens for changes of a request, from now on. Look at the request after this, not before.
    #[must_use]
    pub fn listen(&self, request: RequestId) -> Changes {
        let mut waiters = self.waiters();
        // Those who have left are counted out here, so that nothing is kept of them.
        waiters.retain(|_, sender| sender.receiver_count() > 0);
        Changes(waiters.entry(request).or_default().subscribe())
    }

    /// A request has changed.
    pub fn wake(&self, request: RequestId) {
        if let Some(sender) = self.waiters().get(&request) {
            sender.send_replace(());
        }
    }

    /// Any request may have changed unheard, as when the database was away.
    pub fn wake_all(&self) {
        for sender in self.waiters().values() {
            sender.send_replace(());
        }
    }

    fn waiters(&self) -> MutexGuard<'_, HashMap<RequestId, watch::Sender<()>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_change_between_listening_and_waiting_is_heard() {
        let waiters = Waiters::default();
        let mut changes = waiters.listen(RequestId(1));
        waiters.wake(RequestId(2));
        waiters.wake(RequestId(1));
        changes.next().await;
        let silent = tokio::time::timeout(std::time::Duration::from_millis(10), changes.next()).await;
        assert!(silent.is_err(), "one change is heard once");
        drop(changes);
        let _other = waiters.listen(RequestId(3));
        assert_eq!(waiters.waiters().len(), 1, "nothing is kept of who has left");
    }
}
