//! Where recordings lie: made new, for their owner alone, and written in order.

use std::ffi::OsStr;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// What recordings' names end with.
pub const EXTENSION: &str = "cast";

/// Where the bytes of a recording go.
pub(crate) trait Sink: Send + Sync + 'static {
    /// Appends all these bytes.
    fn append(&self, bytes: &[u8]) -> io::Result<()>;
    /// Waits until what was appended is on the disk.
    fn sync(&self) -> io::Result<()>;
}

impl Sink for File {
    fn append(&self, bytes: &[u8]) -> io::Result<()> {
        let mut file = self;
        file.write_all(bytes)
    }

    fn sync(&self) -> io::Result<()> {
        self.sync_data()
    }
}

/// Whether a file of this name may be made: letters, digits, `.`, `_` and `-`, not hidden, ending with `.cast`.
pub(crate) fn is_safe_name(name: &str) -> bool {
    name.len() <= 128
        && !name.starts_with('.')
        && name.strip_suffix(".cast").is_some_and(|stem| !stem.is_empty())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

/// Makes a new file of mode 0600 in a folder, which is made with mode 0700 where it is missing.
pub(crate) fn create(folder: &Path, name: &str) -> io::Result<File> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let file = OpenOptions::new().append(true).create_new(true).mode(0o600).open(folder.join(name))?;
    // The lock keeps a repair away while we write. A file system may have no locks; the recording goes on without.
    let _ = file.try_lock();
    sync_folder(folder)?;
    Ok(file)
}

/// Waits until the names in a folder are on the disk.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Waits until the name of this file is on the disk.
pub(crate) fn sync_folder_of(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => sync_folder(parent),
        _ => sync_folder(Path::new(".")),
    }
}

/// The recordings under a folder that have no seal, in the order of their paths. Symbolic links are not followed.
///
/// Nothing is verified: a file counts as sealed when its last line has the form of a signature.
///
/// # Errors
/// When a folder or file cannot be read; a folder that is not there holds none.
pub fn find_unsealed(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        let entries = match fs::read_dir(&next) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            other => other?,
        };
        for entry in entries {
            let entry = entry?;
            let kind = entry.file_type()?;
            if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_file() && is_recording(&entry.path()) && !looks_sealed(&entry.path())? {
                found.push(entry.path());
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Whether the name is a recording's.
fn is_recording(path: &Path) -> bool {
    path.extension() == Some(OsStr::new(EXTENSION))
}

/// Whether the last line has the form of a signature.
fn looks_sealed(path: &Path) -> io::Result<bool> {
    /// More than a signature's line needs.
    const TAIL: u64 = 256;
    let mut file = File::open(path)?;
    let len = file.seek(SeekFrom::End(0))?;
    file.seek(SeekFrom::Start(len.saturating_sub(TAIL)))?;
    let mut tail = Vec::new();
    file.take(TAIL).read_to_end(&mut tail)?;
    let Some(tail) = tail.strip_suffix(b"\n") else { return Ok(false) };
    let line = tail.rsplit(|&byte| byte == b'\n').next().unwrap_or_default();
    Ok(crate::event::Line::parse(line).is_ok_and(|line| line.1 == crate::event::code::SIGNATURE))
}

#[cfg(test)]
mod tests;
