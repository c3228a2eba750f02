//! The lease of a live session, in memory: it ends at its deadline or at a revocation, whichever is first, and needs
//! no database, disk or other task for that.
//!
//! A role may give grace: from the deadline on nothing new opens, and the lease is over when the grace is. A revocation
//! knows no grace.

use std::time::Duration;

use curfew_policy::id::GrantId;
use curfew_policy::lease::Deadline;
use tokio::sync::watch;

use crate::clock::Clock;

/// Why a session ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// The client went away, or was done.
    Client,
    /// The target went away.
    Target,
    /// The grant's time was up.
    Expired,
    /// The grant was taken back: by whom, and in which words.
    Revoked {
        /// The user, or `curfew` where a changed configuration did it.
        by: String,
        /// What they said.
        note: String,
    },
    /// The session was killed: by whom, and in which words.
    Killed {
        /// The user.
        by: String,
        /// What they said.
        note: String,
    },
    /// Nothing moved for as long as the role allows.
    Idle,
    /// What happened could no longer be recorded.
    RecordingFailed,
    /// The gateway is going down.
    Shutdown,
    /// The target could not be reached or was not the one it should be: why.
    Unreachable(String),
}

impl End {
    /// The word in JSON and in the database.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Target => "target",
            Self::Expired => "expired",
            Self::Revoked { .. } => "revoked",
            Self::Killed { .. } => "killed",
            Self::Idle => "idle",
            Self::RecordingFailed => "recording-failed",
            Self::Shutdown => "shutdown",
            Self::Unreachable(_) => "unreachable",
        }
    }

    /// Whether Curfew cut the session, so that its clients exit with 124.
    #[must_use]
    pub const fn is_cut(&self) -> bool {
        !matches!(self, Self::Client | Self::Target | Self::Unreachable(_))
    }
}

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
mod tests {
    use curfew_policy::time::after;
    use jiff::Timestamp;

    use super::*;

    const fn secs(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    /// A lease of a minute, with as much grace.
    fn lease(grace: Duration) -> (Clock, LeaseSender, Lease) {
        let clock = Clock::manual(Timestamp::UNIX_EPOCH);
        let deadline = Deadline::new(clock.now(), after(clock.wall(), secs(60)));
        let (sender, lease) = Lease::new(GrantId(1), deadline);
        (clock, sender, lease.with_grace(grace))
    }

    /// Whether a lease is shut, in its grace, and over, now.
    async fn state(lease: &Lease, clock: &Clock) -> (bool, bool, bool) {
        async fn now<T>(future: impl Future<Output = T>) -> bool {
            tokio::select! {
                biased;
                _ = future => true,
                () = std::future::ready(()) => false,
            }
        }
        let (mut shut, mut over, mut begins) = (lease.clone(), lease.clone(), lease.clone());
        let (shut, over) = (now(shut.shut(clock)).await, now(over.over(clock)).await);
        assert_eq!(now(begins.grace_begins(clock)).await, lease.in_grace(clock));
        (shut, lease.in_grace(clock) && !over, over)
    }

    #[tokio::test]
    async fn without_grace_a_lease_is_over_when_it_is_shut() {
        let (clock, _sender, lease) = lease(Duration::ZERO);
        clock.advance(secs(59));
        assert_eq!(state(&lease, &clock).await, (false, false, false));
        clock.advance(secs(1));
        assert_eq!(state(&lease, &clock).await, (true, false, true));
    }

    #[tokio::test]
    async fn with_grace_it_is_shut_at_the_deadline_and_over_when_the_grace_is() {
        let (clock, _sender, lease) = lease(secs(30));
        clock.advance(secs(59));
        assert_eq!(state(&lease, &clock).await, (false, false, false));
        clock.advance(secs(1));
        assert_eq!(state(&lease, &clock).await, (true, true, false));
        clock.advance(secs(29));
        assert_eq!(state(&lease, &clock).await, (true, true, false));
        clock.advance(secs(1));
        assert!(state(&lease, &clock).await.2);
    }

    #[tokio::test]
    async fn neither_clock_alone_stretches_a_grace() {
        // The machine was suspended, or its wall clock stands still.
        for (wall, mono) in [(90, 1), (1, 90)] {
            let (clock, _sender, lease) = lease(secs(30));
            clock.step(secs(wall), secs(mono));
            assert!(state(&lease, &clock).await.2, "{wall} {mono}");
        }
    }

    #[tokio::test]
    async fn a_revocation_knows_no_grace() {
        let (clock, sender, mut lease) = lease(secs(30));
        clock.advance(secs(70));
        let revoked = End::Revoked { by: "bob".to_owned(), note: "now".to_owned() };
        sender.end(revoked.clone());
        assert_eq!(lease.over(&clock).await, revoked);
        assert!(!lease.in_grace(&clock));
        drop(sender);
        assert_eq!(lease.over(&clock).await, revoked);
    }

    #[tokio::test]
    async fn a_lost_giver_knows_no_grace() {
        let (clock, sender, mut lease) = lease(secs(30));
        clock.advance(secs(70));
        drop(sender);
        assert!(matches!(lease.over(&clock).await, End::Revoked { .. }));
    }

    #[tokio::test]
    async fn more_time_ends_a_grace_and_moves_it() {
        let (clock, sender, lease) = lease(secs(30));
        clock.advance(secs(59));
        sender.extend(Deadline::new(clock.now(), after(clock.wall(), secs(61))));
        clock.advance(secs(60));
        assert_eq!(state(&lease, &clock).await, (false, false, false));
        clock.advance(secs(1));
        assert_eq!(state(&lease, &clock).await, (true, true, false));
    }
}
