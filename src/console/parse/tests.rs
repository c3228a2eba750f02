//! The grammar as tables: what each command means, and what each mistake is told.

use std::time::Duration;

use curfew_policy::id::{AnyId, GrantId, RequestId, SessionId};
use curfew_recorder::Pace;
use proptest::prelude::*;

use crate::console::command::{Command, CommandLine, Narrow, When};
use crate::console::parse::{LONGEST_LINE, parse};
use crate::console::spec::{self, COMMANDS};
use crate::text::shell_words::quote;
use crate::usecase::list::Which;
use crate::usecase::request::Wish;

const MINUTE: Duration = Duration::from_secs(60);

fn understood(line: &str) -> CommandLine {
    parse(line.as_bytes()).unwrap_or_else(|usage| panic!("{line}: {usage}"))
}

fn command(line: &str) -> Command {
    understood(line).command
}

fn requests(which: Which) -> Command {
    Command::Requests { which, narrow: Narrow::default() }
}

fn wish(reason: &str) -> Wish {
    Wish {
        targets: vec!["web1".to_owned()],
        role: "admin".to_owned(),
        login: None,
        duration: 30 * MINUTE,
        reason: reason.to_owned(),
        at: None,
    }
}

#[test]
fn every_command_is_understood() {
    let text = str::to_owned;
    let table = [
        ("", Command::Home),
        ("  ", Command::Home),
        ("help", Command::Help(None)),
        ("--help", Command::Help(None)),
        ("-h", Command::Help(None)),
        ("help show", Command::Help(spec::find("show"))),
        ("show --help", Command::Help(spec::find("show"))),
        ("--help show", Command::Help(spec::find("show"))),
        ("request web1 -h", Command::Help(spec::find("request"))),
        ("version", Command::Version),
        ("whoami", Command::Whoami),
        ("targets", Command::Targets),
        (
            "request web1 --role admin --for 30m --reason disk full",
            Command::Request { wish: wish("disk full"), wait: false },
        ),
        ("requests", requests(Which::Usual)),
        ("requests --pending", requests(Which::Pending)),
        ("requests --mine", requests(Which::Mine)),
        ("requests --mine --all", requests(Which::AllMine)),
        ("requests --all", requests(Which::All)),
        (
            "requests --all --before r31 --limit 50",
            Command::Requests {
                which: Which::All,
                narrow: Narrow { before: Some(31), limit: Some(50), ..Narrow::default() },
            },
        ),
        ("show r12", Command::Show(AnyId::Request(RequestId(12)))),
        ("show g9", Command::Show(AnyId::Grant(GrantId(9)))),
        ("show s345", Command::Show(AnyId::Session(SessionId(345)))),
        ("approve r12", Command::Approve { id: RequestId(12), shorten: None, note: None }),
        (
            "approve r12 --for 15m --note only the logs",
            Command::Approve { id: RequestId(12), shorten: Some(15 * MINUTE), note: Some(text("only the logs")) },
        ),
        ("deny r12 --note no", Command::Deny { id: RequestId(12), note: text("no") }),
        ("deny --note='no' r12", Command::Deny { id: RequestId(12), note: text("no") }),
        ("cancel r12", Command::Cancel(RequestId(12))),
        ("grants", Command::Grants { all: false, narrow: Narrow::default() }),
        ("grants --all", Command::Grants { all: true, narrow: Narrow::default() }),
        (
            "grants --until 1h 30m --before g9",
            Command::Grants {
                all: false,
                narrow: Narrow { until: Some(When::Ago(90 * MINUTE)), before: Some(9), ..Narrow::default() },
            },
        ),
        (
            "extend g9 --for 1h 30m --reason still copying",
            Command::Extend { id: GrantId(9), by: 90 * MINUTE, reason: text("still copying") },
        ),
        ("done g9", Command::Done(GrantId(9))),
        ("revoke g9 --note wrong host", Command::Revoke { id: GrantId(9), note: text("wrong host") }),
        ("sessions", Command::Sessions { all: false, narrow: Narrow::default() }),
        ("sessions --live", Command::Sessions { all: false, narrow: Narrow::default() }),
        ("sessions --all", Command::Sessions { all: true, narrow: Narrow::default() }),
        (
            "sessions --live --before s345 --since 2026-12-01T22:00:00Z",
            Command::Sessions {
                all: false,
                narrow: Narrow {
                    before: Some(345),
                    since: "2026-12-01T22:00:00Z".parse().ok().map(When::At),
                    ..Narrow::default()
                },
            },
        ),
        ("watch s345", Command::Watch(SessionId(345))),
        ("kill s345 --note runaway", Command::Kill { id: SessionId(345), note: text("runaway") }),
        ("replay s345", Command::Replay { id: SessionId(345), pace: Pace::default() }),
        (
            "replay s345 --speed 2.5x --idle-limit 2s --start-at 1m 5s",
            Command::Replay {
                id: SessionId(345),
                pace: Pace { speed: 2.5, idle_limit: Some(Duration::from_secs(2)), start_at: Duration::from_secs(65) },
            },
        ),
        ("audit", Command::Audit(Narrow::default())),
        (
            "audit --since 7d --user alice --target web1",
            Command::Audit(Narrow {
                since: Some(When::Ago(Duration::from_secs(7 * 86_400))),
                user: Some(text("alice")),
                target: Some(text("web1")),
                ..Narrow::default()
            }),
        ),
    ];
    for (line, meant) in table {
        assert_eq!(command(line), meant, "{line}");
    }
}

#[test]
fn text_runs_to_the_next_option_with_or_without_quotes() {
    for (line, reason) in [
        ("request web1 --role admin --for 30m --reason INC-42 disk full", "INC-42 disk full"),
        ("request web1 --reason INC-42 disk full --role admin --for 30m", "INC-42 disk full"),
        ("request --reason 'INC-42 disk full' web1 --role admin --for 30m", "INC-42 disk full"),
        ("request web1 --reason 'INC-42' disk full --role admin --for 30m", "INC-42 disk full"),
        ("request web1 --role admin --for 30m --reason=INC-42 disk full", "INC-42 disk full"),
        ("request web1 --role admin --for 30m --reason='INC-42 disk full'", "INC-42 disk full"),
        ("request web1 --role admin --for 30m --reason \"it's broken\"", "it's broken"),
        ("request web1 --role admin --for 30m --reason it's broken", "it's broken"),
        ("request web1 --role admin --for 30m --reason it's broken and we're late", "it's broken and we're late"),
        ("request web1 --role admin --for 30m --reason 5\" disk", "5\" disk"),
        ("request web1 --role admin --for 30m --reason df says -h and --force", "df says -h and --force"),
        ("request web1 --role admin --for 30m --reason '--json is broken'", "--json is broken"),
        ("request web1 --role admin --for 30m --reason fix the '--json' answer", "fix the --json answer"),
        ("request web1 --role admin --for 30m --reason läuft über ☃", "läuft über ☃"),
        ("'request' \"web1\" '--role' 'admin' '--for' '30m' '--reason' 'disk full'", "disk full"),
        ("'request' '--reason' 'disk full' 'web1' '--role' 'admin' '--for' '30m'", "disk full"),
    ] {
        assert_eq!(command(line), Command::Request { wish: wish(reason), wait: false }, "{line}");
    }
}

#[test]
fn durations_may_be_several_words_and_options_may_stand_anywhere() {
    for line in [
        "request web1 web2 --role admin --for 1h 30m --login root --reason x --wait --at 2026-12-01T22:00:00Z",
        "request --for 1h 30m web1 --wait --login=root web2 --at 2026-12-01T23:00:00+01:00 --role admin --reason x",
        "request web1 --for '1h 30m' web2 --wait --login root --at=2026-12-01T22:00Z --role admin --reason x",
        "request --for=1h 30m --role admin --wait --login root --reason x --at 2026-12-01T22:00Z -- web1 web2",
    ] {
        let Command::Request { wish, wait: true } = command(line) else { panic!("{line}") };
        assert_eq!(wish.targets, ["web1", "web2"], "{line}");
        assert_eq!(wish.duration, 90 * MINUTE, "{line}");
        assert_eq!(wish.login.as_deref(), Some("root"), "{line}");
        assert_eq!(wish.at, "2026-12-01T22:00:00Z".parse().ok(), "{line}");
    }
}

#[test]
fn json_may_stand_anywhere() {
    for line in
        ["--json", "whoami --json", "--json whoami", "approve --json r1", "deny r1 --note no --json", "help --json"]
    {
        assert!(understood(line).json, "{line}");
    }
    assert!(!understood("deny r1 --note '--json'").json);
}

#[test]
fn every_mistake_says_what_was_wrong_and_gives_an_example() {
    let request = "request web1 --role admin --for 30m --reason INC-42 disk full";
    let table: &[(&str, &str, &str)] = &[
        ("aprove r12", "`aprove` is no command here; did you mean `approve`?", "approve r12"),
        ("uptime", "`uptime` is no command here; `help` lists them", "help"),
        ("--what", "`--what` stands where a command belongs; `help` lists them", "help"),
        ("\u{1b}[31mred", "`\\u{1b}[31mred` is no command here; `help` lists them", "help"),
        ("request", "request needs a target, --role ROLE, --for 30m and --reason TEXT", request),
        ("request web1 --role admin --for 30m", "request needs --reason TEXT", request),
        (
            "request --reason disk full on web1 --role a --for 1m",
            "request needs a target; targets stand before --reason, which runs to the next option",
            request,
        ),
        ("request web1 --reason --role admin --for 30m", "--reason needs something after it: --reason TEXT", request),
        (
            "request web1 --reason '' --role admin --for 30m",
            "--reason needs something after it: --reason TEXT",
            request,
        ),
        ("request web1 --role admin --reason x --for", "--for needs something after it: --for 30m", request),
        (
            "request web1 --role admin --reason x --for 30",
            "--for: `30` is not a duration: write it like 30m, 1h 30m, 12h or 90s",
            request,
        ),
        ("request web1 --role admin --reason x --for 0s", "--for: the shortest access is 1s", request),
        (
            "request web1 --role admin --for 1h --reason x --at 22:00",
            "--at: `22:00` is not a time; write it like 2026-12-01T22:00:00Z or 2026-12-01T22:00:00+01:00",
            request,
        ),
        ("request web1 --rloe admin", "request has no option `--rloe`; did you mean --role?", request),
        ("request web1 --role a --role b", "--role is given twice; give it once", request),
        ("request web1 --wait=yes", "--wait takes no value; leave the `=` out", request),
        (
            "request web1 --role admin --for 1h --reason 'a\u{7}b'",
            "`a\\u{7}b` holds a control character; type it without",
            request,
        ),
        ("show", "show needs an id (ID)", "show r12"),
        (
            "show web1",
            "`web1` is not an id: ids look like r12, g9 or s345; show takes a request, a grant or a session",
            "show r12",
        ),
        ("show r1 g2", "`g2` is too much: show takes one at a time", "show r12"),
        ("approve g9", "g9 is a grant; approve takes a request such as r12", "approve r12"),
        ("done r9", "r9 is a request; done takes a grant such as g9", "done g9"),
        ("watch g9", "g9 is a grant; watch takes a session such as s345", "watch s345"),
        (
            "approve r0",
            "`r0` is not an id: ids look like r12, g9 or s345; approve takes a request such as r12",
            "approve r12",
        ),
        ("deny r12", "deny needs --note TEXT", "deny r12 --note use web2, it is not in production"),
        ("requests --mine --pending", "--pending and --mine exclude each other; take one of them", "requests"),
        ("requests --pending --all", "--pending and --all exclude each other; take one of them", "requests"),
        ("sessions --live --all", "--live and --all exclude each other; take one of them", "sessions"),
        ("requests --before g9", "--before: g9 is a grant; requests takes a request such as r12", "requests"),
        (
            "sessions --before 345",
            "--before: `345` is not an id: ids look like r12, g9 or s345; sessions takes a session such as s345",
            "sessions",
        ),
        (
            "audit --before r1",
            "--before: `r1` is no number of the log; take one of its column SEQ: --before 2007",
            "audit --since 7d --user alice",
        ),
        ("grants --limit 0", "--limit takes a number from 1 to 10000: --limit 50", "grants"),
        ("grants --limit 10001", "--limit takes a number from 1 to 10000: --limit 50", "grants"),
        ("grants --limit many", "--limit takes a number from 1 to 10000: --limit 50", "grants"),
        (
            "grants --quick",
            "grants has no option `--quick`; it has --all, --user, --target, --since, --until, --limit, --before, --json \
             and --help",
            "grants",
        ),
        ("whoami now", "`now` is too much: whoami takes no names or ids", "whoami"),
        ("watch s1 --json", "watch has no JSON form; leave --json out", "watch s345"),
        ("replay s1 --speed fast", "--speed takes a number from 0.01 to 1000: 2 is twice as fast", "replay s345"),
        ("replay s1 --speed -1", "--speed takes a number from 0.01 to 1000: 2 is twice as fast", "replay s345"),
        (
            "audit --since yesterday",
            "--since: `yesterday` is no time; write it like 7d (so long ago), or like 2026-12-01T22:00:00Z",
            "audit --since 7d --user alice",
        ),
        ("help aprove", "`aprove` is no command here; did you mean `approve`?", "help"),
    ];
    for (line, what, example) in table {
        let usage = parse(line.as_bytes()).expect_err(line);
        assert_eq!(usage.what, *what, "{line}");
        assert_eq!(usage.example, *example, "{line}");
    }
}

#[test]
fn the_command_for_what_is_older_is_understood_as_the_one_before_it() {
    for line in [
        "requests --all --user 'a b' --limit 7",
        "requests --pending --target web1 --since 1h 30m",
        "requests --mine --all --until 2026-12-01T22:00:00Z",
    ] {
        let Command::Requests { which, narrow } = command(line) else { panic!("{line}") };
        let list = line.split(" --").take_while(|part| !part.contains(' ')).collect::<Vec<_>>().join(" --");
        let older = Command::Requests { which, narrow: Narrow { before: Some(31), ..narrow.clone() } };
        assert_eq!(command(&narrow.older(&list, "r31")), older, "{line}");
    }
}

#[test]
fn bytes_that_are_no_command_are_told_so() {
    let usage = parse(b"\xff\xfe").expect_err("not text");
    assert_eq!(usage.what, "the command is not UTF-8 text");
    let long = format!("deny r1 --note {}", "x".repeat(LONGEST_LINE));
    let usage = parse(long.as_bytes()).expect_err("too long");
    assert_eq!(usage.what, "the command is longer than 16384 bytes; say it shorter");
}

#[test]
fn only_an_unknown_command_counts_as_no_command() {
    for (line, known) in [("uptime", false), ("-x", false), ("show", true), ("request --bad", true)] {
        assert_eq!(parse(line.as_bytes()).expect_err(line).known, known, "{line}");
    }
}

fn word() -> impl Strategy<Value = String> {
    "[a-z0-9 '\"\\\\$=äß☃-]{1,20}".prop_filter("not blank", |word| !word.trim().is_empty())
}

proptest! {
    #[test]
    fn no_bytes_make_the_parser_panic(line in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse(&line);
    }

    #[test]
    fn no_words_make_the_parser_panic(
        command in 0..COMMANDS.len(),
        words in proptest::collection::vec("(--[a-z]{2,6}|[rgs][0-9]{1,3}|[0-9]{1,3}[smhd]|'|\"|\\\\|=|.{0,6})", 0..8),
    ) {
        let line = format!("{} {}", COMMANDS[command].name, words.join(" "));
        if let Err(usage) = parse(line.as_bytes()) {
            prop_assert!(usage.known);
            prop_assert!(!usage.to_string().chars().any(char::is_control));
        }
    }

    #[test]
    fn what_is_quoted_is_understood_as_it_was_meant(role in word(), login in word(), reason in word()) {
        let args = ["request", "web1", "--reason", &reason, "--role", &role, "--for", "30m", "--login", &login];
        // A word that looks like an option and needs no quotes is one.
        prop_assume!(![&role, &login, &reason].iter().any(|word| word.starts_with('-')));
        let meant = Wish { role: role.clone(), login: Some(login.clone()), ..wish(&reason) };
        prop_assert_eq!(command(&quote(args)), Command::Request { wish: meant, wait: false });
    }
}
