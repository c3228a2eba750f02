//! People who are known by a certificate of a trusted CA, made and revoked by the real ssh-keygen.

use crate::support::ca::Ca;
use crate::support::{Client, Gateway, Program, SOON, Stage, eventually};

/// What is trusted, and the list of what is revoked.
fn section(ca: &Ca) -> String {
    format!("[certificates]\ntrusted = [{:?}]\nrevoked = {:?}\n", ca.key.public, ca.dir().join("revoked.krl"))
}

/// A stage with Erin, on call, who has no key in the configuration and `principals = ["erin@corp"]`.
fn stage(ca: &Ca, erin: &Client) -> Stage {
    ca.revoke("");
    let stage = Stage::with(|setup| {
        setup.user("frank", &[], &["oncall"]);
        let erin = "[users.erin]\ngroups = [\"oncall\"]\nprincipals = [\"erin@corp\"]\n";
        setup.policy += &format!("\n{}\n{erin}", section(ca));
    });
    erin.meet(&stage.gateway);
    stage
}

#[track_caller]
fn is_refused(client: &Client) {
    let run = client.ask("whoami").expect(255).says("Permission denied");
    assert_eq!(run.stdout, b"");
}

#[test]
fn a_certificate_proves_the_user_of_its_principal() {
    let (ca, erin) = (Ca::new(), Client::new("erin"));
    let stage = stage(&ca, &erin);
    is_refused(&erin);
    ca.sign(&erin.key, &["-I", "erin's laptop", "-n", "erin@corp,unheard-of", "-z", "42", "-V", "-1m:+1h"]);
    assert_eq!(erin.json("whoami")["user"], "erin");
    erin.granted("web1", "admin", "10m");
    assert_eq!(erin.on("web1", "echo in").run().ok().text(), "in\n");
    let proof = "certificate `erin's laptop` serial 42 of CA SHA256:";
    let audit = stage.gateway.audit("session");
    assert!(audit.iter().any(|event| event["detail"].to_string().contains(proof)), "{audit:?}");
    // Without `principals`, the user's own name is one; and a typed name makes nobody somebody else.
    ca.sign(&erin.key, &["-I", "x", "-n", "frank", "-V", "-1m:+1h"]);
    assert_eq!(erin.ssh(&["alice@bastion", "whoami --json"]).run().ok().json()["user"], "frank");
    // The target's log names user, grant and session.
    assert!(stage.web1.log().contains("ID erin g1 s1 "), "{}", stage.web1.log());
}

#[test]
fn every_type_of_key_and_ca_is_taken_but_no_sha1() {
    for (ca, kind, signed) in
        [("ecdsa", "ecdsa", None), ("rsa", "rsa", Some("rsa-sha2-512")), ("rsa", "ed25519", Some("rsa-sha2-256"))]
    {
        let (ca, erin) = (Ca::of(ca), Client::with_key("erin", kind));
        let stage = stage(&ca, &erin);
        let options = ["-I", "x", "-n", "erin@corp"];
        let algorithm = signed.map_or(Vec::new(), |name| vec!["-t", name]);
        ca.sign(&erin.key, &[options.as_slice(), &algorithm].concat());
        assert_eq!(erin.json("whoami")["user"], "erin", "{kind}");
        if signed.is_some() {
            ca.sign(&erin.key, &[options.as_slice(), &["-t", "ssh-rsa"]].concat());
            is_refused(&erin);
            stage.gateway.log_has("is signed with SHA-1");
        }
    }
}

#[test]
fn what_a_certificate_does_not_say_it_does_not_prove() {
    let refused: [(&[&str], &str); 6] = [
        (&["-n", "erin@corp", "-V", "20200101:20200102"], "has expired"),
        (&["-n", "erin@corp", "-V", "+1h:+2h"], "is not valid yet"),
        (&["-n", "erin@corp", "-O", "force-command=true"], "force-command"),
        (&["-n", "erin@corp", "-O", "source-address=192.0.2.0/24"], "source-address"),
        (&["-n", "erin"], "has no principal of a user"),
        (&[], "has no principals"),
    ];
    let (ca, erin) = (Ca::new(), Client::new("erin"));
    for (options, why) in refused {
        // Each with a gateway of its own: the log tells the first refusal of a source, and then numbers.
        let stage = stage(&ca, &erin);
        ca.sign(&erin.key, &[&["-I", "erins"], options].concat());
        is_refused(&erin);
        stage.gateway.log_has(why);
        ca.sign(&erin.key, &["-I", "x", "-n", "erin@corp", "-O", "source-address=127.0.0.0/8,::1"]);
        erin.ask("whoami").ok();
    }
}

#[test]
fn another_ca_a_host_certificate_and_an_offer_prove_nobody() {
    let (ca, erin) = (Ca::new(), Client::new("erin"));
    let stage = stage(&ca, &erin);
    Ca::new().sign(&erin.key, &["-I", "x", "-n", "erin@corp"]);
    is_refused(&erin);
    ca.sign(&erin.key, &["-I", "x", "-h", "-n", "erin@corp"]);
    is_refused(&erin);
    // Dave has Erin's certificate, and her public key, but not the private one.
    let certificate = ca.sign(&erin.key, &["-I", "x", "-n", "erin@corp"]);
    erin.ask("whoami").ok();
    let stolen = stage.dave.dir().join("stolen");
    std::fs::write(stolen.with_extension("pub"), &erin.key.public).unwrap();
    std::fs::write(&stolen, &erin.key.public).unwrap();
    let identity = format!("IdentityFile={}", stolen.display());
    let certificate = format!("CertificateFile={}", certificate.display());
    let known = format!("UserKnownHostsFile={}", stage.gateway.known_hosts().display());
    let port = stage.gateway.address().port().to_string();
    let alone = Program::new("ssh")
        .args(["-F", "none", "-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none", "-o", "BatchMode=yes"])
        .args(["-o", &identity, "-o", &certificate, "-o", &known, "-p", &port, "erin@127.0.0.1", "whoami"]);
    assert_eq!(alone.run().expect(255).stdout, b"");
    let own = format!("IdentityFile={}", stage.dave.key.path.display());
    let words = ["-o", &identity, "-o", &certificate, "-o", &own, "bastion", "whoami --json"];
    assert_eq!(stage.dave.ssh(&words).run().ok().json()["user"], "dave");
}

#[test]
fn what_is_revoked_is_refused_from_the_next_reload_on() {
    let (ca, erin) = (Ca::new(), Client::new("erin"));
    let stage = stage(&ca, &erin);
    let certified = |serial: &str| {
        let all = ["-I", "erins", "-n", "erin@corp", "-z", serial];
        ca.sign(&erin.key, &all).display().to_string()
    };
    let fingerprint = Program::new("ssh-keygen").arg("-lf").arg(&erin.key.path).run().ok().text();
    let fingerprint = fingerprint.split(' ').nth(1).unwrap().to_owned();
    let certificate = certified("1005");
    for spec in [
        "serial: 1005".to_owned(),
        "serial: 1000-2000".to_owned(),
        "serial: 1001\nserial: 1003\nserial: 1005\nserial: 1007\nserial: 1010".to_owned(),
        "id: erins".to_owned(),
        format!("hash: {fingerprint}"),
        std::fs::read_to_string(&certificate).unwrap(),
        format!("sha1: {}", erin.key.public),
        format!("sha256: {}", erin.key.public),
        format!("key: {}", erin.key.public),
    ] {
        ca.revoke("serial: 7\nid: somebody else's");
        stage.gateway.reload();
        eventually(SOON, "erin is let in", || erin.ask("whoami").code == Some(0));
        ca.revoke(&spec);
        stage.gateway.reload();
        eventually(SOON, &format!("erin is refused: {spec}"), || erin.ask("whoami").code == Some(255));
    }
    // A plain key that the configuration names as well.
    stage.bob.ask("whoami").ok();
    std::fs::write(ca.dir().join("revoked.krl"), format!("# lost\n{}\n", stage.bob.key.public)).unwrap();
    stage.gateway.reload();
    eventually(SOON, "bob is refused", || stage.bob.ask("whoami").code == Some(255));
    erin.ask("whoami").ok();
}

#[test]
fn a_list_that_cannot_be_read_changes_nothing_and_says_why() {
    let (ca, erin) = (Ca::new(), Client::new("erin"));
    let stage = stage(&ca, &erin);
    ca.sign(&erin.key, &["-I", "erins", "-n", "erin@corp", "-z", "5"]);
    let list = ca.revoke("serial: 5");
    stage.gateway.reload();
    eventually(SOON, "erin is refused", || erin.ask("whoami").code == Some(255));
    let whole = std::fs::read(&list).unwrap();
    for (broken, why) in [
        (&whole[..whole.len() - 3], "is a damaged key revocation list"),
        (b"".as_slice(), "is empty"),
        (b"garbage", "has no public key in its line 1"),
    ] {
        std::fs::write(&list, broken).unwrap();
        stage.gateway.curfew(&["check"]).run().expect(2).says(why);
        stage.gateway.reload();
        stage.gateway.log_has(why);
        is_refused(&erin);
    }
    std::fs::remove_file(&list).unwrap();
    Gateway::bare(&["serve", "--config"]).arg(stage.gateway.config_path()).run().expect(2).says("cannot be read");
}

#[test]
fn a_connection_whose_certificate_is_revoked_leads_nowhere_new() {
    let (ca, erin) = (Ca::new(), Client::new("erin"));
    let stage = stage(&ca, &erin);
    ca.sign(&erin.key, &["-I", "erins", "-n", "erin@corp", "-z", "5"]);
    erin.granted("web1", "admin", "10m");
    let socket = erin.dir().join("outer").display().to_string();
    let _outer = erin.ssh(&["-N", "-M", "-S", &socket, "bastion"]).start();
    let through = || erin.ssh(&["-S", &socket, "-W", "web1:22", "bastion"]).input("bye\r\n").run();
    eventually(SOON, "the master is ready, and leads to web1", || through().text().contains("SSH-2.0-Curfew"));
    ca.revoke("serial: 5");
    stage.gateway.reload();
    eventually(SOON, "it leads nowhere", || through().stdout.is_empty());
}

#[test]
fn a_session_goes_on_when_its_certificate_expires() {
    let (ca, erin) = (Ca::new(), Client::new("erin"));
    let stage = stage(&ca, &erin);
    ca.sign(&erin.key, &["-I", "x", "-n", "erin@corp", "-V", "-1m:+6s"]);
    erin.granted("web1", "admin", "10m");
    let mut ssh = erin.on("web1", "cat").start();
    ssh.type_in("before\n");
    ssh.stdout.wait_for("before", SOON);
    eventually(SOON, "the certificate is refused", || erin.ask("whoami").code == Some(255));
    ssh.type_in("after\n");
    ssh.stdout.wait_for("after", SOON);
    stage.gateway.log_has("has expired");
}
