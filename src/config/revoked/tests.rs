use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use russh::keys::PrivateKey;
use russh::keys::ssh_key::certificate::{Builder, CertType};
use russh::keys::ssh_key::private::Ed25519Keypair;
use ssh_key::Certificate;
use ssh_key::public::KeyData;

use super::list::blob;
use super::*;

fn key(seed: u8) -> PrivateKey {
    PrivateKey::from(Ed25519Keypair::from_seed(&[seed; 32]))
}

fn public(seed: u8) -> KeyData {
    key(seed).public_key().key_data().clone()
}

fn certificate(ca: u8, serial: u64, id: &str) -> Certificate {
    let mut builder = Builder::new([7; 16], public(9), 1, 2).unwrap();
    builder.cert_type(CertType::User).unwrap().serial(serial).unwrap().key_id(id).unwrap();
    builder.valid_principal("alice").unwrap();
    builder.sign(&key(ca)).unwrap()
}

fn string(bytes: &[u8]) -> Vec<u8> {
    [&u32::try_from(bytes.len()).unwrap().to_be_bytes(), bytes].concat()
}

fn section(kind: u8, data: &[u8]) -> Vec<u8> {
    [&[kind], string(data).as_slice()].concat()
}

fn list(sections: &[Vec<u8>]) -> Vec<u8> {
    let head = [krl::MAGIC, &1u32.to_be_bytes(), &[0; 24], &string(b""), &string(b"a comment")].concat();
    [head, sections.concat()].concat()
}

fn of_ca(ca: Option<u8>, parts: &[Vec<u8>]) -> Vec<u8> {
    let ca = ca.map(|seed| blob(&public(seed)).unwrap()).unwrap_or_default();
    section(1, &[string(&ca), string(b""), parts.concat()].concat())
}

fn parsed(sections: &[Vec<u8>]) -> Revoked {
    Revoked::parse(&list(sections)).unwrap()
}

#[test]
fn keys_are_revoked_by_themselves_and_by_fingerprint() {
    let blob = |seed| blob(&public(seed)).unwrap();
    let list = parsed(&[
        section(2, &[string(&blob(1)), string(&blob(2))].concat()),
        section(3, &string(digest(&SHA1_FOR_LEGACY_USE_ONLY, &blob(3)).as_ref())),
        section(5, &string(digest(&SHA256, &blob(4)).as_ref())),
    ]);
    assert!((1..=4).all(|seed| list.has_key(&public(seed))) && !list.has_key(&public(5)));
    assert!(list.has_certificate(&certificate(3, 1, "x")), "the key of the CA");
    assert!(!list.has_certificate(&certificate(5, 1, "x")));
}

#[test]
fn certificates_are_revoked_by_serial_and_key_id_for_their_ca_only() {
    let list = parsed(&[of_ca(
        Some(1),
        &[
            section(0x20, &[5u64.to_be_bytes(), 7u64.to_be_bytes()].concat()),
            section(0x21, &[100u64.to_be_bytes(), 200u64.to_be_bytes()].concat()),
            // Bits 0, 9 and 15 from serial 1000 on.
            section(0x22, &[&1000u64.to_be_bytes()[..], &string(&[0, 0x82, 0x01])].concat()),
            section(0x23, &[string(b"mallory"), string(b"eve")].concat()),
        ],
    )]);
    for serial in [5, 7, 100, 150, 200, 1000, 1009, 1015] {
        assert!(list.has_certificate(&certificate(1, serial, "x")), "{serial}");
        assert!(!list.has_certificate(&certificate(2, serial, "x")), "{serial} of another CA");
    }
    for serial in [0, 4, 6, 8, 99, 201, 999, 1001, 1008, 1010, 1014, 1016, u64::MAX] {
        assert!(!list.has_certificate(&certificate(1, serial, "x")), "{serial}");
    }
    assert!(list.has_certificate(&certificate(1, 0, "eve")) && !list.has_certificate(&certificate(2, 0, "eve")));
    assert!(!list.has_key(&public(9)), "the key of a revoked certificate is another matter");
}

#[test]
fn a_section_without_a_ca_is_for_every_ca() {
    let list = parsed(&[of_ca(None, &[section(0x23, &string(b"eve"))])]);
    assert!(list.has_certificate(&certificate(1, 1, "eve")) && list.has_certificate(&certificate(2, 1, "eve")));
}

#[test]
fn serial_zero_is_no_number() {
    let everything = [0u64.to_be_bytes(), u64::MAX.to_be_bytes()].concat();
    let list = parsed(&[of_ca(Some(1), &[section(0x21, &everything)])]);
    assert!(!list.has_certificate(&certificate(1, 0, "x")) && list.has_certificate(&certificate(1, u64::MAX, "x")));
}

#[test]
fn what_is_not_critical_is_passed_over_and_what_is_refuses_the_list() {
    let extension = |critical: u8| [string(b"x@y"), vec![critical], string(b"")].concat();
    assert_eq!(parsed(&[section(255, &extension(0)), section(4, b"key"), string(b"signature")]), Revoked::default());
    assert!(parsed(&[of_ca(Some(1), &[section(0x39, &extension(0))])]).certificates.contains_key(&blob(&public(1))));
    for bad in [section(255, &extension(1)), of_ca(None, &[section(0x39, &extension(1))])] {
        assert!(Revoked::parse(&list(&[bad])).unwrap_err().contains("critical extension"));
    }
}

#[test]
fn a_damaged_list_is_none() {
    let two = [2u64.to_be_bytes(), 1u64.to_be_bytes()].concat();
    for bad in [
        section(9, b""),
        section(3, &string(&[0; 32])),
        section(5, &string(&[0; 20])),
        section(2, &string(b"")),
        section(2, &[0, 0, 0, 9, 1]),
        of_ca(None, &[section(0x20, &[0; 7])]),
        of_ca(None, &[section(0x21, &two)]),
        of_ca(None, &[section(0x21, &[0; 17])]),
        of_ca(None, &[section(0x22, &[&[0; 8][..], &string(&[0x80])].concat())]),
        of_ca(None, &[section(0x24, b"")]),
        vec![2],
        vec![2, 255, 255, 255, 255],
    ] {
        let said = Revoked::parse(&list(std::slice::from_ref(&bad))).unwrap_err();
        assert!(said.starts_with("is a damaged key revocation list"), "{said}: {bad:?}");
    }
    let mut other = list(&[]);
    other[11] = 2;
    assert!(Revoked::parse(&other).unwrap_err().contains("version"));
}

#[test]
fn a_list_that_was_cut_short_is_none() {
    let blob = blob(&public(1)).unwrap();
    let whole = list(&[of_ca(Some(1), &[section(0x20, &[1; 16])]), section(2, &string(&blob))]);
    let head = list(&[]).len();
    let first = list(&[of_ca(Some(1), &[section(0x20, &[1; 16])])]).len();
    for length in 0..whole.len() {
        // Only between two sections nothing shows that there was more.
        let fits = length == head || length == first;
        assert_eq!(Revoked::parse(&whole[..length]).is_ok(), fits, "{length}");
    }
}

#[test]
fn a_text_file_has_a_key_on_each_line() {
    let line = |seed| key(seed).public_key().to_openssh().unwrap();
    let list =
        Revoked::parse(format!("# left in May\n\n{} eve@laptop\r\n  {}\n", line(1), line(2)).as_bytes()).unwrap();
    assert!(list.has_key(&public(1)) && list.has_key(&public(2)) && !list.has_key(&public(3)));
    for (bad, why) in [
        ("", "is empty"),
        ("\n# x\nssh-ed25519 AAAA\n", "has no public key in its line 3"),
        ("SHA256:x", "has no public key in its line 1"),
        ("from=\"*\" ssh-ed25519 AAAA", "has no public key in its line 1"),
    ] {
        assert!(Revoked::parse(bad.as_bytes()).unwrap_err().starts_with(why), "{bad}");
    }
    assert!(Revoked::parse(b"\xff\xfe").unwrap_err().contains("neither"));
}

#[test]
fn what_cannot_be_read_is_said_to() {
    let folder = tempfile::tempdir().unwrap();
    assert!(Revoked::read(folder.path()).unwrap_err().contains("not a file"));
    let file = folder.path().join("list");
    assert!(Revoked::read(&file).unwrap_err().contains("cannot be read"));
    File::create(&file).unwrap().set_len(LONGEST + 1).unwrap();
    assert_eq!(Revoked::read(&file).unwrap_err(), "is longer than 16 MiB");
}
