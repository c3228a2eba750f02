//! The bastion's own keys are replaced while it serves, old and new trusted side by side.

use std::os::unix::fs::PermissionsExt;

use crate::support::{Client, Gateway, Program, SOON, Stage, eventually};

fn rename(gateway: &Gateway, from: &str, to: &str) {
    std::fs::rename(gateway.state_dir().join(from), gateway.state_dir().join(to)).unwrap();
}

/// The lines of `curfew ca` that begin so.
fn printed(gateway: &Gateway, start: &str) -> Vec<String> {
    gateway.trust().printed.lines().filter(|line| line.starts_with(start)).map(ToOwned::to_owned).collect()
}

#[test]
fn the_user_ca_is_replaced_without_a_gap() {
    let stage = Stage::granted();
    let gateway = &stage.gateway;
    let [old] = printed(gateway, "ssh-ed25519 ").try_into().unwrap();
    let next = gateway.state_dir().join("user_ca.next");
    Program::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-C", "new", "-f"]).arg(&next).run().ok();
    // The one that comes is printed beside the one that signs.
    let both = printed(gateway, "ssh-ed25519 ");
    assert!(both.len() == 2 && both[0] == old && both[1].ends_with(" new"), "{both:?}");
    stage.web1.trust(&both.join("\n"));
    let mut live = stage.on_web1("cat").start();
    live.type_in("before\n");
    live.stdout.wait_for("before", SOON);

    rename(gateway, "user_ca", "user_ca.old");
    rename(gateway, "user_ca.next", "user_ca");
    gateway.reload();
    gateway.log_has("a key is another one");
    let turned = printed(gateway, "ssh-ed25519 ");
    assert_eq!(turned, [both[1].clone(), both[0].clone()]);
    stage.on_web1("true").run().ok();
    live.type_in("after\n");
    live.stdout.wait_for("after", SOON);

    // The new one signs: a target that trusts the old one alone is not reached any more.
    stage.web1.trust(&old);
    stage.on_web1("true").run().expect_one(&[77, 255]);
    stage.web1.trust(&turned[0]);
    stage.on_web1("true").run().ok();
    std::fs::remove_file(gateway.state_dir().join("user_ca.old")).unwrap();
    assert_eq!(printed(gateway, "ssh-ed25519 "), turned[..1]);
}

#[test]
fn a_key_that_is_moved_away_is_made_anew_at_a_reload() {
    let stage = Stage::new();
    let gateway = &stage.gateway;
    stage.alice.ask("whoami").ok();
    for file in ["host_key", "host_ca"] {
        rename(gateway, file, &format!("{file}.old"));
    }
    gateway.reload();
    gateway.log_has("host_ca");
    // Who knows the old one alone is warned; who knows what is printed now is not.
    eventually(SOON, "the new host key is shown", || stage.alice.ask("whoami").code == Some(255));
    assert_eq!(printed(gateway, "@cert-authority ").len(), 2);
    std::fs::write(gateway.known_hosts(), gateway.trust().known_hosts).unwrap();
    stage.alice.ask("whoami").ok();
}

#[test]
fn a_key_that_cannot_be_used_changes_nothing_and_the_log_says_why() {
    let stage = Stage::new();
    let gateway = &stage.gateway;
    let other = Client::new("other");
    let encrypted = other.dir().join("key");
    Program::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "secret", "-f"]).arg(&encrypted).run().ok();
    let dave = stage.dave.key.public.clone();
    gateway.edit(|toml| toml.replace(&format!("{dave:?}"), ""));
    let old = gateway.state_dir().join("user_ca.old");
    for (bytes, mode, why) in [
        (std::fs::read(&encrypted).unwrap(), 0o600, "it has a passphrase"),
        (b"garbage".to_vec(), 0o600, "user_ca.old in the state folder is not a key"),
        (std::fs::read(gateway.state_dir().join("user_ca")).unwrap(), 0o640, "run: chmod 600"),
    ] {
        std::fs::write(&old, bytes).unwrap();
        std::fs::set_permissions(&old, std::fs::Permissions::from_mode(mode)).unwrap();
        gateway.reload();
        gateway.log_has(why);
        stage.dave.ask("whoami").ok();
    }
    std::fs::remove_file(&old).unwrap();
    gateway.reload();
    eventually(SOON, "dave's key is not taken", || stage.dave.ask("whoami").code == Some(255));
}

#[test]
fn another_state_dir_takes_a_restart_and_until_then_nothing_moves() {
    let stage = Stage::granted();
    let gateway = &stage.gateway;
    let mut live = stage.on_web1("echo in; read line; echo $line").start();
    live.stdout.wait_for("in", SOON);
    gateway.edit(|toml| toml.replace("state_dir = \"state\"", "state_dir = \"elsewhere\""));
    for _ in 0..2 {
        gateway.reload();
        gateway.log_has("[gateway] has changed; that takes a restart");
        // The keys are those that they were, and so is the database.
        stage.alice.ask("whoami").ok();
        stage.on_web1("true").run().ok();
    }
    live.type_in("on\n");
    assert_eq!(live.wait(SOON).ok().text(), "in\non\n");
    assert!(!gateway.path().join("elsewhere").exists());
}
