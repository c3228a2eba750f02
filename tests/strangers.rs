//! Strangers at the door: however many there are and whatever they send, who has a key gets in, and neither the log nor the
//! memory nor the descriptors are theirs to fill.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::Value;

use crate::support::{Client, Gateway, Program, SOON, Stage, Stopwatch, eventually, eventually_some, heavy};

/// Another source than where the crowd comes from.
const ELSEWHERE: [&str; 2] = ["-b", "127.0.0.2"];
const HERE: [&str; 0] = [];
/// How long a login may take in a crowd: an order of magnitude, not a measurement.
const PROMPTLY: Duration = Duration::from_secs(10);

/// Sockets to the gateway, from 127.0.0.1.
fn crowd(gateway: &Gateway, size: usize, says: &[u8]) -> Vec<TcpStream> {
    let limit = getrlimit(Resource::Nofile);
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
    let come = |_| {
        let mut stream = TcpStream::connect(gateway.address()).expect("the gateway accepts");
        // The first of them may have been sent away already.
        let _ = stream.write_all(says);
        stream
    };
    (0..size).map(come).collect()
}

#[track_caller]
fn gets_in(person: &Client, options: &[&str], times: usize) {
    for _ in 0..times {
        let words: Vec<&str> = options.iter().copied().chain(["bastion", "whoami --json"]).collect();
        let run = person.ssh(&words).run().ok();
        assert_eq!(run.json()["user"], person.name);
        assert!(run.took < PROMPTLY, "promptly: {run:?}");
    }
}

/// The lines of the log about refusals.
fn refusals(gateway: &Gateway) -> Vec<String> {
    gateway.log().lines().filter(|line| line.contains("refused")).map(str::to_owned).collect()
}

#[test]
fn two_thousand_half_open_connections_keep_nobody_out_from_elsewhere_or_from_the_same_address() {
    let stage = Stage::granted();
    let _crowd = [crowd(&stage.gateway, 1000, b""), crowd(&stage.gateway, 1000, b"SSH-2.0-half_open\r\n")];
    gets_in(&stage.alice, &ELSEWHERE, 20);
    gets_in(&stage.alice, &HERE, 20);
    assert_eq!(stage.on_web1("echo in").run().ok().text(), "in\n");
    // They take the room of one source, whatever their number, and a line or two of the log.
    assert!(stage.gateway.open_files() < 700, "{} files open", stage.gateway.open_files());
    let told = refusals(&stage.gateway);
    assert!(told.len() <= 4 && told.iter().any(|line| line.contains("crowd")), "{told:?}");
    assert!(stage.gateway.audit("connection.refused").len() <= 4);
}

/// Does something while new connections come and sit there, with this pause between them.
fn while_they_come(gateway: &Gateway, pause: Duration, act: impl FnOnce()) {
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut sitting = std::collections::VecDeque::new();
            while !done.load(Ordering::SeqCst) {
                sitting.extend(crowd(gateway, 1, b"SSH-2.0-half_open\r\n"));
                if sitting.len() > 800 {
                    sitting.pop_front();
                }
                std::thread::sleep(pause);
            }
        });
        // Also when the test fails, or the scope would wait for ever.
        let acted = std::panic::catch_unwind(std::panic::AssertUnwindSafe(act));
        done.store(true, Ordering::SeqCst);
        if let Err(failed) = acted {
            std::panic::resume_unwind(failed);
        }
    });
}

#[test]
fn a_flood_that_goes_on_keeps_nobody_out_from_elsewhere() {
    let _alone = heavy();
    let stage = Stage::new();
    while_they_come(&stage.gateway, Duration::ZERO, || gets_in(&stage.alice, &ELSEWHERE, 10));
}

#[test]
fn a_drip_that_goes_on_keeps_nobody_out_from_the_same_address() {
    let stage = Stage::new();
    let _full = crowd(&stage.gateway, 800, b"");
    while_they_come(&stage.gateway, Duration::from_millis(20), || gets_in(&stage.alice, &HERE, 10));
}

#[test]
fn a_client_that_never_finishes_the_handshake_is_hung_up_on_and_delays_nobody() {
    let stage = Stage::new();
    // Nothing; an identification; and the head of a packet that never comes whole.
    let mut sitting: Vec<TcpStream> = [&b""[..], b"SSH-2.0-slow\r\n", b"SSH-2.0-slow\r\n\0\0\x04\0"]
        .into_iter()
        .flat_map(|says| crowd(&stage.gateway, 1, says))
        .collect();
    gets_in(&stage.alice, &HERE, 5);
    let watch = Stopwatch::start();
    for stream in &mut sitting {
        stream.set_read_timeout(Some(Duration::from_secs(30) + SOON)).unwrap();
        let mut rest = Vec::new();
        let ended = stream.read_to_end(&mut rest);
        assert!(ended.is_ok() || ended.is_err_and(|error| error.kind() == std::io::ErrorKind::ConnectionReset));
    }
    assert!(watch.elapsed() > Duration::from_secs(5), "a slow link has some time");
    assert!(refusals(&stage.gateway).iter().any(|line| line.contains("login-grace")));
}

#[test]
fn what_is_no_ssh_is_hung_up_on_at_once() {
    let stage = Stage::new();
    let endless = vec![b'x'; 64 * 1024];
    let lines = b"hello\r\n".repeat(1000);
    for noise in [&b"GET / HTTP/1.1\r\n\r\n"[..], b"SSH-1.5-old\r\n", &endless, &lines] {
        let mut stream = TcpStream::connect(stage.gateway.address()).unwrap();
        let _ = stream.write_all(noise);
        stream.set_read_timeout(Some(SOON)).unwrap();
        let mut answer = Vec::new();
        // Unread bytes make the end a reset.
        let _ = stream.read_to_end(&mut answer).inspect_err(|error| {
            assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset, "hung up on");
        });
        assert!(answer.is_empty() || answer == b"SSH-2.0-Curfew\r\n", "{:?}", String::from_utf8_lossy(&answer));
    }
    gets_in(&stage.alice, &HERE, 1);
}

#[test]
fn a_guesser_fills_neither_log_nor_audit_log_and_locks_nobody_out() {
    let stage = Stage::new();
    let mallory = Client::new("mallory");
    mallory.meet(&stage.gateway);
    for _ in 0..12 {
        mallory.ask("whoami").expect(255);
    }
    let told = refusals(&stage.gateway);
    assert_eq!(told.iter().filter(|line| line.contains("unknown-key")).count(), 1, "{told:?}");
    let written = eventually_some(SOON, "the refusal is in the audit log", || {
        Some(stage.gateway.audit("connection.refused")).filter(|events| !events.is_empty())
    });
    assert_eq!(written.len(), 1, "{written:?}");
    // From the same address, with a few keys before the right one.
    let mut keys: Vec<String> = (0..4)
        .map(|n| {
            let key = crate::support::keys::generate(stage.alice.dir(), &format!("other{n}"), "ed25519");
            format!("IdentityFile={}", key.path.display())
        })
        .collect();
    keys.push(format!("IdentityFile={}", stage.alice.key.path.display()));
    // Those of the configuration come last.
    let mut words: Vec<&str> = keys.iter().flat_map(|key| ["-o", key]).collect();
    words.extend(["bastion", "whoami --json"]);
    assert_eq!(stage.alice.ssh(&words).limit(SOON).run().ok().json()["user"], "alice");
    gets_in(&stage.alice, &HERE, 1);
}

#[test]
fn every_name_gets_the_same_answer_before_a_key_is_proven() {
    let stage = Stage::new();
    let mallory = Client::new("mallory");
    mallory.meet(&stage.gateway);
    let answers = ["alice", "nobody-of-that-name", "web1", "root@web1", "root@no-such-target"].map(|name| {
        let run = mallory.ssh(&["-o", "LogLevel=VERBOSE", "-l", name, "127.0.0.1", "-o"]);
        let port = format!("Port={}", stage.gateway.address().port());
        let known = format!("UserKnownHostsFile={}", stage.gateway.known_hosts().display());
        let run = run.args([&port, "-o", &known, "true"]).run().expect(255);
        run.stderr.replace(name, "NAME")
    });
    assert!(answers[0].contains("Permission denied (publickey)"), "{answers:?}");
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
}

#[test]
fn the_soft_limit_of_open_files_is_raised_to_the_hard_one() {
    let stage = Stage::under(&["prlimit", "--nofile=200:4000"], |_| {});
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", stage.gateway.pid())).unwrap();
    let line = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    let words: Vec<&str> = line.split_whitespace().collect();
    assert_eq!(words[3..5], ["4000", "4000"], "{line}");
}

#[test]
fn strangers_leave_descriptors_for_sessions_where_there_are_few() {
    let stage = Stage::under(&["prlimit", "--nofile=256:256"], |_| {});
    stage.alice.granted("web1", "admin", "1h");
    let mut live = stage.on_web1("echo in; read line; echo \"$line\"").start();
    // Until then it is a stranger as well.
    live.stdout.wait_for("in", SOON);
    let _crowd = [crowd(&stage.gateway, 300, b""), crowd(&stage.gateway, 300, b"SSH-2.0-half_open\r\n")];
    gets_in(&stage.alice, &ELSEWHERE, 3);
    assert_eq!(stage.on_web1("echo recorded").run().ok().text(), "recorded\n");
    live.type_in("still there\n");
    assert_eq!(live.wait(SOON).ok().text(), "in\nstill there\n");
    assert!(stage.gateway.open_files() < 200, "{} files open", stage.gateway.open_files());
}

#[test]
fn more_sessions_than_fit_are_refused_at_the_door_and_the_live_ones_go_on() {
    let stage = Stage::under(&["prlimit", "--nofile=200:200"], |_| {});
    stage.alice.granted("web1", "admin", "1h");
    let mut live = Vec::new();
    // One after the other, so that none is a stranger for long.
    loop {
        let mut session = stage.on_web1("echo in; read line; echo \"$line\"").start();
        let mut ended = false;
        eventually(SOON, "it is in, or has ended", || {
            ended = !session.is_running();
            ended || session.stdout.text() == "in\n"
        });
        if ended {
            break;
        }
        live.push(session);
    }
    assert!((10..=37).contains(&live.len()), "{} got in", live.len());
    assert!(refusals(&stage.gateway).iter().any(|line| line.contains("full")));
    for session in &mut live {
        session.type_in("on\n");
        assert_eq!(session.wait(SOON).ok().text(), "in\non\n");
    }
    eventually(SOON, "there is room again", || stage.on_web1("true").run().code == Some(0));
}

/// What a server says first: its identification, and the lists of its KEXINIT (RFC 4253 §7.1).
fn greeting(gateway: &Gateway) -> (String, Vec<String>) {
    let stream = TcpStream::connect(gateway.address()).unwrap();
    stream.set_read_timeout(Some(SOON)).unwrap();
    (&stream).write_all(b"SSH-2.0-test\r\n").unwrap();
    let mut reader = BufReader::new(&stream);
    let mut id = String::new();
    reader.read_line(&mut id).unwrap();
    let mut length = [0; 4];
    reader.read_exact(&mut length).unwrap();
    let mut packet = vec![0; u32::from_be_bytes(length) as usize];
    reader.read_exact(&mut packet).unwrap();
    assert_eq!(packet[1], 20, "SSH_MSG_KEXINIT");
    let mut rest = &packet[1 + 1 + 16..];
    let mut lists = Vec::new();
    for _ in 0..10 {
        let (size, more) = rest.split_at(4);
        let (list, more) = more.split_at(u32::from_be_bytes(size.try_into().unwrap()) as usize);
        lists.push(String::from_utf8(list.to_vec()).unwrap());
        rest = more;
    }
    (id, lists)
}

#[test]
fn the_identification_names_no_version_and_the_algorithms_are_these_and_no_others() {
    let stage = Stage::new();
    let (id, lists) = greeting(&stage.gateway);
    assert_eq!(id, "SSH-2.0-Curfew\r\n");
    let ciphers = "aes128-gcm@openssh.com,aes256-gcm@openssh.com,chacha20-poly1305@openssh.com,aes128-ctr,aes256-ctr";
    let macs = "hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com,hmac-sha2-256,hmac-sha2-512";
    let expected = [
        "mlkem768x25519-sha256,curve25519-sha256,curve25519-sha256@libssh.org,ext-info-s,kex-strict-s-v00@openssh.com",
        "ssh-ed25519",
        ciphers,
        ciphers,
        macs,
        macs,
        "none",
        "none",
        "",
        "",
    ];
    assert_eq!(lists, expected);
}

/// What `ssh-audit` says of OpenSSH 9.9 as well, and of nothing there that could be left out: clients before 9.9 have no
/// post-quantum key exchange that we know, libssh2 before 1.11 has no encrypt-then-MAC.
const AS_OPENSSH_9_9: [&str; 4] =
    ["curve25519-sha256", "curve25519-sha256@libssh.org", "hmac-sha2-256", "hmac-sha2-512"];

#[test]
fn ssh_audit_finds_no_fault_and_warns_of_nothing_that_openssh_9_9_is_not_warned_of() {
    let here = std::env::var("PATH").unwrap_or_default();
    if !here.split(':').any(|folder| std::path::Path::new(folder).join("ssh-audit").exists()) {
        eprintln!("skipped: ssh-audit is not installed (pipx install ssh-audit)");
        return;
    }
    let stage = Stage::new();
    let port = stage.gateway.address().port().to_string();
    let run = Program::new("ssh-audit").args(["-j", "--skip-rate-test", "-p", &port, "127.0.0.1"]).run();
    let report = run.expect_one(&[0, 2]).json();
    let mut warned = Vec::new();
    for kind in ["kex", "key", "enc", "mac"] {
        for algorithm in report[kind].as_array().unwrap() {
            let notes = &algorithm["notes"];
            assert_eq!(notes["fail"], Value::Null, "{algorithm}");
            if notes["warn"] != Value::Null {
                warned.push(algorithm["algorithm"].as_str().unwrap());
            }
        }
    }
    assert!(warned.iter().all(|name| AS_OPENSSH_9_9.contains(name)), "{warned:?}");
    assert_eq!(report["cves"].as_array().map(Vec::len), Some(0), "{}", report["cves"]);
}

/// Bulk both ways at once, while both halves exchange keys again and again.
fn passes_whole(stage: &Stage, limit: &str, command: &str) {
    let config = stage.web1.dir.path().join("sshd_config");
    let text = std::fs::read_to_string(&config).unwrap();
    // Subsystems and the like do not mind where it stands.
    std::fs::write(&config, format!("RekeyLimit {limit}\n{text}")).unwrap();
    let bytes: Vec<u8> = (0..48_000_000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 11) as u8).collect();
    let option = format!("RekeyLimit={limit}");
    let words = ["-v", "-o", &option, "web1@bastion", command];
    let run = stage.alice.ssh(&words).input(bytes.clone()).limit(Duration::from_secs(120)).run().ok();
    assert!(run.stdout == bytes, "{} bytes came back", run.stdout.len());
    let exchanges = |log: &str| log.matches("SSH2_MSG_NEWKEYS received").count();
    assert!(exchanges(&run.stderr) > 3, "the client's half: {}", exchanges(&run.stderr));
    assert!(exchanges(&stage.web1.log()) > 3, "the target's half: {}", exchanges(&stage.web1.log()));
}

#[test]
fn new_keys_by_volume_on_both_halves_lose_nothing_of_bulk_both_ways() {
    let _alone = heavy();
    passes_whole(&Stage::granted(), "1M none", "cat");
}

#[test]
fn new_keys_by_time_on_both_halves_lose_nothing_of_bulk_both_ways() {
    // What is not passed on yet waits in the windows meanwhile.
    let command = "for turn in 1 2 3 4 5 6; do head -c 8000000; sleep 1; done";
    passes_whole(&Stage::granted(), "default 1s", command);
}
