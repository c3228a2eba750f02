//! Which refusals are in the audit log already: equal ones are counted, and written again only after a while.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::store::Action;

/// How long equal refusals are counted before they are written again.
const SPAN: Duration = Duration::from_secs(60);

/// The same for strangers, who knock all day on a bastion that stands in the open.
const SPAN_OF_STRANGERS: Duration = Duration::from_secs(3600);

/// How many different refusals one actor gets written in a span; further ones are counted together.
const MOST_EACH: usize = 20;

/// How many are remembered in all.
const MOST: usize = 4096;

/// Whose refusal of what, for which reason.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RepeatKey {
    /// What was refused.
    pub action: Action,
    /// To whom.
    pub actor: String,
    /// About what; empty where that does not tell refusals apart.
    pub about: String,
    /// The machine's word for the reason.
    pub code: &'static str,
}

/// Since when (monotonic), and how many were not written.
#[derive(Debug, Clone, Copy)]
struct Count {
    since: Duration,
    unwritten: u64,
}

/// The refusals of the last minute, or hour, that the audit log is told of.
#[derive(Debug, Default)]
pub struct Repeats(Mutex<HashMap<RepeatKey, Count>>);

impl Repeats {
    /// Whether this refusal is to be written, or was only counted.
    pub fn is_new(&self, mut key: RepeatKey, mono: Duration) -> bool {
        let mut counts = self.counts();
        let same_actor = |other: &RepeatKey| other.actor == key.actor && other.action == key.action;
        let many = !counts.contains_key(&key)
            && (counts.keys().filter(|other| same_actor(other)).count() >= MOST_EACH || counts.len() >= MOST);
        if many {
            key = RepeatKey { about: String::new(), code: "many", ..key };
            if counts.len() >= MOST {
                key.actor.clear();
            }
        }
        match counts.get_mut(&key) {
            Some(count) => {
                count.unwritten += 1;
                false
            }
            None => {
                counts.insert(key, Count { since: mono, unwritten: 0 });
                true
            }
        }
    }

    /// Those that were counted and not written, of spans that are over.
    #[must_use]
    pub fn over(&self, mono: Duration) -> Vec<(RepeatKey, u64)> {
        let mut over = Vec::new();
        self.counts().retain(|key, count| {
            let span = if key.action == Action::ConnectionRefused { SPAN_OF_STRANGERS } else { SPAN };
            let live = mono.saturating_sub(count.since) < span;
            if !live && count.unwritten > 0 {
                over.push((key.clone(), count.unwritten));
            }
            live
        });
        over
    }

    fn counts(&self) -> MutexGuard<'_, HashMap<RepeatKey, Count>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
