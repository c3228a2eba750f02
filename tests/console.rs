//! `ssh bastion COMMAND` and `curfew ctl COMMAND`: one grammar, the JSON that programs read, and the exit codes.

use serde_json::Value;

use crate::support::{Outcome, SOON, Stage, eventually, text};

#[track_caller]
fn has(value: &Value, fields: &[&str]) {
    for field in fields {
        assert!(value.get(field).is_some(), "no `{field}`: {value}");
    }
}

/// An error: its exit code, one or more lines on stderr that are no error chain, and nothing on stdout.
#[track_caller]
fn fails(run: Outcome, code: i32) -> String {
    let run = run.expect(code);
    assert_eq!(run.stdout, b"", "{run:?}");
    assert!(!run.stderr.trim().is_empty(), "it says what was wrong: {run:?}");
    for internal in ["Caused by", "panicked", "sqlx", "Err(", "Error {", "src/"] {
        assert!(!run.stderr.contains(internal), "an internal error shows: {run:?}");
    }
    run.stderr
}

#[test]
fn the_bastion_alone_shows_who_you_are_and_what_you_hold() {
    let stage = Stage::new();
    let grant = stage.alice.granted("web1", "admin", "1h");
    let id = stage.alice.requested("web1 --role change --for 30m --reason INC-1 the disk");
    let page = stage.alice.ssh(&["bastion"]).run().ok().text();
    for part in ["alice", &grant, "web1", "admin"] {
        assert!(page.contains(part), "no `{part}`: {page}");
    }
    let page = stage.bob.ssh(&["bastion"]).run().ok().text();
    assert!(page.contains(&id) && page.contains("alice"), "what waits for bob: {page}");
    assert!(page.lines().count() <= 24, "it fits a screen: {page}");
}

#[test]
fn the_page_is_shown_on_a_terminal_too() {
    let stage = Stage::granted();
    let mut terminal = stage.alice.terminal(&["-tt", "bastion"]);
    terminal.wait_for("alice", SOON);
    assert_eq!(terminal.wait(SOON), Some(0));
    assert!(terminal.screen().contains("\r\n"), "lines end as a terminal needs them");
}

#[test]
fn help_fits_a_screen_and_teaches_by_example() {
    let stage = Stage::new();
    let help = stage.alice.ask("help").ok().text();
    assert!(help.lines().count() <= 24 && help.lines().all(|line| line.chars().count() <= 80), "{help}");
    assert!(help.contains("request") && help.contains("--reason"), "{help}");
}

#[test]
fn whoami_and_targets_have_their_fields() {
    let stage = Stage::granted();
    let me = stage.alice.json("whoami");
    has(&me, &["user", "groups", "may", "grants", "pending"]);
    assert_eq!(me["groups"], serde_json::json!(["engineers", "oncall"]));
    assert_eq!(me["grants"].as_array().map(Vec::len), Some(1));
    let may = stage.sam.json("whoami")["may"].clone();
    assert!(may.as_array().is_some_and(|may| may.iter().any(|duty| duty == "audit")), "{may}");
    let targets = stage.alice.json("targets");
    has(&targets[0], &["name", "protocol", "labels", "roles"]);
    assert_eq!((targets[0]["name"].as_str(), targets[0]["protocol"].as_str()), (Some("web1"), Some("ssh")));
    assert_eq!(targets[0]["labels"], serde_json::json!({ "env": "prod" }));
    assert_eq!(stage.dave.json("targets"), serde_json::json!([]), "nothing that may not be asked for");
}

#[test]
fn requests_grants_and_sessions_have_their_fields() {
    let stage = Stage::granted();
    stage.on_web1("true").run().ok();
    stage.gateway.ended_session();
    has(
        &stage.alice.json("requests --all")[0],
        &[
            "id",
            "state",
            "user",
            "targets",
            "role",
            "login",
            "duration_s",
            "reason",
            "starts_at",
            "approvals",
            "needed",
            "grant",
        ],
    );
    has(
        &stage.alice.json("grants --all")[0],
        &[
            "id",
            "request",
            "state",
            "user",
            "targets",
            "role",
            "login",
            "starts_at",
            "expires_at",
            "ended_at",
            "ended_why",
        ],
    );
    let session = stage.alice.json("sessions --all")[0].clone();
    has(
        &session,
        &[
            "id",
            "grant",
            "user",
            "target",
            "login",
            "protocol",
            "client",
            "started_at",
            "ended_at",
            "ended_why",
            "recordings",
        ],
    );
    let recording = &session["recordings"][0];
    has(recording, &["path", "kind", "bytes", "sealed"]);
    assert!(text(&recording["path"]).starts_with('/'), "absolute: {recording}");
    assert!(text(&session["started_at"]).ends_with('Z'));
    has(&stage.sam.json("audit")[0], &["seq", "at", "actor", "action", "subject", "detail", "prev", "hash"]);
}

#[test]
fn lists_are_newest_last() {
    let stage = Stage::new();
    let ids: Vec<_> = (0..3).map(|_| stage.alice.granted("web1", "admin", "1h")).collect();
    let listed: Vec<_> = stage.alice.json("grants").as_array().unwrap().iter().map(|g| text(&g["id"])).collect();
    assert_eq!(listed, ids);
}

#[test]
fn json_prints_one_value_and_on_an_error_nothing() {
    let stage = Stage::new();
    for command in ["whoami", "targets", "requests", "grants", "sessions"] {
        stage.alice.json(command);
    }
    fails(stage.alice.ask("show r99 --json"), 1);
    fails(stage.alice.ask("request web1 --json"), 2);
}

#[test]
fn usage_is_checked_first_and_says_what_to_type() {
    let stage = Stage::new();
    for command in [
        "request",
        "request web1",
        "request web1 --role admin",
        "approve",
        "approve 12",
        "approve g1",
        "show",
        "show x1",
        "deny r1",
        "extend g1",
        "revoke g1",
        "kill s1",
        "whoami --nonsense",
        "requests --pending --mine --what",
    ] {
        fails(stage.alice.ask(command), 2);
    }
    let said = fails(stage.alice.ask("aprove r1"), 2);
    assert!(said.contains("approve"), "the nearest command: {said}");
}

#[test]
fn what_does_not_exist_is_not_found() {
    let stage = Stage::new();
    for command in [
        "show r99",
        "show g99",
        "show s99",
        "approve r99",
        "cancel r99",
        "done g99",
        "revoke g99 --note x",
        "replay s99",
    ] {
        fails(stage.alice.ask(command), 1);
    }
}

#[test]
fn a_stranger_is_told_not_found_as_if_it_did_not_exist() {
    let stage = Stage::new();
    let grant = stage.alice.granted("web1", "admin", "1h");
    stage.on_web1("true").run().ok();
    let session = text(&stage.gateway.ended_session()["id"]);
    let request = text(&stage.alice.json(&format!("show {grant}"))["request"]);
    for id in [&request, &grant, &session] {
        let there = fails(stage.dave.ask(&format!("show {id}")), 1);
        let digits: String = id.chars().filter(char::is_ascii_digit).collect();
        let absent = format!("{}{digits}99", &id[..1]);
        let not_there = fails(stage.dave.ask(&format!("show {absent}")), 1);
        assert_eq!(there.replace(id.as_str(), "ID"), not_there.replace(&absent, "ID"));
    }
    for list in ["requests --all", "grants --all", "sessions --all"] {
        assert_eq!(stage.dave.json(list), serde_json::json!([]), "{list}");
    }
    stage.dave.ask(&format!("replay {session}")).expect(1);
}

#[test]
fn text_arrives_without_its_quotes_and_with_them() {
    let stage = Stage::new();
    let bare = stage.alice.json("request web1 --reason two words --role admin --for 5m");
    assert_eq!(bare["reason"], "two words");
    let quoted = stage.alice.json("request web1 --reason 'it is \"so\"' --role admin --for 5m");
    assert_eq!(quoted["reason"], "it is \"so\"");
    let seconds = stage.alice.json("request web1 --role admin --for 90s --reason seconds");
    assert_eq!(seconds["duration_s"], 90);
}

#[test]
fn a_reason_with_hyphens_and_option_words_is_text() {
    let stage = Stage::new();
    let request = stage.alice.json("request web1 --role admin --for 5m --reason '--for the -win-'");
    assert_eq!(request["reason"], "--for the -win-");
}

#[test]
fn the_operators_door_speaks_the_same_grammar() {
    let stage = Stage::new();
    let id = stage.alice.requested("web1 --role change --for 30m --reason INC-1");
    assert!(stage.gateway.ctl("requests --all").ok().text().contains(&id));
    assert_eq!(stage.gateway.ctl_json("requests --all")[0]["id"], id.as_str());
    fails(stage.gateway.ctl("show r99"), 1);
    fails(stage.gateway.ctl("shwo r1"), 2);
    let grant = stage.alice.granted("web1", "admin", "1h");
    stage.gateway.ctl(&format!("revoke {grant} --note maintenance")).ok();
}

#[test]
fn the_operators_door_says_so_when_nobody_serves() {
    let stage = Stage::new();
    stage.gateway.kill();
    let run = stage.gateway.ctl("requests");
    assert!(run.code.is_some_and(|code| code != 0) && run.stderr.contains("serve"), "{run:?}");
}

#[test]
fn the_control_socket_is_the_operators_alone() {
    use std::os::unix::fs::{FileTypeExt, PermissionsExt};
    let stage = Stage::new();
    let files = std::fs::read_dir(stage.gateway.state_dir()).unwrap().flatten();
    let sockets: Vec<_> = files.filter(|f| f.file_type().is_ok_and(|kind| kind.is_socket())).collect();
    assert_eq!(sockets.len(), 1);
    let folder = std::fs::metadata(stage.gateway.state_dir()).unwrap().permissions().mode();
    let socket = sockets[0].metadata().unwrap().permissions().mode();
    assert!(folder & 0o077 == 0 || socket & 0o077 == 0, "folder {folder:o}, socket {socket:o}");
}

#[test]
fn secrets_in_the_state_folder_are_the_gateways_alone() {
    use std::os::unix::fs::PermissionsExt;
    let stage = Stage::new();
    let mut folders = vec![stage.gateway.state_dir()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let mode = entry.metadata().unwrap().permissions().mode();
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
            } else if entry.path().extension().is_none_or(|e| e != "pub") && entry.file_type().unwrap().is_file() {
                assert_eq!(mode & 0o077, 0, "{} has {mode:o}", entry.path().display());
            }
        }
    }
}

#[test]
fn a_live_session_is_watched_by_its_owner_and_by_who_may() {
    let stage = Stage::granted();
    let terminal = stage.alice.terminal(&["-tt", "web1@bastion"]);
    terminal.type_in("echo re''ady\r");
    terminal.wait_for("ready", SOON);
    let id = text(&stage.sam.json("sessions --live")[0]["id"]);
    stage.dave.ask(&format!("watch {id}")).expect(1);
    let mut watchers =
        [stage.sam.asking(&format!("watch {id}")).start(), stage.alice.asking(&format!("watch {id}")).start()];
    for watcher in &mut watchers {
        eventually(SOON, "the watcher is there", || watcher.is_running());
    }
    eventually(SOON, "both see what happens", || {
        terminal.type_in("echo seen\r");
        watchers.iter().all(|watcher| watcher.stdout.text().contains("seen"))
    });
    terminal.type_in("exit\r");
    for watcher in &mut watchers {
        watcher.wait(SOON).ok();
    }
}

#[test]
fn a_watcher_who_stops_reading_delays_nobody() {
    use rustix::process::Signal;
    let stage = Stage::granted();
    let mut ssh = stage.on_web1("cat").start();
    ssh.type_in("here\n");
    ssh.stdout.wait_for("here", SOON);
    let id = text(&stage.sam.json("sessions --live")[0]["id"]);
    let watcher = stage.sam.asking(&format!("watch {id}")).start();
    watcher.stdout.wait_for("here", SOON);
    watcher.signal(Signal::STOP);
    let bytes = "0123456789abcde\n".repeat(2 << 20);
    let text = stage.on_web1("true").run().ok();
    drop(text);
    let mut stdin = ssh.stdin.take().unwrap();
    let writing = std::thread::spawn(move || std::io::Write::write_all(&mut stdin, bytes.as_bytes()));
    let run = ssh.wait(SOON * 2).ok();
    writing.join().unwrap().unwrap();
    assert_eq!(run.stdout.len(), 5 + (32 << 20));
}

#[test]
fn a_session_is_replayed_by_its_owner_and_by_who_may() {
    let stage = Stage::granted();
    stage.on_web1("echo to be seen again").run().ok();
    let id = text(&stage.gateway.ended_session()["id"]);
    for person in [&stage.alice, &stage.sam] {
        assert!(person.ask(&format!("replay {id}")).ok().text().contains("to be seen again"));
    }
    stage.bob.ask(&format!("replay {id}")).expect(1);
}

#[test]
fn the_bastion_itself_has_no_file_transfer() {
    let stage = Stage::granted();
    assert_ne!(stage.alice.ssh(&["-s", "bastion", "sftp"]).limit(SOON).run().code, Some(0));
    stage.alice.ask("whoami").ok();
}
