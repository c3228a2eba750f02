//! The keys of the gateway, in `state_dir`: made at the first start, read at every other.
//!
//! | file | what it proves |
//! | --- | --- |
//! | `host_key` | the bastion to its clients |
//! | `host_ca` | the names of targets, and the bastion's, to clients that trust it (`@cert-authority`) |
//! | `user_ca` | a session to its target (`TrustedUserCAKeys`) |
//! | `seal_key` | recordings and the audit log to whoever verifies them |
//!
//! All but the last are read again at SIGHUP, and so can be replaced. While people and targets change over, `FILE.next` is
//! the key that comes and `FILE.old` the one that was: neither does anything here, but `curfew ca` names them, so that all
//! are trusted side by side.

use std::path::Path;

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use curfew_recorder::SealKey;
use ssh_key::private::Ed25519Keypair;
use ssh_key::{LineEnding, PrivateKey, PublicKey};

use crate::config;
use crate::files::private::{self, NotPrivate};

/// The file of the key that seals recordings and signs the audit log.
pub const SEAL_KEY_FILE: &str = "seal_key";

/// A key that cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// A file cannot be used.
    #[error(transparent)]
    File(#[from] NotPrivate),
    /// The key of the seals cannot be used.
    #[error(transparent)]
    Seal(#[from] curfew_recorder::KeyError),
    /// A file holds something else.
    #[error("{file} in the state folder is not a key ({why}); put the right one back, or move it away for a new one")]
    Malformed {
        /// Which.
        file: &'static str,
        /// What is wrong.
        why: String,
    },
    /// The system gives no random numbers.
    #[error("the system gives no random numbers")]
    NoRandomness,
}

/// The keys of the gateway.
#[derive(Debug)]
pub struct GatewayKeys {
    /// What SSH is spoken with.
    pub keys: SshKeys,
    /// Seals recordings.
    pub seal: SealKey,
    /// Signs the audit log: the same key as `seal`, for other statements.
    pub audit: Ed25519KeyPair,
}

impl GatewayKeys {
    /// Reads the keys in `state_dir`, and makes those that are not there.
    ///
    /// # Errors
    /// When one cannot be read or made, is open to others, or is no key.
    pub fn open(state_dir: &Path) -> Result<Self, KeysError> {
        private::folder(state_dir)?;
        let seal_file = state_dir.join(SEAL_KEY_FILE);
        let seal = SealKey::open(&seal_file)?;
        Ok(Self { keys: SshKeys::open(state_dir)?, audit: signing_key(&seal_file)?, seal })
    }

    /// What others need of them.
    #[must_use]
    pub fn public(&self) -> PublicParts {
        PublicParts {
            host_key: self.keys.host_key.public_key().clone(),
            host_ca: self.keys.host_ca.public_key().clone(),
            user_ca: self.keys.user_ca.public_key().clone(),
            beside: self.keys.beside.clone(),
            seal: self.seal.public(),
        }
    }
}

/// The keys that SSH is spoken with: those that can be replaced while the gateway runs.
#[derive(Debug)]
pub struct SshKeys {
    /// Proves the bastion to its clients.
    pub host_key: PrivateKey,
    /// Certifies host keys.
    pub host_ca: PrivateKey,
    /// Certifies sessions to their targets.
    pub user_ca: PrivateKey,
    /// Keys that come or were, to be trusted beside these.
    pub beside: Beside,
}

/// The public halves of `FILE.next` and `FILE.old`.
#[derive(Debug, Clone, Default)]
pub struct Beside {
    /// Beside `host_key`.
    pub host_key: Vec<PublicKey>,
    /// Beside `host_ca`.
    pub host_ca: Vec<PublicKey>,
    /// Beside `user_ca`.
    pub user_ca: Vec<PublicKey>,
}

impl SshKeys {
    /// Reads the keys in `state_dir`, and makes those that are not there.
    ///
    /// # Errors
    /// As [`GatewayKeys::open`].
    pub fn open(state_dir: &Path) -> Result<Self, KeysError> {
        let beside = Beside {
            host_key: beside(state_dir, ["host_key.next", "host_key.old"])?,
            host_ca: beside(state_dir, ["host_ca.next", "host_ca.old"])?,
            user_ca: beside(state_dir, ["user_ca.next", "user_ca.old"])?,
        };
        Ok(Self {
            host_key: ssh_key_in(state_dir, "host_key", "curfew")?,
            host_ca: ssh_key_in(state_dir, "host_ca", "curfew host CA")?,
            user_ca: ssh_key_in(state_dir, "user_ca", "curfew user CA")?,
            beside,
        })
    }
}

/// What clients, targets and auditors need of the gateway's keys.
#[derive(Debug, Clone)]
pub struct PublicParts {
    /// The bastion's plain host key.
    pub host_key: PublicKey,
    /// For clients: `@cert-authority * …` in `known_hosts`.
    pub host_ca: PublicKey,
    /// For targets: a file that `TrustedUserCAKeys` names.
    pub user_ca: PublicKey,
    /// The same of keys that come or were.
    pub beside: Beside,
    /// For `curfew verify --key`.
    pub seal: curfew_recorder::PublicKey,
}

/// The bytes of a public seal key (Ed25519, 32 bytes), as the audit log is verified with.
#[must_use]
pub fn seal_bytes(key: &curfew_recorder::PublicKey) -> Vec<u8> {
    // Its text form is a word, and the bytes in base64.
    let text = key.to_string();
    text.split_whitespace().nth(1).and_then(|encoded| STANDARD.decode(encoded).ok()).unwrap_or_default()
}

fn ssh_key_in(state_dir: &Path, file: &'static str, comment: &str) -> Result<PrivateKey, KeysError> {
    let text = private::read_or_create(&state_dir.join(file), || new_ssh_key(file, comment))?;
    usable(&text, file)
}

/// The public halves of those of these files that are there.
fn beside(state_dir: &Path, files: [&'static str; 2]) -> Result<Vec<PublicKey>, KeysError> {
    let mut keys = Vec::new();
    for file in files {
        let path = state_dir.join(file);
        if path.try_exists().map_err(NotPrivate::io(&path))? {
            private::file(&path)?;
            let text = std::fs::read(&path).map_err(NotPrivate::io(&path))?;
            keys.push(usable(&text, file)?.public_key().clone());
        }
    }
    Ok(keys)
}

/// A key that can sign. Operators put their own there, too.
fn usable(text: &[u8], file: &'static str) -> Result<PrivateKey, KeysError> {
    let key = PrivateKey::from_openssh(text).map_err(malformed(file))?;
    if key.is_encrypted() {
        return Err(malformed(file)("it has a passphrase"));
    }
    config::key::sound(key.public_key().key_data()).map_err(malformed(file))?;
    Ok(key)
}

fn new_ssh_key(file: &'static str, comment: &str) -> Result<Vec<u8>, KeysError> {
    let mut bytes = [0; Ed25519Keypair::BYTE_SIZE];
    let (seed, public) = bytes.split_at_mut(32);
    SystemRandom::new().fill(seed).map_err(|_| KeysError::NoRandomness)?;
    let pair = Ed25519KeyPair::from_seed_unchecked(seed).map_err(malformed(file))?;
    public.copy_from_slice(pair.public_key().as_ref());
    let mut key = PrivateKey::from(Ed25519Keypair::from_bytes(&bytes).map_err(malformed(file))?);
    key.set_comment(comment);
    Ok(key.to_openssh(LineEnding::LF).map_err(malformed(file))?.as_bytes().to_vec())
}

/// The seal key as the cryptography library's own type: PKCS#8 (RFC 5958) in PEM, as [`SealKey`] keeps it.
fn signing_key(file: &Path) -> Result<Ed25519KeyPair, KeysError> {
    let text = std::fs::read_to_string(file).map_err(NotPrivate::io(file))?;
    let encoded: String = text.lines().filter(|line| !line.starts_with("-----")).collect();
    let pkcs8 = STANDARD.decode(encoded).map_err(malformed(SEAL_KEY_FILE))?;
    Ed25519KeyPair::from_pkcs8_maybe_unchecked(&pkcs8).map_err(malformed(SEAL_KEY_FILE))
}

fn malformed<E: std::fmt::Display>(file: &'static str) -> impl FnOnce(E) -> KeysError {
    move |why| KeysError::Malformed { file, why: why.to_string() }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn keys_are_made_once_and_kept_private() {
        let dir = tempfile::tempdir().unwrap();
        let state = dir.path().join("state");
        let (first, second) = (GatewayKeys::open(&state).unwrap(), GatewayKeys::open(&state).unwrap());
        let (first, second) = (first.keys, second.keys);
        assert_eq!(first.host_key, second.host_key);
        assert_eq!(first.user_ca, second.user_ca);
        assert_ne!(first.user_ca, first.host_ca);
        assert_eq!(state.metadata().unwrap().permissions().mode() & 0o777, 0o700);
        for entry in std::fs::read_dir(&state).unwrap() {
            let entry = entry.unwrap();
            assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{entry:?}");
        }
    }

    #[test]
    fn the_audit_log_is_signed_with_the_key_of_the_seals() {
        let dir = tempfile::tempdir().unwrap();
        let secrets = GatewayKeys::open(dir.path()).unwrap();
        assert_eq!(seal_bytes(&secrets.public().seal), secrets.audit.public_key().as_ref());
    }

    #[test]
    fn a_key_that_others_may_read_stops_the_start() {
        for file in ["host_key", "user_ca", "host_ca", SEAL_KEY_FILE] {
            let dir = tempfile::tempdir().unwrap();
            GatewayKeys::open(dir.path()).unwrap();
            let path = dir.path().join(file);
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
            let said = GatewayKeys::open(dir.path()).unwrap_err().to_string();
            assert!(said.contains(file) && said.contains("chmod 600"), "{said}");
        }
    }

    #[test]
    fn a_key_that_was_moved_away_is_made_anew_and_told_beside_the_new_one() {
        let dir = tempfile::tempdir().unwrap();
        let first = SshKeys::open(dir.path()).unwrap();
        assert!(first.beside.user_ca.is_empty());
        std::fs::rename(dir.path().join("user_ca"), dir.path().join("user_ca.old")).unwrap();
        let second = SshKeys::open(dir.path()).unwrap();
        assert_ne!(first.user_ca, second.user_ca);
        assert_eq!(first.host_ca, second.host_ca);
        assert_eq!(second.beside.user_ca, [first.user_ca.public_key().clone()]);
        std::fs::copy(dir.path().join("host_ca"), dir.path().join("user_ca.next")).unwrap();
        let third = SshKeys::open(dir.path()).unwrap();
        assert_eq!(third.beside.user_ca, [first.host_ca.public_key().clone(), first.user_ca.public_key().clone()]);
        std::fs::set_permissions(dir.path().join("user_ca.old"), std::fs::Permissions::from_mode(0o640)).unwrap();
        assert!(SshKeys::open(dir.path()).unwrap_err().to_string().contains("chmod 600"));
    }

    #[test]
    fn a_damaged_key_is_named_and_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        GatewayKeys::open(dir.path()).unwrap();
        let path = dir.path().join("host_ca");
        std::fs::write(&path, "garbage").unwrap();
        assert!(GatewayKeys::open(dir.path()).unwrap_err().to_string().contains("host_ca"));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "garbage");
    }
}
