//! Public keys as people paste them: the line of a `.pub` file.

use ssh_key::public::KeyData;
use ssh_key::{HashAlg, PublicKey};

/// The fewest bits of an RSA key.
const FEWEST_RSA_BITS: u32 = 2048;

/// What tells one key from every other: the SHA-256 of its public half.
pub(super) type Print = [u8; 32];

/// Reads the line of a `.pub` file: type, data and perhaps a comment.
///
/// # Errors
/// What is wrong with it and what to give instead, as a phrase that goes on from "this key".
pub(super) fn read(line: &str) -> Result<PublicKey, String> {
    let line = line.trim();
    if let Some(why) = not_a_line(line) {
        return Err(why.to_owned());
    }
    let key = PublicKey::from_openssh(line)
        .map_err(|_| "cannot be read; paste the whole line of its .pub file".to_owned())?;
    sound(key.key_data()).map(|()| key)
}

/// Whether a key is of a type and strength that may prove anything.
///
/// # Errors
/// As [`read`].
pub(crate) fn sound(key: &KeyData) -> Result<(), String> {
    match key {
        KeyData::Dsa(_) => Err("is a DSA key, which is too weak; make one with ssh-keygen -t ed25519".to_owned()),
        KeyData::Rsa(rsa) if rsa.key_size() < FEWEST_RSA_BITS => {
            let bits = rsa.key_size();
            Err(format!(
                "is an RSA key of {bits} bits; at least {FEWEST_RSA_BITS} are needed, or ssh-keygen -t ed25519"
            ))
        }
        KeyData::Ecdsa(_)
        | KeyData::Ed25519(_)
        | KeyData::Rsa(_)
        | KeyData::SkEcdsaSha2NistP256(_)
        | KeyData::SkEd25519(_) => Ok(()),
        _ => Err(format!("is of the type {}, which is not supported", key.algorithm())),
    }
}

/// What a key is found by.
pub(super) fn print(key: &PublicKey) -> Print {
    key.fingerprint(HashAlg::Sha256).as_bytes().try_into().unwrap_or_default()
}

/// The common things that are pasted instead.
fn not_a_line(line: &str) -> Option<&'static str> {
    let first = line.split_whitespace().next().unwrap_or_default();
    if line.starts_with("-----BEGIN") {
        return Some("is not an OpenSSH public key; paste the line of its .pub file, and never a private key");
    }
    if line.contains(|c: char| c.is_control()) {
        return Some("has more than one line; give one key in each string");
    }
    if first.starts_with("AAAA") {
        return Some("has no type; paste the whole line of its .pub file, which begins with the type");
    }
    if first.contains("-cert-v01@") {
        return Some("is a certificate; give the key that it was made for");
    }
    if is_type(first) {
        return None;
    }
    if line.contains("cert-authority") {
        return Some("is marked cert-authority, which is not supported; list each person's own key");
    }
    if line.split_whitespace().any(is_type) {
        return Some("has something before its type; options and host names are not supported, give the key alone");
    }
    Some("is not an OpenSSH public key; paste the whole line of its .pub file")
}

fn is_type(word: &str) -> bool {
    ["ssh-", "sk-", "ecdsa-sha2-", "rsa-sha2-"].iter().any(|start| word.starts_with(start))
}
