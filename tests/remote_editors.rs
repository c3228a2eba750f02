//! What VS Code Remote-SSH and its like do: by `ProxyJump` a shell that reads a script, a server of theirs on the target's
//! loopback, and many connections to it through `-D`.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::support::service::{closes, dial, free_port};
use crate::support::{SOON, Stage, Stopwatch, eventually, eventually_some, login, text};

/// How long after the end the last trace may go on a busy machine.
const LATE: Duration = Duration::from_secs(3);

/// A connection through a SOCKS 5 proxy (RFC 1928) to the target's loopback; none where it is refused.
fn through(proxy: u16, to: u16) -> Option<TcpStream> {
    let mut stream = dial(proxy);
    stream.write_all(&[5, 1, 0]).unwrap();
    stream.read_exact(&mut [0; 2]).unwrap();
    stream.write_all(&[&[5, 1, 0, 1, 127, 0, 0, 1][..], &to.to_be_bytes()].concat()).unwrap();
    let mut answer = [0; 10];
    stream.read_exact(&mut answer).ok().filter(|()| answer[1] == 0).map(|()| stream)
}

fn get(proxy: u16, to: u16, path: &str) -> Vec<u8> {
    let mut stream = through(proxy, to).expect("it is let through");
    stream.write_all(format!("GET {path} HTTP/1.0\r\n\r\n").as_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    answer
}

#[test]
fn an_editor_installs_its_server_and_talks_to_it_until_the_grant_ends() {
    let stage = Stage::with(|setup| {
        // As README has it.
        setup.policy += &format!(
            "\n[roles.editor]\nlogins = [\"{}\"]\nexec = [\"sh\", \"bash\"]\n\
             forward = [\"127.0.0.1:*\", \"localhost:*\"]\nsftp = \"write\"\n\n[[rules]]\ngroups = [\"oncall\"]\n\
             targets = [\"*\"]\nroles = [\"editor\"]\nmax_duration = \"2h\"\napprovals = 0\n",
            login()
        );
    });
    let grant = stage.alice.granted("web1", "editor", "1h");
    let folder = stage.web1.dir.path().join("editor");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("big"), vec![b'e'; 3_000_000]).unwrap();
    let known = format!("-oUserKnownHostsFile={}", stage.gateway.known_hosts().display());
    let (proxy, to) = (free_port(), format!("{}@web1", login()));
    let words = ["-T", "-D", &proxy.to_string(), "-oConnectTimeout=15", "-J", "bastion", &known, &to, "bash"];
    let mut ssh = stage.alice.ssh(&words).start();
    // The script goes in on stdin, starts the server, says where it listens, and stays.
    ssh.type_in(format!(
        "cd {}\n\
         python3 -u -m http.server --bind 127.0.0.1 0 2>/dev/null | sed -u 's/.*port \\([0-9]*\\).*/listeningOn==\\1==/' &\n",
        folder.display()
    ));
    let port = eventually_some(SOON, "the server says where it listens", || {
        ssh.stdout.text().split("listeningOn==").nth(1)?.split("==").next()?.parse::<u16>().ok()
    });
    // Many at once, as an editor's extensions are loaded.
    let loading: Vec<_> = (0..20).map(|_| std::thread::spawn(move || get(proxy, port, "/big").len())).collect();
    assert!(loading.into_iter().all(|one| one.join().unwrap() > 3_000_000));
    // A long-lived one, and a second window.
    let mut open = through(proxy, port).unwrap();
    let second = stage.alice.ssh(&["-T", "-J", "bastion", &known, &to, "sh"]).input("echo second\n").run().ok();
    assert_eq!(second.text(), "second\n");

    stage.gateway.ctl(&format!("revoke {grant} --note enough")).ok();
    let watch = Stopwatch::start();
    assert!(closes(&mut open), "its connections close");
    ssh.wait(LATE).expect(124).says("was revoked by operator");
    eventually(LATE, "its server is gone", || TcpStream::connect(("127.0.0.1", port)).is_err());
    assert!(watch.elapsed() < LATE, "took {:?}", watch.elapsed());
    let session = stage.gateway.sessions().into_iter().find(|s| !s["recordings"].as_array().unwrap().is_empty());
    let session = stage.gateway.session(&text(&session.unwrap()["id"]));
    let kinds = |kind: &str| session["recordings"].as_array().unwrap().iter().filter(|r| r["kind"] == kind).count();
    assert!(kinds("exec") == 1 && kinds("forward") >= 21, "{session}");
}
