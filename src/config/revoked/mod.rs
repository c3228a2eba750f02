//! What was revoked: keys and certificates that prove nobody any more.
//!
//! The list is OpenSSH's, as `RevokedKeys` of sshd takes it: a key revocation list (KRL) that `ssh-keygen -k` writes, or a
//! text file with a public key on each line. It comes from the operator, as the configuration does, so a KRL's own signature
//! is not looked at. Whatever is wrong with a list makes all of it unusable: half a list would let somebody in.

mod krl;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read;
use std::path::Path;

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use ssh_key::public::KeyData;
use ssh_key::{Certificate, PublicKey};

/// The longest list, in bytes: some 400,000 fingerprints.
const LONGEST: u64 = 16 * 1024 * 1024;

/// Keys and certificates that prove nobody any more.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Revoked {
    /// Keys as they go over the wire (RFC 4253 §6.6).
    keys: BTreeSet<Vec<u8>>,
    /// SHA-256 and SHA-1 of such.
    sha256: BTreeSet<Vec<u8>>,
    sha1: BTreeSet<Vec<u8>>,
    /// Certificates by the CA's key; those under no key are of any CA.
    certificates: BTreeMap<Option<Vec<u8>>, OfCa>,
}

/// Certificates of one CA.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct OfCa {
    serials: BTreeSet<u64>,
    /// From the first to the last, both in it.
    ranges: Vec<(u64, u64)>,
    /// The serial of the lowest bit, and the bits as a big-endian number.
    bitmaps: Vec<(u64, Vec<u8>)>,
    key_ids: BTreeSet<Vec<u8>>,
}

impl Revoked {
    /// Reads a list.
    ///
    /// # Errors
    /// What is wrong with it, as a phrase that goes on from the file's name.
    pub fn read(path: &Path) -> Result<Self, String> {
        let unreadable = |error: std::io::Error| format!("cannot be read: {error}");
        let file = File::open(path).map_err(unreadable)?;
        if !file.metadata().map_err(unreadable)?.is_file() {
            return Err("is not a file".to_owned());
        }
        let mut bytes = Vec::new();
        file.take(LONGEST + 1).read_to_end(&mut bytes).map_err(unreadable)?;
        if u64::try_from(bytes.len()).is_ok_and(|length| length > LONGEST) {
            return Err(format!("is longer than {} MiB", LONGEST >> 20));
        }
        Self::parse(&bytes)
    }

    fn parse(bytes: &[u8]) -> Result<Self, String> {
        if bytes.is_empty() {
            // More likely half of a copy than a list of nothing, which has a header or a comment.
            return Err("is empty; `ssh-keygen -k -f FILE` makes a list of nothing".to_owned());
        }
        if bytes.starts_with(krl::MAGIC) {
            return krl::parse(bytes).map_err(|why| format!("is a damaged key revocation list: {why}"));
        }
        match std::str::from_utf8(bytes) {
            Ok(text) => Self::text(text),
            Err(_) => Err("is neither a key revocation list nor a text file of public keys".to_owned()),
        }
    }

    fn text(text: &str) -> Result<Self, String> {
        let mut revoked = Self::default();
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let key = PublicKey::from_openssh(line).and_then(|key| key.to_bytes());
            match key {
                Ok(blob) => _ = revoked.keys.insert(blob),
                Err(_) => return Err(format!("has no public key in its line {}", number + 1)),
            }
        }
        Ok(revoked)
    }

    /// Whether this key was revoked.
    #[must_use]
    pub fn has_key(&self, key: &KeyData) -> bool {
        match blob(key) {
            Some(blob) => {
                self.keys.contains(&blob)
                    || (!self.sha256.is_empty() && self.sha256.contains(digest(&SHA256, &blob).as_ref()))
                    || (!self.sha1.is_empty() && self.sha1.contains(digest(&SHA1_FOR_LEGACY_USE_ONLY, &blob).as_ref()))
            }
            // What cannot be looked up is not let in.
            None => true,
        }
    }

    /// Whether this certificate was revoked, or the key that it is of, or the key of its CA.
    #[must_use]
    pub fn has_certificate(&self, certificate: &Certificate) -> bool {
        let ca = certificate.signature_key();
        if self.has_key(certificate.public_key()) || self.has_key(ca) {
            return true;
        }
        [blob(ca), None].iter().filter_map(|ca| self.certificates.get(ca)).any(|list| list.has(certificate))
    }
}

impl OfCa {
    fn has(&self, certificate: &Certificate) -> bool {
        if self.key_ids.contains(certificate.key_id().as_bytes()) {
            return true;
        }
        let serial = certificate.serial();
        // A CA that does not number its certificates gives all of them 0.
        serial != 0
            && (self.serials.contains(&serial)
                || self.ranges.iter().any(|(first, last)| (*first..=*last).contains(&serial))
                || self.bitmaps.iter().any(|(first, bits)| bit(bits, serial.checked_sub(*first))))
    }
}

/// Whether a bit, counted from the lowest, is set in a big-endian number.
fn bit(number: &[u8], position: Option<u64>) -> bool {
    let Some(position) = position else { return false };
    let byte = usize::try_from(position / 8).ok().and_then(|byte| number.iter().rev().nth(byte));
    byte.is_some_and(|byte| byte >> (position % 8) & 1 == 1)
}

/// A key as it goes over the wire.
fn blob(key: &KeyData) -> Option<Vec<u8>> {
    PublicKey::from(key.clone()).to_bytes().ok()
}

#[cfg(test)]
mod tests;
