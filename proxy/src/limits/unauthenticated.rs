//! Strangers at the door: connections of which nobody is proven yet. There is room for so many of them in all, from one
//! address and from its neighbours (OpenSSH's `MaxStartups` and `PerSourceMaxStartups`).
//!
//! A newcomer is not what goes when there is no room: it may be the colleague behind the same address with a good key.
//! The source with the most strangers loses one, and of these one that has come no further than others. Who has a key
//! is done within moments; who sits there goes, and so nobody keeps the door shut by sitting in it.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;

use crate::lease::clock::Clock;
use crate::limits::netblock::Netblock;
use crate::limits::penalties::{LoginEnding, Penalties};

/// The most strangers at a time, where there are descriptors enough.
const MOST_STRANGERS: usize = 1024;

/// What a session takes that has one channel, as nearly all have: two sockets, and a recording. Where all at once have
/// more, the channel that finds no descriptor for its recording is refused; nothing goes unrecorded.
const DESCRIPTORS_OF_SESSION: usize = 3;

/// What the process itself keeps open: database, doors, runtimes, and some room.
const DESCRIPTORS_OF_HOUSE: usize = 64;

/// How many connections there may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caps {
    /// Connections in all, proven or not.
    pub connections: usize,
    /// Strangers in all.
    pub strangers: usize,
    /// Strangers of an IPv4 /24 or an IPv6 /48.
    pub per_neighbourhood: usize,
    /// Strangers of an IPv4 address or an IPv6 /64.
    pub per_source: usize,
}

impl Caps {
    /// What fits a process that may have this many files and sockets open. Strangers get an eighth of them at most:
    /// the rest is for sessions, whose every channel needs one for its recording.
    #[must_use]
    pub fn fitting(descriptors: usize) -> Self {
        let strangers = (descriptors / 8).clamp(4, MOST_STRANGERS);
        let sessions = descriptors.saturating_sub(DESCRIPTORS_OF_HOUSE + strangers);
        Self {
            connections: (sessions / DESCRIPTORS_OF_SESSION).max(4),
            strangers,
            per_neighbourhood: strangers * 3 / 4,
            // Hundreds of jobs behind one address begin at the same minute, and each is a stranger for a moment.
            per_source: strangers / 2,
        }
    }
}

/// How far a stranger has come. Each step is dearer to take than the one before: a socket, a key exchange, the public
/// key of somebody who may enter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    /// A socket.
    Silent,
    /// Keys are exchanged.
    Met,
    /// A known key was offered. The person may be looking for the token that has to be touched.
    Offered,
}

impl Rank {
    const ALL: [Self; 3] = [Self::Silent, Self::Met, Self::Offered];

    /// How many quarters of a source's room belong to it.
    const fn quarters(self) -> usize {
        match self {
            Self::Silent => 2,
            Self::Met | Self::Offered => 1,
        }
    }
}

#[derive(Debug)]
struct HalfOpen {
    /// Counted up: who came earlier has a smaller one.
    id: u64,
    rank: Rank,
    failures: u32,
    /// Dropped, it sends the stranger away.
    _stay: oneshot::Sender<()>,
}

/// All connections, and what is remembered of sources.
#[derive(Debug)]
pub struct Strangers {
    caps: Caps,
    clock: Clock,
    state: Mutex<Crowd>,
}

#[derive(Debug, Default)]
struct Crowd {
    /// The strangers of each source, the oldest first. No list is empty.
    sources: HashMap<Netblock, Vec<HalfOpen>>,
    strangers: usize,
    proven: usize,
    last: u64,
    penalties: Penalties,
}

/// One stranger's place at the door. Dropped without a proof, it costs the source a penalty.
#[derive(Debug)]
pub struct Stranger {
    knock: Knock,
    sent_away: oneshot::Receiver<()>,
    overslept: bool,
}

/// What is told of a stranger while it proves who it is.
#[derive(Debug, Clone)]
pub struct Knock {
    strangers: Arc<Strangers>,
    source: Netblock,
    id: u64,
}

/// The place of a connection whose person is proven.
#[derive(Debug)]
pub struct Guest(Arc<Strangers>);

impl Strangers {
    /// Nobody is there yet.
    #[must_use]
    pub fn new(caps: Caps, clock: Clock) -> Self {
        Self { caps, clock, state: Mutex::default() }
    }

    /// Takes a newcomer in; another stranger may have to go for it. `None` when there is no room and nobody to send
    /// away.
    #[must_use]
    pub fn enter(self: &Arc<Self>, from: IpAddr) -> Option<Stranger> {
        let source = Netblock::source(from);
        let mut state = self.state();
        if !state.make_room(source, self.caps, self.now()) {
            return None;
        }
        let (stay, sent_away) = oneshot::channel();
        state.last += 1;
        state.strangers += 1;
        let id = state.last;
        state.sources.entry(source).or_default().push(HalfOpen { id, rank: Rank::Silent, failures: 0, _stay: stay });
        Some(Stranger { knock: Knock { strangers: Arc::clone(self), source, id }, sent_away, overslept: false })
    }

    /// Sends one stranger away where there is one: the process is out of descriptors.
    pub fn make_room(&self) {
        self.state().send_one_away(|_| true, self.now());
    }

    fn now(&self) -> Duration {
        self.clock.now().mono
    }

    fn state(&self) -> MutexGuard<'_, Crowd> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Crowd {
    fn make_room(&mut self, newcomer: Netblock, caps: Caps, now: Duration) -> bool {
        let near = newcomer.neighbours();
        if self.count(|source| source == newcomer) >= caps.per_source {
            self.send_one_away(|source| source == newcomer, now);
        }
        if self.count(|source| source.neighbours() == near) >= caps.per_neighbourhood {
            self.send_one_away(|source| source.neighbours() == near, now);
        }
        let full = self.strangers >= caps.strangers || self.strangers + self.proven >= caps.connections;
        !full || self.send_one_away(|_| true, now)
    }

    fn count(&self, counts: impl Fn(Netblock) -> bool) -> usize {
        self.sources.iter().filter(|(source, _)| counts(**source)).map(|(_, theirs)| theirs.len()).sum()
    }

    /// Sends one stranger away: of the greediest neighbourhood the greediest source, and of that who has come least
    /// far and is there longest.
    fn send_one_away(&mut self, may_go: impl Fn(Netblock) -> bool, now: Duration) -> bool {
        let mut near: HashMap<Netblock, usize> = HashMap::new();
        for (source, theirs) in self.sources.iter().filter(|(source, _)| may_go(**source)) {
            *near.entry(source.neighbours()).or_default() += theirs.len();
        }
        let greed = |source: Netblock| near.get(&source.neighbours()).copied().unwrap_or_default();
        let victims = self.sources.iter().filter(|(source, _)| may_go(**source));
        let victims = victims.filter_map(|(source, theirs)| Some((*source, theirs.len(), victim(theirs)?)));
        let first = victims.max_by_key(|(source, count, (rank, id))| (greed(*source), *count, Reverse((*rank, *id))));
        let Some((source, _, (_, id))) = first else { return false };
        if let Some(gone) = self.remove(source, id)
            && gone.failures > 0
        {
            self.penalties.add(source, LoginEnding::Failed, now);
        }
        true
    }

    fn remove(&mut self, source: Netblock, id: u64) -> Option<HalfOpen> {
        let theirs = self.sources.get_mut(&source)?;
        let place = theirs.iter().position(|half_open| half_open.id == id)?;
        let gone = theirs.remove(place);
        if theirs.is_empty() {
            self.sources.remove(&source);
        }
        self.strangers -= 1;
        Some(gone)
    }

    fn find(&mut self, source: Netblock, id: u64) -> Option<&mut HalfOpen> {
        self.sources.get_mut(&source)?.iter_mut().find(|half_open| half_open.id == id)
    }
}

/// Who goes first of a source's strangers. Each rank has a part of the room: so a flood of sockets costs sockets, and
/// those who sit there after a key exchange do not squeeze newcomers out either.
fn victim(theirs: &[HalfOpen]) -> Option<(Rank, u64)> {
    let oldest = |rank| theirs.iter().find(|half_open| half_open.rank == rank).map(|half_open| (rank, half_open.id));
    let crowded = |rank: &Rank| {
        let count = theirs.iter().filter(|half_open| half_open.rank == *rank).count();
        count * 4 > theirs.len() * rank.quarters()
    };
    Rank::ALL.into_iter().find(crowded).and_then(oldest).or_else(|| Rank::ALL.into_iter().find_map(oldest))
}

impl Stranger {
    /// What the door tells of it.
    #[must_use]
    pub fn knock(&self) -> Knock {
        self.knock.clone()
    }

    /// Waits until it has to make room for others.
    pub async fn sent_away(&mut self) {
        if !self.sent_away.is_terminated() {
            // Nothing is ever sent: the other end is dropped.
            let _ = (&mut self.sent_away).await;
        }
    }

    /// Whether a refusal was already told of it.
    #[must_use]
    pub fn was_refused(&self) -> bool {
        let mut state = self.knock.strangers.state();
        state.find(self.knock.source, self.knock.id).is_some_and(|half_open| half_open.failures > 0)
    }

    /// The login grace is over.
    pub fn overslept(mut self) {
        self.overslept = true;
    }

    /// Somebody is proven: no stranger any more.
    #[must_use]
    pub fn proven(self) -> Guest {
        let strangers = Arc::clone(&self.knock.strangers);
        let mut state = strangers.state();
        // It may have been sent away a moment ago, while the proof was on its way: then the proof was first.
        state.remove(self.knock.source, self.knock.id);
        state.proven += 1;
        drop(state);
        Guest(strangers)
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        let Knock { strangers, source, id } = &self.knock;
        let now = strangers.now();
        let mut state = strangers.state();
        if let Some(gone) = state.remove(*source, *id) {
            let ending = match gone.failures {
                _ if self.overslept => LoginEnding::Overslept,
                0 => LoginEnding::Left,
                _ => LoginEnding::Failed,
            };
            state.penalties.add(*source, ending, now);
        }
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.0.state().proven -= 1;
    }
}

impl Knock {
    /// Keys are exchanged.
    pub fn met(&self) {
        self.rise(Rank::Met);
    }

    /// A known key was offered.
    pub fn offered(&self) {
        self.rise(Rank::Offered);
    }

    /// Something was refused. Gives how much later to say so.
    #[must_use]
    pub fn failed(&self) -> Duration {
        let now = self.strangers.now();
        let mut state = self.strangers.state();
        if let Some(half_open) = state.find(self.source, self.id) {
            half_open.failures += 1;
        }
        state.penalties.delay(self.source, now)
    }

    fn rise(&self, rank: Rank) {
        if let Some(half_open) = self.strangers.state().find(self.source, self.id) {
            half_open.rank = half_open.rank.max(rank);
        }
    }
}

#[cfg(test)]
mod tests;
