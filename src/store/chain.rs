//! The arithmetic of the audit log: how a record is hashed, and what a checkpoint signs.
//!
//! A record's hash is SHA-256 over, in this order: the text `curfew audit record 1\n`; `seq` as 8 bytes, big-endian;
//! then `at`, `actor`, `action`, `subject`, `detail` and `prev`, each as its length in bytes (8 bytes, big-endian)
//! followed by its UTF-8 bytes, exactly as the columns hold them. `prev` is the hash of the record before, and 64
//! zeros for the first. Hashes are lower-case hex.
//!
//! A checkpoint is an Ed25519 signature (RFC 8032) over: the text `curfew audit checkpoint 1\n`; `seq` as 8 bytes,
//! big-endian; `hash` and `at`, each preceded by its length as above. Every record has one, so a log that somebody
//! re-hashed without the key is found at the first record they touched. The newest checkpoint is also kept outside the
//! database, in the head file, where a tail that was cut off, or an old copy put back, does not take it along.

use aws_lc_rs::digest::{Context, SHA256, digest};
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use serde::{Deserialize, Serialize};

/// `prev` of the first record.
pub const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// A record of the audit log, as its table and its JSON have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its number, from 1, without gaps.
    pub seq: i64,
    /// When, in RFC 3339.
    pub at: String,
    /// Who: a user, `operator`, or `curfew` itself.
    pub actor: String,
    /// What.
    pub action: String,
    /// To what: an id or a name.
    pub subject: String,
    /// The rest, as JSON text.
    pub detail: String,
    /// The hash of the record before.
    pub prev: String,
    /// The hash of this record.
    pub hash: String,
    /// The gateway whose log it is. The hash does not cover this: the signature of the gateway's own key does.
    pub gateway: String,
    /// In which of that gateway's lives it was written.
    pub incarnation: i64,
}

impl Record {
    /// What its hash should be.
    #[must_use]
    pub fn digest(&self) -> String {
        let mut context = Context::new(&SHA256);
        context.update(b"curfew audit record 1\n");
        context.update(&self.seq.to_be_bytes());
        for column in [&self.at, &self.actor, &self.action, &self.subject, &self.detail, &self.prev] {
            context.update(&(column.len() as u64).to_be_bytes());
            context.update(column.as_bytes());
        }
        hex(context.finish().as_ref())
    }
}

/// A signed statement: the log had this record at its head.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// The record's number.
    pub seq: i64,
    /// The record's hash.
    pub hash: String,
    /// The record's time.
    pub at: String,
    /// Which key signed: the first 16 hex digits of its SHA-256.
    pub key_id: String,
    /// The signature, in hex.
    pub signature: String,
}

impl Checkpoint {
    /// Signs for a record.
    #[must_use]
    pub fn sign(record: &Record, key: &Ed25519KeyPair) -> Self {
        let signature = hex(key.sign(&statement(record.seq, &record.hash, &record.at)).as_ref());
        let key_id = key_id(key.public_key().as_ref());
        Self { seq: record.seq, hash: record.hash.clone(), at: record.at.clone(), key_id, signature }
    }

    /// Whether this key signed it.
    #[must_use]
    pub fn is_signed_by(&self, key: &[u8]) -> bool {
        unhex(&self.signature).is_some_and(|signature| {
            UnparsedPublicKey::new(&ED25519, key).verify(&statement(self.seq, &self.hash, &self.at), &signature).is_ok()
        })
    }
}

fn statement(seq: i64, hash: &str, at: &str) -> Vec<u8> {
    let mut bytes = b"curfew audit checkpoint 1\n".to_vec();
    bytes.extend(seq.to_be_bytes());
    for text in [hash, at] {
        bytes.extend((text.len() as u64).to_be_bytes());
        bytes.extend(text.as_bytes());
    }
    bytes
}

/// The short name of a public key.
#[must_use]
pub fn key_id(public_key: &[u8]) -> String {
    hex(digest(&SHA256, public_key).as_ref()).chars().take(16).collect()
}

/// Bytes as lower-case hex.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = text.chars().map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok())).collect();
    let digits = digits.filter(|digits| digits.len() % 2 == 0)?;
    Some(digits.chunks_exact(2).filter_map(|pair| Some(pair.first()? << 4 | pair.get(1)?)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Record {
        Record {
            seq: 1,
            at: "2026-11-23T04:06:00.123Z".into(),
            actor: "alice".into(),
            action: "request.filed".into(),
            subject: "r1".into(),
            detail: "{}".into(),
            prev: GENESIS.into(),
            hash: String::new(),
            gateway: "gw-a".into(),
            incarnation: 1,
        }
    }

    #[test]
    fn no_two_records_share_a_hash_by_moving_text_between_columns() {
        let one = Record { actor: "ab".into(), action: "c".into(), ..record() };
        let two = Record { actor: "a".into(), action: "bc".into(), ..record() };
        assert_ne!(one.digest(), two.digest());
    }

    #[test]
    fn the_hash_is_the_documented_one() {
        // Computed with Python's hashlib from the description above.
        assert_eq!(record().digest(), "d2eae345bd50cd6bbe7ef9df1a0875780f01c15aa82c72c47dee5472e06c0771");
    }

    #[test]
    fn a_checkpoint_is_only_good_for_its_own_record_and_key() {
        let rng = aws_lc_rs::rand::SystemRandom::new();
        let key = |rng| Ed25519KeyPair::from_pkcs8(Ed25519KeyPair::generate_pkcs8(rng).unwrap().as_ref()).unwrap();
        let (ours, theirs) = (key(&rng), key(&rng));
        let good = Checkpoint::sign(&record(), &ours);
        assert!(good.is_signed_by(ours.public_key().as_ref()));
        assert!(!good.is_signed_by(theirs.public_key().as_ref()));
        for bad in [
            Checkpoint { seq: 2, ..good.clone() },
            Checkpoint { hash: "00".into(), ..good.clone() },
            Checkpoint { at: "never".into(), ..good.clone() },
            Checkpoint { signature: "zz".into(), ..good.clone() },
        ] {
            assert!(!bad.is_signed_by(ours.public_key().as_ref()), "{bad:?}");
        }
    }
}
