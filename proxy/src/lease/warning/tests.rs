use std::time::Duration;

use curfew_policy::id::GrantId;
use curfew_policy::time::after;
use jiff::Timestamp;

use super::*;

const fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

#[tokio::test]
async fn warnings_come_at_five_minutes_and_at_one_and_follow_an_extension() {
    let start = Timestamp::UNIX_EPOCH;
    let clock = Clock::manual(start);
    let (sender, lease) = Lease::new(GrantId(1), Deadline::new(clock.now(), after(start, secs(1800))));
    let mut warner = Warner::new(lease, clock.clone());

    // Joined, so that the warner waits already when time goes on.
    assert_eq!(tokio::join!(warner.next(), async { clock.advance(secs(1500)) }).0, Warning::Ends(secs(300)));
    sender.extend(Deadline::new(clock.now(), after(start, secs(3600))));
    assert_eq!(tokio::join!(warner.next(), async { clock.advance(secs(1800)) }).0, Warning::Ends(secs(300)));
    assert_eq!(tokio::join!(warner.next(), async { clock.advance(secs(240)) }).0, Warning::Ends(secs(60)));
}

#[tokio::test]
async fn a_short_grant_is_warned_only_of_what_lies_ahead() {
    let start = Timestamp::UNIX_EPOCH;
    let clock = Clock::manual(start);
    let (_sender, lease) = Lease::new(GrantId(1), Deadline::new(clock.now(), after(start, secs(90))));
    let mut warner = Warner::new(lease, clock.clone());
    assert_eq!(tokio::join!(warner.next(), async { clock.advance(secs(31)) }).0, Warning::Ends(secs(60)));
}

#[tokio::test]
async fn a_grace_is_told_before_it_begins_when_it_does_and_before_it_ends() {
    let start = Timestamp::UNIX_EPOCH;
    let clock = Clock::manual(start);
    let (_sender, lease) = Lease::new(GrantId(1), Deadline::new(clock.now(), after(start, secs(90))));
    let mut warner = Warner::new(lease.with_grace(secs(300)), clock.clone());
    for (passed, warning) in [
        (30, Warning::EndsWithGrace(secs(60), secs(300))),
        (60, Warning::Grace(secs(300))),
        (240, Warning::Cut(secs(60))),
    ] {
        assert_eq!(tokio::join!(warner.next(), async { clock.advance(secs(passed)) }).0, warning);
    }
}
