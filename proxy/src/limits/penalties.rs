//! Penalties of sources that fail to prove who they are. The terms are OpenSSH's (`PerSourcePenalties`), the effect is
//! not: sshd refuses whoever comes from a penalised address, which locks a whole office out for one colleague's broken
//! script. Here a penalised source only gets a slower "no". A "yes" is never slower, so a good key gets in as ever.

use std::collections::HashMap;
use std::time::Duration;

use crate::limits::netblock::Netblock;

/// What a connection costs that tried to prove something and failed (`authfail`).
const FAILED: Duration = Duration::from_secs(5);

/// What a connection costs that went without having tried (`noauth`).
const LEFT: Duration = Duration::from_secs(1);

/// What a connection costs that sat there until the login grace was over (`grace-exceeded`).
const OVERSLEPT: Duration = Duration::from_secs(10);

/// From where on penalties count (`min`): a few mistakes are nobody's fault.
const MIN: Duration = Duration::from_secs(15);

/// What they grow to (`max`), and so how long after its last attempt a guesser is still slow.
const MAX: Duration = Duration::from_secs(600);

/// How many sources are remembered (`max-sources`). When there are more, the one whose penalty ends first is let off
/// (`overflow:permissive`).
const MOST_SOURCES: usize = 4096;

/// How much later the "no" to a penalised source comes. Somebody whose agent offers the right key as the last one that
/// is allowed (`max_auth_attempts`, 20) still offers it within the login grace of 30 s.
pub const SLOWER: Duration = Duration::from_secs(1);

/// How a connection ended of which nobody was proven.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoginEnding {
    /// It tried and failed.
    Failed,
    /// It went without having tried.
    Left,
    /// It used the login grace up.
    Overslept,
}

/// The penalties of all sources: until when each runs, on the monotonic clock.
#[derive(Debug, Default)]
pub struct Penalties(HashMap<Netblock, Duration>);

impl Penalties {
    /// Adds to a source's penalty.
    pub fn add(&mut self, source: Netblock, ending: LoginEnding, now: Duration) {
        let cost = match ending {
            LoginEnding::Failed => FAILED,
            LoginEnding::Left => LEFT,
            LoginEnding::Overslept => OVERSLEPT,
        };
        if !self.0.contains_key(&source) && self.0.len() >= MOST_SOURCES {
            self.forget_some(now);
        }
        let until = self.0.entry(source).or_insert(now);
        *until = ((*until).max(now) + cost).min(now + MAX);
    }

    /// How much later a "no" to this source comes.
    #[must_use]
    pub fn delay(&self, source: Netblock, now: Duration) -> Duration {
        let left = self.0.get(&source).map_or(Duration::ZERO, |until| until.saturating_sub(now));
        if left >= MIN { SLOWER } else { Duration::ZERO }
    }

    fn forget_some(&mut self, now: Duration) {
        self.0.retain(|_, until| *until > now);
        if self.0.len() >= MOST_SOURCES
            && let Some(first) = self.0.iter().min_by_key(|(_, until)| **until).map(|(source, _)| *source)
        {
            self.0.remove(&first);
        }
    }
}

#[cfg(test)]
mod tests;
