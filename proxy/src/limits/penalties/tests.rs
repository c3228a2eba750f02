use std::net::{IpAddr, Ipv4Addr};

use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn source(n: u32) -> Netblock {
    Netblock::source(IpAddr::V4(Ipv4Addr::from_bits(n)))
}

#[test]
fn a_few_mistakes_cost_nothing_and_a_guesser_gets_a_slower_no() {
    let mut penalties = Penalties::default();
    for _ in 0..3 {
        assert_eq!(penalties.delay(source(1), SECOND), Duration::ZERO);
        penalties.add(source(1), LoginEnding::Failed, SECOND);
    }
    assert_eq!(penalties.delay(source(1), SECOND), SLOWER);
    assert_eq!(penalties.delay(source(2), SECOND), Duration::ZERO);
}

#[test]
fn a_penalty_goes_by_however_large_it_was() {
    let mut penalties = Penalties::default();
    for _ in 0..1_000_000 {
        penalties.add(source(1), LoginEnding::Overslept, SECOND);
    }
    assert_eq!(penalties.delay(source(1), SECOND + MAX - MIN), SLOWER);
    assert_eq!(penalties.delay(source(1), SECOND + MAX), Duration::ZERO);
}

#[test]
fn a_probe_of_a_load_balancer_every_other_second_is_no_guesser() {
    let mut penalties = Penalties::default();
    for n in 0..1000 {
        penalties.add(source(1), LoginEnding::Left, SECOND * 2 * n);
        assert_eq!(penalties.delay(source(1), SECOND * 2 * n), Duration::ZERO);
    }
}

#[test]
fn a_million_sources_are_not_remembered() {
    let mut penalties = Penalties::default();
    for _ in 0..10 {
        penalties.add(source(0), LoginEnding::Failed, SECOND);
    }
    for n in 1..10_000 {
        penalties.add(source(n), LoginEnding::Failed, SECOND);
    }
    assert!(penalties.0.len() <= MOST_SOURCES);
    assert_eq!(penalties.delay(source(0), SECOND), SLOWER, "the worst is remembered");
    // What is over makes room by itself.
    penalties.add(source(10_000), LoginEnding::Failed, MAX * 2);
    assert_eq!(penalties.0.len(), 1);
}
