//! What was revoked: keys and certificates that prove nobody any more.
//!
//! The list is OpenSSH's, as `RevokedKeys` of sshd takes it: a key revocation list (KRL) that `ssh-keygen -k` writes, or a
//! text file with a public key on each line. It comes from the operator, as the configuration does, so a KRL's own signature
//! is not looked at. Whatever is wrong with a list makes all of it unusable: half a list would let somebody in.

mod krl;
mod list;

use std::fs::File;
use std::io::Read;
use std::path::Path;

use ssh_key::PublicKey;

pub use self::list::Revoked;

/// The longest list, in bytes: some 400,000 fingerprints.
const LONGEST: u64 = 16 * 1024 * 1024;

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
}

#[cfg(test)]
mod tests;
