//! Says when a person is to be warned that their grant ends.

use curfew_policy::lease::Deadline;

use crate::clock::Clock;
use crate::deadline::{Lease, Standing};
use crate::ssh::notice::{WARNINGS, Warning};

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

    /// Waits until the next warning is due. One whose time has passed when the session begins is not given.
    pub async fn next(&mut self) -> Warning {
        loop {
            let Standing::Until(deadline) = self.lease.latest() else {
                return std::future::pending().await;
            };
            match self.ahead(deadline) {
                None => self.lease.changed().await,
                Some((at, warning)) => tokio::select! {
                    () = self.clock.sleep_until(at) => return warning,
                    () = self.lease.changed() => {}
                },
            }
        }
    }

    /// The next warning that lies ahead, and when it is due.
    fn ahead(&self, deadline: Deadline) -> Option<(Deadline, Warning)> {
        let (now, grace) = (self.clock.now(), self.lease.grace());
        let left = deadline.remaining(now);
        if let Some(before) = WARNINGS.into_iter().find(|before| *before < left) {
            let graceful = Warning::EndsWithGrace(before, grace);
            let warning = if grace.is_zero() { Warning::Ends(before) } else { graceful };
            return Some((deadline.before(before), warning));
        }
        if grace.is_zero() {
            return None;
        }
        if !left.is_zero() {
            return Some((deadline, Warning::Grace(grace)));
        }
        let (cut, last) = (deadline.after(grace), *WARNINGS.last()?);
        (last < cut.remaining(now)).then(|| (cut.before(last), Warning::Cut(last)))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use curfew_policy::id::GrantId;
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
        assert_eq!(tokio::join!(warner.next(), async { clock.advance(secs(1500)) }).0, Warning::Ends(secs(300)));
        sender.extend(Deadline::new(clock.now(), after(start, secs(3600))));
        assert_eq!(tokio::join!(warner.next(), async { clock.advance(secs(1800)) }).0, Warning::Ends(secs(300)));
        assert_eq!(tokio::join!(warner.next(), async { clock.advance(secs(240)) }).0, Warning::Ends(secs(60)));
    }

    #[tokio::test]
    async fn a_short_grant_is_warned_only_of_what_lies_ahead() {
        let start = Timestamp::UNIX_EPOCH;
        let clock = Clock::manual(start);
        let (_sender, lease) = Lease::new(GrantId(1), Deadline::new(clock.now(), after(start, secs(90))));
        let mut warner = Warner::new(lease, clock.clone());
        assert_eq!(tokio::join!(warner.next(), async { clock.advance(secs(31)) }).0, Warning::Ends(secs(60)));
    }

    #[tokio::test]
    async fn a_grace_is_told_before_it_begins_when_it_does_and_before_it_ends() {
        let start = Timestamp::UNIX_EPOCH;
        let clock = Clock::manual(start);
        let (_sender, lease) = Lease::new(GrantId(1), Deadline::new(clock.now(), after(start, secs(90))));
        let mut warner = Warner::new(lease.with_grace(secs(300)), clock.clone());
        for (passed, warning) in [
            (30, Warning::EndsWithGrace(secs(60), secs(300))),
            (60, Warning::Grace(secs(300))),
            (240, Warning::Cut(secs(60))),
        ] {
            assert_eq!(tokio::join!(warner.next(), async { clock.advance(secs(passed)) }).0, warning);
        }
    }
}
