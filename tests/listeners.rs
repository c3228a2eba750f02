//! Connections from the target back to the client: `-R`, by TCP and by Unix sockets.

use std::net::TcpStream;
use std::os::unix::net::UnixStream;

use crate::forwards::{ssh, stage_with, tunnel};
use crate::support::service::{dial, free_port, is_free, ping, unix_echo};
use crate::support::{Master, Rogue, SOON, Service, Stage, eventually, eventually_some, text, web1};

/// The port that the target chose, as ssh tells it.
#[track_caller]
fn allocated(ssh: &crate::support::process::Running) -> u16 {
    ssh.stderr.wait_for("remote forward to", SOON);
    let said = ssh.stderr.text();
    said.split("Allocated port ").nth(1).and_then(|rest| rest.split(' ').next()?.parse().ok()).expect(&said)
}

#[test]
fn a_listener_brings_connections_back_and_is_written_down() {
    let stage = stage_with("listen = [\"localhost:*\"]");
    let (service, port) = (Service::echo(), free_port());
    let ssh = tunnel(&stage, &["-R", &format!("{port}:{}", service.address)]);
    for n in 0..3 {
        ping(&mut dial(port), &format!("connection {n}"));
    }
    drop(ssh);
    let session = stage.gateway.ended_session();
    stage.gateway.sealed_recordings(&text(&session["id"]));
    eventually(SOON, "the listener is gone from the target", || is_free(port));
    let path = |n: usize| text(&stage.gateway.session(&text(&session["id"]))["recordings"][n]["path"]);
    assert_eq!(session["recordings"].as_array().unwrap().len(), 4, "the listener, and each connection: {session}");
    let listener = std::fs::read_to_string(path(0)).unwrap();
    assert!(listener.contains(&format!("listen on localhost:{port}")), "{listener}");
    let connection = std::fs::read_to_string(path(1)).unwrap();
    assert!(connection.contains("closed: 12 bytes to the target, 12 to the client"), "{connection}");
}

#[test]
fn a_command_finds_the_listener_that_was_asked_for_before_it() {
    let stage = stage_with("exec = [\"*\"]\nlisten = [\"localhost:*\"]");
    let service = Service::greeting();
    for _ in 0..5 {
        let port = free_port();
        let forward = format!("{port}:{}", service.address);
        let read = format!("exec bash -c 'exec 3<>/dev/tcp/127.0.0.1/{port}; head -n 1 <&3'");
        let run = stage.alice.ssh(&["-R", &forward, "web1@bastion", &read]).run().ok();
        assert_eq!(run.text(), "hello\n");
    }
}

#[test]
fn the_port_that_the_target_chose_is_told() {
    let stage = stage_with("listen = [\"localhost:*\"]");
    let service = Service::echo();
    let ssh = tunnel(&stage, &["-o", "LogLevel=INFO", "-R", &format!("0:{}", service.address)]);
    ping(&mut dial(allocated(&ssh)), "by the chosen port");
    ssh.stderr.wait_for("remote forward to", SOON);
}

#[test]
fn a_listener_that_the_role_lacks_is_refused_and_the_session_goes_on() {
    let stage = stage_with("exec = [\"*\"]\nlisten = [\"localhost:1\"]");
    let port = free_port();
    let forward = format!("{port}:localhost:9");
    let line = format!("curfew: role tunnel does not allow listening on localhost:{port}; it allows localhost:1");
    let run = ssh(&stage, &["-R", &forward, "web1@bastion", "echo works"]).run().ok();
    assert_eq!(run.text(), "works\n");
    run.says(&line);
    let run = ssh(&stage, &["-N", "-o", "ExitOnForwardFailure=yes", "-R", &forward, "web1@bastion"]).run().expect(255);
    run.says("remote port forwarding failed");
    let run = stage.alice.ssh(&["-v", "-R", &forward, "web1@bastion", "true"]).run().ok();
    run.says(&format!("Remote: {line}"));
    assert!(is_free(port));
}

#[test]
fn a_listener_is_where_the_role_says_and_nowhere_else() {
    let stage = stage_with("exec = [\"*\"]\nlisten = [\"localhost:*\"]");
    let port = free_port();
    for host in ["0.0.0.0:", "*:", ":", "127.0.0.1:", "[::]:", "[::1]:", "localhost.:"] {
        let forward = format!("{host}{port}:localhost:9");
        let run =
            stage.alice.ssh(&["-v", "-o", "ExitOnForwardFailure=yes", "-R", &forward, "web1@bastion", "echo on"]).run();
        assert_eq!(run.code, Some(255), "{host}: {run:?}");
        run.says("Remote: curfew: role tunnel does not allow listening on");
    }
    let forward = "/tmp/curfew-not-allowed:localhost:9";
    stage.alice.ssh(&["-o", "ExitOnForwardFailure=yes", "-R", forward, "web1@bastion", "true"]).run().expect(255);
    assert!(!std::path::Path::new("/tmp/curfew-not-allowed").exists());
}

#[test]
fn what_the_target_refuses_to_listen_on_fails_as_with_plain_ssh() {
    let stage = stage_with("exec = [\"*\"]\nlisten = [\"localhost:*\"]");
    let config = stage.web1.dir.path().join("sshd_config");
    let more = std::fs::read_to_string(&config).unwrap() + "AllowTcpForwarding no\n";
    std::fs::write(&config, more).unwrap();
    let forward = format!("{}:localhost:9", free_port());
    let run = ssh(&stage, &["-R", &forward, "web1@bastion", "echo on"]).run().ok();
    assert_eq!(run.text(), "on\n");
    run.says("remote port forwarding failed").says("curfew: web1 does not listen on localhost:");
}

#[test]
fn a_unix_socket_on_the_target_leads_back() {
    let dir = tempfile::tempdir().unwrap();
    let (there, here) = (dir.path().join("there"), dir.path().join("here"));
    unix_echo(&here);
    let stage = stage_with(&format!("listen = [\"{}/*\"]", dir.path().display()));
    let _ssh = tunnel(&stage, &["-R", &format!("{}:{}", there.display(), here.display())]);
    let mut stream = eventually_some(SOON, "the socket is there", || UnixStream::connect(&there).ok());
    ping(&mut stream, "by a socket");
}

#[test]
fn a_listener_goes_when_it_is_cancelled_and_others_stay() {
    let stage = Stage::granted();
    let service = Service::echo();
    let _master = Master::open(&stage.alice, &web1());
    let socket = stage.alice.dir().join("master").display().to_string();
    let (first, other) = (free_port(), free_port());
    let tell = |what: &str, port: u16| {
        let forward = format!("{port}:{}", service.address);
        stage.alice.ssh(&["-S", &socket, "-O", what, "-R", &forward, "web1@bastion"]).run()
    };
    tell("forward", first).ok();
    tell("forward", other).ok();
    let mut open = dial(first);
    ping(&mut open, "before");
    tell("cancel", first).ok();
    eventually(SOON, "the first is gone", || is_free(first));
    ping(&mut open, "what came by it goes on");
    ping(&mut dial(other), "the other stays");
}

#[test]
fn a_session_has_no_more_listeners_than_it_may() {
    let stage = Stage::granted();
    let ports: Vec<u16> = (0..33).map(|_| free_port()).collect();
    let words: Vec<String> = ports.iter().map(|port| format!("-R{port}:localhost:9")).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).chain(["web1@bastion", "true"]).collect();
    let run = ssh(&stage, &words).run().ok().says("a session may have no more");
    assert_eq!(run.stderr.matches("remote port forwarding failed").count(), 1, "{run:?}");
}

#[test]
fn a_target_opens_nothing_that_nobody_asked_for() {
    let rogue = Rogue::start();
    let stage = Stage::with(|setup| setup.target("rogue", rogue.address, &rogue.host_key.bare(), ""));
    stage.alice.granted("rogue", "admin", "1h");
    let run = stage.alice.on("rogue", "open").run().ok();
    assert_eq!(run.text().matches("refused").count(), 7, "{run:?}");
    assert!(!run.text().contains("opened"), "{run:?}");
}

#[test]
fn a_target_that_does_not_answer_for_a_listener_holds_up_nothing_else() {
    let rogue = Rogue::start();
    let stage = Stage::with(|setup| setup.target("rogue", rogue.address, &rogue.host_key.bare(), ""));
    let grant = stage.alice.granted("rogue", "admin", "1h");
    let mut ssh = stage.alice.ssh(&["-R", "1234:localhost:9", "rogue@bastion", "echo"]).start();
    // It waits for its listener first, so a word comes by the failure of that, or ahead of it.
    ssh.stdout.wait_for("word", SOON);
    let begun = stage.gateway.sessions().len();
    let mut stuck = stage.alice.ssh(&["-N", "-R", "1234:localhost:9", "rogue@bastion"]).start();
    eventually(SOON, "the other is connected", || stage.gateway.sessions().len() > begun);
    stage.gateway.ctl(&format!("revoke {grant} --note now")).ok();
    stuck.wait(SOON);
    ssh.wait(SOON);
}

#[test]
fn a_target_that_floods_a_listener_is_held_to_the_limit() {
    let rogue = Rogue::start();
    let stage = Stage::with(|setup| {
        setup.target("rogue", rogue.address, &rogue.host_key.bare(), "");
        setup.policy = setup.policy.replace("listen = [\"localhost:*\"]", "listen = [\"/nowhere/*\"]");
    });
    stage.alice.granted("rogue", "admin", "1h");
    let service = Service::echo();
    let forward = format!("/nowhere/socket:{}", service.address);
    let ssh = stage.alice.ssh(&["-R", &forward, "rogue@bastion", "flood"]).start();
    ssh.stdout.wait_for(" accepted", SOON);
    assert_eq!(ssh.stdout.text(), "200 accepted");
}

#[test]
fn a_service_that_is_not_there_closes_the_connection_and_no_more() {
    let stage = stage_with("listen = [\"localhost:*\"]");
    let (port, nobody) = (free_port(), free_port());
    let mut ssh = tunnel(&stage, &["-R", &format!("{port}:localhost:{nobody}")]);
    let mut stream: TcpStream = dial(port);
    assert!(crate::support::service::closes(&mut stream));
    assert!(ssh.is_running());
}
