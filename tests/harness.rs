//! The harness against itself, without a gateway: what the other tests stand on must hold by itself.

use std::path::Path;

use crate::support::agent::SkAgent;
use crate::support::keys::KeyPair;
use crate::support::{Client, Program, SOON, Target, Terminal, login};

/// `ssh` straight to the target.
fn straight(target: &Target, client: &Client, identity: &str) -> Vec<String> {
    let known_hosts = target.dir.path().join("known_hosts");
    std::fs::write(&known_hosts, format!("* {}\n", target.host_key.bare())).unwrap();
    let options = [
        format!("UserKnownHostsFile={}", known_hosts.display()),
        "BatchMode=yes".to_owned(),
        format!("User={}", login()),
        identity.to_owned(),
    ];
    let mut words: Vec<String> = options.iter().flat_map(|option| ["-o".to_owned(), option.clone()]).collect();
    words.extend(["-F".to_owned(), "none".to_owned(), "-i".to_owned(), client.key.path.display().to_string()]);
    words.extend(["-p".to_owned(), target.address().port().to_string(), "127.0.0.1".to_owned()]);
    words
}

#[test]
fn a_target_runs_commands_and_counts_its_connections() {
    let (target, client) = (Target::start(), Client::new("anybody"));
    target.authorize(&client.key);
    let run =
        Program::new("ssh").args(straight(&target, &client, "IdentityAgent=none")).arg("cat; exit 3").input("in").run();
    assert_eq!(run.expect(3).stdout, b"in");
    assert_eq!(target.connections(), 1);
    target.expect_quiet(SOON);
    target.stop();
    let words = straight(&target, &client, "IdentityAgent=none");
    Program::new("ssh").args(words).arg("true").run().expect(255).says("refused");
}

#[test]
fn a_terminal_is_typed_at_and_read() {
    let (target, client) = (Target::start(), Client::new("anybody"));
    target.authorize(&client.key);
    let mut words = straight(&target, &client, "IdentityAgent=none");
    words.insert(0, "-tt".to_owned());
    words.push("stty size; read line; echo \"<$line>\"; exit 5".to_owned());
    let mut terminal = Terminal::start("ssh", &words);
    terminal.wait_for("24 80", SOON);
    terminal.type_in("typed\r");
    terminal.wait_for("<typed>", SOON);
    assert_eq!(terminal.wait(SOON), Some(5));
}

#[test]
fn openssh_takes_the_signatures_of_the_software_token() {
    let dir = tempfile::tempdir().unwrap();
    for agent in [SkAgent::ed25519(dir.path()), SkAgent::ecdsa(dir.path())] {
        let (target, client) = (Target::start(), Client::new("anybody"));
        target.authorize(&KeyPair { path: Path::new("").to_owned(), public: agent.public.clone() });
        let mut words = straight(&target, &client, &format!("IdentityAgent={}", agent.socket.display()));
        words.retain(|word| *word != client.key.path.display().to_string() && word != "-i");
        Program::new("ssh").args(words).arg("true").run().ok();
    }
}
