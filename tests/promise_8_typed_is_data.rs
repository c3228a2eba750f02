//! Promise 8: what a person typed is data, on every terminal and in every log. And bad input of every kind.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::support::{SOON, Stage, Wire, eventually, text};

/// Escape sequences that clear a screen, set a title, ring, and go back over a line.
const NASTY: &str = "\u{1b}[2J\u{1b}]0;owned\u{7}\r\u{8}\u{9b}31m\u{202e}<script>";
/// What holds no control character, and would still turn a line around or act in a page.
const SLY: &str = "\u{202e}\u{200b}<script>alert(1)</script> %s {} \\n";

#[track_caller]
fn harmless(what: &str, output: &str) {
    let bad = output.chars().find(|c| (c.is_control() && *c != '\n') || ['\u{202e}', '\u{200b}'].contains(c));
    assert!(bad.is_none(), "{what} has {bad:?}: {output:?}");
}

#[test]
fn control_characters_in_text_are_refused_and_not_repeated() {
    let stage = Stage::new();
    let grant = stage.alice.granted("web1", "admin", "1h");
    for (person, command) in [
        (&stage.alice, format!("request web1 --role admin --for 30m --reason 'x {NASTY}'")),
        (&stage.sam, format!("revoke {grant} --note 'x {NASTY}'")),
    ] {
        let run = person.ask(&command);
        assert!(matches!(run.code, Some(0..=2)), "{run:?}");
        harmless("stderr", &run.stderr);
    }
    harmless("requests", &stage.gateway.ctl("requests --all").ok().text());
    harmless("audit", &stage.gateway.ctl("audit").ok().text());
}

#[test]
fn reasons_and_notes_reach_terminals_escaped() {
    let stage = Stage::new();
    let request = stage.alice.json(&format!("request web1 --role change --for 30m --reason 'INC-1 {SLY}'"));
    let id = text(&request["id"]);
    stage.bob.ask(&format!("approve {id} --note '{SLY}'")).ok();
    let grant = text(&stage.alice.json(&format!("show {id}"))["grant"]);
    stage.bob.ask(&format!("revoke {grant} --note '{SLY}'")).ok();
    for command in
        ["requests --all", "grants --all", &format!("show {id}"), &format!("show {grant}"), "audit", "sessions --all"]
    {
        harmless(command, &stage.gateway.ctl(command).ok().text());
        stage.gateway.ctl_json(command);
    }
    harmless("the log", &stage.gateway.log());
}

#[test]
fn the_line_of_a_cut_shows_its_note_escaped() {
    let stage = Stage::new();
    let grant = stage.alice.granted("web1", "admin", "1h");
    let mut ssh = stage.on_web1("echo begun; sleep 600").start();
    ssh.stdout.wait_for("begun", SOON);
    stage.sam.ask(&format!("revoke {grant} --note 'x {SLY}'")).ok();
    let run = ssh.wait(SOON).expect(124);
    harmless("stderr", &run.stderr.replace("\r\n", "\n"));
}

#[test]
fn commands_reach_lists_and_recordings_escaped() {
    let stage = Stage::granted();
    stage.on_web1(&format!("true '{NASTY}'")).run().ok();
    let session = text(&stage.gateway.ended_session()["id"]);
    harmless("show", &stage.gateway.ctl(&format!("show {session}")).ok().text());
    harmless("audit", &stage.gateway.ctl("audit").ok().text());
    let path = stage.gateway.sealed_recordings(&session).remove(0);
    let header = std::fs::read_to_string(path).unwrap().lines().next().unwrap().to_owned();
    assert!(!header.contains('\u{1b}') && !header.contains('\u{7}'), "{header:?}");
}

#[test]
fn errors_show_what_was_typed_escaped() {
    let stage = Stage::new();
    for command in
        [format!("show '{NASTY}'"), format!("{NASTY} x"), format!("request '{NASTY}' --role admin --for 5m --reason x")]
    {
        let run = stage.alice.ask(&command);
        assert!(matches!(run.code, Some(1 | 2)), "{run:?}");
        harmless("stderr", &run.stderr);
    }
}

#[test]
fn sql_in_a_reason_is_text() {
    let stage = Stage::new();
    let reason = "'; DROP TABLE audit; --";
    let request = stage.alice.json(&format!("request web1 --role admin --for 5m --reason \"{reason}\""));
    assert_eq!(text(&request["reason"]), reason);
    stage.gateway.ctl("audit").ok();
}

#[test]
fn a_long_reason_is_refused() {
    let stage = Stage::new();
    let long = "x".repeat(20_000);
    stage.alice.ask(&format!("request web1 --role admin --for 5m --reason {long}")).expect_one(&[1, 2]);
}

#[test]
fn strange_user_names_are_refused_and_break_nothing() {
    let stage = Stage::granted();
    let long = "x".repeat(8_000);
    let control = "ro\u{1b}[2Jot@web1";
    for name in
        ["root@@web1", "root@web1@web1", "a@b@c@d@e", "root@", "@", control, "root@web1 ", " web1", "../web1", &long]
    {
        let run = stage.alice.ssh(&["-l", name, "bastion", "true"]).limit(SOON).run();
        assert!(run.code.is_some_and(|code| [2, 77, 255].contains(&code)), "{name:?}: {run:?}");
        // OpenSSH's client refuses some of them itself, in a line that ends with a carriage return.
        harmless(name, &run.stderr.replace("\r\n", "\n"));
    }
    assert!(stage.gateway.is_running());
    stage.on_web1("true").run().ok();
    harmless("the log", &stage.gateway.log());
}

#[test]
fn a_name_of_64_kib_is_refused_and_breaks_nothing() {
    let stage = Stage::granted();
    for name in ["x".repeat(64 * 1024), format!("{}@web1", "\u{1b}[2J".repeat(8 * 1024)), "@".repeat(64 * 1024)] {
        let mut wire = Wire::open(&stage.gateway);
        let proven = wire.prove(&name, &stage.alice);
        assert!(!matches!(proven, Ok(true)), "a name of 64 KiB was let in");
    }
    stage.on_web1("true").run().ok();
    assert!(stage.gateway.log().lines().all(|line| line.len() < 8 * 1024), "the log keeps its lines short");
    harmless("the log", &stage.gateway.log());
}

#[test]
fn the_name_is_compared_byte_for_byte() {
    let stage = Stage::granted();
    for name in ["WEB1", "wEb1", "web1\u{200b}", "w\u{435}b1"] {
        let run = stage.alice.ssh(&["-l", &format!("root@{name}"), "bastion", "true"]).run().expect(77);
        assert!(run.stderr.contains("web1"), "the nearest name: {run:?}");
    }
    assert_eq!(stage.web1.connections(), 0);
}

#[test]
fn an_unknown_target_is_77_with_the_nearest_name() {
    let stage = Stage::granted();
    stage.alice.on("root@wbe1", "true").run().expect(77).says("web1");
    stage.alice.on("root@entirely-different", "true").run().expect(77);
}

/// What the gateway answers to these bytes until it hangs up.
fn answer(stage: &Stage, bytes: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(stage.gateway.address()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(40))).unwrap();
    let _ = stream.write_all(bytes);
    let _ = stream.shutdown(std::net::Shutdown::Write);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    answer
}

#[test]
fn what_is_no_ssh_is_hung_up_on() {
    let stage = Stage::new();
    let files = stage.gateway.open_files();
    let noise: Vec<u8> = (0..100_000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 11) as u8).collect();
    let mut after_greeting = b"SSH-2.0-x\r\n".to_vec();
    after_greeting.extend_from_slice(&noise);
    let long_packet = b"SSH-2.0-x\r\n\x7f\xff\xff\xff\x04aaaaaaaaaaaaaaaaaaaaaaaa".to_vec();
    let long_greeting = b"SSH-2.0-".iter().copied().chain(std::iter::repeat_n(b'x', 100_000)).collect();
    for bytes in
        [noise, after_greeting, long_packet, long_greeting, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n".to_vec(), Vec::new()]
    {
        answer(&stage, &bytes);
    }
    stage.alice.ask("whoami").ok();
    stage.gateway.expect_open_files(files);
}

#[test]
fn who_never_proves_anything_is_hung_up_on() {
    let stage = Stage::new();
    stage.alice.ask("whoami").ok();
    let files = stage.gateway.open_files();
    let silent: Vec<_> = (0..20).map(|_| TcpStream::connect(stage.gateway.address()).unwrap()).collect();
    eventually(SOON, "they are connected", || stage.gateway.open_files() >= files + silent.len());
    stage.alice.ask("whoami").ok();
    // The grace before authentication is a minute.
    eventually(Duration::from_secs(90), "silent connections are closed", || stage.gateway.open_files() <= files + 2);
    drop(silent);
}
