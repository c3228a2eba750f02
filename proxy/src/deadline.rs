//! The lease of a live session, in memory: it ends at its deadline or at a revocation, whichever is first, and needs
//! no database, disk or other task for that.

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
        Lease { grant, standing: self.0.subscribe() }
    }
}

/// The right of a live session to go on.
#[derive(Debug, Clone)]
pub struct Lease {
    grant: GrantId,
    standing: watch::Receiver<Standing>,
}

impl Lease {
    /// A lease until a deadline, and the end of it that the giver keeps.
    #[must_use]
    pub fn new(grant: GrantId, deadline: Deadline) -> (LeaseSender, Self) {
        let sender = LeaseSender(watch::Sender::new(Standing::Until(deadline)));
        let lease = sender.lease(grant);
        (sender, lease)
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
        loop {
            match self.latest() {
                Standing::Over(end) => return end,
                Standing::Until(deadline) => tokio::select! {
                    biased;
                    () = self.changed() => {}
                    () = clock.sleep_until(deadline) => return End::Expired,
                },
            }
        }
    }
}

fn orphaned() -> End {
    End::Revoked { by: "curfew".to_owned(), note: "the gateway lost track of the grant".to_owned() }
}
