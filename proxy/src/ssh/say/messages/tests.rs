use super::*;

#[test]
fn a_note_cannot_write_to_the_terminal() {
    let end = End::Revoked { by: "bob".to_owned(), note: "\x1b[2Jgone\n\u{202e}".to_owned() };
    let line = last_line(GrantId(9), SessionId(345), &end).expect("a line");
    assert!(!line.chars().any(char::is_control), "{line:?}");
    assert!(line.starts_with("curfew: g9 was revoked by bob ("), "{line:?}");
}

#[test]
fn an_ending_that_was_the_persons_own_says_nothing() {
    assert_eq!(last_line(GrantId(1), SessionId(1), &End::Client), None);
    assert_eq!(last_line(GrantId(1), SessionId(1), &End::Target), None);
}

#[test]
fn a_full_screen_program_gets_the_bell_and_the_title_only() {
    let warning = Warning::Ends(Duration::from_millis(59_980));
    assert_eq!(warning.title(GrantId(9)), "\x07\x1b]2;curfew: g9 ends in 1m\x07");
}
