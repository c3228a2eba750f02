//! The lease of a live session, in memory: it ends at its deadline or at a revocation, whichever is first, and needs
//! no database, disk or other task for that.
//!
//! A role may give grace: from the deadline on nothing new opens, and the lease is over when the grace is. A revocation
//! knows no grace.
//!
//! Beside the lease is what else ends a session, or tells of its end: the [`clock`], [`idle`] sessions, the [`drain`] of the
//! gateway, the [`warning`]s before the end, and the [`farewells`] at it.

pub mod clock;
pub mod drain;
mod end;
pub mod farewells;
pub mod idle;
pub mod warning;

use std::time::Duration;

use curfew_policy::id::GrantId;
use curfew_policy::lease::Deadline;
use tokio::sync::watch;

use crate::lease::clock::Clock;
pub use crate::lease::end::End;

/// What the gateway knows of a lease now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It goes on until then.
    Until(Deadline),
    /// It is over.
    Over(End),
}

/// The giver's end of a lease: extends it, or ends it. When it is dropped the lease counts as revoked.
#[derive(Debug)]
pub struct LeaseSender(watch::Sender<Standing>);

impl LeaseSender {
    /// Moves the deadline, unless the lease is over already.
    pub fn extend(&self, deadline: Deadline) {
        self.0.send_if_modified(|standing| match standing {
            Standing::Until(until) => {
                *until = deadline;
                true
            }
            Standing::Over(_) => false,
        });
    }

    /// Ends the lease, unless it is over already.
    pub fn end(&self, end: End) {
        self.0.send_if_modified(|standing| match standing {
            Standing::Until(_) => {
                *standing = Standing::Over(end);
                true
            }
            Standing::Over(_) => false,
        });
    }

    /// A further lease on the same standing.
    #[must_use]
    pub fn lease(&self, grant: GrantId) -> Lease {
        Lease { grant, standing: self.0.subscribe(), grace: Duration::ZERO }
    }
}

/// The right of a live session to go on.
#[derive(Debug, Clone)]
pub struct Lease {
    grant: GrantId,
    standing: watch::Receiver<Standing>,
    grace: Duration,
}

impl Lease {
    /// A lease until a deadline, and the end of it that the giver keeps.
    #[must_use]
    pub fn new(grant: GrantId, deadline: Deadline) -> (LeaseSender, Self) {
        let sender = LeaseSender(watch::Sender::new(Standing::Until(deadline)));
        let lease = sender.lease(grant);
        (sender, lease)
    }

    /// The same lease where what runs at the deadline may finish for as long.
    #[must_use]
    pub fn with_grace(self, grace: Duration) -> Self {
        Self { grace, ..self }
    }

    /// For how long what runs at the deadline may finish.
    #[must_use]
    pub const fn grace(&self) -> Duration {
        self.grace
    }

    /// The grant it comes from.
    #[must_use]
    pub const fn grant(&self) -> GrantId {
        self.grant
    }

    /// How it stands now. A giver that is gone means revoked.
    #[must_use]
    pub fn standing(&self) -> Standing {
        if self.standing.has_changed().is_err() && matches!(*self.standing.borrow(), Standing::Until(_)) {
            return Standing::Over(orphaned());
        }
        self.standing.borrow().clone()
    }

    /// How it stands now, taken as seen: [`Self::changed`] waits for what comes after.
    pub fn latest(&mut self) -> Standing {
        self.standing.borrow_and_update();
        self.standing()
    }

    /// Waits until it changes: extended, or over. When the giver is gone it returns at once.
    pub async fn changed(&mut self) {
        // An error means that the giver is gone, which `standing` reports as over.
        let _ = self.standing.changed().await;
    }

    /// Waits until it is over, and says why. Extensions on the way are taken into account.
    pub async fn over(&mut self, clock: &Clock) -> End {
        self.ends(clock, self.grace).await
    }

    /// Waits until nothing new may open under it, and says why: from its deadline on, whatever grace there is.
    pub async fn shut(&mut self, clock: &Clock) -> End {
        self.ends(clock, Duration::ZERO).await
    }

    async fn ends(&mut self, clock: &Clock, grace: Duration) -> End {
        loop {
            match self.latest() {
                Standing::Over(end) => return end,
                Standing::Until(deadline) => tokio::select! {
                    biased;
                    () = self.changed() => {}
                    () = clock.sleep_until(deadline.after(grace)) => return End::Expired,
                },
            }
        }
    }

    /// Whether its deadline has passed and it goes on all the same, so that what runs may finish.
    #[must_use]
    pub fn in_grace(&self, clock: &Clock) -> bool {
        let passed = |deadline: Deadline| deadline.is_over(clock.now());
        !self.grace.is_zero() && matches!(self.standing(), Standing::Until(deadline) if passed(deadline))
    }

    /// Waits until its grace begins; for ever where there is none, and after its end.
    pub async fn grace_begins(&mut self, clock: &Clock) {
        loop {
            match self.latest() {
                Standing::Until(deadline) if !self.grace.is_zero() => tokio::select! {
                    biased;
                    () = self.changed() => {}
                    () = clock.sleep_until(deadline) => return,
                },
                _ => return std::future::pending().await,
            }
        }
    }
}

fn orphaned() -> End {
    End::Revoked { by: "curfew".to_owned(), note: "the gateway lost track of the grant".to_owned() }
}

#[cfg(test)]
mod tests;
