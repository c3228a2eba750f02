//! What people are warned of before their grant ends, and when.

use std::time::Duration;

use curfew_policy::lease::Deadline;

use crate::lease::clock::Clock;
use crate::lease::{Lease, Standing};

/// How long before the end people are warned, earliest first.
pub const WARNINGS: [Duration; 2] = [Duration::from_secs(300), Duration::from_secs(60)];

/// What a person is warned of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Warning {
    /// The grant ends, and its sessions with it.
    Ends(Duration),
    /// The grant ends, and its sessions may finish what runs: when, and for how long.
    EndsWithGrace(Duration, Duration),
    /// The grant has expired, and what runs may finish for as long.
    Grace(Duration),
    /// What still runs is cut.
    Cut(Duration),
}

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
mod tests;
