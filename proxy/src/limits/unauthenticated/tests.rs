//! The room at the door, with a clock that is moved by hand.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::lease::clock::Clock;
use crate::limits::penalties::SLOWER;
use crate::limits::unauthenticated::{Caps, Knock, Stranger, Strangers};

const CAPS: Caps = Caps { connections: 100, strangers: 40, per_neighbourhood: 20, per_source: 8 };

fn door(caps: Caps) -> (Arc<Strangers>, Clock) {
    let clock = Clock::manual(Timestamp::UNIX_EPOCH);
    (Arc::new(Strangers::new(caps, clock.clone())), clock)
}

fn enter(door: &Arc<Strangers>, from: &str) -> Stranger {
    door.enter(from.parse::<IpAddr>().unwrap()).expect("there is room")
}

fn crowd(door: &Arc<Strangers>, from: &str, size: usize) -> Vec<Stranger> {
    (0..size).map(|_| enter(door, from)).collect()
}

/// Whether it was sent away.
async fn gone(stranger: &mut Stranger) -> bool {
    tokio::select! {
        biased;
        () = stranger.sent_away() => true,
        () = std::future::ready(()) => false,
    }
}

async fn left(strangers: &mut [Stranger]) -> usize {
    let mut left = 0;
    for stranger in strangers {
        left += usize::from(!gone(stranger).await);
    }
    left
}

#[tokio::test]
async fn who_is_there_longest_makes_room_for_a_newcomer_of_its_own_source() {
    let (door, _) = door(CAPS);
    let mut greedy = crowd(&door, "192.0.2.1", 8);
    let mut newcomer = enter(&door, "192.0.2.1");
    assert!(gone(&mut greedy[0]).await);
    assert_eq!(left(&mut greedy).await, 7);
    assert!(!gone(&mut newcomer).await);
}

#[tokio::test]
async fn two_thousand_of_one_source_take_its_own_room_only() {
    let (door, _) = door(CAPS);
    let mut other = enter(&door, "198.51.100.1");
    let mut neighbour = enter(&door, "192.0.2.2");
    let mut greedy = crowd(&door, "192.0.2.1", 2000);
    assert_eq!(left(&mut greedy).await, CAPS.per_source);
    assert!(!gone(&mut other).await && !gone(&mut neighbour).await);
}

#[tokio::test]
async fn a_neighbourhood_and_all_together_lose_the_greediest_first() {
    let (door, _) = door(CAPS);
    let mut polite = enter(&door, "192.0.2.200");
    let mut far = enter(&door, "198.51.100.1");
    let mut near = Vec::new();
    for round in 0..8 {
        for host in 1..100 {
            near.push(enter(&door, &format!("192.0.2.{host}")));
        }
        assert!(left(&mut near).await <= CAPS.per_neighbourhood, "round {round}");
    }
    assert!(!gone(&mut far).await);
    // Of many that have one each the oldest goes, whoever it is.
    assert!(gone(&mut polite).await);
    // Many neighbourhoods.
    let mut all = Vec::new();
    for net in 0..200 {
        all.extend(crowd(&door, &format!("203.0.{net}.1"), 2));
    }
    assert!(left(&mut all).await + left(&mut near).await <= CAPS.strangers);
    assert!(left(&mut near).await <= 2, "the greediest neighbourhood lost most");
}

#[tokio::test]
async fn a_net_of_ipv6_is_one_source_and_ipv4_in_its_clothes_is_ipv4() {
    let (door, _) = door(CAPS);
    let mut net: Vec<Stranger> = (0..100).map(|host| enter(&door, &format!("2001:db8::{host:x}"))).collect();
    assert_eq!(left(&mut net).await, CAPS.per_source);
    let mut both = crowd(&door, "192.0.2.1", 5);
    both.extend(crowd(&door, "::ffff:192.0.2.1", 5));
    assert_eq!(left(&mut both).await, CAPS.per_source);
}

#[tokio::test]
async fn a_flood_of_sockets_never_costs_the_place_of_who_exchanged_keys() {
    let (door, _) = door(CAPS);
    let mut met = enter(&door, "192.0.2.1");
    met.knock().met();
    let mut offered = enter(&door, "192.0.2.1");
    offered.knock().offered();
    let flood = crowd(&door, "192.0.2.1", 10_000);
    assert!(!gone(&mut met).await && !gone(&mut offered).await);
    drop(flood);
}

#[tokio::test]
async fn a_newcomer_has_a_moment_even_where_all_others_exchanged_keys_and_sit_there() {
    let (door, _) = door(CAPS);
    for step in [Knock::met, Knock::offered] {
        let mut sitting = Vec::new();
        for _ in 0..100 {
            let stranger = enter(&door, "192.0.2.1");
            step(&stranger.knock());
            sitting.push(stranger);
        }
        let mut newcomer = enter(&door, "192.0.2.1");
        // One socket more, or another key exchange, does not take the place of the one that has just come.
        let mut others = crowd(&door, "192.0.2.1", 3);
        others[0].knock().met();
        assert!(!gone(&mut newcomer).await);
        assert!(left(&mut others).await + left(&mut sitting).await < CAPS.per_source);
    }
}

#[tokio::test]
async fn who_is_proven_takes_no_stranger_s_place_and_is_never_sent_away() {
    let (door, _) = door(CAPS);
    let guests: Vec<_> = (0..50).map(|_| enter(&door, "192.0.2.1").proven()).collect();
    let mut strangers = crowd(&door, "192.0.2.1", 8);
    assert_eq!(left(&mut strangers).await, 8);
    drop(guests);
}

#[tokio::test]
async fn where_sessions_fill_the_house_strangers_go_first_and_then_newcomers_wait_outside() {
    let (door, _) = door(Caps { connections: 10, ..CAPS });
    let mut guests: Vec<_> = (0..8).map(|_| enter(&door, "192.0.2.1").proven()).collect();
    let mut waiting = crowd(&door, "192.0.2.1", 2);
    let newcomer = enter(&door, "198.51.100.1");
    assert_eq!(left(&mut waiting).await, 1);
    guests.push(newcomer.proven());
    guests.push(waiting.pop().unwrap().proven());
    drop(waiting);
    assert!(door.enter("198.51.100.2".parse().unwrap()).is_none());
    guests.pop();
    assert!(door.enter("198.51.100.2".parse().unwrap()).is_some());
}

#[tokio::test]
async fn a_place_is_free_again_when_its_stranger_has_gone() {
    let (door, _) = door(CAPS);
    for _ in 0..1000 {
        drop(crowd(&door, "192.0.2.1", 8));
        let mut eight = crowd(&door, "192.0.2.1", 8);
        assert_eq!(left(&mut eight).await, 8);
    }
}

#[tokio::test]
async fn a_proof_that_crosses_the_order_to_go_is_taken() {
    let (door, _) = door(CAPS);
    let mut crowd = crowd(&door, "192.0.2.1", 9);
    assert!(gone(&mut crowd[0]).await);
    let guest = crowd.remove(0).proven();
    drop(crowd);
    drop(guest);
    assert_eq!(left(&mut self::crowd(&door, "192.0.2.1", 8)).await, 8);
}

/// One connection on which a key is refused.
fn guess(door: &Arc<Strangers>, from: &str) -> Duration {
    let stranger = enter(door, from);
    stranger.knock().failed()
}

#[tokio::test]
async fn a_guesser_gets_a_slower_no_and_its_place_all_the_same() {
    let (door, clock) = door(CAPS);
    assert!((0..3).all(|_| guess(&door, "192.0.2.1").is_zero()));
    for _ in 0..1000 {
        assert_eq!(guess(&door, "192.0.2.1"), SLOWER);
    }
    assert!(guess(&door, "192.0.2.2").is_zero(), "a neighbour is not slower");
    let good = enter(&door, "192.0.2.1");
    let _guest = good.proven();
    clock.advance(Duration::from_secs(600));
    assert!(guess(&door, "192.0.2.1").is_zero(), "bygones are bygones");
}

#[tokio::test]
async fn many_wrong_keys_before_the_right_one_are_no_guessing() {
    let (door, _) = door(CAPS);
    for _ in 0..100 {
        let stranger = enter(&door, "192.0.2.1");
        for _ in 0..19 {
            assert!(stranger.knock().failed().is_zero());
        }
        let _guest = stranger.proven();
    }
}

#[test]
fn the_caps_fit_the_descriptors_and_most_are_kept_for_sessions() {
    for descriptors in [64, 256, 1024, 4096, 20_000, 65_536, 1 << 20] {
        let caps = Caps::fitting(descriptors);
        assert!(caps.strangers * 8 <= descriptors, "{caps:?}");
        assert!(caps.per_source >= 1 && caps.per_source < caps.per_neighbourhood, "{caps:?}");
        assert!(caps.per_neighbourhood < caps.strangers, "{caps:?}");
        assert!(descriptors < 256 || caps.connections * 3 + caps.strangers <= descriptors, "{caps:?}");
    }
    let usual = Caps { connections: 21_482, strangers: 1024, per_neighbourhood: 768, per_source: 512 };
    assert_eq!(Caps::fitting(65_536), usual);
}
