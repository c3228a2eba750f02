//! Waiting for what other processes do: a condition that is looked at until it holds, never a bare sleep.

use std::time::{Duration, Instant, SystemTime};

use jiff::Timestamp;

const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Time since it was made. The one place where the tests read the machine's clock.
#[derive(Clone, Copy)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    #[allow(clippy::disallowed_methods)] // Real processes live by the real clock.
    pub fn start() -> Self {
        Self(Instant::now())
    }

    pub fn elapsed(self) -> Duration {
        self.0.elapsed()
    }
}

/// Waits until `holds`, and fails the test with `what` when it does not within `limit`.
#[track_caller]
pub fn eventually(limit: Duration, what: &str, mut holds: impl FnMut() -> bool) {
    eventually_some(limit, what, || holds().then_some(()));
}

/// Waits for a value, and fails the test with `what` when there is none within `limit`.
#[track_caller]
pub fn eventually_some<T>(limit: Duration, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let watch = Stopwatch::start();
    loop {
        if let Some(value) = look() {
            return value;
        }
        assert!(watch.elapsed() < limit, "not within {limit:?}: {what}");
        std::thread::sleep(LOOK_EVERY);
    }
}

/// What the machine's wall clock says.
#[allow(clippy::disallowed_methods)] // Real processes live by the real clock.
pub fn wall() -> Timestamp {
    Timestamp::try_from(SystemTime::now()).expect("a clock of this age")
}
