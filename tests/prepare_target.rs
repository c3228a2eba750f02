//! `deploy/prepare-target.sh` and the Ansible role around it: what makes a target trust Curfew, and checks that it does.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::{Outcome, Program, Stage, web1};

/// A stage whose target does not trust Curfew's user CA yet.
fn untrusting() -> Stage {
    let stage = Stage::new();
    edit_config(&stage, |config| config.lines().filter(|line| !line.starts_with("TrustedUserCAKeys")).collect());
    fs::remove_file(stage.web1.dir.path().join("ca.pub")).unwrap();
    stage.alice.granted("web1", "admin", "1h");
    stage
}

fn edit_config(stage: &Stage, edit: impl FnOnce(&str) -> Vec<&str>) {
    let config = stage.web1.dir.path().join("sshd_config");
    let text = fs::read_to_string(&config).unwrap();
    fs::write(&config, edit(&text).join("\n") + "\n").unwrap();
}

fn deploy() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy")
}

fn prepare(stage: &Stage, key: &str, more: &[&str]) -> Outcome {
    let config = stage.web1.dir.path().join("sshd_config");
    let program = Program::new(deploy().join("prepare-target.sh")).args(["--key", key, "--no-reload", "--sshd-config"]);
    program.arg(&config).args(more).run()
}

fn user_ca(stage: &Stage) -> String {
    stage.gateway.trust().user_ca
}

#[test]
fn a_target_that_was_prepared_lets_curfew_in() {
    let stage = untrusting();
    assert_eq!(stage.on_web1("true").run().code, Some(255), "it is let in without being trusted");
    let missing = prepare(&stage, &user_ca(&stage), &["--check"]);
    assert_eq!(missing.code, Some(1), "{missing:?}");
    assert!(missing.text().contains("missing: sshd trusts no user CA"), "{missing:?}");
    let first = prepare(&stage, &user_ca(&stage), &[]).ok();
    assert!(first.text().contains("changed:") && first.text().contains("ready:"), "{first:?}");
    assert!(first.text().contains(&format!("host_key = \"{}\"", stage.web1.host_key.bare())), "{first:?}");
    assert_eq!(stage.on_web1("echo in").run().ok().text(), "in\n");
    let again = prepare(&stage, &user_ca(&stage), &[]).ok();
    assert!(!again.text().contains("changed:"), "{again:?}");
    prepare(&stage, &user_ca(&stage), &["--check"]).ok();
}

#[test]
fn a_ca_that_is_trusted_already_stays_trusted() {
    let stage = untrusting();
    let file = stage.web1.dir.path().join("others.pub");
    // Without a line feed at its end, as an editor may leave it.
    fs::write(&file, stage.dave.key.public.trim_end()).unwrap();
    let config = stage.web1.dir.path().join("sshd_config");
    let text = fs::read_to_string(&config).unwrap();
    fs::write(&config, format!("TrustedUserCAKeys {}\n{text}", file.display())).unwrap();
    prepare(&stage, &user_ca(&stage), &[]).ok();
    let lines = fs::read_to_string(&file).unwrap();
    assert_eq!(lines.lines().collect::<Vec<_>>(), [stage.dave.key.public.trim(), user_ca(&stage).trim()]);
    assert_eq!(stage.on_web1("echo in").run().ok().text(), "in\n");
}

#[test]
fn a_folder_of_settings_gets_a_file_of_its_own() {
    let stage = untrusting();
    let folder = stage.web1.dir.path().join("sshd_config.d");
    fs::create_dir(&folder).unwrap();
    let config = stage.web1.dir.path().join("sshd_config");
    let text = fs::read_to_string(&config).unwrap();
    let with_folder = format!("Include {}/*.conf\n{text}", folder.display());
    fs::write(&config, &with_folder).unwrap();
    prepare(&stage, &user_ca(&stage), &[]).ok();
    assert!(folder.join("curfew.conf").exists());
    assert_eq!(fs::read_to_string(&config).unwrap(), with_folder);
    assert_eq!(stage.on_web1("echo in").run().ok().text(), "in\n");
}

#[test]
fn what_would_keep_curfew_out_is_named() {
    let stage = untrusting();
    edit_config(&stage, |config| ["PubkeyAuthentication no"].into_iter().chain(config.lines()).collect());
    let wrong = prepare(&stage, &user_ca(&stage), &[]);
    assert_eq!(wrong.code, Some(1), "{wrong:?}");
    assert!(wrong.text().contains("wrong: PubkeyAuthentication is off"), "{wrong:?}");
}

#[test]
fn bad_input_changes_nothing() {
    let stage = untrusting();
    let config = stage.web1.dir.path().join("sshd_config");
    let before = fs::read_to_string(&config).unwrap();
    for (key, more, why) in [
        ("ssh-ed25519 nonsense", &[][..], "--key is not a public key"),
        (user_ca(&stage).as_str(), &["--force"][..], "--force is not an option"),
        ("", &[], "say whom to trust"),
    ] {
        let refused = prepare(&stage, key, more);
        assert_eq!(refused.code, Some(2), "{refused:?}");
        assert!(refused.stderr.contains(why), "{refused:?}");
    }
    fs::write(&config, format!("Nonsense yes\n{before}")).unwrap();
    let faulty = prepare(&stage, &user_ca(&stage), &[]);
    assert!(faulty.code == Some(2) && faulty.stderr.contains("put that right first"), "{faulty:?}");
    fs::write(&config, &before).unwrap();
    assert!(!stage.web1.dir.path().join("curfew_ca.pub").exists());
    assert_eq!(fs::read_to_string(&config).unwrap(), before);
}

#[test]
fn the_ansible_role_prepares_a_target_and_checks_it() {
    if !Program::new("sh").args(["-c", "command -v ansible-playbook"]).run().text().contains('/') {
        eprintln!("skipped: ansible-core is not installed");
        return;
    }
    let stage = untrusting();
    let home = stage.alice.dir().join("ansible");
    fs::create_dir(&home).unwrap();
    let playbook = |more: &[&str]| {
        Program::new("ansible-playbook")
            .args(["-i", "localhost,", "-c", "local", "-e", "curfew_reload=false ansible_become=false"])
            .args(["-e", &format!("ansible_python_interpreter=/usr/bin/python3 curfew_user_ca='{}'", user_ca(&stage))])
            .args(["-e", &format!("curfew_sshd_config={}/sshd_config", stage.web1.dir.path().display())])
            .args(more)
            .arg(deploy().join("ansible/targets.yml"))
            .env("HOME", &home)
            .env("ANSIBLE_LOCAL_TEMP", &home)
            .env("ANSIBLE_REMOTE_TEMP", &home)
            .limit(std::time::Duration::from_secs(120))
            .run()
            .ok()
            .text()
    };
    assert!(playbook(&["--check"]).contains("changed=1"));
    assert_eq!(stage.on_web1("true").run().code, Some(255), "a check changed something");
    assert!(playbook(&[]).contains("changed=1"));
    assert_eq!(stage.alice.on(&web1(), "echo in").run().ok().text(), "in\n");
    assert!(playbook(&[]).contains("changed=0"));
}
