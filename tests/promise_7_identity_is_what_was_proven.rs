//! Promise 7, identity is what was proven: every type of key that OpenSSH uses, and none that was not signed with.

use crate::support::agent::SkAgent;
use crate::support::process::Running;
use crate::support::{Client, Program, SOON, Stage, eventually, text};

/// A stage where `erin`, on call, has this public key.
fn stage_with_erin(public: &str) -> Stage {
    Stage::with(|setup| setup.user("erin", &[public], &["oncall"]))
}

fn works_for(kind: &str, options: &[&str]) {
    let erin = Client::with_key("erin", kind);
    let stage = stage_with_erin(&erin.key.public);
    erin.meet(&stage.gateway);
    assert_eq!(erin.json("whoami")["user"], "erin");
    erin.granted("web1", "admin", "10m");
    let words: Vec<&str> = options.iter().copied().chain(["web1@bastion", "echo in"]).collect();
    assert_eq!(erin.ssh(&words).run().ok().text(), "in\n");
}

#[test]
fn an_ed25519_key_is_taken() {
    works_for("ed25519", &[]);
}

#[test]
fn an_ecdsa_key_is_taken() {
    works_for("ecdsa", &[]);
}

#[test]
fn an_rsa_key_is_taken_with_sha2() {
    works_for("rsa", &["-o", "PubkeyAcceptedAlgorithms=rsa-sha2-256"]);
    works_for("rsa", &["-o", "PubkeyAcceptedAlgorithms=rsa-sha2-512"]);
}

#[test]
fn an_rsa_key_is_not_taken_with_sha1() {
    let erin = Client::with_key("erin", "rsa");
    let stage = stage_with_erin(&erin.key.public);
    erin.meet(&stage.gateway);
    let run = erin.ssh(&["-o", "PubkeyAcceptedAlgorithms=ssh-rsa", "bastion", "whoami"]).run();
    assert_eq!(run.expect(255).stdout, b"");
}

#[test]
fn a_fido_ed25519_key_is_taken() {
    let erin = Client::new("erin");
    let agent = SkAgent::ed25519(erin.dir());
    let stage = stage_with_erin(&agent.public);
    erin.meet_with_agent(&stage.gateway, &agent.socket);
    assert_eq!(erin.json("whoami")["user"], "erin");
}

#[test]
fn a_fido_ecdsa_key_is_taken() {
    let erin = Client::new("erin");
    let agent = SkAgent::ecdsa(erin.dir());
    let stage = stage_with_erin(&agent.public);
    erin.meet_with_agent(&stage.gateway, &agent.socket);
    assert_eq!(erin.json("whoami")["user"], "erin");
}

#[test]
fn an_unknown_key_is_not_let_in_anywhere() {
    let stage = Stage::new();
    let mallory = Client::new("mallory");
    mallory.meet(&stage.gateway);
    for words in [["bastion", "whoami"], ["alice@bastion", "whoami"], ["web1@bastion", "true"]] {
        let run = mallory.ssh(&words).run().expect(255).says("Permission denied");
        assert_eq!(run.stdout, b"");
    }
}

#[test]
fn a_key_that_was_only_offered_proves_nothing() {
    let stage = Stage::new();
    let offered = stage.dave.dir().join("of_alice");
    std::fs::write(offered.with_extension("pub"), &stage.alice.key.public).unwrap();
    std::fs::write(&offered, &stage.alice.key.public).unwrap();
    let offer = format!("IdentityFile={}", offered.display());
    // Offered alone: nobody. Offered before a key that is signed with: the owner of that one.
    let own = format!("IdentityFile={}", stage.dave.key.path.display());
    let both = stage.dave.ssh(&["-o", &offer, "-o", &own, "bastion", "whoami --json"]).run().ok().json();
    assert_eq!(both["user"], "dave");
    let alone = Program::new("ssh")
        .args([
            "-F",
            "none",
            "-o",
            "IdentitiesOnly=yes",
            "-o",
            "IdentityAgent=none",
            "-o",
            "BatchMode=yes",
            "-o",
            &offer,
        ])
        .args(["-o", &format!("UserKnownHostsFile={}", stage.gateway.known_hosts().display())])
        .args(["-p", &stage.gateway.address().port().to_string(), "alice@127.0.0.1", "whoami"])
        .run()
        .expect(255);
    assert_eq!(alone.stdout, b"");
}

#[test]
fn a_typed_name_makes_nobody_somebody_else() {
    let stage = Stage::new();
    stage.alice.granted("web1", "admin", "10m");
    let run = stage.dave.ssh(&["alice@bastion", "whoami --json"]).run().ok().json();
    assert_eq!(run["user"], "dave");
    stage.dave.on("web1", "true").run().expect(77);
}

#[test]
fn the_wrong_name_without_a_command_is_told_the_nearest_target() {
    let stage = Stage::new();
    stage.alice.ssh(&["wbe1@bastion"]).run().expect(77).says("web1");
    stage.alice.ssh(&["alice@bastion"]).run().ok();
}

#[test]
fn a_key_removed_by_a_reload_is_not_let_in_any_more() {
    let stage = Stage::new();
    stage.bob.ask("whoami").ok();
    let key = stage.bob.key.public.clone();
    stage.gateway.edit(|toml| toml.replace(&format!("{key:?}"), ""));
    stage.gateway.reload();
    eventually(SOON, "bob's key is not taken", || stage.bob.ask("whoami").code == Some(255));
    stage.alice.ask("whoami").ok();
}

/// What alice does, Sam's connection to the bastion, and the socket of that; and a command on it that goes on: to watch her.
fn watching(stage: &Stage) -> ([Running; 2], String, Running) {
    let session = stage.on_web1("while echo word; do sleep 0.1; done").start();
    session.stdout.wait_for("word", SOON);
    let socket = stage.sam.dir().join("outer").display().to_string();
    let outer = stage.sam.ssh(&["-N", "-M", "-S", &socket, "bastion"]).start();
    eventually(SOON, "the master is ready", || {
        stage.sam.ssh(&["-S", &socket, "-O", "check", "bastion"]).run().code == Some(0)
    });
    let id = text(&stage.sam.json("sessions --live")[0]["id"]);
    let watch = stage.sam.ssh(&["-S", &socket, "bastion", &format!("watch {id}")]).start();
    watch.stdout.wait_for("word", SOON);
    stage.sam.ssh(&["-S", &socket, "bastion", &format!("show {id}")]).run().ok();
    ([session, outer], socket, watch)
}

#[test]
fn a_connection_whose_key_is_taken_away_commands_nothing_and_watches_nothing() {
    let (stage, other) = (Stage::granted(), Client::new("other"));
    let ([_session, mut outer], socket, mut watch) = watching(&stage);
    stage.gateway.edit(|toml| toml.replace(&stage.sam.key.public, &other.key.public));
    stage.gateway.reload();
    watch.wait(SOON).expect(77).says("no longer yours");
    for command in ["sessions --live", "revoke g1 --note mine", "whoami", ""] {
        stage.sam.ssh(&["-S", &socket, "bastion", command]).run().expect(77).says("no longer yours");
    }
    assert!(outer.is_running());
    assert_eq!(stage.alice.json("show g1")["state"], "active");
}

#[test]
fn who_may_watch_no_more_watches_no_more() {
    let stage = Stage::granted();
    let (_running, socket, mut watch) = watching(&stage);
    // What changes nothing for her ends nothing.
    stage.gateway.edit(|toml| toml.replace("[users.dave]", "[users.dave] # nothing new"));
    stage.gateway.reload();
    stage.gateway.log_has("the configuration was reloaded");
    let seen = watch.stdout.text().len();
    eventually(SOON, "it goes on", || watch.stdout.text().len() > seen + 100);
    assert!(watch.is_running());
    stage.gateway.edit(|toml| toml.replace("may = [\"watch\", ", "may = ["));
    stage.gateway.reload();
    watch.wait(SOON).expect(77).says("has changed");
    stage.sam.ssh(&["-S", &socket, "bastion", "whoami"]).run().ok();
}

#[test]
fn several_keys_of_one_person_are_the_same_person() {
    let (laptop, desk) = (Client::new("erin"), Client::new("erin"));
    let stage = Stage::with(|setup| setup.user("erin", &[&laptop.key.public, &desk.key.public], &["oncall"]));
    laptop.meet(&stage.gateway);
    desk.meet(&stage.gateway);
    laptop.granted("web1", "admin", "10m");
    desk.on("web1", "true").run().ok();
}

#[test]
fn passwords_and_keyboard_interactive_are_not_offered() {
    let stage = Stage::new();
    let run = stage.dave.ssh(&[
        "-v",
        "-o",
        "PreferredAuthentications=password,keyboard-interactive,none",
        "bastion",
        "whoami",
    ]);
    let run = run.run().expect(255);
    assert!(!run.stderr.contains("password:"), "{run:?}");
    assert!(run.stderr.contains("publickey"), "{run:?}");
}

#[test]
fn the_host_key_that_curfew_ca_names_is_the_one_it_shows() {
    let stage = Stage::new();
    let printed = stage.gateway.trust().printed;
    assert!(printed.contains("@cert-authority"), "{printed}");
    let other = Client::new("other");
    std::fs::write(other.dir().join("known_hosts"), format!("@cert-authority * {}\n", other.key.bare())).unwrap();
    let known_hosts = format!("UserKnownHostsFile={}", other.dir().join("known_hosts").display());
    stage.alice.ssh(&["-o", &known_hosts, "bastion", "whoami"]).run().expect(255).says("verification failed");
}
