//! Recordings: asciicast v2 that players take, on disk while it happens, sealed, and provable offline.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::support::{Gateway, Outcome, Program, SOON, Stage, Stopwatch, Terminal, eventually, eventually_some, text};

/// Runs a command by Alice, and gives the sealed recording of it.
fn recorded(stage: &Stage, command: &str) -> PathBuf {
    let _ = stage.on_web1(command).run();
    let session = text(&stage.gateway.ended_session()["id"]);
    stage.gateway.sealed_recordings(&session).remove(0)
}

/// The header and the events of an asciicast file.
fn cast(path: &Path) -> (Value, Vec<Value>) {
    let content = std::fs::read_to_string(path).expect("a recording is text");
    let mut lines = content.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}")));
    (lines.next().expect("a header"), lines.collect())
}

/// What was on the screen, out of the events.
fn output(path: &Path) -> String {
    let (_, events) = cast(path);
    events.iter().filter(|event| event[1] == "o").map(|event| text(&event[2])).collect()
}

#[test]
fn a_command_without_a_terminal_is_recorded_with_stdout_and_stderr() {
    let stage = Stage::granted();
    let path = recorded(&stage, "echo to stdout; echo to stderr >&2");
    let (header, events) = cast(&path);
    assert_eq!(header["version"], 2);
    assert!(header["width"].as_u64().is_some() && header["height"].as_u64().is_some(), "{header}");
    assert!(header["timestamp"].as_u64().is_some(), "{header}");
    let output = output(&path);
    assert!(output.contains("to stdout") && output.contains("to stderr"), "{output}");
    let times: Vec<f64> = events.iter().filter_map(|event| event[0].as_f64()).collect();
    assert!(times.is_sorted(), "{times:?}");
}

#[test]
fn a_shell_is_recorded_with_its_resizes_and_without_its_input() {
    let stage = Stage::granted();
    let mut terminal = stage.alice.terminal(&["-tt", "web1@bastion"]);
    terminal.type_in("echo re''ady\r");
    terminal.wait_for("ready", SOON);
    terminal.resize(100, 40);
    terminal.type_in("stty size; stty -echo; printf 'pass''word?'; read secret; exit\r");
    terminal.wait_for("40 100", SOON);
    terminal.wait_for("password?", SOON);
    terminal.type_in("hunter2\r");
    terminal.wait(SOON);
    let session = stage.gateway.ended_session();
    let path = stage.gateway.sealed_recordings(&text(&session["id"])).remove(0);
    assert_eq!(session["recordings"][0]["kind"], "shell");
    let (header, events) = cast(&path);
    assert_eq!((header["width"].as_u64(), header["height"].as_u64()), (Some(80), Some(24)));
    assert!(events.iter().any(|event| event[1] == "r" && event[2] == "100x40"), "{events:?}");
    assert!(output(&path).contains("ready"));
    assert!(events.iter().all(|event| event[1] != "i"), "input is not recorded");
    assert!(!std::fs::read_to_string(&path).unwrap().contains("hunter2"));
}

#[test]
fn input_is_recorded_where_the_role_says_so() {
    let stage = Stage::with(|setup| {
        setup.policy = setup.policy.replace("[roles.admin]", "[roles.admin]\nrecord_input = true");
    });
    stage.alice.granted("web1", "admin", "1h");
    let mut terminal = stage.alice.terminal(&["-tt", "web1@bastion", "read line; echo got it"]);
    terminal.type_in("typed by alice\r");
    terminal.wait_for("got it", SOON);
    terminal.wait(SOON);
    let session = text(&stage.gateway.ended_session()["id"]);
    let (_, events) = cast(&stage.gateway.sealed_recordings(&session).remove(0));
    let input: String = events.iter().filter(|event| event[1] == "i").map(|event| text(&event[2])).collect();
    assert!(input.contains("typed by alice"), "{events:?}");
}

#[test]
fn asciinema_plays_a_recording() {
    if Command::new("asciinema").arg("--version").output().is_err() {
        eprintln!("skipped: asciinema is not installed");
        return;
    }
    let stage = Stage::granted();
    let path = recorded(
        &stage,
        "echo plain; printf 'caf\\303\\251 \\342\\230\\203 \\377\\376 \\033[31mred\\033[0m\\n'; echo err >&2",
    );
    let mut player = Terminal::start("asciinema", &["cat".to_owned(), path.display().to_string()]);
    assert_eq!(player.wait(SOON), Some(0), "{}", player.screen());
    let shown = player.screen();
    assert!(shown.contains("plain") && shown.contains("café ☃") && shown.contains("\x1b[31mred"), "{shown:?}");
}

#[test]
fn a_character_that_comes_in_pieces_is_whole_in_the_recording() {
    let stage = Stage::granted();
    let path =
        recorded(&stage, "printf 'caf\\303'; sleep 0.3; printf '\\251 \\342\\230'; sleep 0.3; printf '\\203\\n'");
    assert!(output(&path).contains("café ☃"), "{}", output(&path));
}

#[test]
fn what_is_on_the_screen_is_on_disk_at_once() {
    let stage = Stage::granted();
    let mut ssh = stage.on_web1("cat").start();
    ssh.type_in("warm up\n");
    ssh.stdout.wait_for("warm up", SOON);
    for n in 0..5 {
        let line = format!("marker {n} of the test");
        ssh.type_in(format!("{line}\n"));
        ssh.stdout.wait_for(&line, SOON);
        let watch = Stopwatch::start();
        eventually(SOON, "it is on disk", || {
            let files = stage.gateway.cast_files();
            files.iter().any(|path| std::fs::read_to_string(path).is_ok_and(|text| text.contains(&line)))
        });
        // The promise is 100 ms; the rest is for a machine that is busy with other tests.
        assert!(watch.elapsed() < Duration::from_millis(400), "took {:?}", watch.elapsed());
    }
}

#[test]
fn each_channel_has_a_recording_of_its_own() {
    let stage = Stage::granted();
    let master = crate::support::Master::open(&stage.alice, "web1");
    for n in 0..3 {
        master.run(&format!("echo channel {n}")).run().ok();
    }
    drop(master);
    let session = text(&stage.gateway.ended_session()["id"]);
    let files = stage.gateway.sealed_recordings(&session);
    let outputs: Vec<_> = files.iter().map(|path| output(path)).collect();
    assert_eq!(outputs.len(), 3, "{outputs:?}");
    assert!((0..3).all(|n| outputs.iter().any(|o| o.contains(&format!("channel {n}")))), "{outputs:?}");
}

#[test]
fn a_file_copy_is_logged_by_name_size_and_checksum_and_not_stored() {
    let stage = Stage::granted();
    let file = stage.alice.dir().join("report.bin");
    let bytes = b"not to be stored in the recording".repeat(1000);
    std::fs::write(&file, &bytes).unwrap();
    let sum: String = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &bytes)
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    for mode in ["-s", "-O"] {
        let to = format!("web1@bastion:{}", stage.web1.dir.path().join(format!("copied{mode}")).display());
        let config = stage.alice.config().display().to_string();
        Program::new("scp").args([mode, "-F", &config, &file.display().to_string(), &to]).run().ok();
        let session = text(&stage.gateway.ended_session()["id"]);
        let path = stage.gateway.sealed_recordings(&session).remove(0);
        let transcript = std::fs::read_to_string(&path).unwrap();
        assert!(
            transcript.contains(&format!("copied{mode}")) || transcript.contains("report.bin"),
            "{mode}: {transcript}"
        );
        assert!(transcript.contains(&bytes.len().to_string()), "{mode}: its size: {transcript}");
        assert!(transcript.contains(&sum), "{mode}: its checksum {sum}: {transcript}");
        assert!(!transcript.contains("not to be stored"), "{mode}: its content");
        stage.gateway.curfew(&["verify", &path.display().to_string()]).run().ok();
    }
}

/// `curfew verify` on a file that lies alone in a folder, with the public key alone.
fn verify_alone(stage: &Stage, file: &Path) -> Outcome {
    let folder = tempfile::tempdir().unwrap();
    let alone = folder.path().join("alone.cast");
    std::fs::copy(file, &alone).unwrap();
    let key = stage.gateway.recordings_key();
    Gateway::bare(&["verify", "--key", &key.display().to_string(), &alone.display().to_string()]).run()
}

#[test]
fn a_sealed_recording_verifies_on_the_file_alone() {
    let stage = Stage::granted();
    let path = recorded(&stage, "seq 1 500; printf '\\377\\376\\000'");
    verify_alone(&stage, &path).ok();
    stage.gateway.curfew(&["verify", &path.display().to_string()]).run().ok();
    stage.gateway.curfew(&["verify", &stage.gateway.recordings_dir().display().to_string()]).run().ok();
    let other = Stage::granted();
    let key = other.gateway.recordings_key();
    Gateway::bare(&["verify", "--key", &key.display().to_string(), &path.display().to_string()]).run().expect(1);
}

/// Changes the lines of a sealed recording, and expects `verify` to notice.
#[track_caller]
fn noticed(what: &str, change: impl Fn(&mut Vec<String>)) {
    let stage = Stage::granted();
    let path = recorded(&stage, "for n in 1 2 3 4 5 6; do echo line $n; sleep 0.12; done");
    verify_alone(&stage, &path).ok();
    let mut lines: Vec<String> = std::fs::read_to_string(&path).unwrap().lines().map(str::to_owned).collect();
    let before = lines.clone();
    change(&mut lines);
    assert_ne!(lines, before, "{what}: the test changed nothing");
    std::fs::write(&path, lines.join("\n") + "\n").unwrap();
    let run = verify_alone(&stage, &path);
    assert_eq!(run.code, Some(1), "{what}: {run:?}");
    assert!(!format!("{}{}", run.text(), run.stderr).trim().is_empty(), "{what}: it names the first bad record");
    stage.gateway.curfew(&["verify", &path.display().to_string()]).run().expect(1);
}

#[test]
fn a_changed_word_is_noticed() {
    noticed("a changed word", |lines| {
        let at = lines.iter().position(|line| line.contains("line 3")).expect("it is there");
        lines[at] = lines[at].replace("line 3", "line 9");
    });
}

#[test]
fn a_changed_header_is_noticed() {
    noticed("a changed header", |lines| lines[0] = lines[0].replace("\"version\":2", "\"version\": 2"));
}

#[test]
fn a_changed_time_is_noticed() {
    noticed("a changed time", |lines| lines[2] = lines[2].replacen('[', "[1", 1));
}

#[test]
fn a_removed_line_is_noticed() {
    noticed("a removed line", |lines| drop(lines.remove(2)));
}

#[test]
fn swapped_lines_are_noticed() {
    noticed("swapped lines", |lines| lines.swap(2, 3));
}

#[test]
fn an_added_line_is_noticed() {
    noticed("an added line", |lines| lines.push("[99.0,\"o\",\"more\"]".to_owned()));
}

#[test]
fn a_cut_tail_is_noticed() {
    noticed("a cut tail", |lines| lines.truncate(lines.len() - 1));
    noticed("a tail cut in the middle", |lines| lines.truncate(3));
}

#[test]
fn after_kill_9_the_next_start_repairs_and_seals_what_was_open() {
    let stage = Stage::granted();
    let mut ssh = stage.on_web1("cat").start();
    ssh.type_in("before the crash\n");
    ssh.stdout.wait_for("before the crash", SOON);
    eventually(SOON, "it is on disk", || {
        stage
            .gateway
            .cast_files()
            .iter()
            .any(|p| std::fs::read_to_string(p).is_ok_and(|t| t.contains("before the crash")))
    });
    stage.gateway.kill();
    // A line that was half written when the power went.
    let path = stage.gateway.cast_files().remove(0);
    let mut half = std::fs::OpenOptions::new().append(true).open(&path).unwrap();
    std::io::Write::write_all(&mut half, b"[1.25,\"o\",\"half a li").unwrap();
    stage.gateway.serve();
    let session = stage.gateway.ended_session();
    let sealed = eventually_some(SOON, "it is sealed", || {
        let session = stage.gateway.session(session["id"].as_str()?);
        (session["recordings"][0]["sealed"] == Value::Bool(true)).then_some(session)
    });
    assert!(text(&sealed["ended_why"]).contains("interrupted"), "{sealed}");
    let (_, events) = cast(&path);
    assert!(output(&path).contains("before the crash"));
    assert!(events.iter().any(|event| event[1] == "m" && event.to_string().contains("interrupted")), "{events:?}");
    verify_alone(&stage, &path).ok();
    eventually(SOON, "the audit log has it", || {
        !stage.gateway.audit("interrupt").is_empty()
            || stage.gateway.ctl_json("audit").to_string().contains("interrupted")
    });
    stage.web1.expect_quiet(SOON);
}

#[test]
fn a_recording_is_replayed_on_the_file_alone() {
    let stage = Stage::granted();
    let path = recorded(&stage, "echo one; sleep 3; echo two");
    let folder = tempfile::tempdir().unwrap();
    let alone = folder.path().join("alone.cast").display().to_string();
    std::fs::copy(&path, &alone).unwrap();
    // At a terminal a recording is played in its own time; into a pipe it goes at once.
    let played = |options: &[&str]| {
        let watch = Stopwatch::start();
        let words: Vec<String> =
            ["replay"].iter().chain(options).chain([&alone.as_str()]).map(|word| (*word).to_owned()).collect();
        let mut player = Terminal::start(&Gateway::binary(), &words);
        assert_eq!(player.wait(SOON), Some(0), "{}", player.screen());
        (player.screen(), watch.elapsed())
    };
    let (second, all) = (Duration::from_secs(1), Duration::from_secs(3));
    let (screen, took) = played(&[]);
    assert!(screen.contains("one") && screen.contains("two") && took >= all, "{took:?}: {screen}");
    let (_, took) = played(&["--speed", "100"]);
    assert!(took < second, "{took:?}");
    let (_, took) = played(&["--idle-limit", "1s"]);
    assert!(took >= second && took < all, "{took:?}");
    let (screen, took) = played(&["--start-at", "2s"]);
    assert!(screen.contains("two") && took < all, "{took:?}: {screen}");
    let piped = Gateway::bare(&["replay", &alone]).run().ok();
    assert!(piped.text().contains("one") && piped.took < second, "{piped:?}");
}

#[test]
fn a_session_is_replayed_by_its_id() {
    let stage = Stage::granted();
    recorded(&stage, "echo found by its id");
    let id = text(&stage.gateway.ended_session()["id"]);
    assert!(stage.gateway.curfew(&["replay", &id]).run().ok().text().contains("found by its id"));
}

#[test]
fn what_is_no_recording_is_said_to_be_none() {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in [("empty.cast", ""), ("text.cast", "hello\n"), ("json.cast", "{}\n[]\n")] {
        let path = folder.path().join(name).display().to_string();
        std::fs::write(&path, content).unwrap();
        let run = Gateway::bare(&["replay", &path]).run();
        assert!(run.code.is_some_and(|code| code != 0) && !run.stderr.contains("panicked"), "{name}: {run:?}");
    }
    let run = Gateway::bare(&["replay", "/no/such/file.cast"]).run();
    assert!(run.code.is_some_and(|code| code != 0) && run.stderr.contains("no/such/file"), "{run:?}");
}
