//! Whether a recording is what was recorded, judged from its file alone and keys that the caller trusts.

use std::fs::File;
use std::io::{self, BufReader};
use std::path::Path;
use std::time::Duration;

use crate::cast::{Header, Statement};
use crate::hash::hex;
use crate::key::PublicKey;
use crate::scan::{Damage, Problem, Scan, ScanError, scan};

/// What a recording's file proves.
#[derive(Debug)]
pub enum Verdict {
    /// Sealed by a trusted key, and not a byte was changed since.
    Intact(Summary),
    /// Every link fits, and there is no seal: still open, cut short, or its tail was cut off. Lines after the last link
    /// are unproven.
    Unsealed(Unsealed),
    /// Something is wrong, and this is the first of it.
    Broken(Damage),
}

/// An intact recording.
#[derive(Debug, Clone)]
pub struct Summary {
    /// Its header.
    pub header: Header,
    /// What was signed of its end.
    pub statement: Statement,
    /// Its last moment.
    pub duration: Duration,
    /// The file's length in bytes.
    pub bytes: u64,
    /// How many lines the file has.
    pub lines: u64,
    /// The file's SHA-256, in hexadecimal.
    pub sha256: String,
}

/// A recording without a seal.
#[derive(Debug, Clone)]
pub struct Unsealed {
    /// Its header.
    pub header: Header,
    /// Its last moment.
    pub duration: Duration,
    /// How many whole lines it has.
    pub lines: u64,
    /// How many of them come after the last link.
    pub unlinked_lines: u64,
    /// How many bytes of a half-written line are at its end.
    pub torn_bytes: u64,
    /// How many bytes of output it holds.
    pub output_bytes: u64,
}

/// Verifies a recording. One that was sealed with none of these keys is not intact.
///
/// # Errors
/// When the file cannot be read; what is wrong with its content is a [`Verdict`].
pub fn verify(path: &Path, keys: &[PublicKey]) -> io::Result<Verdict> {
    let mut reader = BufReader::with_capacity(128 << 10, File::open(path)?);
    match scan(&mut reader) {
        Ok(scan) => Ok(judge(scan, keys)),
        Err(ScanError::Io(error)) => Err(error),
        Err(ScanError::Damaged(damage)) => Ok(Verdict::Broken(damage)),
        Err(ScanError::Empty(_)) => {
            let problem = Problem::Header("the file ends before the header does".into());
            Ok(Verdict::Broken(Damage { first: 1, last: 1, problem }))
        }
    }
}

fn judge(scan: Scan, keys: &[PublicKey]) -> Verdict {
    match check_seal(&scan, keys) {
        Err(damage) => Verdict::Broken(damage),
        Ok(Some(statement)) => Verdict::Intact(Summary {
            statement,
            duration: scan.duration(),
            bytes: scan.len,
            lines: scan.totals.lines,
            sha256: hex(&scan.chain.current()),
            header: scan.header,
        }),
        Ok(None) => Verdict::Unsealed(Unsealed {
            duration: scan.duration(),
            lines: scan.totals.lines,
            unlinked_lines: scan.unlinked,
            torn_bytes: scan.torn.len() as u64,
            output_bytes: scan.totals.output_bytes,
            header: scan.header,
        }),
    }
}

/// The statement, where one of the keys signed it.
pub(crate) fn check_seal(scan: &Scan, keys: &[PublicKey]) -> Result<Option<Statement>, Damage> {
    let Some(seal) = &scan.seal else { return Ok(None) };
    let Some(key) = keys.iter().find(|key| key.id() == seal.statement.key) else {
        return Err(scan.damage(Problem::UnknownKey(seal.statement.key.clone())));
    };
    if !key.signed(&seal.hash, &seal.signature) {
        return Err(scan.damage(Problem::Signature));
    }
    scan.check_statement(seal)?;
    Ok(Some(seal.statement.clone()))
}

#[cfg(test)]
mod tests;
