//! Idle means: for as long as the role allows, not one byte moved on any channel of the session, in either direction.
//! A quiet command that prints now and then is not idle; a shell that nobody types into, and that prints nothing, is.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use curfew_policy::lease::Deadline;
use curfew_policy::time::after;

use crate::clock::Clock;

/// When something last moved in a session. Its clones are the same.
#[derive(Debug, Clone)]
pub struct Activity {
    clock: Clock,
    last: Arc<AtomicU64>,
}

impl Activity {
    /// Begins now.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        let activity = Self { clock, last: Arc::default() };
        activity.touch();
        activity
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
            let quiet = now.mono.saturating_sub(Duration::from_millis(self.last.load(Ordering::Relaxed)));
            if quiet >= max {
                return;
            }
            let left = max - quiet;
            self.clock.sleep_until(Deadline::new(now, after(now.wall, left))).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    #[tokio::test]
    async fn a_session_is_idle_when_nothing_moved_for_the_whole_time() {
        let clock = Clock::manual(Timestamp::UNIX_EPOCH);
        let activity = Activity::new(clock.clone());
        let waiting = tokio::spawn({
            let activity = activity.clone();
            async move { activity.idle(Some(Duration::from_secs(60))).await }
        });
        tokio::task::yield_now().await;
        clock.advance(Duration::from_secs(59));
        activity.touch();
        clock.advance(Duration::from_secs(59));
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        clock.advance(Duration::from_secs(1));
        waiting.await.expect("idle at last");
    }
}
