//! What strangers were refused, in the log: the first of a source and kind at once, then a number every minute. Nobody
//! fills the disk by knocking, and every knock is counted. The audit log has its own measure, in `usecase::refuse`.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use curfew_proxy::lease::clock::Clock;
use curfew_proxy::limits::netblock::Netblock;

use crate::text::escape;

/// How often the numbers are told.
const EVERY: Duration = Duration::from_secs(60);

/// How many sources and kinds are told apart in that time; further ones are counted together.
const MOST: usize = 64;

/// How much of what a stranger sent is logged, in characters.
const LONGEST_DETAIL: usize = 200;

/// Whose refusal (`None` for all that are too many to be told apart), and of what.
type SourceAndCode = (Option<Netblock>, &'static str);

/// The refusals of this minute, with how many of each were not told. Its clones are the same.
#[derive(Debug, Clone, Default)]
pub struct Refusals(Arc<Mutex<HashMap<SourceAndCode, u64>>>);

impl Refusals {
    /// Writes a refusal into the log, or only counts it.
    pub fn note(&self, from: SocketAddr, code: &'static str, detail: &str) {
        if self.is_new(Netblock::source(from.ip()), code) {
            let detail = escape::log(detail, LONGEST_DETAIL);
            tracing::info!(%from, code, %detail, "refused");
        }
    }

    /// Tells the numbers, every minute and for ever.
    pub async fn tell(self, clock: Clock) {
        loop {
            clock.sleep(EVERY).await;
            for ((source, code), count) in self.take() {
                let from = source.map_or_else(|| "many sources".to_owned(), |source| source.to_string());
                tracing::info!(%from, code, count, "refused again");
            }
        }
    }

    fn is_new(&self, source: Netblock, code: &'static str) -> bool {
        let mut counts = self.counts();
        let mut key = (Some(source), code);
        if counts.len() >= MOST && !counts.contains_key(&key) {
            key.0 = None;
        }
        match counts.get_mut(&key) {
            Some(count) => {
                *count += 1;
                false
            }
            None => {
                counts.insert(key, 0);
                true
            }
        }
    }

    /// Those that were only counted, and begins anew.
    fn take(&self) -> Vec<(SourceAndCode, u64)> {
        std::mem::take(&mut *self.counts()).into_iter().filter(|(_, count)| *count > 0).collect()
    }

    fn counts(&self) -> MutexGuard<'_, HashMap<SourceAndCode, u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::*;

    fn source(n: u32) -> Netblock {
        Netblock::source(IpAddr::V4(Ipv4Addr::from_bits(n)))
    }

    #[test]
    fn the_first_of_a_source_is_told_and_the_others_are_a_number() {
        let refusals = Refusals::default();
        assert!(refusals.is_new(source(1), "unknown-key"));
        for _ in 0..1000 {
            assert!(!refusals.is_new(source(1), "unknown-key"));
        }
        assert!(refusals.is_new(source(1), "crowd"));
        assert!(refusals.is_new(source(2), "unknown-key"));
        assert_eq!(refusals.take(), [((Some(source(1)), "unknown-key"), 1000)]);
        assert!(refusals.is_new(source(1), "unknown-key"), "a new minute");
    }

    #[test]
    fn a_million_sources_are_a_few_lines_and_every_refusal_is_counted() {
        let refusals = Refusals::default();
        let told = (0..1_000_000).filter(|n| refusals.is_new(source(*n), "left")).count();
        assert_eq!(told, MOST + 1);
        assert_eq!(refusals.take(), [((None, "left"), 1_000_000 - told as u64)]);
    }
}
