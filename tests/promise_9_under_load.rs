//! Promise 9 under load: while some type and some move bytes, somebody or something stalls, and they go on. (Channels of
//! one connection are in `promise_9_one_slow_reader_slows_itself`.)

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::process::Signal;

use crate::support::process::{Raw, send_signal};
use crate::support::{Fake, Program, SOON, Stage, Stopwatch, Terminal, eventually, web1};

/// A pause that a person at the keyboard would call broken.
const FROZEN: Duration = Duration::from_secs(3);

/// People who type, and a program whose output is read as fast as it comes. They began before the trouble does.
struct Load {
    over: Arc<AtomicBool>,
    lines: Vec<Arc<AtomicU64>>,
    /// The longest that somebody waited for a line since it was last asked for, in milliseconds.
    longest: Arc<AtomicU64>,
    bytes: Arc<AtomicU64>,
    threads: Vec<JoinHandle<()>>,
    bulk: Option<Raw>,
}

impl Load {
    /// Enough people to be on every thread of the gateway.
    const TYPISTS: usize = 4;

    fn begin(stage: &Stage) -> Self {
        let (over, longest, bytes) = (Arc::default(), Arc::default(), Arc::default());
        let mut load = Self { over, lines: Vec::new(), longest, bytes, threads: Vec::new(), bulk: None };
        for _ in 0..Self::TYPISTS {
            let terminal = stage.alice.terminal(&["-tt", "web1@bastion", "stty -echo; echo re''ady; cat"]);
            terminal.wait_for("ready", SOON);
            let (lines, over, longest) = (Arc::<AtomicU64>::default(), load.over.clone(), load.longest.clone());
            load.lines.push(lines.clone());
            load.threads.push(std::thread::spawn(move || type_on(&terminal, &over, &lines, &longest)));
        }
        let mut bulk = stage.on_web1("cat /dev/zero").raw(Stdio::null(), Stdio::piped());
        let (mut from, bytes) = (bulk.0.stdout.take().unwrap(), load.bytes.clone());
        load.bulk = Some(bulk);
        load.threads.push(std::thread::spawn(move || {
            let mut piece = vec![0; 1 << 16];
            while let Ok(n @ 1..) = from.read(&mut piece) {
                bytes.fetch_add(n as u64, Ordering::SeqCst);
            }
        }));
        load.goes_on();
        load
    }

    /// Everybody gets further from now.
    #[track_caller]
    fn goes_on(&self) {
        let lines: Vec<u64> = self.lines.iter().map(|lines| lines.load(Ordering::SeqCst)).collect();
        let bytes = self.bytes.load(Ordering::SeqCst);
        eventually(SOON, "those who have nothing to do with it go on", || {
            let typed = self.lines.iter().zip(&lines).all(|(now, before)| now.load(Ordering::SeqCst) >= before + 5);
            typed && self.bytes.load(Ordering::SeqCst) >= bytes + (20 << 20)
        });
    }

    /// The longest that somebody waited for a line since the last call.
    fn longest(&self) -> Duration {
        Duration::from_millis(self.longest.swap(0, Ordering::SeqCst))
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        self.bulk = None;
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

fn type_on(terminal: &Terminal, over: &AtomicBool, lines: &AtomicU64, longest: &AtomicU64) {
    for number in 0.. {
        if over.load(Ordering::SeqCst) {
            return;
        }
        let (line, watch) = (format!("line-{number}-"), Stopwatch::start());
        terminal.type_in(format!("{line}\r"));
        while !terminal.screen().contains(&line) {
            if over.load(Ordering::SeqCst) {
                return;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        longest.fetch_max(u64::try_from(watch.elapsed().as_millis()).unwrap_or(u64::MAX), Ordering::SeqCst);
        lines.fetch_add(1, Ordering::SeqCst);
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn clients_that_stop_reading_delay_nobody_else() {
    let stage = Stage::granted();
    let load = Load::begin(&stage);
    let mut stopped: Vec<_> =
        (0..4).map(|_| stage.on_web1("cat /dev/zero").raw(Stdio::null(), Stdio::piped())).collect();
    for one in &mut stopped {
        one.0.stdout.as_mut().unwrap().read_exact(&mut [0; 4096]).unwrap();
    }
    load.goes_on();
    stage.on_web1("true").run().ok();
    load.goes_on();
    let longest = load.longest();
    assert!(longest < FROZEN, "somebody waited {longest:?} for a line");
}

#[test]
fn clients_that_never_finish_the_handshake_delay_nobody_else() {
    let stage = Stage::granted();
    let load = Load::begin(&stage);
    let half: Vec<TcpStream> = (0..30)
        .map(|n| {
            let mut stream = TcpStream::connect(stage.gateway.address()).unwrap();
            let words: &[u8] = match n % 3 {
                0 => b"",
                1 => b"SSH-2.0-half",
                // A key exchange that announces more than it sends (RFC 4253 §6).
                _ => b"SSH-2.0-half\r\n\x00\x00\x04\x00\x08\x14",
            };
            stream.write_all(words).unwrap();
            stream
        })
        .collect();
    load.goes_on();
    stage.on_web1("true").run().ok();
    load.goes_on();
    drop(half);
}

#[test]
fn targets_that_say_nothing_delay_nobody_else() {
    let silent = Fake::silent();
    let stage = Stage::with(|setup| setup.target("web2", silent.address(), &silent.host_key.bare(), ""));
    stage.alice.granted("web1", "admin", "1h");
    stage.alice.granted("web2", "admin", "1h");
    let load = Load::begin(&stage);
    let hanging: Vec<_> = (0..8).map(|_| stage.alice.on("web2", "true").start()).collect();
    eventually(SOON, "all hang", || silent.connections() == 8);
    load.goes_on();
    stage.on_web1("true").run().ok();
    load.goes_on();
    drop(hanging);
}

#[test]
fn a_locked_database_delays_no_session_that_goes_on() {
    let stage = Stage::granted();
    let load = Load::begin(&stage);
    let mut database = stage.gateway.database();
    database.lock();
    let refused: Vec<_> = (0..8).map(|_| stage.on_web1("true").start()).collect();
    load.goes_on();
    for mut run in refused {
        assert_eq!(run.wait(SOON).code, Some(77));
    }
    load.goes_on();
    let longest = load.longest();
    assert!(longest < FROZEN, "somebody waited {longest:?} for a line");
    database.unlock();
    stage.on_web1("true").run().ok();
}

/// Writes a long history behind the gateway's back: as many events as `audit` shows, about 100 MB of them.
fn long_history(stage: &Stage) {
    let mut database = stage.gateway.database();
    let zeros = "0".repeat(10_000);
    database.run(&format!(
        "WITH RECURSIVE n(i) AS (SELECT 1000000 UNION ALL SELECT i + 1 FROM n WHERE i < 1009998)
         INSERT INTO audit (seq, at, actor, action, subject, detail, prev, hash, gateway, incarnation)
         SELECT i, '2026-01-01T00:00:00Z', 'dave', 'recording.started', 's1',
                '{{\"user\":\"dave\",\"command\":\"{zeros}\"}}', '', CAST(i AS TEXT), 'curfew', 1 FROM n;
         INSERT INTO audit_names (kind, name, seq, gateway, incarnation)
         SELECT 'user', 'dave', seq, 'curfew', 1 FROM audit WHERE seq >= 1000000",
    ));
    database.close();
}

#[test]
fn commands_that_print_a_hundred_megabytes_delay_nobody_else() {
    let stage = Stage::granted();
    let load = Load::begin(&stage);
    long_history(&stage);
    load.longest();
    let before = stage.gateway.memory_kib("VmHWM");
    // Some read nothing of it, some all of it.
    let stopped: Vec<_> =
        ["audit --limit 10000", "audit --json"].map(|c| stage.sam.asking(c).raw(Stdio::null(), Stdio::piped())).into();
    for command in ["audit --json", "audit --user dave --limit 10000"] {
        let run = stage.sam.asking(command).run().ok();
        assert!(run.stdout.len() > 90_000_000, "{} bytes came", run.stdout.len());
        load.goes_on();
    }
    stage.alice.ask("whoami").ok();
    let longest = load.longest();
    assert!(longest < FROZEN, "somebody waited {longest:?} for a line");
    let grown = stage.gateway.memory_kib("VmHWM").saturating_sub(before);
    assert!(grown < 150 * 1024, "commands that print much grew the gateway by {grown} KiB");
    drop(stopped);
    stage.alice.ask("requests").ok();
}

/// A disk over which the test has power: a folder that is served by a process, which can be stopped.
struct SlowDisk {
    mounted: PathBuf,
    server: u32,
}

impl SlowDisk {
    /// Mounts it, or says why it cannot be.
    fn mount(dir: &Path) -> Result<Self, String> {
        if !Path::new("/dev/fuse").exists() {
            return Err("there is no /dev/fuse".to_owned());
        }
        let [mounted, behind, server, pid] = ["recordings", "behind", "server", "pid"].map(|name| dir.join(name));
        std::fs::create_dir_all(&mounted).unwrap();
        std::fs::create_dir_all(&behind).unwrap();
        // In ssh's place: the file server itself, on this machine.
        let script = format!("#!/bin/sh\necho $$ > {}\nexec /usr/lib/openssh/sftp-server\n", pid.display());
        std::fs::write(&server, script).unwrap();
        Program::new("chmod").arg("+x").arg(&server).run().ok();
        let run = Program::new("sshfs")
            .arg("-o")
            .arg(format!("ssh_command={},sshfs_sync,cache=no", server.display()))
            .arg(format!("disk:{}", behind.display()))
            .arg(&mounted)
            .run();
        if run.code != Some(0) {
            return Err(run.stderr.trim().to_owned());
        }
        let server = std::fs::read_to_string(pid).unwrap().trim().parse().unwrap();
        Ok(Self { mounted, server })
    }

    fn stall(&self) {
        send_signal(self.server, Signal::STOP);
    }

    fn go_on(&self) {
        send_signal(self.server, Signal::CONT);
    }
}

impl Drop for SlowDisk {
    fn drop(&mut self) {
        // Whoever waits for it gets an error.
        send_signal(self.server, Signal::KILL);
        Program::new("fusermount").args(["-u", "-z"]).arg(&self.mounted).run();
    }
}

/// A stage whose recordings are on a slow disk; Alice holds `admin` on `web1`.
fn on_a_slow_disk(dir: &Path) -> Option<(Stage, SlowDisk)> {
    match SlowDisk::mount(dir) {
        Ok(disk) => {
            let stage = Stage::with(|setup| setup.recordings = disk.mounted.display().to_string());
            // The disk is let go first, or the gateway would wait for it.
            Some((stage, disk))
        }
        Err(why) => {
            eprintln!("skipped: this needs to mount a file system: {why}");
            None
        }
    }
}

#[test]
fn a_disk_that_stalls_delays_only_what_is_recorded_on_it_and_ends_it_when_it_takes_too_long() {
    let dir = tempfile::tempdir().unwrap();
    let Some((stage, disk)) = on_a_slow_disk(dir.path()) else { return };
    stage.alice.granted("web1", "admin", "1h");
    // Little and often: each line would begin the wait anew.
    let mut ticking = stage.on_web1("while :; do echo tick; sleep 0.3; done").start();
    ticking.stdout.wait_for("tick", SOON);
    let mut bulk = stage.on_web1("seq 1 100000000").start();
    bulk.stdout.wait_for("\n1000\n", SOON);
    disk.stall();
    let mut starting = stage.on_web1("echo begun").start();
    // Those who are not recorded there notice nothing.
    for person in [&stage.alice, &stage.bob, &stage.sam] {
        assert!(person.ask("whoami").ok().took < SOON / 2);
    }
    let waiting = stage.alice.requested("web1 --role change --for 5m --reason INC-1 disk");
    stage.bob.ask(&format!("approve {waiting}")).ok();
    stage.dave.on(&web1(), "true").run().expect(77);
    // The others end, since what they do cannot be recorded.
    for (what, run) in [("ticking", &mut ticking), ("bulk", &mut bulk), ("starting", &mut starting)] {
        let ended = run.wait(SOON);
        assert_eq!(ended.code, Some(124), "{what}: {ended:?}");
        assert!(ended.stderr.contains("recorded"), "{what}: it says why: {}", ended.stderr);
    }
    assert!(!starting.stdout.text().contains("begun"), "no byte passes unrecorded");
    stage.web1.expect_quiet(SOON);
    disk.go_on();
    stage.on_web1("true").run().ok();
    eventually(SOON, "every recording is sealed", || {
        let sealed = |recording: &serde_json::Value| recording["sealed"] == true;
        let all = |session: &serde_json::Value| session["recordings"].as_array().is_some_and(|r| r.iter().all(sealed));
        stage.gateway.sessions().iter().all(all)
    });
    stage.gateway.curfew(&["verify"]).run().ok();
}

#[test]
fn a_disk_that_stalls_for_a_moment_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let Some((stage, disk)) = on_a_slow_disk(dir.path()) else { return };
    stage.alice.granted("web1", "admin", "1h");
    let mut run = stage.on_web1("seq 1 3000000").start();
    run.stdout.wait_for("\n1000\n", SOON);
    disk.stall();
    stage.alice.ask("whoami").ok();
    assert!(run.is_running(), "the disk stalls in the middle of it");
    disk.go_on();
    let run = run.wait(SOON * 2).ok();
    assert!(run.text().lines().enumerate().all(|(n, line)| line == (n + 1).to_string()));
    assert_eq!(run.text().lines().count(), 3_000_000);
}

#[test]
fn a_disk_that_stalls_keeps_no_session_beyond_its_deadline() {
    let dir = tempfile::tempdir().unwrap();
    let Some((stage, disk)) = on_a_slow_disk(dir.path()) else { return };
    let grant = stage.alice.granted("web1", "admin", "6s");
    let mut terminal = stage.alice.terminal(&["-tt", "web1@bastion"]);
    terminal.type_in("echo re''ady\r");
    terminal.wait_for("ready", SOON);
    let mut silent = stage.on_web1("sleep 600").start();
    eventually(SOON, "both are recorded", || stage.gateway.ctl_json("status")["recordings"] == 2);
    disk.stall();
    let mut starting = stage.on_web1("echo begun").start();
    assert_eq!(terminal.wait(SOON), Some(124));
    assert_eq!(silent.wait(SOON).code, Some(124));
    assert!(starting.wait(SOON).code.is_some_and(|code| code != 0));
    let ends: jiff::Timestamp =
        stage.alice.json(&format!("show {grant}"))["expires_at"].as_str().unwrap().parse().unwrap();
    let late = crate::support::wall().duration_since(ends);
    assert!(late < jiff::SignedDuration::from_secs(3), "late by {late:?}");
    stage.web1.expect_quiet(SOON);
    disk.go_on();
}
