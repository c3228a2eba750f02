use super::{GrantEnd, GrantState};
use crate::tests::{at, grant};

#[test]
fn every_word_is_read_as_it_is_written() {
    for end in [GrantEnd::Expired, GrantEnd::Revoked, GrantEnd::Done, GrantEnd::Unused] {
        assert_eq!(end.to_string().parse(), Ok(end));
    }
    assert_eq!("".parse::<GrantEnd>(), Err(()));
}

#[test]
fn a_grant_is_active_from_its_start_until_just_before_its_end() {
    let mut grant = grant(9);
    for (seconds, state) in [
        (-1, GrantState::Scheduled),
        (0, GrantState::Active),
        (3599, GrantState::Active),
        (3600, GrantState::Ended),
        (9999, GrantState::Ended),
    ] {
        assert_eq!(grant.state(at(seconds)), state, "{seconds}");
        assert_eq!(grant.fits("web1", at(seconds)), state == GrantState::Active, "{seconds}");
    }
    assert!(!grant.fits("web2", at(0)) && !grant.fits("", at(0)));
    grant.ended = Some((at(10), GrantEnd::Done));
    for seconds in [-1, 0, 9, 10, 3600] {
        assert_eq!(grant.state(at(seconds)), GrantState::Ended, "{seconds}");
    }
    assert_eq!(GrantState::Scheduled.to_string(), "scheduled");
}

#[test]
fn a_grant_that_ends_before_it_begins_never_carries_anything() {
    let mut grant = grant(9);
    grant.expires_at = at(-10);
    for seconds in [-11, -10, 0, 1] {
        assert!(!grant.fits("web1", at(seconds)), "{seconds}");
    }
}
