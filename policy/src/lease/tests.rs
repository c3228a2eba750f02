use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::{Deadline, Now};
use crate::tests::at;
use crate::time::{after, until};

fn now(wall: i64, mono: u64) -> Now {
    Now { wall: at(wall), mono: Duration::from_secs(mono) }
}

#[test]
fn a_lease_ends_when_the_first_clock_says_so() {
    let deadline = Deadline::new(now(0, 100), at(60));
    assert_eq!(deadline.expires_at(), at(60));
    for (wall, mono, left) in [
        (0, 100, 60),
        (30, 130, 30),
        (59, 159, 1),
        (60, 160, 0),
        // Suspended: the monotonic clock stood still.
        (60, 110, 0),
        (50, 110, 10),
        // Stepped back: the wall clock says there is time.
        (-3600, 150, 10),
        (-3600, 160, 0),
        (0, 1_000, 0),
        // Stepped forward.
        (3600, 101, 0),
    ] {
        let seen = now(wall, mono);
        assert_eq!(deadline.remaining(seen), Duration::from_secs(left), "{seen:?}");
        assert_eq!(deadline.is_over(seen), left == 0, "{seen:?}");
    }
}

#[test]
fn what_comes_after_a_deadline_ends_when_the_first_clock_says_so() {
    let grace = Deadline::new(now(0, 100), at(60)).after(Duration::from_secs(30));
    for (wall, mono, left) in [(60, 160, 30), (89, 189, 1), (90, 110, 0), (0, 190, 0), (-3600, 180, 10)] {
        assert_eq!(grace.remaining(now(wall, mono)), Duration::from_secs(left), "{wall} {mono}");
    }
}

#[test]
fn what_ended_before_it_began_is_over() {
    assert!(Deadline::new(now(0, 0), at(0)).is_over(now(0, 0)));
    assert!(Deadline::new(now(0, 0), at(-1)).is_over(now(-100, 0)));
}

#[test]
fn an_extension_moves_both_ends_by_what_was_granted() {
    let deadline = Deadline::new(now(0, 100), at(60));
    let later = deadline.moved_to(at(90));
    assert_eq!((later.expires_at(), later.remaining(now(0, 100))), (at(90), Duration::from_secs(90)));
    assert_eq!(later.moved_to(at(60)), deadline);
    assert!(deadline.moved_to(at(-1000)).is_over(now(-2000, 0)));
}

#[test]
fn an_extension_after_a_step_back_stretches_nothing() {
    // An hour from noon; after half of it the wall clock is set back to noon, and ten minutes are added.
    let deadline = Deadline::new(now(0, 0), at(3600)).moved_to(at(4200));
    assert_eq!(deadline.remaining(now(0, 1800)), Duration::from_secs(2400));
}

#[test]
fn the_earlier_of_two_deadlines_is_earlier_on_each_clock() {
    let (a, b) = (Deadline::new(now(0, 0), at(60)), Deadline::new(now(0, 10), at(55)));
    assert_eq!(a.min(b).expires_at(), at(55));
    assert_eq!(a.min(b).remaining(now(0, 0)), Duration::from_secs(55));
    assert_eq!(a.min(b).remaining(now(-1000, 50)), Duration::from_secs(10));
}

#[test]
fn the_ends_of_time_do_not_overflow() {
    let end = Now { wall: Timestamp::MAX, mono: Duration::MAX };
    let deadline = Deadline::new(Now { wall: Timestamp::MIN, mono: Duration::MAX }, Timestamp::MAX);
    assert!(deadline.is_over(end) && deadline.moved_to(Timestamp::MIN).is_over(end));
}

/// What may happen to a live session's clocks and grant.
#[derive(Debug, Clone)]
enum Step {
    /// Both clocks run.
    Run(u64),
    /// The machine sleeps: only the wall clock runs.
    Suspend(u64),
    /// Somebody sets the wall clock.
    Set(i64),
    /// The grant is extended.
    Extend(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..5000_u64).prop_map(Step::Run),
        1 => (0..5000_u64).prop_map(Step::Suspend),
        2 => (-100_000..100_000_i64).prop_map(Step::Set),
        1 => (0..5000_u64).prop_map(Step::Extend),
    ]
}

proptest! {
    /// Promise 5: however the clocks are pushed around, a session never runs for longer than what was granted in all,
    /// nor past the end on the wall clock, and while neither is reached it is not cut.
    #[test]
    fn time_cannot_be_stretched(granted in 1..20_000_u64, steps in proptest::collection::vec(step(), 0..60)) {
        let mut seen = now(0, 7);
        let mut deadline = Deadline::new(seen, after(seen.wall, Duration::from_secs(granted)));
        let (mut total, mut ran) = (granted, 0);
        for step in steps {
            match step {
                Step::Run(s) => {
                    ran += s;
                    seen = Now { wall: after(seen.wall, Duration::from_secs(s)), mono: seen.mono + Duration::from_secs(s) };
                }
                Step::Suspend(s) => seen.wall = after(seen.wall, Duration::from_secs(s)),
                Step::Set(by) => seen.wall = seen.wall.checked_add(SignedDuration::from_secs(by)).unwrap(),
                Step::Extend(s) if !deadline.is_over(seen) => {
                    total += s;
                    deadline = deadline.moved_to(after(deadline.expires_at(), Duration::from_secs(s)));
                }
                Step::Extend(_) => {}
            }
            let by_mono = Duration::from_secs(total.saturating_sub(ran));
            let by_wall = until(seen.wall, deadline.expires_at());
            prop_assert_eq!(deadline.remaining(seen), by_mono.min(by_wall));
            prop_assert_eq!(deadline.is_over(seen), ran >= total || seen.wall >= deadline.expires_at());
        }
    }
}
