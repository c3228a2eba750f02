use proptest::prelude::*;

use super::{AnyId, BadId, GrantId, RequestId, SessionId};

#[test]
fn ids_are_a_letter_and_a_number() {
    assert_eq!("r12".parse(), Ok(RequestId(12)));
    assert_eq!("g9".parse(), Ok(GrantId(9)));
    assert_eq!("s345".parse(), Ok(SessionId(345)));
    assert_eq!(RequestId(12).to_string(), "r12");
    assert_eq!("g9".parse(), Ok(AnyId::Grant(GrantId(9))));
}

#[test]
fn nothing_else_is_an_id() {
    for junk in [
        "",
        "r",
        "12",
        "R12",
        "x12",
        "r0",
        "r-1",
        "r+1",
        "r 1",
        "r1 ",
        " r1",
        "r1.0",
        "r01",
        "r٣",
        "rr1",
        "g9;",
        "r9223372036854775808",
        "r99999999999999999999999",
        "r1\n",
        "r1\0",
    ] {
        assert!(junk.parse::<AnyId>().is_err(), "{junk:?}");
    }
}

#[test]
fn an_id_of_one_kind_is_not_one_of_another() {
    assert!("g9".parse::<RequestId>().is_err());
    assert!("r9".parse::<GrantId>().is_err());
    assert!("r9".parse::<SessionId>().is_err());
}

#[test]
fn a_hostile_id_is_quoted_short_and_harmless() {
    let BadId(quoted) = format!("\u{1b}[2J{}", "x".repeat(100_000)).parse::<AnyId>().unwrap_err();
    assert!(quoted.len() <= 40 && quoted.chars().all(|c| !c.is_control()), "{quoted:?}");
}

proptest! {
    #[test]
    fn every_id_is_read_as_it_is_written(n in 1..=i64::MAX) {
        prop_assert_eq!(RequestId(n).to_string().parse(), Ok(RequestId(n)));
        prop_assert_eq!(GrantId(n).to_string().parse(), Ok(AnyId::Grant(GrantId(n))));
        prop_assert_eq!(SessionId(n).to_string().parse(), Ok(AnyId::Session(SessionId(n))));
    }

    #[test]
    fn an_id_has_one_spelling(text in "[rgs][0-9+-]{0,20}|\\PC*") {
        let written = match text.parse() {
            Ok(AnyId::Request(id)) => id.to_string(),
            Ok(AnyId::Grant(id)) => id.to_string(),
            Ok(AnyId::Session(id)) => id.to_string(),
            Err(BadId(_)) => return Ok(()),
        };
        prop_assert_eq!(written, text);
    }
}
