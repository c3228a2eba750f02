//! What is looked up on disk: the file itself, and private keys for targets.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use curfew_policy::target::TargetAuth;
use ssh_key::LineEnding;
use ssh_key::private::{Ed25519Keypair, Ed25519PrivateKey, PrivateKey};
use ssh_key::public::Ed25519PublicKey;

use super::super::Config;
use super::{said, with};

/// The key of RFC 8032's first example, which the whole world has.
fn private_key() -> String {
    let private = [
        0x9d, 0x61, 0xb1, 0x9d, 0xef, 0xfd, 0x5a, 0x60, 0xba, 0x84, 0x4a, 0xf4, 0x92, 0xec, 0x2c, 0xc4, 0x44, 0x49,
        0xc5, 0x69, 0x7b, 0x32, 0x69, 0x19, 0x70, 0x3b, 0xac, 0x03, 0x1c, 0xae, 0x7f, 0x60,
    ];
    let public = [
        0xd7, 0x5a, 0x98, 0x01, 0x82, 0xb1, 0x0a, 0xb7, 0xd5, 0x4b, 0xfe, 0xd3, 0xc9, 0x64, 0x07, 0x3a, 0x0e, 0xe1,
        0x72, 0xf3, 0xda, 0xa6, 0x23, 0x25, 0xaf, 0x02, 0x1a, 0x68, 0xf7, 0x07, 0x51, 0x1a,
    ];
    let pair = Ed25519Keypair { public: Ed25519PublicKey(public), private: Ed25519PrivateKey::from_bytes(&private) };
    PrivateKey::from(pair).to_openssh(LineEnding::LF).unwrap().to_string()
}

fn write(path: &Path, text: &str, mode: u32) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn with_key_file() -> String {
    with(
        "labels = { env = \"prod\", tier = \"web\" }",
        "labels = { env = \"prod\" }\nauth = { key_file = \"keys/web1\" }",
    )
}

#[test]
fn a_file_that_cannot_be_read_is_one_fault() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("curfew.toml");
    let faults = Config::load(&file).unwrap_err();
    let expected = format!("{}: cannot be read: No such file or directory (os error 2)", file.display());
    assert_eq!(faults.to_string(), expected);
    fs::write(&file, b"ssh = \"\xff\"").unwrap();
    assert!(Config::load(&file).unwrap_err().to_string().ends_with("stream did not contain valid UTF-8"));
}

#[test]
fn a_file_that_anybody_may_write_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("curfew.toml");
    write(&file, &super::sample(), 0o646);
    let warnings = Config::load(&file).unwrap().warnings;
    let expected = format!("{}: anybody may write to it, and so let themselves in; chmod o-w it", file.display());
    assert_eq!(warnings.iter().map(ToString::to_string).collect::<Vec<_>>(), [expected]);
}

#[test]
fn a_private_key_is_found_beside_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("curfew.toml");
    let key = folder.path().join("keys/web1");
    write(&file, &with_key_file(), 0o644);
    write(&key, &private_key(), 0o600);
    let config = Config::load(&file).unwrap_or_else(|faults| panic!("{faults}")).config;
    assert_eq!(config.targets["web1"].auth, TargetAuth::KeyFile(key));
    assert!(!format!("{config:?}").contains("PRIVATE KEY"));
}

#[test]
fn a_private_key_that_cannot_be_used_is_a_fault() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("curfew.toml");
    let key = folder.path().join("keys/web1");
    write(&file, &with_key_file(), 0o644);
    let fault = || said(&Config::load(&file).unwrap_err().0).join("\n");
    let start = format!("29: key_file {}: ", key.display());
    assert_eq!(fault(), format!("{start}cannot be read: No such file or directory (os error 2)"));
    for mode in [0o640, 0o604, 0o660, 0o601] {
        write(&key, &private_key(), mode);
        assert_eq!(fault(), format!("{start}others may read it (mode {mode:o}); chmod 600 it"));
    }
    write(&key, super::keys::ENCRYPTED, 0o600);
    assert_eq!(fault(), format!("{start}has a passphrase; take it away with ssh-keygen -p"));
    write(&key, super::keys::ALICE, 0o600);
    let older = "is not an OpenSSH private key; ssh-keygen -p -f FILE makes one of an older form";
    assert_eq!(fault(), format!("{start}{older}"));
    fs::remove_file(&key).unwrap();
    fs::create_dir(&key).unwrap();
    assert_eq!(fault(), format!("{start}is not a file"));
}
