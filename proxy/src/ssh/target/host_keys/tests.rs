use jiff::Timestamp;
use russh::keys::PrivateKey;
use russh::keys::ssh_key::certificate::Builder;
use russh::keys::ssh_key::private::Ed25519Keypair;

use super::*;

const NOW: u64 = 1_800_000_000;

fn key(seed: u8) -> PrivateKey {
    PrivateKey::from(Ed25519Keypair::from_seed(&[seed; 32]))
}

fn public(seed: u8) -> KeyData {
    key(seed).public_key().key_data().clone()
}

fn plain(seed: u8) -> PublicKeyOrCertificate {
    key(seed).public_key().clone().into()
}

fn host_keys(pinned: &[u8], cas: &[u8]) -> HostKeys {
    HostKeys {
        pinned: pinned.iter().map(|seed| public(*seed)).collect(),
        cas: cas.iter().map(|seed| public(*seed)).collect(),
        names: vec!["10.0.0.5".to_owned(), "web1".to_owned()],
        clock: Clock::manual(Timestamp::from_second(NOW as i64).unwrap()),
        proven: None,
    }
}

/// A certificate of key 9 for `web1`, valid an hour either way, with one thing changed.
fn certificate(ca: u8, change: impl FnOnce(&mut Builder)) -> Certificate {
    let mut builder = Builder::new([7; 16], public(9), NOW - 3600, NOW + 3600).unwrap();
    change(&mut builder);
    // What is set already stays.
    let _ = builder.cert_type(CertType::Host);
    builder.key_id("web1").unwrap();
    builder.sign(&key(ca)).unwrap()
}

fn web1(builder: &mut Builder) {
    builder.valid_principal("web1").unwrap();
}

#[track_caller]
fn refused(certificate: Certificate, why: &str) {
    let said = host_keys(&[], &[1]).check(&certificate.into()).unwrap_err();
    assert!(said.contains(why) && said.contains("SHA256:"), "{said}");
}

#[test]
fn a_pinned_key_is_taken_and_no_other() {
    for seed in [3, 4] {
        assert_eq!(host_keys(&[3, 4], &[]).check(&plain(seed)), Ok(()));
    }
    assert!(host_keys(&[3, 4], &[]).check(&plain(5)).unwrap_err().contains("not the configured one"));
    assert!(host_keys(&[], &[1]).check(&plain(9)).unwrap_err().contains("without a certificate"));
    assert!(host_keys(&[], &[1]).check(&plain(1)).is_err(), "the CA's own key is no host key");
}

#[test]
fn a_certificate_of_the_ca_for_the_name_or_the_address_is_taken() {
    for name in ["web1", "WEB1", "10.0.0.5"] {
        let certificate =
            certificate(1, |builder| _ = builder.valid_principal("x").unwrap().valid_principal(name).unwrap());
        assert_eq!(host_keys(&[], &[2, 1]).check(&certificate.into()), Ok(()), "{name}");
    }
    let of_pinned = certificate(8, web1);
    assert_eq!(host_keys(&[9], &[1]).check(&of_pinned.into()), Ok(()), "the key in it is pinned itself");
}

#[test]
fn another_certificate_is_refused_with_the_reason() {
    refused(certificate(2, web1), "not of the configured CA");
    refused(certificate(1, |builder| _ = builder.valid_principal("web2").unwrap()), "another host");
    refused(certificate(1, |builder| _ = builder.all_principals_valid().unwrap()), "another host");
    let user = certificate(1, |builder| {
        web1(builder);
        builder.cert_type(CertType::User).unwrap();
    });
    refused(user, "not for a host");
    let option = certificate(1, |builder| {
        web1(builder);
        builder.critical_option("x", "y").unwrap();
    });
    refused(option, "critical option");
    let bytes = certificate(1, |builder| _ = builder.valid_principal("web0").unwrap()).to_bytes().unwrap();
    let at = bytes.windows(4).rposition(|window| window == b"web0").unwrap();
    let changed = [&bytes[..at], b"web1", &bytes[at + 4..]].concat();
    refused(Certificate::from_bytes(&changed).unwrap(), "its CA's signature");
}

#[test]
fn a_certificate_is_taken_in_its_time_only() {
    for (seconds, taken) in [(3599, true), (3600, false)] {
        let mut keys = host_keys(&[], &[1]);
        keys.clock.advance(std::time::Duration::from_secs(seconds));
        assert_eq!(keys.check(&certificate(1, web1).into()).is_ok(), taken);
    }
    let mut early = host_keys(&[], &[1]);
    early.clock = Clock::manual(Timestamp::from_second(NOW as i64 - 3601).unwrap());
    assert!(early.check(&certificate(1, web1).into()).is_err());
}

#[test]
fn when_keys_are_renewed_it_is_the_same_key_or_none() {
    let mut keys = host_keys(&[3, 4], &[1]);
    assert_eq!(keys.check(&plain(3)), Ok(()));
    assert_eq!(keys.check(&plain(3)), Ok(()));
    assert!(keys.check(&plain(4)).unwrap_err().contains("another host key than at first"));
    assert!(keys.check(&certificate(1, web1).into()).is_err());
    // One that expired meanwhile is still of the same key.
    let mut keys = host_keys(&[], &[1]);
    assert_eq!(keys.check(&certificate(1, web1).into()), Ok(()));
    keys.clock.advance(std::time::Duration::from_secs(7200));
    assert_eq!(keys.check(&certificate(1, web1).into()), Ok(()));
}

#[test]
fn certificates_are_asked_for_only_where_a_ca_is_pinned_and_pinned_types_come_first() {
    assert!(host_keys(&[3], &[]).settings().preferred.host_key_certificates.is_empty());
    let certified = host_keys(&[], &[1]).settings().preferred;
    assert!(certified.host_key_certificates.contains(&Algorithm::Ed25519));
    assert!(!certified.host_key_certificates.contains(&Algorithm::Rsa { hash: None }));
    let rsa = concat!(
        "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQCaWLwfpxiAK358RHTmr58H3cH37RiW05GUFP1xgMjxbXKzJh7BB3P+49TacveOTD7oOElD55",
        "Y202mu8b4+ywaLoJAz6jLfvZGmbIsu2FiexE2oYMvCRSQH667A4F6cnK/tD8nlG08H2osq0mh3BUPBulYo+87tM5iszwc0sHcftJNmvD6t0666",
        "xwTxHZAQDQvdQxdDcVzxbysi0Nr3x1vo0bgox1bcCngtq9CzPihDt5sFR/yw6K/7ZtPmSgEt4dHb71Jqgdiro9yu+slWVLgbLY9S/+2ADHN2J5",
        "elTXgu3MmHOJlAtYZv04lmNNz80X0MbLuq98EjUxu1Hjhk3aYV",
    );
    let mut keys = host_keys(&[], &[]);
    keys.pinned = super::keys(&[rsa.to_owned()]);
    let order = keys.settings().preferred.key;
    assert_eq!(
        order[..2],
        [Algorithm::Rsa { hash: Some(HashAlg::Sha512) }, Algorithm::Rsa { hash: Some(HashAlg::Sha256) }]
    );
    assert_eq!(order[2], Algorithm::Ed25519);
    assert!(!order.contains(&Algorithm::Rsa { hash: None }));
}
