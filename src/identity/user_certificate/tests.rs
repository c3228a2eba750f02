use std::net::Ipv4Addr;
use std::path::Path;

use russh::keys::PrivateKey;
use russh::keys::ssh_key::certificate::Builder;
use russh::keys::ssh_key::private::Ed25519Keypair;

use super::*;

const NOW: u64 = 1_800_000_000;
const HERE: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 1, 2, 3));

fn key(seed: u8) -> PrivateKey {
    PrivateKey::from(Ed25519Keypair::from_seed(&[seed; 32]))
}

fn line(seed: u8) -> String {
    key(seed).public_key().to_openssh().unwrap()
}

/// Alice and Bob without keys; Bob has principals of his own. CA 1 is trusted.
fn config(more: &str) -> Config {
    let text = format!(
        "[gateway]\nstate_dir = \"s\"\n[ssh]\nlisten = \"127.0.0.1:0\"\n[certificates]\ntrusted = [\"{}\"]\n{more}\n\
         [users.alice]\n[users.bob]\nprincipals = [\"bob@corp\", \"robert\"]\n",
        line(1)
    );
    Config::parse(&text, Path::new("/etc/curfew/curfew.toml")).unwrap().config
}

/// A certificate of key 9 for Alice, valid an hour either way, with one thing changed.
fn made(ca: u8, change: impl FnOnce(&mut Builder)) -> Certificate {
    let mut builder = Builder::new([7; 16], key(9).public_key().key_data().clone(), NOW - 3600, NOW + 3600).unwrap();
    change(&mut builder);
    // What is set already stays.
    let _ = builder.cert_type(CertType::User);
    let _ = builder.key_id("alice's");
    builder.serial(5).unwrap();
    builder.sign(&key(ca)).unwrap()
}

fn alice(builder: &mut Builder) {
    builder.valid_principal("alice").unwrap();
}

fn judged(certificate: &Certificate) -> Result<Identity, String> {
    judge(certificate, &config(""), HERE, Timestamp::from_second(NOW as i64).unwrap())
}

#[track_caller]
fn refused(certificate: &Certificate, why: &str) {
    let said = judged(certificate).unwrap_err();
    assert!(said.contains(why), "{said}");
}

#[test]
fn a_certificate_of_a_trusted_ca_proves_whose_principal_it_names() {
    let proven = judged(&made(1, alice)).unwrap();
    assert_eq!(proven.user, "alice");
    let ca = key(1).public_key().fingerprint(HashAlg::Sha256);
    assert_eq!(proven.proof.to_string(), format!("certificate `alice's` serial 5 of CA {ca}"));
    let with =
        |names: &[&str]| made(1, |builder| names.iter().for_each(|name| _ = builder.valid_principal(*name).unwrap()));
    assert_eq!(judged(&with(&["unheard-of", "bob@corp", "robert"])).unwrap().user, "bob");
    refused(&with(&["unheard-of", "Alice", "alice "]), "no principal of a user");
    // With `principals` the name itself is none.
    refused(&with(&["bob"]), "no principal of a user");
    refused(&with(&["alice", "robert"]), "several users");
}

#[test]
fn a_certificate_without_principals_is_nobodys() {
    let everybodys = made(1, |builder| _ = builder.all_principals_valid().unwrap());
    refused(&everybodys, "no principals");
}

#[test]
fn another_ca_and_a_host_certificate_prove_nobody() {
    let other = made(2, alice);
    refused(&other, "not of a trusted CA");
    let host = made(1, |builder| {
        builder.cert_type(CertType::Host).unwrap();
        alice(builder);
    });
    refused(&host, "not for a user");
    let certificates = config("").certificates;
    assert!(!is_worth_a_look(&other, &certificates) && !is_worth_a_look(&host, &certificates));
    assert!(is_worth_a_look(&made(1, alice), &certificates));
    assert!(!is_worth_a_look(&made(1, alice), &Certificates::default()));
}

#[test]
fn a_certificate_is_valid_from_its_first_second_to_before_its_last() {
    let (certificate, config) = (made(1, alice), config(""));
    let at = |second: u64| judge(&certificate, &config, HERE, Timestamp::from_second(second as i64).unwrap());
    assert!(at(NOW - 3601).unwrap_err().contains("not valid yet"));
    assert!(at(NOW - 3600).is_ok() && at(NOW + 3599).is_ok());
    assert!(at(NOW + 3600).unwrap_err().contains("expired"));
    assert!(judge(&certificate, &config, HERE, Timestamp::from_second(-5).unwrap()).is_err());
}

#[test]
fn a_changed_certificate_has_no_signature() {
    let bytes = made(1, |builder| _ = builder.valid_principal("alicf").unwrap()).to_bytes().unwrap();
    let at = bytes.windows(5).position(|window| window == b"alicf").unwrap();
    let changed = [&bytes[..at], b"alice", &bytes[at + 5..]].concat();
    refused(&Certificate::from_bytes(&changed).unwrap(), "its CA's signature");
}

#[test]
fn an_option_that_is_critical_and_not_known_refuses() {
    for option in ["force-command", "verify-required", "x\u{1b}[31m"] {
        let certificate = made(1, |builder| {
            alice(builder);
            builder.critical_option(option, "x").unwrap();
        });
        refused(&certificate, "which is not supported");
        assert!(!judged(&certificate).unwrap_err().contains('\u{1b}'));
    }
    let extended = made(1, |builder| {
        alice(builder);
        builder.extension("permit-pty", "").unwrap().extension("of@corp", "x").unwrap();
    });
    assert!(judged(&extended).is_ok());
}

#[test]
fn a_source_address_is_kept_to() {
    let from = |networks: &str, address: &str| {
        let certificate = made(1, |builder| {
            alice(builder);
            builder.critical_option("source-address", networks).unwrap();
        });
        judge(&certificate, &config(""), address.parse().unwrap(), Timestamp::from_second(NOW as i64).unwrap()).is_ok()
    };
    assert!(from("10.0.0.0/8", "10.1.2.3") && !from("10.0.0.0/8", "11.1.2.3"));
    assert!(from("10.0.0.0/8", "::ffff:10.1.2.3") && !from("10.0.0.0/8", "::a01:203"));
    assert!(from("192.0.2.1,2001:db8::/32", "2001:db8::5") && from("192.0.2.1,2001:db8::/32", "192.0.2.1"));
    assert!(!from("192.0.2.1", "192.0.2.2") && !from("2001:db8::/32", "2001:db9::5"));
    assert!(from("0.0.0.0/0", "192.0.2.1") && !from("0.0.0.0/0", "::1") && from("::/0", "::1"));
    // What is no list of networks lets nobody in, even when a part of it fits.
    for networks in
        ["", "10.1.2.3,", "10.1.2.3,x", "10.1.2.3/8", "10.1.2.3/33", "10.1.2.3/+32", "!10.0.0.1", "*", " 10.1.2.3"]
    {
        assert!(!from(networks, "10.1.2.3"), "{networks}");
    }
}

#[test]
fn a_key_id_is_written_down_as_data_and_not_at_length() {
    let certificate = made(1, |builder| {
        alice(builder);
        builder.key_id(format!("\u{1b}[2J{}", "x".repeat(5000))).unwrap();
    });
    let proof = judged(&certificate).unwrap().proof.to_string();
    assert!(!proof.contains('\u{1b}') && proof.len() < 300, "{proof}");
}

#[test]
fn a_revoked_ca_key_or_certificate_proves_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("revoked");
    let certificate = made(1, alice);
    for (revoked, refused) in [(line(1), true), (line(9), true), (line(3), false)] {
        std::fs::write(&file, revoked).unwrap();
        let config = config(&format!("revoked = {:?}", file.display().to_string()));
        let said = judge(&certificate, &config, HERE, Timestamp::from_second(NOW as i64).unwrap());
        assert_eq!(said.is_err_and(|why| why.contains("is revoked")), refused);
    }
}
