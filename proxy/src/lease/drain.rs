//! Going down in order: no new sessions, time for the live ones, then the end.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{Notify, watch};

/// How far the shutdown has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Serving.
    Open,
    /// No new sessions; the live ones go on.
    Draining,
    /// The live ones end now.
    Closing,
}

/// The shutdown of a gateway. Its clones are the same.
#[derive(Debug, Clone)]
pub struct Drain(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    phase: watch::Sender<Phase>,
    live: AtomicUsize,
    gone: Notify,
}

/// One live connection, counted until it is dropped.
#[derive(Debug)]
pub struct LiveConnection(Drain);

impl Default for Drain {
    fn default() -> Self {
        Self::new()
    }
}

impl Drain {
    /// A gateway that serves.
    #[must_use]
    pub fn new() -> Self {
        Self(Arc::new(Inner { phase: watch::Sender::new(Phase::Open), live: AtomicUsize::new(0), gone: Notify::new() }))
    }

    /// Counts a connection in.
    #[must_use]
    pub fn enter(&self) -> LiveConnection {
        self.0.live.fetch_add(1, Ordering::SeqCst);
        LiveConnection(self.clone())
    }

    /// How many connections there are.
    #[must_use]
    pub fn live(&self) -> usize {
        self.0.live.load(Ordering::SeqCst)
    }

    /// How far it has come.
    #[must_use]
    pub fn phase(&self) -> Phase {
        *self.0.phase.borrow()
    }

    /// Goes on to a later phase; an earlier one is ignored.
    pub fn advance(&self, to: Phase) {
        self.0.phase.send_if_modified(|phase| {
            let later = to > *phase;
            if later {
                *phase = to;
            }
            later
        });
    }

    /// Waits for a phase, or a later one.
    pub async fn reached(&self, phase: Phase) {
        // The sender lives in `self`, so this does not fail.
        let _ = self.0.phase.subscribe().wait_for(|now| *now >= phase).await;
    }

    /// Waits until the last connection is gone.
    pub async fn empty(&self) {
        loop {
            let gone = self.0.gone.notified();
            if self.live() == 0 {
                return;
            }
            gone.await;
        }
    }
}

impl Drop for LiveConnection {
    fn drop(&mut self) {
        if self.0.0.live.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.0.0.gone.notify_waiters();
        }
    }
}
