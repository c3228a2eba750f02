//! Promise 2: a recording starts before the channel does; when it cannot be written the session ends.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::support::{SOON, Stage, Stopwatch, eventually, login};

/// A small file system for the recordings; `None` where the tests may not mount one.
struct SmallDisk<'a>(&'a Path);

impl<'a> SmallDisk<'a> {
    fn mount(at: &'a Path, size: &str) -> Option<Self> {
        std::fs::create_dir_all(at).unwrap();
        let options = format!("size={size}");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(at);
        (login() == "root" && mount.status().is_ok_and(|status| status.success())).then_some(Self(at))
    }
}

impl Drop for SmallDisk<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0).status();
    }
}

#[test]
fn a_full_disk_ends_the_session_within_a_second_and_passes_no_byte_unrecorded() {
    let dir = tempfile::tempdir().unwrap();
    let Some(_disk) = SmallDisk::mount(dir.path(), "1m") else {
        eprintln!("skipped: this needs to mount a tmpfs");
        return;
    };
    let stage = Stage::with(|setup| setup.recordings = dir.path().display().to_string());
    stage.alice.granted("web1", "admin", "1h");
    let watch = Stopwatch::start();
    let run = stage.on_web1("yes 0123456789abcdef | head -c 100000000").limit(SOON).run().expect(124);
    assert!(run.stderr.contains("record"), "it says why: {}", run.stderr);
    assert!(watch.elapsed() < Duration::from_secs(8), "took {:?}", watch.elapsed());
    assert!(run.stdout.len() <= 1 << 20, "{} bytes passed of which at most 1 MB can be recorded", run.stdout.len());
    let session = stage.gateway.ended_session();
    assert_eq!(session["ended_why"], "recording-failed", "{session}");
    stage.web1.expect_quiet(SOON);
}

#[test]
fn a_session_that_only_waits_ends_too_when_its_next_byte_cannot_be_recorded() {
    let dir = tempfile::tempdir().unwrap();
    let Some(_disk) = SmallDisk::mount(dir.path(), "1m") else {
        eprintln!("skipped: this needs to mount a tmpfs");
        return;
    };
    let stage = Stage::with(|setup| setup.recordings = dir.path().display().to_string());
    stage.alice.granted("web1", "admin", "1h");
    let mut terminal = stage.alice.terminal(&["-tt", "web1@bastion"]);
    terminal.type_in("echo re''ady\r");
    terminal.wait_for("ready", SOON);
    let filler = dir.path().join("filler");
    // As full as it gets.
    let _ = std::fs::write(&filler, vec![0; 2 << 20]);
    let watch = Stopwatch::start();
    // More than what fits into the page that the recording has begun.
    terminal.type_in("seq 1 20000\r");
    assert_eq!(terminal.wait(SOON), Some(124));
    assert!(watch.elapsed() < Duration::from_secs(5), "took {:?}", watch.elapsed());
}

#[test]
fn a_recording_that_cannot_begin_refuses_the_session_before_a_byte() {
    let stage = Stage::granted();
    stage.on_web1("true").run().ok();
    stage.gateway.ended_session();
    let folder = stage.gateway.recordings_dir();
    std::fs::remove_dir_all(&folder).unwrap();
    // Permissions do not stop root; a file in the folder's place does.
    std::fs::write(&folder, "in the way").unwrap();
    let run = stage.on_web1("touch /tmp/curfew-must-not-exist; echo passed").run();
    assert!(run.code.is_some_and(|code| code != 0), "{run:?}");
    assert_eq!(run.stdout, b"", "no byte passes");
    assert!(run.stderr.contains("record"), "it says why: {}", run.stderr);
    assert!(!Path::new("/tmp/curfew-must-not-exist").exists(), "the command never ran");
    eventually(SOON, "it is in the log", || stage.gateway.log().contains("record"));
}

#[test]
fn a_channel_whose_recording_cannot_begin_leaves_the_others_alone_or_ends_the_session() {
    let stage = Stage::granted();
    let master = crate::support::Master::open(&stage.alice, "web1");
    master.run("echo one").run().ok();
    let folder = stage.gateway.recordings_dir();
    std::fs::remove_dir_all(&folder).unwrap();
    std::fs::write(&folder, "in the way").unwrap();
    let run = master.run("echo two").run();
    assert!(run.code != Some(0) && run.stdout.is_empty(), "no byte passes unrecorded: {run:?}");
}
