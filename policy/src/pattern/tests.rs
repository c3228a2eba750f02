use proptest::prelude::*;
use regex::bytes::Regex;

use super::{CommandPattern, Glob};

fn allows(pattern: &str, command: &str) -> bool {
    CommandPattern::new(pattern).matches(command.as_bytes())
}

#[test]
fn a_star_in_a_name_is_any_run_of_characters() {
    for (glob, name, expected) in [
        ("web1", "web1", true),
        ("web1", "web12", false),
        ("web1", "Web1", false),
        ("web*", "web", true),
        ("web*", "web-eu.1", true),
        ("*", "", true),
        ("", "", true),
        ("", "x", false),
        ("*-db", "orders-db", true),
        ("*-db", "orders-db2", false),
        ("a*b*c", "aXbYbZc", true),
        ("a*b*c", "aXcYb", false),
        ("w?b", "web", false),
        ("[ab]", "a", false),
        ("wé*", "wéb", true),
    ] {
        assert_eq!(Glob::new(glob).matches(name), expected, "{glob} {name}");
    }
    assert!(Glob::new("web1").is_literal() && !Glob::new("web*").is_literal());
}

#[test]
fn a_command_pattern_matches_the_whole_command() {
    for (pattern, command, expected) in [
        ("uptime", "uptime", true),
        ("uptime", "uptime ", false),
        ("uptime", "/usr/bin/uptime", false),
        ("uptime", "uptime\0", false),
        ("tail *", "tail -n 5 /var/log/syslog", true),
        ("tail *", "tail\t/x", false),
        ("tail *", "tail", false),
        ("tail *", "tailor x", false),
        ("tail *", "xtail x", false),
        ("tail *", "tail a\tb", true),
        ("tail *", "tail 'my log' \"x\" a\\ b #1 ~/x {a,b} ?[x]* !x ^y %z =w é", true),
        ("systemctl * nginx", "systemctl restart nginx", true),
        ("systemctl * nginx", "systemctl restart nginx2", false),
        ("git-upload-pack *", "git-upload-pack '/srv/repo.git'", true),
        ("git-upload-pack '/srv/*'", "git-upload-pack '/srv/repo.git'", true),
        ("ps | grep *", "ps | grep x", true),
        ("*", "rm -rf / ; reboot", true),
        ("*", "", true),
        ("", "", true),
    ] {
        assert_eq!(allows(pattern, command), expected, "{pattern} / {command:?}");
    }
}

#[test]
fn a_star_never_lets_a_second_command_in() {
    let acting = [";", "&", "|", "$", "`", "(", ")", "<", ">", "\n", "\r", "\0", "\x01", "\x1b", "\x7f", "\u{b}"];
    for pattern in ["tail *", "tail *x", "tail **", "* *", "*x", "tail ** *"] {
        for bad in acting {
            for command in [format!("tail a{bad}reboot x"), format!("tail {bad}x"), format!("tail x{bad} x")] {
                assert!(!allows(pattern, &command), "{pattern} / {command:?}");
            }
        }
    }
    // Those that the pattern itself has are its author's, and only those.
    assert!(allows("tail *; uptime *", "tail x; uptime y"));
    assert!(!allows("tail *; uptime *", "tail x; reboot; uptime y"));
    assert!(!allows("tail *; uptime *", "tail x; uptime y; reboot"));
}

#[test]
fn a_star_alone_means_any_command_and_two_do_not() {
    assert!(CommandPattern::new("*").is_any());
    assert!(CommandPattern::new("*").matches(b"a;b\xff\0"));
    assert!(!CommandPattern::new("**").is_any());
    assert!(!allows("**", "a;b"));
    assert!(!allows(" *", " a;b"));
}

#[test]
fn a_star_cannot_put_the_rest_of_its_pattern_out_of_force() {
    for (pattern, command) in [
        ("journalctl * --no-pager", "journalctl # --no-pager"),
        ("journalctl * --no-pager", "journalctl x\\ --no-pager"),
        ("check * && deploy", "check \\&& deploy"),
        ("check * && deploy", "check 1 # && deploy"),
        ("check * && deploy *", "check ' && deploy '"),
        ("check * && deploy *", "check \" && deploy \""),
        ("psql -c 'select * from t'", "psql -c 'select' -f /etc/passwd ' from t'"),
        ("sh -c \"echo *\"", "sh -c \"echo \" -x \"\""),
        ("*--safe *", "run '--safe ' -x"),
    ] {
        assert!(!allows(pattern, command), "{pattern} / {command}");
    }
}

#[test]
fn a_command_that_is_not_text_needs_the_star_alone() {
    assert!(!CommandPattern::new("cat *").matches(b"cat \xe9"));
    assert!(!CommandPattern::new("cat *").matches(b"cat \x81"));
    assert!(CommandPattern::new("cat *").matches("cat é".as_bytes()));
}

#[test]
fn a_hostile_command_is_answered_soon() {
    // With a star tried again for every one before it, this would take longer than the universe has lasted.
    let pattern = CommandPattern::new(&"*a".repeat(64));
    let command = vec![b'a'; 32 * 1024];
    assert!(pattern.matches(&command));
    let mut ends_badly = command;
    ends_badly.push(b'b');
    assert!(!pattern.matches(&ends_badly));
}

/// The same pattern as a regular expression: what it means, told another way.
fn as_regex(pattern: &str) -> Regex {
    let last = pattern.trim_end_matches('*').len();
    let mut text = String::from(r"(?s)\A");
    for (i, c) in pattern.char_indices() {
        text.push_str(&match c {
            '*' if i >= last => r"[^;&|$`()<>\x00-\x08\x0a-\x1f\x7f]*".to_owned(),
            '*' => r#"[^;&|$`()<>\x00-\x08\x0a-\x1f\x7f'"\\#]*"#.to_owned(),
            c => regex::escape(&c.to_string()),
        });
    }
    text.push_str(r"\z");
    Regex::new(&text).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    /// Few letters, so that stars often have several ways to match and overlaps occur.
    #[test]
    fn a_pattern_means_the_same_as_its_regular_expression(
        pattern in "[ab;'#*]{0,10}",
        command in "[ab;'#\n]{0,16}",
    ) {
        prop_assume!(pattern != "*");
        let expected = as_regex(&pattern).is_match(command.as_bytes());
        prop_assert_eq!(allows(&pattern, &command), expected);
    }

    #[test]
    fn a_command_made_to_fit_is_allowed(parts in proptest::collection::vec("[a-z -]{0,5}", 1..6)) {
        prop_assert!(allows(&parts.join("*"), &parts.concat()));
        let (open, quoted) = (format!("{}*", parts.join("*")), format!("{} \"x\"", parts.join("/")));
        prop_assert!(allows(&open, &quoted));
    }

    #[test]
    fn no_bytes_break_the_matcher(pattern in "\\PC*", command in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = CommandPattern::new(&pattern).matches(&command);
    }

    #[test]
    fn a_glob_is_a_regular_expression_too(glob in "[ab*]{0,8}", name in "[ab]{0,12}") {
        let regex = regex::Regex::new(&format!("^{}$", glob.replace('*', ".*"))).unwrap();
        prop_assert_eq!(Glob::new(&glob).matches(&name), regex.is_match(&name));
    }
}
