//! The keys and certificates that were revoked, and the question whether one of them is.

use std::collections::{BTreeMap, BTreeSet};

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use ssh_key::public::KeyData;
use ssh_key::{Certificate, PublicKey};

/// Keys and certificates that prove nobody any more.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Revoked {
    /// Keys as they go over the wire (RFC 4253 §6.6).
    pub(super) keys: BTreeSet<Vec<u8>>,
    /// SHA-256 and SHA-1 of such.
    pub(super) sha256: BTreeSet<Vec<u8>>,
    pub(super) sha1: BTreeSet<Vec<u8>>,
    /// Certificates by the CA's key; those under no key are of any CA.
    pub(super) certificates: BTreeMap<Option<Vec<u8>>, OfCa>,
}

/// Certificates of one CA.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct OfCa {
    pub(super) serials: BTreeSet<u64>,
    /// From the first to the last, both in it.
    pub(super) ranges: Vec<(u64, u64)>,
    /// The serial of the lowest bit, and the bits as a big-endian number.
    pub(super) bitmaps: Vec<(u64, Vec<u8>)>,
    pub(super) key_ids: BTreeSet<Vec<u8>>,
}

impl Revoked {
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
pub(super) fn blob(key: &KeyData) -> Option<Vec<u8>> {
    PublicKey::from(key.clone()).to_bytes().ok()
}
