//! The clock: the one place that reads the machine's time.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use curfew_policy::lease::{Deadline, Now};
use curfew_policy::time::after;
use jiff::Timestamp;
use tokio::sync::watch;

/// How often the two clocks of the machine are compared, and so how late a stepped clock may be noticed.
const STEP_CHECK: Duration = Duration::from_millis(200);

/// By how much the two clocks may drift apart before that counts as a step.
const DRIFT: Duration = Duration::from_millis(20);

/// How long anybody sleeps without a look of their own at the clocks, should nobody compare them any more.
const LONGEST_SLEEP: Duration = Duration::from_secs(5);

/// Both clocks of the machine, or a manual one for tests. Its clones are the same clock.
///
/// Its wall clock never goes back: it is the system's wall clock or the time since the start of the process on the
/// monotonic clock, whichever is later. So stepping the system's clock back adds nothing to any grant.
#[derive(Clone, Debug)]
pub struct Clock(Arc<Hands>);

#[derive(Debug)]
enum Hands {
    System {
        wall_at_start: Timestamp,
        origin: Instant,
        /// Changes when the wall clock was stepped, or the machine suspended.
        steps: watch::Receiver<()>,
    },
    Manual(watch::Sender<Now>),
}

impl Clock {
    /// The machine's clocks. `not_before` is a moment that is known to have passed (the last thing in the audit log):
    /// a clock that was stepped back while we were away goes on from there.
    #[must_use]
    #[allow(clippy::disallowed_methods)] // This is the clock.
    pub fn system(not_before: Option<Timestamp>) -> Self {
        let (wall, origin) = (system_wall(), Instant::now());
        let wall_at_start = not_before.map_or(wall, |t| t.max(wall));
        Self(Arc::new(Hands::System { wall_at_start, origin, steps: watch_for_steps(origin) }))
    }

    /// A clock that stands still until it is told to move.
    #[must_use]
    pub fn manual(at: Timestamp) -> Self {
        Self(Arc::new(Hands::Manual(watch::Sender::new(Now { wall: at, mono: Duration::ZERO }))))
    }

    /// Moves a manual clock on, both its hands together. A system clock is not moved.
    pub fn advance(&self, by: Duration) {
        self.step(by, by);
    }

    /// Moves the two hands of a manual clock apart, as a suspend or an operator's `date` would.
    pub fn step(&self, wall: Duration, mono: Duration) {
        if let Hands::Manual(now) = &*self.0 {
            now.send_modify(|now| {
                now.wall = after(now.wall, wall);
                now.mono += mono;
            });
        }
    }

    /// What both clocks say.
    #[must_use]
    pub fn now(&self) -> Now {
        match &*self.0 {
            Hands::System { wall_at_start, origin, .. } => {
                let mono = origin.elapsed();
                Now { wall: never_back(system_wall(), *wall_at_start, mono), mono }
            }
            Hands::Manual(now) => *now.borrow(),
        }
    }

    /// What the wall clock says, to the millisecond.
    #[must_use]
    pub fn wall(&self) -> Timestamp {
        curfew_policy::time::to_millis(self.now().wall)
    }

    /// Waits until a deadline is over on either clock. A step of the wall clock is noticed within a fifth of a second.
    pub async fn sleep_until(&self, deadline: Deadline) {
        match &*self.0 {
            Hands::System { steps, .. } => {
                let mut steps = steps.clone();
                loop {
                    steps.mark_unchanged();
                    let left = deadline.remaining(self.now());
                    if left.is_zero() {
                        return;
                    }
                    tokio::select! {
                        biased;
                        () = tokio::time::sleep(left.min(LONGEST_SLEEP)) => {}
                        () = stepped(&mut steps) => {}
                    }
                }
            }
            Hands::Manual(now) => {
                let mut now = now.subscribe();
                // The sender lives in `self`, so this ends only when the deadline is over.
                let _ = now.wait_for(|now| deadline.is_over(*now)).await;
            }
        }
    }

    /// Waits for a span of time on the monotonic clock.
    pub async fn sleep(&self, span: Duration) {
        let now = self.now();
        // A wall end far away leaves the monotonic clock to decide.
        let deadline = Deadline::new(Now { wall: now.wall, mono: now.mono }, after(now.wall, span));
        self.sleep_until(deadline).await;
    }
}

/// Compares the machine's two clocks on a thread of its own, once for everybody who sleeps, until the clock is gone.
fn watch_for_steps(origin: Instant) -> watch::Receiver<()> {
    let (sender, receiver) = watch::channel(());
    let compare = move || {
        let mut apart = how_far_apart(origin);
        while !sender.is_closed() {
            std::thread::sleep(STEP_CHECK);
            let now = how_far_apart(origin);
            if now.abs_diff(apart) >= DRIFT.as_millis() {
                apart = now;
                sender.send_replace(());
            }
        }
    };
    // Without the thread a step is noticed by those who sleep, a little later.
    if let Err(error) = std::thread::Builder::new().name("clock".to_owned()).spawn(compare) {
        tracing::warn!(%error, "no thread to compare the clocks");
    }
    receiver
}

/// By how many milliseconds the wall clock is ahead of the time since `origin`.
fn how_far_apart(origin: Instant) -> i128 {
    i128::from(system_wall().as_millisecond()) - i128::try_from(origin.elapsed().as_millis()).unwrap_or(i128::MAX)
}

/// Waits for a step. Where nobody tells of steps, for ever.
async fn stepped(steps: &mut watch::Receiver<()>) {
    if steps.changed().await.is_err() {
        std::future::pending().await
    }
}

/// What the wall clock shows when the system's says `system`, and `mono` has passed since `at_start`.
fn never_back(system: Timestamp, at_start: Timestamp, mono: Duration) -> Timestamp {
    system.max(after(at_start, mono))
}

#[allow(clippy::disallowed_methods)] // This is the clock.
fn system_wall() -> Timestamp {
    Timestamp::try_from(SystemTime::now()).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests;
