//! After a crash: what was written of a recording is kept, and sealed as interrupted.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, BufReader};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::Duration;

use crate::cast::{Completeness, Encoder};
use crate::file::{Sink, sync_folder_of};
use crate::hash::hex;
use crate::key::SealKey;
use crate::scan::{Damage, Problem, Scan, ScanError, scan};
use crate::sealed::Sealed;
use crate::verify::check_seal;

/// How many bytes of a half-written line go into one line of their own.
const SET_ASIDE_PIECE: usize = 48 << 10;

/// What a repair did.
#[derive(Debug)]
pub enum Repaired {
    /// The recording had no seal; it has one now, as interrupted.
    Sealed(Sealed),
    /// The recording was sealed already; nothing was changed.
    Already(Sealed),
    /// Not even the header was written whole (so many bytes are there): nothing was recorded, and nothing was changed.
    Empty(u64),
    /// What was written before the crash does not fit together: evidence, and nothing was changed.
    Broken(Damage),
}

/// Seals a recording that its gateway left behind. No whole line is touched; a half-written one at the end was never
/// confirmed to anybody, and moves into a line of its own. A second repair changes nothing.
///
/// Runs on the calling thread, for as long as reading the file takes.
///
/// # Errors
/// When the file cannot be read or written, or is being written ([`io::ErrorKind::WouldBlock`]).
pub fn repair(path: &Path, key: &SealKey) -> io::Result<Repaired> {
    let file = OpenOptions::new().read(true).write(true).open(path)?;
    if let Err(TryLockError::WouldBlock) = file.try_lock() {
        return Err(io::Error::new(io::ErrorKind::WouldBlock, "the recording is still being written"));
    }
    match scan(&mut BufReader::with_capacity(128 << 10, &file)) {
        Err(ScanError::Io(error)) => Err(error),
        Err(ScanError::Empty(bytes)) => Ok(Repaired::Empty(bytes)),
        Err(ScanError::Damaged(damage)) => Ok(Repaired::Broken(damage)),
        Ok(scan) if scan.seal.is_some() => Ok(sealed_already(path, &scan, key)),
        Ok(scan) => seal(path, &file, scan, key).map(Repaired::Sealed),
    }
}

/// A seal of another key is not this key's to judge: keys change, and verification has them all.
fn sealed_already(path: &Path, scan: &Scan, key: &SealKey) -> Repaired {
    let checked = check_seal(scan, &[key.public()]);
    match (checked, &scan.seal) {
        (Err(Damage { problem: Problem::UnknownKey(_), .. }) | Ok(_), Some(seal)) => Repaired::Already(Sealed {
            path: path.to_owned(),
            bytes: scan.len,
            sha256: hex(&scan.chain.current()),
            output_bytes: scan.totals.output_bytes,
            lines: scan.totals.lines,
            duration: scan.duration(),
            state: seal.statement.state,
            end: seal.statement.end.clone(),
            key: seal.statement.key.clone(),
        }),
        (Err(damage), _) => Repaired::Broken(damage),
        (Ok(_), None) => Repaired::Broken(scan.damage(Problem::NoStatement)),
    }
}

fn seal(path: &Path, file: &File, scan: Scan, key: &SealKey) -> io::Result<Sealed> {
    const END: &str = "the gateway stopped while recording";
    let (at, begin) = (scan.duration(), scan.len);
    let mut encoder = Encoder::resume(scan.chain, scan.totals);
    for piece in scan.torn.chunks(SET_ASIDE_PIECE) {
        encoder.fragment(at, piece)?;
    }
    encoder.marker(at, &format!("interrupted: {END}; {} bytes of a half-written line set aside", scan.torn.len()))?;
    encoder.seal(at, Completeness::Interrupted, END, key)?;

    // The fragment's copy is longer than the fragment, so this one write replaces it and the file only grows.
    file.write_all_at(encoder.bytes(), begin)?;
    file.sync()?;
    sync_folder_of(path)?;
    let totals = encoder.totals();
    Ok(Sealed {
        path: path.to_owned(),
        bytes: begin + encoder.bytes().len() as u64,
        sha256: hex(&encoder.file_hash()),
        output_bytes: totals.output_bytes,
        lines: totals.lines,
        duration: Duration::from_micros(totals.micros),
        state: Completeness::Interrupted,
        end: END.to_owned(),
        key: key.public().id(),
    })
}

#[cfg(test)]
mod tests;
