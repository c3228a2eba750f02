//! The leases of live sessions, in memory: who may go on, and until when.
//!
//! A session's own task ends it at its deadline. What happens here is what the deadline does not know of: extensions,
//! revocations, kills, a changed configuration.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use curfew_policy::id::{GrantId, SessionId};
use curfew_policy::lease::{Deadline, Now};
use curfew_proxy::lease::{End, Lease, LeaseSender};
use jiff::Timestamp;

/// A live session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveSession {
    /// Its id.
    pub session: SessionId,
    /// The grant that carries it.
    pub grant: GrantId,
    /// Whose it is.
    pub user: String,
    /// Where it leads.
    pub target: String,
    /// The role it has.
    pub role: String,
}

/// The registry of live sessions and of the deadlines of their grants.
#[derive(Debug, Default)]
pub struct Leases(Mutex<Registry>);

#[derive(Debug, Default)]
struct Registry {
    /// On both clocks. Kept from when a grant was first seen, so that a session that begins late cannot outlive it
    /// after the wall clock was stepped.
    grants: HashMap<GrantId, GrantStanding>,
    sessions: HashMap<SessionId, (LiveSession, LeaseSender)>,
}

#[derive(Debug, Clone)]
enum GrantStanding {
    Until(Deadline),
    /// How it ended, and the deadline that it had, where one was known.
    Over(End, Option<Deadline>),
}

impl Leases {
    /// The deadline of a grant that ends at `expires_at`. The first call fixes it; only [`Leases::extend`] moves it.
    pub fn deadline(&self, grant: GrantId, now: Now, expires_at: Timestamp) -> Deadline {
        let fresh = Deadline::new(now, expires_at);
        match self.registry().grants.entry(grant).or_insert(GrantStanding::Until(fresh)) {
            GrantStanding::Until(deadline) => deadline.min(fresh),
            GrantStanding::Over(..) => Deadline::new(now, now.wall),
        }
    }

    /// When the time of a grant is up, whether or not it has ended before.
    pub fn time_of(&self, grant: GrantId, now: Now, expires_at: Timestamp) -> Deadline {
        let fresh = Deadline::new(now, expires_at);
        match self.registry().grants.entry(grant).or_insert(GrantStanding::Until(fresh)) {
            GrantStanding::Until(deadline) | GrantStanding::Over(_, Some(deadline)) => deadline.min(fresh),
            GrantStanding::Over(_, None) => fresh,
        }
    }

    /// Gives a session its lease, until the deadline of its grant.
    ///
    /// # Errors
    /// How the grant ended, if it was ended here already.
    pub fn begin(&self, live: LiveSession, now: Now, expires_at: Timestamp) -> Result<Lease, End> {
        let mut state = self.registry();
        let fresh = Deadline::new(now, expires_at);
        let deadline = match state.grants.entry(live.grant).or_insert(GrantStanding::Until(fresh)) {
            GrantStanding::Until(deadline) => deadline.min(fresh),
            GrantStanding::Over(end, _) => return Err(end.clone()),
        };
        let (sender, lease) = Lease::new(live.grant, deadline);
        state.sessions.insert(live.session, (live, sender));
        Ok(lease)
    }

    /// A session is gone, or never came to be. Its lease, if anybody still holds it, counts as revoked.
    pub fn forget(&self, session: SessionId) -> Option<LiveSession> {
        self.registry().sessions.remove(&session).map(|(live, _)| live)
    }

    /// Moves the end of a grant, and of its live sessions, by as much as it was extended: what a stepped clock took
    /// away is not given back.
    pub fn extend(&self, grant: GrantId, now: Now, from: Timestamp, to: Timestamp) {
        let mut state = self.registry();
        let before = match state.grants.get(&grant) {
            Some(GrantStanding::Until(deadline)) => *deadline,
            Some(GrantStanding::Over(..)) => return,
            None => Deadline::new(now, from),
        };
        let deadline = before.moved_to(to);
        state.grants.insert(grant, GrantStanding::Until(deadline));
        for (live, sender) in state.sessions.values() {
            if live.grant == grant {
                sender.extend(deadline);
            }
        }
    }

    /// Has a grant, and its live sessions, end at the moment that the store gives, where that is later than the one known
    /// here: it was extended, and nobody told this process.
    pub fn follow(&self, grant: GrantId, now: Now, expires_at: Timestamp) {
        let known = match self.registry().grants.get(&grant) {
            Some(GrantStanding::Until(deadline)) => deadline.expires_at(),
            Some(GrantStanding::Over(..)) | None => return,
        };
        if known < expires_at {
            self.extend(grant, now, known, expires_at);
        }
    }

    /// Ends a grant for all its sessions, and for those that are still on their way in.
    pub fn end_grant(&self, grant: GrantId, end: &End) {
        let mut state = self.registry();
        let deadline = match state.grants.get(&grant) {
            Some(GrantStanding::Until(deadline)) => Some(*deadline),
            Some(GrantStanding::Over(_, deadline)) => *deadline,
            None => None,
        };
        state.grants.insert(grant, GrantStanding::Over(end.clone(), deadline));
        for (live, sender) in state.sessions.values() {
            if live.grant == grant {
                sender.end(end.clone());
            }
        }
    }

    /// Forgets that a grant ended in this way: it did not. The deadline is the one that it had.
    pub fn revive(&self, grant: GrantId, end: &End) {
        let mut state = self.registry();
        let deadline = match state.grants.get(&grant) {
            Some(GrantStanding::Over(why, deadline)) if why == end => *deadline,
            _ => return,
        };
        match deadline {
            Some(deadline) => state.grants.insert(grant, GrantStanding::Until(deadline)),
            None => state.grants.remove(&grant),
        };
    }

    /// Ends one session. Says whether it was live.
    pub fn kill(&self, session: SessionId, end: End) -> bool {
        let state = self.registry();
        let found = state.sessions.get(&session);
        if let Some((_, sender)) = found {
            sender.end(end);
        }
        found.is_some()
    }

    /// Ends those sessions for which `judge` gives an end, as after a change of the configuration.
    pub fn end_where(&self, judge: impl Fn(&LiveSession) -> Option<End>) {
        for (live, sender) in self.registry().sessions.values() {
            if let Some(end) = judge(live) {
                sender.end(end);
            }
        }
    }

    /// Whether a session is live.
    #[must_use]
    pub fn is_live(&self, session: SessionId) -> bool {
        self.registry().sessions.contains_key(&session)
    }

    /// The live sessions, by id.
    #[must_use]
    pub fn live(&self) -> Vec<LiveSession> {
        let mut live: Vec<LiveSession> = self.registry().sessions.values().map(|(live, _)| live.clone()).collect();
        live.sort_by_key(|live| live.session);
        live
    }

    /// The live sessions of a grant.
    #[must_use]
    pub fn under(&self, grant: GrantId) -> Vec<SessionId> {
        self.live().into_iter().filter(|live| live.grant == grant).map(|live| live.session).collect()
    }

    /// The grants that are known here.
    #[must_use]
    pub fn grants(&self) -> Vec<GrantId> {
        self.registry().grants.keys().copied().collect()
    }

    /// Drops what is known of grants that have ended in the database and have no session left.
    pub fn forget_grants(&self, ended: &[GrantId]) {
        let mut state = self.registry();
        let live: HashSet<GrantId> = state.sessions.values().map(|(live, _)| live.grant).collect();
        for grant in ended.iter().filter(|grant| !live.contains(grant)) {
            state.grants.remove(grant);
        }
    }

    fn registry(&self) -> MutexGuard<'_, Registry> {
        // Nothing in here panics half-way through a change.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use curfew_policy::time::after;
    use curfew_proxy::lease::Standing as LeaseStanding;
    use curfew_proxy::lease::clock::Clock;

    use super::*;

    const HALF_HOUR: Duration = Duration::from_secs(1800);

    fn live(session: i64, grant: i64) -> LiveSession {
        LiveSession {
            session: SessionId(session),
            grant: GrantId(grant),
            user: "alice".into(),
            target: "web1".into(),
            role: "admin".into(),
        }
    }

    fn clock() -> Clock {
        Clock::manual("2026-11-23T04:00:00Z".parse().unwrap())
    }

    fn left(lease: &Lease, clock: &Clock) -> Duration {
        match lease.standing() {
            LeaseStanding::Until(deadline) => deadline.remaining(clock.now()),
            LeaseStanding::Over(_) => Duration::ZERO,
        }
    }

    #[test]
    fn a_late_session_cannot_outlive_its_grant_after_the_wall_clock_stood_still() {
        let (clock, leases) = (clock(), Leases::default());
        let expires = after(clock.wall(), HALF_HOUR);
        leases.deadline(GrantId(1), clock.now(), expires);
        clock.step(Duration::ZERO, Duration::from_secs(1500));
        let lease = leases.begin(live(1, 1), clock.now(), expires).unwrap();
        assert_eq!(left(&lease, &clock), Duration::from_secs(300));
    }

    #[test]
    fn an_extension_adds_what_was_granted_and_not_what_a_stepped_clock_took() {
        let (clock, leases) = (clock(), Leases::default());
        let expires = after(clock.wall(), HALF_HOUR);
        let lease = leases.begin(live(1, 1), clock.now(), expires).unwrap();
        clock.step(Duration::ZERO, Duration::from_secs(1500));
        leases.extend(GrantId(1), clock.now(), expires, after(expires, HALF_HOUR));
        assert_eq!(left(&lease, &clock), Duration::from_secs(2100));
        assert_eq!(
            leases.deadline(GrantId(1), clock.now(), after(expires, HALF_HOUR)).remaining(clock.now()),
            Duration::from_secs(2100)
        );
    }

    #[test]
    fn a_grant_that_did_not_end_after_all_has_the_deadline_that_it_had() {
        let (leases, clock) = (Leases::default(), clock());
        let begun = clock.now();
        let expires_at = after(begun.wall, HALF_HOUR);
        let first = leases.begin(live(1, 1), begun, expires_at).unwrap();
        let end = End::Revoked { by: "bob".into(), note: "stolen".into() };
        leases.end_grant(GrantId(1), &end);
        assert!(leases.begin(live(2, 1), begun, expires_at).is_err());
        assert_eq!(leases.time_of(GrantId(1), begun, expires_at), Deadline::new(begun, expires_at));
        leases.revive(GrantId(1), &End::Revoked { by: "carol".into(), note: "else".into() });
        assert!(leases.begin(live(2, 1), begun, expires_at).is_err(), "it ended otherwise");
        leases.revive(GrantId(1), &end);
        assert!(leases.begin(live(2, 1), begun, expires_at).is_ok());
        assert!(matches!(first.standing(), LeaseStanding::Over(_)), "what was cut stays cut");
    }

    #[test]
    fn a_session_that_comes_after_the_end_of_its_grant_gets_no_lease() {
        let (clock, leases) = (clock(), Leases::default());
        let end = End::Revoked { by: "bob".into(), note: "no".into() };
        leases.end_grant(GrantId(1), &end);
        assert_eq!(leases.begin(live(1, 1), clock.now(), after(clock.wall(), HALF_HOUR)).unwrap_err(), end);
        assert!(leases.live().is_empty());
    }

    #[test]
    fn a_kill_ends_one_session_and_the_end_of_a_grant_all_of_its_own() {
        let (clock, leases) = (clock(), Leases::default());
        let expires = after(clock.wall(), HALF_HOUR);
        let [a, b, c] = [(1, 1), (2, 1), (3, 2)].map(|(s, g)| leases.begin(live(s, g), clock.now(), expires).unwrap());
        assert!(leases.kill(SessionId(1), End::Killed { by: "eve".into(), note: "odd".into() }));
        assert!(!leases.kill(SessionId(9), End::Shutdown));
        leases.end_grant(GrantId(1), &End::Revoked { by: "bob".into(), note: "no".into() });
        assert!(matches!(a.standing(), LeaseStanding::Over(End::Killed { .. })), "the first end stands");
        assert!(matches!(b.standing(), LeaseStanding::Over(End::Revoked { .. })));
        assert!(matches!(c.standing(), LeaseStanding::Until(_)));
    }
}
