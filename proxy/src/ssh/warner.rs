//! Says when a person is to be warned that their grant ends.

use std::time::Duration;

use crate::clock::Clock;
use crate::deadline::{Lease, Standing};
use crate::ssh::notice::WARNINGS;

/// Counts down to each warning of a lease; an extension moves them.
#[derive(Debug)]
pub struct Warner {
    lease: Lease,
    clock: Clock,
}

impl Warner {
    /// A warner for a lease.
    #[must_use]
    pub const fn new(lease: Lease, clock: Clock) -> Self {
        Self { lease, clock }
    }

    /// Waits until the next warning is due, and says how long is left then. A warning whose time has passed when the
    /// session begins is not given.
    pub async fn next(&mut self) -> Duration {
        loop {
            let Standing::Until(deadline) = self.lease.latest() else {
                return std::future::pending().await;
            };
            let left = deadline.remaining(self.clock.now());
            match WARNINGS.into_iter().find(|warning| *warning < left) {
                None => self.lease.changed().await,
                Some(warning) => tokio::select! {
                    () = self.clock.sleep_until(deadline.before(warning)) => return warning,
                    () = self.lease.changed() => {}
                },
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use curfew_policy::id::GrantId;
    use curfew_policy::lease::Deadline;
    use curfew_policy::time::after;
    use jiff::Timestamp;

    use super::*;

    const fn secs(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    #[tokio::test]
    async fn warnings_come_at_five_minutes_and_at_one_and_follow_an_extension() {
        let start = Timestamp::UNIX_EPOCH;
        let clock = Clock::manual(start);
        let (sender, lease) = Lease::new(GrantId(1), Deadline::new(clock.now(), after(start, secs(1800))));
        let mut warner = Warner::new(lease, clock.clone());

        // Joined, so that the warner waits already when time goes on.
        assert_eq!(tokio::join!(warner.next(), async { clock.advance(secs(1500)) }).0, secs(300));
        sender.extend(Deadline::new(clock.now(), after(start, secs(3600))));
        assert_eq!(tokio::join!(warner.next(), async { clock.advance(secs(1800)) }).0, secs(300));
        assert_eq!(tokio::join!(warner.next(), async { clock.advance(secs(240)) }).0, secs(60));
    }

    #[tokio::test]
    async fn a_short_grant_is_warned_only_of_what_lies_ahead() {
        let start = Timestamp::UNIX_EPOCH;
        let clock = Clock::manual(start);
        let (_sender, lease) = Lease::new(GrantId(1), Deadline::new(clock.now(), after(start, secs(90))));
        let mut warner = Warner::new(lease, clock.clone());
        assert_eq!(tokio::join!(warner.next(), async { clock.advance(secs(31)) }).0, secs(60));
    }
}
