//! Forwards from the target on: `-L`, `-D`, `-W`, to TCP and to Unix sockets.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::time::Duration;

use crate::support::process::{Program, Running};
use crate::support::service::{dial, free_port, ping, unix_echo};
use crate::support::{Master, SOON, Service, Stage, Stopwatch, text, web1};

/// A stage where Alice holds a role `tunnel` with these lines.
pub fn stage_with(role: &str) -> Stage {
    let stage = Stage::with(|setup| {
        let login = crate::support::login();
        setup.policy.push_str(&format!(
            "\n[roles.tunnel]\nlogins = [\"{login}\"]\n{role}\n\n[[rules]]\ngroups = [\"oncall\"]\ntargets = [\"*\"]\n\
             roles = [\"tunnel\"]\nmax_duration = \"2h\"\napprovals = 0\n"
        ));
    });
    stage.alice.granted("web1", "tunnel", "1h");
    stage
}

/// `ssh -N WORDS web1@bastion` by Alice.
pub fn tunnel(stage: &Stage, words: &[&str]) -> Running {
    let words: Vec<&str> = ["-N"].iter().chain(words).chain(&["web1@bastion"]).copied().collect();
    ssh(stage, &words).start()
}

/// `ssh WORDS` by Alice, at the log level that people have.
pub fn ssh(stage: &Stage, words: &[&str]) -> Program {
    let words: Vec<&str> = ["-o", "LogLevel=INFO"].iter().chain(words).copied().collect();
    stage.alice.ssh(&words)
}

/// The notes of a session's sealed forward recordings: what each was of, and its last count.
fn notes(stage: &Stage) -> Vec<(String, Vec<serde_json::Value>)> {
    let session = stage.gateway.ended_session();
    assert!(session["recordings"].as_array().unwrap().iter().all(|r| r["kind"] == "forward"), "{session}");
    let paths = stage.gateway.sealed_recordings(&text(&session["id"]));
    let read = |path: &std::path::PathBuf| {
        let content = std::fs::read_to_string(path).unwrap();
        let lines: Vec<serde_json::Value> = content.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let notes = lines.iter().filter(|line| line[1] == "n").map(|line| {
            let note: serde_json::Value = serde_json::from_str(line[2].as_str().unwrap()).unwrap();
            note
        });
        (text(&lines[0]["curfew"]["command"]), notes.collect())
    };
    paths.iter().map(read).collect()
}

#[test]
fn a_forward_carries_every_byte_both_ways_and_is_written_down() {
    let stage = stage_with("forward = [\"*:*\"]");
    let (service, port) = (Service::echo(), free_port());
    let tunnel = tunnel(&stage, &["-L", &format!("{port}:{}", service.address)]);
    let bytes: Vec<u8> = (0..=255).cycle().take(5_000_000).collect();
    let mut stream = dial(port);
    let mut writer = stream.try_clone().unwrap();
    let sent = bytes.clone();
    let writing = std::thread::spawn(move || {
        writer.write_all(&sent).unwrap();
        writer.shutdown(Shutdown::Write).unwrap();
    });
    let mut back = Vec::new();
    stream.read_to_end(&mut back).unwrap();
    writing.join().unwrap();
    assert!(back == bytes, "{} bytes came back", back.len());
    drop((stream, tunnel));
    let notes = notes(&stage);
    assert_eq!(notes.len(), 1, "{notes:?}");
    assert_eq!(notes[0].0, format!("-L {}", service.address));
    let (first, last) = (&notes[0].1[0], notes[0].1.last().unwrap());
    assert_eq!(first["op"], "forward");
    assert_eq!(first["to"], service.address.to_string());
    assert_eq!(last["op"], "closed");
    assert_eq!(last["to_target"], bytes.len());
    assert_eq!(last["to_client"], bytes.len());
}

#[test]
fn an_end_of_input_passes_alone_and_the_answer_comes_after_it() {
    let stage = stage_with("forward = [\"*:*\"]");
    let (service, port) = (Service::counting(), free_port());
    let _tunnel = tunnel(&stage, &["-L", &format!("{port}:{}", service.address)]);
    let mut stream = dial(port);
    stream.write_all(&vec![7; 300_000]).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert_eq!(answer, "300000");
}

#[test]
fn a_service_may_speak_first() {
    let stage = stage_with("forward = [\"*:*\"]");
    let service = Service::greeting();
    let run = ssh(&stage, &["-W", &service.address.to_string(), "web1@bastion"]).input("bye\n").run();
    assert_eq!(run.ok().text(), "hello\n");
}

#[test]
fn a_role_without_forwards_refuses_and_says_so() {
    let stage = stage_with("shell = true");
    let (service, port) = (Service::echo(), free_port());
    let tunnel = tunnel(&stage, &["-L", &format!("{port}:{}", service.address)]);
    assert_eq!(dial(port).read(&mut [0; 1]).unwrap(), 0, "it is closed");
    let line = format!("curfew: role tunnel does not allow forwarding to {}; it allows none", service.address);
    tunnel.stderr.wait_for(&line, SOON);
    assert_eq!(service.connections(), 0);
}

#[test]
fn a_forward_leads_nowhere_but_where_the_role_says() {
    let (service, other) = (Service::echo(), Service::echo());
    let (good, bad) = (service.port(), other.port());
    let stage = stage_with(&format!("forward = [\"localhost:{good}\", \"10.9.*:80\"]"));
    let through = |to: &str| ssh(&stage, &["-W", to, "web1@bastion"]).input("x").run();
    assert_eq!(through(&format!("localhost:{good}")).ok().text(), "x");
    let run = through(&format!("localhost:{bad}"));
    assert!(run.code != Some(0) && run.stdout.is_empty(), "{run:?}");
    run.says(&format!(
        "role tunnel does not allow forwarding to localhost:{bad}; it allows localhost:{good}, 10.9.*:80"
    ));
    // Other spellings of the same place are other names.
    for host in ["127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "127.1", "2130706433", "0x7f.1", "localhost.", "0", ""] {
        let run = through(&format!("{host}:{good}"));
        assert!(run.code != Some(0) && run.stdout.is_empty(), "{host}: {run:?}");
    }
    assert_eq!((service.connections(), other.connections()), (1, 0));
}

#[test]
fn a_socks_proxy_leads_where_the_role_says() {
    let (service, other) = (Service::echo(), Service::echo());
    let stage = stage_with(&format!("forward = [\"127.0.0.1:{}\"]", service.port()));
    let port = free_port();
    let _tunnel = tunnel(&stage, &["-D", &port.to_string()]);
    let ask = |to: u16| {
        let mut stream = dial(port);
        // SOCKS 5 (RFC 1928): no authentication, CONNECT to an IPv4 address.
        stream.write_all(&[5, 1, 0]).unwrap();
        stream.read_exact(&mut [0; 2]).unwrap();
        stream.write_all(&[&[5, 1, 0, 1, 127, 0, 0, 1][..], &to.to_be_bytes()].concat()).unwrap();
        let mut answer = [0; 10];
        stream.read_exact(&mut answer).map(|()| (answer[1], stream))
    };
    let (code, mut stream) = ask(service.port()).unwrap();
    assert_eq!(code, 0);
    ping(&mut stream, "through the proxy");
    assert!(ask(other.port()).map_or(true, |(code, _)| code != 0), "refused");
    assert_eq!(other.connections(), 0);
}

#[test]
fn a_unix_socket_is_reached_where_the_role_says() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("app")).unwrap();
    unix_echo(&dir.path().join("app/sock"));
    unix_echo(&dir.path().join("secret"));
    let folder = dir.path().display().to_string();
    let stage = stage_with(&format!("forward = [\"{folder}/app/*\"]"));
    let through = |path: &str| {
        let port = free_port();
        let running = tunnel(&stage, &["-L", &format!("{port}:{path}")]);
        (dial(port), running)
    };
    let (mut stream, _tunnel) = through(&format!("{folder}/app/sock"));
    ping(&mut stream, "to a socket");
    for path in ["secret", "app/../secret", "app/./../secret", "app//../secret"] {
        let (mut stream, tunnel) = through(&format!("{folder}/{path}"));
        assert_eq!(stream.read(&mut [0; 1]).unwrap_or(0), 0, "{path}");
        tunnel.stderr.wait_for("role tunnel does not allow forwarding to", SOON);
    }
}

#[test]
fn what_the_target_refuses_is_told_in_its_own_words() {
    let stage = stage_with("forward = [\"*:*\"]");
    let nobody = free_port();
    let run = ssh(&stage, &["-W", &format!("127.0.0.1:{nobody}"), "web1@bastion"]).run();
    assert_ne!(run.code, Some(0));
    run.says("connect failed: Connection refused");
    let config = stage.web1.dir.path().join("sshd_config");
    let more = std::fs::read_to_string(&config).unwrap() + "AllowTcpForwarding no\n";
    std::fs::write(&config, more).unwrap();
    let service = Service::echo();
    let run = ssh(&stage, &["-W", &service.address.to_string(), "web1@bastion"]).run();
    assert_ne!(run.code, Some(0));
    run.says("administratively prohibited: open failed");
    assert_eq!(service.connections(), 0);
}

#[test]
fn without_a_grant_a_forward_learns_what_to_type() {
    let stage = Stage::new();
    let run = ssh(&stage, &["-W", "localhost:22", "web1@bastion"]).run();
    assert_ne!(run.code, Some(0));
    run.says("you hold no grant for web1; ask: ssh");
    assert_eq!(stage.web1.connections(), 0);
}

#[test]
fn a_stalled_forward_holds_up_no_other_channel() {
    let stage = Stage::granted();
    let (stalled, service) = (Service::stalled(), Service::echo());
    let master = Master::open(&stage.alice, &web1());
    let forward = |service: &Service| {
        let port = free_port();
        stage
            .alice
            .ssh(&[
                "-S",
                &stage.alice.dir().join("master").display().to_string(),
                "-O",
                "forward",
                "-L",
                &format!("{port}:{}", service.address),
                "web1@bastion",
            ])
            .run()
            .ok();
        dial(port)
    };
    let mut stuck = forward(&stalled);
    stuck.set_write_timeout(Some(Duration::from_secs(2))).unwrap();
    while stuck.write(&[0; 65536]).is_ok() {}
    let watch = Stopwatch::start();
    let mut stream = forward(&service);
    for n in 0..20 {
        ping(&mut stream, &format!("line {n}"));
    }
    assert_eq!(master.run("echo fine").run().ok().text(), "fine\n");
    assert!(watch.elapsed() < Duration::from_secs(10), "took {:?}", watch.elapsed());
}

#[test]
fn many_forwards_at_once_are_one_connection_and_a_recording_each() {
    let stage = stage_with("forward = [\"*:*\"]");
    let (service, port) = (Service::echo(), free_port());
    let tunnel = tunnel(&stage, &["-L", &format!("{port}:{}", service.address)]);
    let mut streams: Vec<_> = (0..50).map(|_| dial(port)).collect();
    for (n, stream) in streams.iter_mut().enumerate() {
        ping(stream, &format!("stream {n}"));
    }
    assert_eq!(stage.web1.connections(), 1);
    drop((streams, tunnel));
    assert_eq!(notes(&stage).len(), 50);
}

#[test]
fn there_is_an_end_to_how_many_forwards_a_session_has() {
    let stage = stage_with("forward = [\"*:*\"]");
    let (service, port) = (Service::echo(), free_port());
    let tunnel = tunnel(&stage, &["-L", &format!("{port}:{}", service.address)]);
    let mut streams: Vec<_> = (0..200).map(|_| dial(port)).collect();
    streams.iter_mut().for_each(|stream| ping(stream, "in"));
    assert_eq!(dial(port).read(&mut [0; 1]).unwrap_or(0), 0, "no more");
    tunnel.stderr.wait_for("a session may have no more", SOON);
    streams.pop();
    crate::support::eventually(SOON, "a place is free again", || {
        let mut stream = dial(port);
        stream.write_all(b"x").is_ok() && stream.read(&mut [0; 1]).unwrap_or(0) == 1
    });
}

#[test]
fn x11_is_refused_in_a_line_and_the_session_goes_on() {
    let stage = Stage::granted();
    let with_x11 = |words: &[&str]| {
        let words: Vec<&str> = ["-Y", "-o", "XAuthLocation=/nonexistent"].iter().chain(words).copied().collect();
        stage.alice.ssh(&words).env("DISPLAY", ":99")
    };
    let run = with_x11(&["web1@bastion", "echo ${DISPLAY-none}"]).run().ok();
    assert_eq!(run.text(), "none\n");
    assert_eq!(run.says("curfew: X11 is not forwarded").stderr.matches("curfew:").count(), 1);
    let run = with_x11(&["-tt", "web1@bastion", "echo done"]).run().ok();
    assert!(run.text().contains("done") && !run.text().contains("X11"), "{run:?}");
    run.says("curfew: X11 is not forwarded");
}
