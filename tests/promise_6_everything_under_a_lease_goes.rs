//! Promise 6: when the grant ends everything under it ends, on both sides, whatever it is doing.

use std::io::Read;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::Signal;

use crate::support::{Fake, Master, Program, SOON, Stage, eventually, own_sleep, processes, text, wall, web1};

/// How long after its deadline the last trace of a session may go on a busy machine.
const LATE: Duration = Duration::from_secs(3);
/// A grant long enough to connect under it, and short enough to wait for its end.
const SHORT: &str = "7s";

/// A stage with a short grant of `admin` on `web1`; its id, and when it ends.
fn short() -> (Stage, String, jiff::Timestamp) {
    let stage = Stage::new();
    let grant = stage.alice.granted("web1", "admin", SHORT);
    let ends = text(&stage.alice.json(&format!("show {grant}"))["expires_at"]).parse().unwrap();
    (stage, grant, ends)
}

#[track_caller]
fn expect_gone(stage: &Stage, ends: jiff::Timestamp) {
    let left = ends.duration_since(wall()).max(jiff::SignedDuration::ZERO).unsigned_abs();
    stage.web1.expect_quiet(left + LATE);
    assert!(wall() >= ends, "not before its time");
}

#[track_caller]
fn expect_no(sleep: &str) {
    eventually(LATE, "the process on the target is gone", || processes(&["sleep", sleep]).is_empty());
}

#[test]
fn a_shell_is_cut_with_one_line_that_names_the_grant_and_the_reason() {
    let (stage, grant, ends) = short();
    let mut terminal = stage.alice.terminal(&["-tt", "web1@bastion"]);
    terminal.type_in("echo re''ady\r");
    terminal.wait_for("ready", SOON);
    assert_eq!(terminal.wait(SOON), Some(124));
    let late = wall().duration_since(ends);
    assert!(late >= jiff::SignedDuration::ZERO && late < jiff::SignedDuration::from_secs(3), "late by {late:?}");
    let screen = terminal.screen();
    let lines: Vec<_> = screen.lines().filter(|line| line.contains(&grant)).collect();
    assert_eq!(lines.len(), 1, "one line names {grant}: {screen}");
    let line = lines[0].to_lowercase();
    assert!(line.contains("expired") || line.contains("ended") || line.contains("time"), "{line}");
    expect_gone(&stage, ends);
    let session = stage.gateway.ended_session();
    assert_eq!(session["ended_why"], "expired");
    let left = stage.alice.json(&format!("show {grant}"));
    assert_eq!((left["state"].as_str(), left["ended_why"].as_str()), (Some("ended"), Some("expired")));
}

#[test]
fn a_command_without_a_terminal_ends_with_124_and_a_line_on_stderr() {
    let (stage, grant, ends) = short();
    let sleep = own_sleep();
    let run = stage.on_web1(&format!("echo begun; exec sleep {sleep}")).run().expect(124).says(&grant);
    assert_eq!(run.text(), "begun\n", "nothing is mixed into the output");
    expect_gone(&stage, ends);
    expect_no(&sleep);
}

#[test]
fn the_process_group_of_a_command_is_gone_from_the_target() {
    let (stage, _, ends) = short();
    let (front, back, ignores) = (own_sleep(), own_sleep(), own_sleep());
    let command = format!("nohup sleep {back} >&- 2>&- <&- & (trap '' HUP TERM; sleep {ignores}; :) & sleep {front}");
    let mut run = stage.on_web1(&command).start();
    eventually(SOON, "it runs", || [&front, &back, &ignores].iter().all(|s| !processes(&["sleep", s]).is_empty()));
    run.wait(SOON).expect(124);
    expect_gone(&stage, ends);
    for sleep in [front, back, ignores] {
        expect_no(&sleep);
    }
}

#[test]
fn the_jobs_of_a_shell_are_gone_from_the_target() {
    let (stage, _, ends) = short();
    let (front, back) = (own_sleep(), own_sleep());
    let mut terminal = stage.alice.terminal(&["-tt", "web1@bastion"]);
    terminal.type_in(format!("sleep {back} &\r"));
    terminal.type_in(format!("sleep {front}\r"));
    eventually(SOON, "they run", || [&front, &back].iter().all(|s| !processes(&["sleep", s]).is_empty()));
    assert_eq!(terminal.wait(SOON), Some(124));
    expect_gone(&stage, ends);
    expect_no(&front);
    expect_no(&back);
}

#[test]
fn a_nohup_job_of_a_shell_is_gone_from_the_target() {
    let (stage, _, ends) = short();
    let back = own_sleep();
    let mut terminal = stage.alice.terminal(&["-tt", "web1@bastion"]);
    terminal.type_in(format!("nohup sleep {back} >/dev/null 2>&1 &\r"));
    eventually(SOON, "it runs", || !processes(&["sleep", &back]).is_empty());
    assert_eq!(terminal.wait(SOON), Some(124));
    expect_gone(&stage, ends);
    expect_no(&back);
}

#[test]
fn every_channel_of_a_connection_goes() {
    let (stage, grant, ends) = short();
    let mut master = Master::open(&stage.alice, &web1());
    let sleeps: Vec<_> = (0..5).map(|_| own_sleep()).collect();
    let mut channels: Vec<_> = sleeps.iter().map(|s| master.run(&format!("sleep {s}")).start()).collect();
    for channel in &mut channels {
        channel.wait(SOON).expect(124).says(&grant);
    }
    expect_gone(&stage, ends);
    sleeps.iter().for_each(|sleep| expect_no(sleep));
    master.process.wait(SOON);
}

#[test]
fn every_terminal_of_a_connection_says_why() {
    let (stage, grant, ends) = short();
    let master = Master::open(&stage.alice, &web1());
    let mut terminals: Vec<_> = (0..3).map(|_| master.terminal("echo ready; exec sleep 600")).collect();
    terminals.iter().for_each(|terminal| terminal.wait_for("ready", SOON));
    for terminal in &mut terminals {
        assert_eq!(terminal.wait(SOON), Some(124));
        assert!(terminal.screen().contains(&grant), "{}", terminal.screen());
    }
    expect_gone(&stage, ends);
}

#[test]
fn a_connection_without_a_channel_goes() {
    let (stage, _, ends) = short();
    let mut master = Master::open(&stage.alice, &web1());
    master.process.wait(SOON);
    expect_gone(&stage, ends);
}

#[test]
fn a_stopped_client_keeps_nothing_open() {
    let (stage, _, ends) = short();
    let sleep = own_sleep();
    let running = stage.on_web1(&format!("sleep {sleep}")).start();
    eventually(SOON, "it runs", || !processes(&["sleep", &sleep]).is_empty());
    running.signal(Signal::STOP);
    let files = stage.gateway.open_files();
    expect_gone(&stage, ends);
    expect_no(&sleep);
    eventually(LATE, "the gateway let go of the stopped client", || stage.gateway.open_files() < files);
    assert_eq!(stage.gateway.ended_session()["ended_why"], "expired");
}

#[test]
fn a_client_that_stopped_reading_keeps_nothing_open() {
    let (stage, _, ends) = short();
    let mut ssh = stage.on_web1("cat /dev/zero").raw(Stdio::null(), Stdio::piped());
    ssh.0.stdout.as_mut().unwrap().read_exact(&mut [0; 4096]).unwrap();
    expect_gone(&stage, ends);
    assert_eq!(stage.gateway.ended_session()["ended_why"], "expired");
}

#[test]
fn a_client_that_floods_is_cut_on_time() {
    let (stage, _, ends) = short();
    let zero = std::fs::File::open("/dev/zero").unwrap();
    let mut ssh = stage.on_web1("cat >/dev/null").raw(zero, Stdio::null());
    eventually(SOON, "it is connected", || stage.web1.open_connections() > 0);
    expect_gone(&stage, ends);
    let mut code = None;
    eventually(SOON, "the client ended", || {
        code = ssh.0.try_wait().unwrap().and_then(|status| status.code());
        code.is_some()
    });
    assert_eq!(code, Some(124));
}

/// A copy that would take minutes, with scp in one of its two modes.
fn copy_goes(mode: &str) {
    let (stage, _, ends) = short();
    let big = stage.alice.dir().join("big");
    std::fs::File::create(&big).unwrap().set_len(1 << 30).unwrap();
    let to = format!("web1@bastion:{}", stage.web1.dir.path().join("copied").display());
    let config = stage.alice.config().display().to_string();
    let mut scp =
        Program::new("scp").args([mode, "-l", "8000", "-F", &config, &big.display().to_string(), &to]).start();
    assert_ne!(scp.wait(SOON).code, Some(0));
    expect_gone(&stage, ends);
    assert_eq!(stage.gateway.ended_session()["ended_why"], "expired");
}

#[test]
fn a_file_copy_by_sftp_goes() {
    copy_goes("-s");
}

#[test]
fn a_file_copy_of_the_old_kind_goes() {
    copy_goes("-O");
}

#[test]
fn a_forward_goes() {
    let (stage, _, ends) = short();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let service = Fake::silent();
    let forward = format!("{port}:{}", service.address());
    let mut ssh = stage.alice.ssh(&["-N", "-L", &forward, "web1@bastion"]).start();
    let mut inside = crate::support::eventually_some(SOON, "the forward listens", || {
        std::net::TcpStream::connect(("127.0.0.1", port)).ok()
    });
    inside.set_read_timeout(Some(SOON)).unwrap();
    let _ = inside.read(&mut [0; 1]);
    ssh.wait(SOON);
    expect_gone(&stage, ends);
    eventually(LATE, "the forwarded connection is closed", || service.all_left());
}

#[test]
fn a_dial_that_hangs_goes() {
    let slow = Fake::silent();
    let stage = Stage::with(|setup| setup.target("slow", slow.address(), &slow.host_key.bare(), ""));
    let grant = stage.alice.granted("slow", "admin", "4s");
    let ends: jiff::Timestamp = text(&stage.alice.json(&format!("show {grant}"))["expires_at"]).parse().unwrap();
    let run = stage.alice.on("slow", "true").limit(SOON).run();
    assert!(run.code.is_some_and(|code| code != 0), "{run:?}");
    let left = ends.duration_since(wall()).max(jiff::SignedDuration::ZERO).unsigned_abs();
    eventually(left + LATE, "the half-open dial is closed", || slow.all_left());
}

#[test]
fn done_ends_the_live_session() {
    let stage = Stage::new();
    let grant = stage.alice.granted("web1", "admin", "1h");
    let sleep = own_sleep();
    let mut run = stage.on_web1(&format!("sleep {sleep}")).start();
    eventually(SOON, "it runs", || !processes(&["sleep", &sleep]).is_empty());
    stage.alice.ask(&format!("done {grant}")).ok();
    run.wait(SOON).expect(124).says(&grant);
    stage.web1.expect_quiet(SOON);
    expect_no(&sleep);
    assert_eq!(stage.alice.json(&format!("show {grant}"))["ended_why"], "done");
}

#[test]
fn revoke_ends_the_live_session_and_says_who_and_why() {
    let stage = Stage::new();
    let grant = stage.alice.granted("web1", "admin", "1h");
    let mut terminal = stage.alice.terminal(&["-tt", "web1@bastion"]);
    terminal.type_in("echo re''ady\r");
    terminal.wait_for("ready", SOON);
    stage.sam.ask(&format!("revoke {grant} --note that is enough")).ok();
    assert_eq!(terminal.wait(SOON), Some(124));
    let screen = terminal.screen();
    let line = screen.lines().find(|line| line.contains(&grant)).unwrap_or_else(|| panic!("{screen}"));
    assert!(line.contains("revoked") && line.contains("sam") && line.contains("that is enough"), "{line}");
    stage.web1.expect_quiet(SOON);
    assert_eq!(stage.gateway.ended_session()["ended_why"], "revoked");
    stage.on_web1("true").run().expect(77);
}

#[test]
fn kill_ends_the_session_and_leaves_the_grant() {
    let stage = Stage::new();
    stage.alice.granted("web1", "admin", "1h");
    let sleep = own_sleep();
    let mut run = stage.on_web1(&format!("sleep {sleep}")).start();
    eventually(SOON, "it runs", || !processes(&["sleep", &sleep]).is_empty());
    let live = stage.sam.json("sessions --live");
    let id = text(&live[0]["id"]);
    stage.dave.ask(&format!("kill {id} --note no")).expect(1);
    stage.sam.ask(&format!("kill {id} --note looks wrong")).ok();
    run.wait(SOON).expect(124).says("looks wrong");
    stage.web1.expect_quiet(SOON);
    expect_no(&sleep);
    assert_eq!(stage.gateway.ended_session()["ended_why"], "killed");
    stage.on_web1("true").run().ok();
}

#[test]
fn the_newest_end_of_several_grants_carries_the_session() {
    let stage = Stage::new();
    stage.alice.granted("web1", "admin", "4s");
    let long = stage.alice.granted("web1", "admin", "1h");
    let run = stage.on_web1("sleep 5; echo past the first").run().ok();
    assert_eq!(run.text(), "past the first\n");
    assert_eq!(stage.gateway.ended_session()["grant"], long.as_str());
}

#[test]
fn a_session_is_cut_however_often_a_revocation_races_a_connection() {
    let stage = Stage::new();
    for round in 0..30 {
        let grant = stage.alice.granted("web1", "admin", "1h");
        let mut ssh = stage.on_web1("sleep 30").start();
        // Each round the revocation comes a little later in the life of the connection.
        std::thread::sleep(Duration::from_millis(round * 15));
        stage.gateway.ctl(&format!("revoke {grant} --note race")).ok();
        let run = ssh.wait(SOON);
        assert!(matches!(run.code, Some(77 | 124)), "round {round}: {run:?}");
        stage.web1.expect_quiet(SOON);
    }
}
