//! Penalties of sources that fail to prove who they are. The terms are OpenSSH's (`PerSourcePenalties`), the effect is
//! not: sshd refuses whoever comes from a penalised address, which locks a whole office out for one colleague's broken
//! script. Here a penalised source only gets a slower "no". A "yes" is never slower, so a good key gets in as ever.

use std::collections::HashMap;
use std::time::Duration;

use crate::source::Block;

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
const MOST: usize = 4096;

/// How much later the "no" to a penalised source comes. Somebody whose agent offers the right key as the last one that
/// is allowed (`max_auth_attempts`, 20) still offers it within the login grace of 30 s.
pub const SLOWER: Duration = Duration::from_secs(1);

/// How a connection ended of which nobody was proven.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// It tried and failed.
    Failed,
    /// It went without having tried.
    Left,
    /// It used the login grace up.
    Overslept,
}

/// The penalties of all sources: until when each runs, on the monotonic clock.
#[derive(Debug, Default)]
pub struct Penalties(HashMap<Block, Duration>);

impl Penalties {
    /// Adds to a source's penalty.
    pub fn add(&mut self, source: Block, ending: Ending, now: Duration) {
        let cost = match ending {
            Ending::Failed => FAILED,
            Ending::Left => LEFT,
            Ending::Overslept => OVERSLEPT,
        };
        if !self.0.contains_key(&source) && self.0.len() >= MOST {
            self.forget_some(now);
        }
        let until = self.0.entry(source).or_insert(now);
        *until = ((*until).max(now) + cost).min(now + MAX);
    }

    /// How much later a "no" to this source comes.
    #[must_use]
    pub fn delay(&self, source: Block, now: Duration) -> Duration {
        let left = self.0.get(&source).map_or(Duration::ZERO, |until| until.saturating_sub(now));
        if left >= MIN { SLOWER } else { Duration::ZERO }
    }

    fn forget_some(&mut self, now: Duration) {
        self.0.retain(|_, until| *until > now);
        if self.0.len() >= MOST
            && let Some(first) = self.0.iter().min_by_key(|(_, until)| **until).map(|(source, _)| *source)
        {
            self.0.remove(&first);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn source(n: u32) -> Block {
        Block::source(IpAddr::V4(Ipv4Addr::from_bits(n)))
    }

    #[test]
    fn a_few_mistakes_cost_nothing_and_a_guesser_gets_a_slower_no() {
        let mut penalties = Penalties::default();
        for _ in 0..3 {
            assert_eq!(penalties.delay(source(1), SECOND), Duration::ZERO);
            penalties.add(source(1), Ending::Failed, SECOND);
        }
        assert_eq!(penalties.delay(source(1), SECOND), SLOWER);
        assert_eq!(penalties.delay(source(2), SECOND), Duration::ZERO);
    }

    #[test]
    fn a_penalty_goes_by_however_large_it_was() {
        let mut penalties = Penalties::default();
        for _ in 0..1_000_000 {
            penalties.add(source(1), Ending::Overslept, SECOND);
        }
        assert_eq!(penalties.delay(source(1), SECOND + MAX - MIN), SLOWER);
        assert_eq!(penalties.delay(source(1), SECOND + MAX), Duration::ZERO);
    }

    #[test]
    fn a_probe_of_a_load_balancer_every_other_second_is_no_guesser() {
        let mut penalties = Penalties::default();
        for n in 0..1000 {
            penalties.add(source(1), Ending::Left, SECOND * 2 * n);
            assert_eq!(penalties.delay(source(1), SECOND * 2 * n), Duration::ZERO);
        }
    }

    #[test]
    fn a_million_sources_are_not_remembered() {
        let mut penalties = Penalties::default();
        for _ in 0..10 {
            penalties.add(source(0), Ending::Failed, SECOND);
        }
        for n in 1..10_000 {
            penalties.add(source(n), Ending::Failed, SECOND);
        }
        assert!(penalties.0.len() <= MOST);
        assert_eq!(penalties.delay(source(0), SECOND), SLOWER, "the worst is remembered");
        // What is over makes room by itself.
        penalties.add(source(10_000), Ending::Failed, MAX * 2);
        assert_eq!(penalties.0.len(), 1);
    }
}
