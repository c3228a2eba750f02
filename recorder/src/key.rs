//! The keys of seals: Ed25519, the secret half in a file only its owner reads.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::str::FromStr;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::file::sync_folder_of;
use crate::hash::{hex, sha256};

const PREFIX: &str = "curfew-seal-ed25519";
const PEM_BEGIN: &str = "-----BEGIN PRIVATE KEY-----";
const PEM_END: &str = "-----END PRIVATE KEY-----";

/// What is signed begins with this, so that no other signature of the same key can pass for a seal.
const DOMAIN: &[u8] = b"curfew recording seal v1\n";

/// The length of a signature in base64.
pub(crate) const SIGNATURE_LEN: usize = 88;

/// Why a key cannot be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The file cannot be read or written.
    #[error("{path}: {source}")]
    File {
        /// The key's file.
        path: String,
        /// What the system said.
        source: io::Error,
    },
    /// Others than the owner may read the file.
    #[error("{path}: others may read this key (mode {mode:03o}); `chmod 600` it, or better: replace it")]
    Exposed {
        /// The key's file.
        path: String,
        /// Its permission bits.
        mode: u32,
    },
    /// The content is not a key.
    #[error("{path}: not an Ed25519 private key (PKCS#8, PEM)")]
    Malformed {
        /// The key's file.
        path: String,
    },
    /// The text is not a public key.
    #[error("not a public key: it should look like `{PREFIX} AAAA…`")]
    NotPublic,
    /// The system gives no random numbers.
    #[error("the system gives no random numbers")]
    NoRandomness,
}

/// The key that seals recordings. Its secret never shows.
pub struct SealKey {
    pair: Ed25519KeyPair,
}

impl fmt::Debug for SealKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SealKey").field(&self.public().id()).finish()
    }
}

impl SealKey {
    /// The key in this file; where there is none, a new one is made and kept there with mode 0600.
    ///
    /// # Errors
    /// When the file cannot be read or made, is open to others, or holds something else.
    pub fn open(path: &Path) -> Result<Self, KeyError> {
        match Self::load(path) {
            Err(KeyError::File { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                let pkcs8 = new_pkcs8()?;
                store_new(path, &to_pem(&pkcs8)).map_err(|source| KeyError::File { path: shown(path), source })?;
                Self::load(path)
            }
            other => other,
        }
    }

    /// The key in this file.
    ///
    /// # Errors
    /// When the file cannot be read, is open to others, or holds something else.
    pub fn load(path: &Path) -> Result<Self, KeyError> {
        let failed = |source| KeyError::File { path: shown(path), source };
        let file = File::open(path).map_err(failed)?;
        let mode = file.metadata().map_err(failed)?.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(KeyError::Exposed { path: shown(path), mode });
        }
        let text = io::read_to_string(file).map_err(failed)?;
        from_pem(&text).map(|pair| Self { pair }).ok_or_else(|| KeyError::Malformed { path: shown(path) })
    }

    /// A new key that is kept nowhere, for demonstrations and tests.
    ///
    /// # Errors
    /// When the system gives no random numbers.
    pub fn ephemeral() -> Result<Self, KeyError> {
        let pkcs8 = new_pkcs8()?;
        Ed25519KeyPair::from_pkcs8(&pkcs8).map(|pair| Self { pair }).map_err(|_| KeyError::NoRandomness)
    }

    /// The half that others need to check seals.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        let mut bytes = [0; 32];
        for (to, from) in bytes.iter_mut().zip(self.pair.public_key().as_ref()) {
            *to = *from;
        }
        PublicKey { bytes }
    }

    /// Signs the hash of a file, in base64.
    pub(crate) fn sign(&self, hash: &[u8; 32]) -> String {
        STANDARD.encode(self.pair.sign(&message(hash)))
    }
}

/// The public half of a [`SealKey`]. Its text form is `curfew-seal-ed25519 BASE64`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct PublicKey {
    bytes: [u8; 32],
}

impl PublicKey {
    /// A short name of the key: the first 16 hexadecimal digits of its SHA-256.
    #[must_use]
    pub fn id(&self) -> String {
        hex(&sha256(&self.bytes)).chars().take(16).collect()
    }

    /// The 32 bytes of the key (RFC 8032 §5.1.5).
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.bytes
    }

    /// Whether this base64 text is the key's signature of a file with this hash.
    pub(crate) fn signed(&self, hash: &[u8; 32], signature: &[u8]) -> bool {
        let Ok(signature) = STANDARD.decode(signature) else { return false };
        UnparsedPublicKey::new(&ED25519, self.bytes).verify(&message(hash), &signature).is_ok()
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX} {}", STANDARD.encode(self.bytes))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.id())
    }
}

impl FromStr for PublicKey {
    type Err = KeyError;

    /// Reads the text form; what follows the key is a comment.
    fn from_str(text: &str) -> Result<Self, KeyError> {
        let mut words = text.split_whitespace();
        let (Some(PREFIX), Some(encoded)) = (words.next(), words.next()) else { return Err(KeyError::NotPublic) };
        let decoded = STANDARD.decode(encoded).map_err(|_| KeyError::NotPublic)?;
        let bytes = decoded.try_into().map_err(|_| KeyError::NotPublic)?;
        Ok(Self { bytes })
    }
}

fn message(hash: &[u8; 32]) -> Vec<u8> {
    [DOMAIN, hash].concat()
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

fn new_pkcs8() -> Result<Vec<u8>, KeyError> {
    let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).map_err(|_| KeyError::NoRandomness)?;
    Ok(document.as_ref().to_vec())
}

fn to_pem(pkcs8: &[u8]) -> String {
    format!("{PEM_BEGIN}\n{}\n{PEM_END}\n", STANDARD.encode(pkcs8))
}

fn from_pem(text: &str) -> Option<Ed25519KeyPair> {
    let inside = text.trim().strip_prefix(PEM_BEGIN)?.strip_suffix(PEM_END)?;
    let encoded: String = inside.split_whitespace().collect();
    Ed25519KeyPair::from_pkcs8_maybe_unchecked(&STANDARD.decode(encoded).ok()?).ok()
}

/// Writes a new file that is there whole or not at all; one that is there already stays.
fn store_new(path: &Path, text: &str) -> io::Result<()> {
    let draft = path.with_extension(format!("new-{}", std::process::id()));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
    let linked = file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).and_then(|()| {
        match fs::hard_link(&draft, path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            other => other,
        }
    });
    let removed = fs::remove_file(&draft);
    linked.and(removed)?;
    sync_folder_of(path)
}

#[cfg(test)]
mod tests;
