//! The words and states of requests and grants, and the small types around them.

use std::collections::BTreeSet;

use super::{at, grant, minutes, person};
use crate::ask::has_lapsed;
use crate::grant::{GrantEnd, GrantState};
use crate::id::RequestId;
use crate::refusal::Refusal;
use crate::request::{Request, RequestState};
use crate::target::{Address, Protocol};
use crate::time::after;
use crate::user::Duty;

#[test]
fn every_word_is_read_as_it_is_written() {
    use RequestState::{Cancelled, Denied, Granted, Lapsed, Pending};
    for state in [Pending, Granted, Denied, Cancelled, Lapsed] {
        assert_eq!(state.to_string().parse(), Ok(state));
    }
    for end in [GrantEnd::Expired, GrantEnd::Revoked, GrantEnd::Done, GrantEnd::Unused] {
        assert_eq!(end.to_string().parse(), Ok(end));
    }
    for duty in Duty::ALL {
        assert_eq!(duty.to_string().parse(), Ok(duty));
    }
    assert_eq!("Pending".parse::<RequestState>(), Err(()));
    assert_eq!("".parse::<GrantEnd>(), Err(()));
    assert_eq!("approve".parse::<Duty>(), Err(()));
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

#[test]
fn a_request_lapses_after_a_day() {
    let request = Request {
        id: RequestId(1),
        state: RequestState::Pending,
        user: "alice".to_owned(),
        targets: vec!["web1".to_owned()],
        role: "admin".to_owned(),
        login: None,
        duration: minutes(30),
        reason: "INC-1".to_owned(),
        asked_at: at(0),
        starts_at: Some(after(at(0), minutes(3 * 24 * 60))),
        approvals: Vec::new(),
        needed: 1,
        grant: None,
        extends: false,
        decided: None,
    };
    assert!(!has_lapsed(&request, at(0)));
    assert!(!has_lapsed(&request, at(24 * 3600 - 1)));
    assert!(has_lapsed(&request, at(24 * 3600)));
}

#[test]
fn a_person_has_the_duties_and_groups_it_has() {
    let mut carol = person("carol", &["security"]);
    assert!(!carol.has(Duty::Kill) && carol.in_any(&["leads".to_owned(), "security".to_owned()]));
    assert!(!carol.in_any(&[]) && !carol.in_any(&["Security".to_owned(), "carol".to_owned()]));
    carol.may = BTreeSet::from([Duty::Kill]);
    assert!(carol.has(Duty::Kill) && !carol.has(Duty::Watch));
}

#[test]
fn addresses_are_written_so_that_they_can_be_read() {
    let address = |host: &str| Address { host: host.to_owned(), port: 22 }.to_string();
    assert_eq!(address("db.internal"), "db.internal:22");
    assert_eq!(address("::1"), "[::1]:22");
    assert_eq!((Protocol::Ssh.to_string(), Protocol::Tcp.to_string()), ("ssh".to_owned(), "tcp".to_owned()));
}

#[test]
fn a_refusal_shows_the_person_only_its_public_text() {
    let refusal = Refusal::no_grant("no-grant", "you hold no grant for web1").audited("alice holds no grant for web1");
    assert_eq!(refusal.to_string(), "you hold no grant for web1");
    assert_eq!((refusal.code, refusal.audit.as_str()), ("no-grant", "alice holds no grant for web1"));
}
