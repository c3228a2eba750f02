use std::collections::BTreeSet;

use super::Duty;
use crate::tests::person;

#[test]
fn every_word_is_read_as_it_is_written() {
    for duty in Duty::ALL {
        assert_eq!(duty.to_string().parse(), Ok(duty));
    }
    assert_eq!("approve".parse::<Duty>(), Err(()));
}

#[test]
fn a_person_has_the_duties_and_groups_it_has() {
    let mut carol = person("carol", &["security"]);
    assert!(!carol.has(Duty::Kill) && carol.in_any(&["leads".to_owned(), "security".to_owned()]));
    assert!(!carol.in_any(&[]) && !carol.in_any(&["Security".to_owned(), "carol".to_owned()]));
    carol.may = BTreeSet::from([Duty::Kill]);
    assert!(carol.has(Duty::Kill) && !carol.has(Duty::Watch));
}
