//! A state disk that hangs: no deadline and no byte of a session waits for it.
//!
//! strace has every call hang that touches a file of the state folder, until strace ends. Recordings lie elsewhere, on a
//! disk that is well.

use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;

use crate::support::process::Running;
use crate::support::{Gateway, Postgres, Program, SOON, Stage, Stopwatch, Terminal, eventually, text, wall};

/// How long after its deadline a session may end on a busy machine.
const LATE: Duration = Duration::from_secs(3);

/// How long a person may wait for a line that says no.
const REFUSED: Duration = Duration::from_secs(15);

/// How long a keystroke may take to come back on a busy machine.
const ECHO: Duration = Duration::from_secs(2);

/// What asks a disk for something.
const CALLS: &str =
    "openat,stat,lstat,statx,newfstatat,fstat,fsync,fdatasync,pread64,pwrite64,read,write,rename,unlink,ftruncate";

/// A disk that hangs until this is dropped.
struct Hang {
    strace: Running,
}

impl Hang {
    /// Has the state folder of a gateway hang. None where that cannot be had on this machine.
    fn begin(gateway: &Gateway) -> Option<Self> {
        let state = gateway.state_dir();
        let names = [
            "curfew.db",
            "curfew.db-wal",
            "curfew.db-shm",
            "curfew.db-journal",
            "audit.head",
            "audit.head.new",
            "lock",
        ];
        let mut strace = Program::new("strace").args(["-f", "-q", "-o", "/dev/null", "-p", &gateway.pid().to_string()]);
        for path in names.iter().map(|name| state.join(name)).chain([state.clone()]) {
            strace = strace.arg("-P").arg(path);
        }
        let hour = "3600000000";
        let strace =
            strace.args(["-e", &format!("trace={CALLS}"), "-e", &format!("inject={CALLS}:delay_enter={hour}")]);
        let mut hang = Self { strace: strace.start() };
        let tracer = format!("TracerPid:\t{}", hang.strace.pid());
        let traced = |task: &str| std::fs::read_to_string(format!("{task}/status")).is_ok_and(|s| s.contains(&tracer));
        eventually(SOON, "strace holds every thread", || {
            let tasks = std::fs::read_dir(format!("/proc/{}/task", gateway.pid())).into_iter().flatten().flatten();
            !hang.strace.is_running() || tasks.into_iter().all(|task| traced(&task.path().display().to_string()))
        });
        hang.strace.is_running().then_some(hang)
    }

    /// The disk answers again.
    fn end(mut self) {
        self.strace.signal(Signal::INT);
        self.strace.wait(SOON);
    }
}

/// Whether this machine has what the tests need.
fn possible() -> bool {
    if Postgres::is_asked_for() {
        eprintln!("skipped: a database on PostgreSQL does not hang with the state folder");
        return false;
    }
    let strace = std::process::Command::new("strace").args(["-f", "-o", "/dev/null", "true"]).output();
    let possible = strace.is_ok_and(|run| run.status.success());
    if !possible {
        eprintln!("skipped: strace is not installed, or may not trace");
    }
    possible
}

fn shell(stage: &Stage, target: &str) -> Terminal {
    let terminal = stage.alice.terminal(&["-tt", &format!("{target}@bastion")]);
    terminal.type_in("echo re''ady\r");
    terminal.wait_for("ready", SOON);
    terminal
}

#[track_caller]
fn echoes(terminal: &Terminal, word: &str) {
    for n in 0..10 {
        let watch = Stopwatch::start();
        terminal.type_in(format!("echo {word}''{n}.\r"));
        terminal.wait_for(&format!("{word}{n}."), SOON);
        assert!(watch.elapsed() < ECHO, "a keystroke took {:?}", watch.elapsed());
    }
}

fn stage() -> Stage {
    Stage::with(|setup| {
        let (address, key) = (setup.targets[0].address, setup.targets[0].host_key.clone());
        setup.target("web2", address, &key, "");
    })
}

#[test]
fn a_hanging_state_disk_stops_no_deadline_and_no_byte_and_lets_nobody_in() {
    if !possible() {
        return;
    }
    let stage = stage();
    stage.alice.granted("web1", "admin", "1h");
    let mut long = shell(&stage, "web1");
    let grant = stage.alice.granted("web2", "admin", "12s");
    let mut short = shell(&stage, "web2");
    let ends: jiff::Timestamp = text(&stage.alice.json(&format!("show {grant}"))["expires_at"]).parse().unwrap();
    let Some(hang) = Hang::begin(&stage.gateway) else { return eprintln!("skipped: strace may not trace") };
    assert!(wall() < ends, "the test came too late to see anything");
    let refused = [stage.on_web1("true").start(), stage.on_web1("true").start()];
    let mut asked = stage.alice.asking("requests").start();
    echoes(&long, "first");
    assert_eq!(short.wait(SOON), Some(124), "{}", short.screen());
    let late = wall().duration_since(ends);
    assert!(late >= jiff::SignedDuration::ZERO, "cut before its time, by {late:?}");
    assert!(late < jiff::SignedDuration::try_from(LATE).unwrap(), "late by {late:?}");
    for mut run in refused {
        let run = run.wait(REFUSED).expect(77);
        assert_eq!(run.stderr.trim().lines().count(), 1, "{run:?}");
        assert!(run.stderr.contains("database does not answer"), "{run:?}");
    }
    let asked = asked.wait(REFUSED).expect(1);
    assert!(asked.stderr.contains("database does not answer"), "{asked:?}");
    // More than there are threads that may get stuck.
    let many: Vec<Running> = (0..8).map(|_| stage.on_web1("true").start()).collect();
    echoes(&long, "second");
    many.into_iter().for_each(|mut run| drop(run.wait(REFUSED).expect(77)));
    echoes(&long, "third");
    hang.end();

    let gateway = &stage.gateway;
    eventually(SOON, "sessions begin again", || stage.on_web1("true").run().code == Some(0));
    let over = |session: &Value| session["grant"] != grant || session["ended_why"] == "expired";
    eventually(SOON, "the end is written down", || gateway.sessions().iter().all(over));
    long.type_in("exit\r");
    long.wait(SOON);
    eventually(SOON, "every end is written down", || gateway.sessions().iter().all(|s| s["ended_at"].is_string()));
    for session in gateway.sessions() {
        if session["recordings"].as_array().is_some_and(|list| !list.is_empty()) {
            gateway.sealed_recordings(&text(&session["id"]));
        }
    }
    gateway.curfew(&["verify", "--audit"]).run().ok();
    assert_eq!(gateway.audit("gateway.started").len(), 1, "no restart");
}

#[test]
fn a_gateway_whose_state_disk_hangs_ends_when_it_is_told_to() {
    if !possible() {
        return;
    }
    let stage = Stage::with(|setup| setup.ssh = "drain = \"1s\"".to_owned());
    stage.alice.granted("web1", "admin", "1h");
    let mut terminal = shell(&stage, "web1");
    let Some(hang) = Hang::begin(&stage.gateway) else { return eprintln!("skipped: strace may not trace") };
    let mut refused = stage.on_web1("true").start();
    echoes(&terminal, "first");
    stage.gateway.signal(Signal::TERM);
    // Only strace keeps the threads that hang.
    let stat = format!("/proc/{}/stat", stage.gateway.pid());
    let is_over = || std::fs::read_to_string(&stat).is_ok_and(|stat| stat.contains(") Z "));
    eventually(SOON + SOON, "the gateway has ended", is_over);
    drop(hang);
    stage.gateway.wait(SOON);
    assert!(terminal.wait(SOON).is_some());
    refused.wait(SOON);
}
