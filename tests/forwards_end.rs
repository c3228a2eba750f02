//! Forwards, listeners and agents end with their session: on time, whatever their peers do.

use std::io::{Read, Write};
use std::time::Duration;

use rustix::process::Signal;

use crate::forwards::{stage_with, tunnel};
use crate::support::service::{closes, dial, free_port, is_free, ping};
use crate::support::{SOON, Service, Stage, Stopwatch, eventually, text, wall};

/// How long after its deadline the last trace of a session may go on a busy machine.
const LATE: Duration = Duration::from_secs(3);

/// A stage with a grant of `admin` on `web1` for seven seconds; its id, and when it ends.
fn short() -> (Stage, String, jiff::Timestamp) {
    let stage = Stage::new();
    let grant = stage.alice.granted("web1", "admin", "7s");
    let ends = text(&stage.alice.json(&format!("show {grant}"))["expires_at"]).parse().unwrap();
    (stage, grant, ends)
}

fn left(ends: jiff::Timestamp) -> Duration {
    ends.duration_since(wall()).max(jiff::SignedDuration::ZERO).unsigned_abs() + LATE
}

#[test]
fn a_forward_ends_with_its_grant_and_the_client_says_why() {
    let (stage, grant, ends) = short();
    let (service, port) = (Service::echo(), free_port());
    let mut ssh = tunnel(&stage, &["-L", &format!("{port}:{}", service.address)]);
    let mut stream = dial(port);
    ping(&mut stream, "open");
    assert!(closes(&mut stream));
    assert!(wall() >= ends, "not before its time");
    let run = ssh.wait(left(ends));
    assert!(run.stderr.contains(&format!("curfew: {grant} expired")), "{run:?}");
    stage.web1.expect_quiet(SOON);
    stage.gateway.sealed_recordings(&text(&stage.gateway.ended_session()["id"]));
    assert_eq!(stage.gateway.ended_session()["ended_why"], "expired");
}

#[test]
fn a_listener_and_what_came_by_it_end_with_the_grant() {
    let (stage, _, ends) = short();
    let (service, port) = (Service::echo(), free_port());
    let _ssh = tunnel(&stage, &["-R", &format!("{port}:{}", service.address)]);
    let mut stream = dial(port);
    ping(&mut stream, "open");
    assert!(closes(&mut stream));
    eventually(left(ends), "nobody listens on the target", || is_free(port));
    assert!(wall() >= ends, "not before its time");
}

#[test]
fn a_stopped_client_keeps_no_forward_and_no_listener() {
    let (stage, _, ends) = short();
    let (service, there, back) = (Service::echo(), free_port(), free_port());
    let ssh =
        tunnel(&stage, &["-L", &format!("{there}:{}", service.address), "-R", &format!("{back}:{}", service.address)]);
    let (mut out, mut inward) = (dial(there), dial(back));
    ping(&mut out, "out");
    ping(&mut inward, "in");
    ssh.signal(Signal::STOP);
    assert!(closes(&mut inward), "the target's end closes, though the client does nothing");
    eventually(left(ends), "nobody listens on the target", || is_free(back));
    stage.web1.expect_quiet(left(ends));
    assert!(wall() >= ends, "not before its time");
}

#[test]
fn a_forward_whose_service_stopped_reading_is_cut_on_time() {
    let (stage, _, ends) = short();
    let (service, port) = (Service::stalled(), free_port());
    let _ssh = tunnel(&stage, &["-L", &format!("{port}:{}", service.address)]);
    let mut stream = dial(port);
    eventually(SOON, "the forward is open", || service.connections() == 1);
    let writing = std::thread::spawn(move || while stream.write_all(&[0; 65536]).is_ok() {});
    stage.web1.expect_quiet(left(ends));
    assert!(wall() >= ends, "not before its time");
    writing.join().unwrap();
}

#[test]
fn a_forward_whose_client_stopped_reading_is_cut_on_time() {
    let (stage, _, ends) = short();
    let (service, port) = (Service::echo(), free_port());
    let _ssh = tunnel(&stage, &["-L", &format!("{port}:{}", service.address)]);
    let mut stream = dial(port);
    stream.set_write_timeout(Some(Duration::from_secs(1))).unwrap();
    ping(&mut stream, "open");
    while stream.write(&[0; 65536]).is_ok() {}
    stage.web1.expect_quiet(left(ends));
    assert!(wall() >= ends, "not before its time");
}

#[test]
fn a_revocation_closes_forwards_and_listeners_within_a_second() {
    let stage = Stage::new();
    let grant = stage.alice.granted("web1", "admin", "1h");
    let (service, there, back) = (Service::echo(), free_port(), free_port());
    let _ssh =
        tunnel(&stage, &["-L", &format!("{there}:{}", service.address), "-R", &format!("{back}:{}", service.address)]);
    let (mut out, mut inward) = (dial(there), dial(back));
    ping(&mut out, "out");
    ping(&mut inward, "in");
    stage.gateway.ctl(&format!("revoke {grant} --note now")).ok();
    let watch = Stopwatch::start();
    assert!(closes(&mut out) && closes(&mut inward));
    eventually(LATE, "nobody listens on the target", || is_free(back));
    assert!(watch.elapsed() < LATE, "took {:?}", watch.elapsed());
}

#[test]
fn bytes_of_a_forward_keep_a_session_from_being_idle_and_a_listener_does_not() {
    let stage = stage_with("forward = [\"*:*\"]\nlisten = [\"localhost:*\"]\nmax_idle = \"3s\"");
    let (service, there, back) = (Service::echo(), free_port(), free_port());
    let mut ssh =
        tunnel(&stage, &["-L", &format!("{there}:{}", service.address), "-R", &format!("{back}:{}", service.address)]);
    let mut stream = dial(there);
    for _ in 0..12 {
        ping(&mut stream, "tick");
        std::thread::sleep(Duration::from_millis(500));
    }
    assert!(closes(&mut stream), "idle at last");
    ssh.wait(SOON);
    eventually(LATE, "nobody listens on the target", || is_free(back));
    assert_eq!(stage.gateway.ended_session()["ended_why"], "idle");
}

#[test]
fn a_forward_that_cannot_be_recorded_is_not_opened_and_ends_the_session() {
    let stage = stage_with("forward = [\"*:*\"]\nlisten = [\"localhost:*\"]");
    let (service, port) = (Service::echo(), free_port());
    let folder = stage.gateway.recordings_dir();
    let _ = std::fs::remove_dir_all(&folder);
    // A file where the folder should be: not even root can record there.
    std::fs::write(&folder, "").unwrap();
    let mut ssh = tunnel(&stage, &["-L", &format!("{port}:{}", service.address)]);
    assert_eq!(dial(port).read(&mut [0; 1]).unwrap_or(0), 0, "it is closed");
    assert!(ssh.wait(SOON).stderr.contains("can no longer be recorded"));
    assert_eq!(service.connections(), 0);
    let back = free_port();
    tunnel(&stage, &["-R", &format!("{back}:{}", service.address)]).wait(SOON);
    assert!(is_free(back));
    assert_eq!(stage.gateway.ended_session()["ended_why"], "recording-failed");
}
