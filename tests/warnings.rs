//! Warnings before the end: for people at a terminal, and never into a full-screen program or a channel without one.
//! The one of five minutes is tested where the clock can be moved, in `curfew-proxy`.

use crate::support::{SOON, Stage};

#[test]
fn a_shell_is_warned_a_minute_before_the_end() {
    let stage = Stage::new();
    let grant = stage.alice.granted("web1", "admin", "63s");
    let terminal = stage.alice.terminal(&["-tt", "web1@bastion", "echo ready; exec sleep 100"]);
    terminal.wait_for("ready", SOON);
    terminal.wait_for(&grant, SOON);
    let screen = terminal.screen();
    assert!(screen.contains("1m") || screen.contains("1 minute") || screen.contains("60"), "{screen}");
}

#[test]
fn a_full_screen_program_sees_a_bell_and_a_title_only() {
    let stage = Stage::new();
    let grant = stage.alice.granted("web1", "admin", "63s");
    let command = "printf '\\033[?1049h'; echo ready; exec sleep 100";
    let terminal = stage.alice.terminal(&["-tt", "web1@bastion", command]);
    terminal.wait_for("ready", SOON);
    terminal.wait_for("\x07", SOON);
    terminal.wait_for(&grant, SOON);
    let screen = terminal.screen();
    let after = screen.split_once("ready\r\n").expect("the program has begun").1;
    assert!(after.contains("\x1b]0;") || after.contains("\x1b]2;"), "the title is set: {after:?}");
    assert_eq!(outside_titles(after).trim_matches('\x07'), "", "nothing else on the screen: {after:?}");
}

#[test]
fn a_command_without_a_terminal_is_not_warned() {
    let stage = Stage::new();
    let grant = stage.alice.granted("web1", "admin", "62s");
    let with = stage.alice.terminal(&["-tt", "web1@bastion", "echo ready; exec sleep 100"]);
    let without = stage.on_web1("echo ready; exec sleep 100").start();
    with.wait_for(&grant, SOON);
    assert_eq!((without.stdout.text().as_str(), without.stderr.text().as_str()), ("ready\n", ""));
}

/// What is left of terminal output without the sequences that set a title.
fn outside_titles(output: &str) -> String {
    let mut left = String::new();
    let mut rest = output;
    while let Some(start) = rest.find("\x1b]") {
        left.push_str(&rest[..start]);
        let end = rest[start..].find(['\x07', '\\']).expect("the title ends");
        rest = &rest[start + end + 1..];
    }
    left + rest
}
