//! How targets prove themselves: one of several pinned keys, or a certificate of a pinned CA on the real sshd.

use std::path::Path;

use tempfile::TempDir;

use crate::support::ca::Ca;
use crate::support::keys::{self, KeyPair};
use crate::support::process::Running;
use crate::support::{Master, Program, SOON, Stage, Target, eventually_some, login};

/// A stage with a grant for `web2`, which is pinned by these lines of its section.
fn stage(web2: &Target, pinned: &str) -> Stage {
    let stage = Stage::with(|setup| {
        setup.policy +=
            &format!("\n[targets.web2]\naddress = \"{}\"\n{pinned}\nlabels = {{ env = \"prod\" }}\n", web2.address());
    });
    web2.trust(&stage.gateway.trust().user_ca);
    stage.alice.granted("web2", "admin", "1h");
    stage
}

/// Adds lines to sshd's configuration, which each connection reads.
fn configure(target: &Target, lines: &str) {
    let file = target.dir.path().join("sshd_config");
    let config = std::fs::read_to_string(&file).unwrap();
    // The first that names a value wins.
    std::fs::write(&file, format!("{lines}\n{config}")).unwrap();
}

/// Has the CA sign the host key with these options, and sshd show the certificate.
fn certify(ca: &Ca, target: &Target, options: &[&str]) {
    let certificate = ca.sign(&target.host_key, &[&["-I", "host"], options].concat());
    let file = target.dir.path().join("sshd_config");
    let config = std::fs::read_to_string(&file).unwrap();
    if !config.contains("HostCertificate") {
        configure(target, &format!("HostCertificate {}", certificate.display()));
    }
}

#[track_caller]
fn works(stage: &Stage) {
    assert_eq!(stage.alice.on("web2", "echo in").run().ok().text(), "in\n");
}

/// Refused with the reason, before anything is proven to the target.
#[track_caller]
fn refused(stage: &Stage, web2: &Target, why: &str) {
    let before = web2.log().len();
    let run = stage.alice.on("web2", "true").run().says(why).says("tell your security team");
    assert_ne!(run.code, Some(0), "{run:?}");
    let after = web2.log()[before..].to_owned();
    assert!(!after.contains("userauth-request") && !after.contains("Accepted"), "{after}");
}

#[test]
fn any_of_several_pinned_keys_is_taken() {
    let web2 = Target::start();
    let others: Vec<KeyPair> =
        ["ecdsa", "rsa"].iter().map(|kind| keys::generate(web2.dir.path(), &format!("host_{kind}"), kind)).collect();
    let pinned: Vec<String> = others.iter().map(KeyPair::bare).collect();
    let stage = stage(&web2, &format!("host_key = {pinned:?}"));
    // It shows the Ed25519 key alone, which is none of them.
    refused(&stage, &web2, "not the configured one");
    // Whichever it has besides, the pinned type is asked for.
    for other in &others {
        let file = web2.dir.path().join("sshd_config");
        let whole = std::fs::read_to_string(&file).unwrap();
        configure(&web2, &format!("HostKey {}", other.path.display()));
        works(&stage);
        std::fs::write(&file, whole).unwrap();
    }
}

#[test]
fn a_host_certificate_of_the_pinned_ca_is_taken_for_the_name_or_the_address() {
    let (ca, web2) = (Ca::new(), Target::start());
    let stage = stage(&web2, &format!("host_ca = {:?}", ca.key.public));
    refused(&stage, &web2, "without a certificate");
    for name in ["web2", "127.0.0.1", "x,web2"] {
        certify(&ca, &web2, &["-h", "-n", name, "-V", "-1m:+1h"]);
        works(&stage);
    }
    // Another key with a certificate of the same CA is the same target.
    web2.swap_host_key();
    refused(&stage, &web2, "without a certificate");
}

#[test]
fn other_host_certificates_are_refused() {
    let (ca, web2) = (Ca::new(), Target::start());
    let stage = stage(&web2, &format!("host_ca = [{:?}]", ca.key.public));
    for (options, why) in [
        (&["-h", "-n", "web1"][..], "another host"),
        (&["-h"], "another host"),
        (&["-h", "-n", "web2", "-V", "20200101:20200102"], "expired"),
        (&["-h", "-n", "web2", "-V", "+1h:+2h"], "not valid yet"),
    ] {
        certify(&ca, &web2, options);
        refused(&stage, &web2, why);
    }
    certify(&Ca::new(), &web2, &["-h", "-n", "web2"]);
    refused(&stage, &web2, "not of the configured CA");
    certify(&ca, &web2, &["-h", "-n", "web2"]);
    works(&stage);
}

#[test]
fn an_rsa_ca_signs_with_sha2_and_not_with_sha1() {
    let (ca, web2) = (Ca::of("rsa"), Target::start());
    let stage = stage(&web2, &format!("host_ca = {:?}", ca.key.public));
    certify(&ca, &web2, &["-h", "-n", "web2", "-t", "rsa-sha2-512"]);
    works(&stage);
    certify(&ca, &web2, &["-h", "-n", "web2", "-t", "ssh-rsa"]);
    refused(&stage, &web2, "SHA-1");
}

#[test]
fn without_a_pinned_ca_a_certificate_is_not_asked_for_and_with_both_either_will_do() {
    let (ca, web2) = (Ca::new(), Target::start());
    certify(&ca, &web2, &["-h", "-n", "web2"]);
    let bare = web2.host_key.bare();
    works(&stage(&web2, &format!("host_key = {bare:?}")));
    works(&stage(&web2, &format!("host_key = {bare:?}\nhost_ca = {:?}", Ca::new().key.public)));
    works(&stage(&web2, &format!("host_key = {:?}\nhost_ca = {:?}", ca.key.bare(), ca.key.public)));
}

#[test]
fn keys_are_renewed_under_a_certificate() {
    let (ca, web2) = (Ca::new(), Target::start());
    let stage = stage(&web2, &format!("host_ca = {:?}", ca.key.public));
    certify(&ca, &web2, &["-h", "-n", "web2"]);
    configure(&web2, "RekeyLimit 1M");
    let run = stage.alice.on(&format!("{}@web2", login()), "head -c 20000000 /dev/zero").limit(SOON * 2).run().ok();
    assert_eq!(run.stdout.len(), 20_000_000);
    let renewed = web2.log().matches("SSH2_MSG_NEWKEYS received").count();
    assert!(renewed > 5, "{renewed}");
}

/// A target that shows another key when keys are renewed, and a stage that has its first one pinned.
fn swapping() -> Option<(Running, TempDir, Stage)> {
    let python = |words: &[&str]| Program::new("/usr/bin/python3").args(["-W", "ignore"]).args(words);
    if !Path::new("/usr/bin/python3").exists() || python(&["-c", "import asyncssh"]).run().code != Some(0) {
        eprintln!("skipped: asyncssh is not installed; apt-get install python3-asyncssh");
        return None;
    }
    let dir = tempfile::tempdir().unwrap();
    let (first, second) =
        (keys::generate(dir.path(), "first", "ed25519"), keys::generate(dir.path(), "second", "ed25519"));
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/swapping_target.py");
    let target = python(&[script]).arg(&first.path).arg(&second.path).start();
    let port = eventually_some(SOON, "it says its port", || target.stdout.text().trim().parse::<u16>().ok());
    let stage = Stage::with(|setup| {
        setup.policy += &format!("\n[targets.web2]\naddress = \"127.0.0.1:{port}\"\nhost_key = \"{}\"\n", first.bare());
    });
    stage.alice.granted("web2", "admin", "1h");
    Some((target, dir, stage))
}

#[test]
fn a_target_that_swaps_its_key_when_keys_are_renewed_is_hung_up_on() {
    let Some((_target, _dir, stage)) = swapping() else { return };
    // Renewed under the same key, all of it comes.
    let run = stage.alice.on("web2", "stay").run().ok();
    assert_eq!(run.text(), "before\nafter\n");
    let run = stage.alice.on("web2", "swap").run().expect(255);
    assert_eq!(run.text(), "before\n", "{}", run.stderr);
    let line = run.stderr.lines().find(|line| line.starts_with("curfew: web2 shows another host key than at first"));
    assert!(line.is_some_and(|line| line.ends_with("tell your security team")), "{}", run.stderr);
    assert_eq!(stage.gateway.ended_session()["ended_why"], "unreachable");
}

#[test]
fn a_further_connection_that_meets_another_key_is_refused_and_spoils_nothing_that_runs() {
    let web2 = Target::start();
    let stage = stage(&web2, &format!("host_key = {:?}", web2.host_key.public));
    let master = Master::open(&stage.alice, &format!("{}@web2", login()));
    let mut running: Vec<_> = (0..8).map(|_| master.run("echo in; read line; exit 7").start()).collect();
    for run in &running {
        run.stdout.wait_for("in", SOON);
    }
    // The ninth channel takes a connection of its own.
    let other = keys::generate(web2.dir.path(), "other_host_key", "ed25519");
    let file = web2.dir.path().join("sshd_config");
    let config = std::fs::read_to_string(&file).unwrap();
    let (own, others) = (web2.host_key.path.display().to_string(), other.path.display().to_string());
    assert!(config.contains(&own), "{config}");
    std::fs::write(&file, config.replace(&own, &others)).unwrap();
    master.run("true").run().expect(255).says("shows a host key that is not the configured one");
    for run in &mut running {
        run.type_in("\n");
        let run = run.wait(SOON).expect(7);
        assert_eq!(run.stderr, "");
    }
}
