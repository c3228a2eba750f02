use super::*;

#[test]
fn a_key_is_made_once_and_only_its_owner_reads_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("seal");
    let made = SealKey::open(&path).unwrap().public();
    assert_eq!(SealKey::open(&path).unwrap().public(), made);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_key_that_others_may_read_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("seal");
    SealKey::open(&path).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    assert!(matches!(SealKey::open(&path), Err(KeyError::Exposed { mode: 0o640, .. })));
}

#[test]
fn something_else_is_not_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("seal");
    fs::write(&path, "hello").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    assert!(matches!(SealKey::open(&path), Err(KeyError::Malformed { .. })));
    assert_eq!(fs::read(&path).unwrap(), b"hello");
}

#[test]
fn a_public_key_comes_back_from_its_text() {
    let public = SealKey::ephemeral().unwrap().public();
    assert_eq!(format!("{public} of the gateway").parse::<PublicKey>().unwrap(), public);
    for bad in ["", "curfew-seal-ed25519", "curfew-seal-ed25519 AAAA", "ssh-ed25519 AAAA"] {
        assert!(bad.parse::<PublicKey>().is_err(), "{bad}");
    }
}

#[test]
fn the_secret_shows_nowhere() {
    let key = SealKey::ephemeral().unwrap();
    assert_eq!(format!("{key:?}"), format!("SealKey(\"{}\")", key.public().id()));
}
