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
