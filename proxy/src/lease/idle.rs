//! Idle means: for as long as the role allows, not one byte moved on any channel or forward of the session, in either
//! direction, and no command ran without a terminal. A shell that nobody types into, and that prints nothing, is idle, and
//! so is a command on a terminal; a quiet backup (`ssh web1 backup`) is not, and the time counts from its end.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use curfew_policy::lease::Deadline;
use curfew_policy::time::after;

use crate::lease::clock::Clock;

/// When something last moved in a session. Its clones are the same.
#[derive(Debug, Clone)]
pub struct Activity {
    clock: Clock,
    last: Arc<AtomicU64>,
    running: Arc<AtomicUsize>,
}

/// A command that runs, however quiet it is, until this is dropped.
#[derive(Debug)]
pub struct Running(Activity);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.touch();
        self.0.running.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Activity {
    /// Begins now.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        let activity = Self { clock, last: Arc::default(), running: Arc::default() };
        activity.touch();
        activity
    }

    /// A command begins, with which nothing is idle until it ends.
    #[must_use]
    pub fn run(&self) -> Running {
        self.running.fetch_add(1, Ordering::SeqCst);
        Running(self.clone())
    }

    /// Something moved.
    pub fn touch(&self) {
        let millis = u64::try_from(self.clock.now().mono.as_millis()).unwrap_or(u64::MAX);
        self.last.store(millis, Ordering::Relaxed);
    }

    /// Waits until nothing has moved for `max`; for ever when there is no such limit.
    pub async fn idle(&self, max: Option<Duration>) {
        let Some(max) = max else { return std::future::pending().await };
        loop {
            let now = self.clock.now();
            let running = self.running.load(Ordering::SeqCst) > 0;
            let last = if running { now.mono } else { Duration::from_millis(self.last.load(Ordering::Relaxed)) };
            let quiet = now.mono.saturating_sub(last);
            if quiet >= max {
                return;
            }
            let left = max - quiet;
            self.clock.sleep_until(Deadline::new(now, after(now.wall, left))).await;
        }
    }
}

#[cfg(test)]
mod tests;
