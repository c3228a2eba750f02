//! Files that only the gateway may read, written whole or not at all.

use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// A file or folder of the gateway that could not be used.
#[derive(Debug, thiserror::Error)]
pub enum NotPrivate {
    /// Somebody else may read or change it.
    #[error("{path} may be read or changed by others (mode {mode:03o}); run: chmod {want:o} {path}")]
    Open {
        /// Which.
        path: PathBuf,
        /// Its mode.
        mode: u32,
        /// The mode that it should have.
        want: u32,
    },
    /// The system said no.
    #[error("{path}: {why}")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        why: io::Error,
    },
}

impl NotPrivate {
    /// Names the file in an error of the system.
    pub(crate) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        |why| Self::Io { path, why }
    }
}

/// Makes the folder, 0700, if there is none, and checks that nobody else can put files into it. One that others may
/// list (0755, as systemd makes a `StateDirectory`) is taken: what is in it is closed to them by itself.
///
/// # Errors
/// When it cannot be made, or its group or others may write to it.
pub fn folder(path: &Path) -> Result<(), NotPrivate> {
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(NotPrivate::io(path))?;
    check(path, 0o022, 0o700)
}

/// Checks that a file is only ours.
///
/// # Errors
/// When it is not there, or its group or others have any right to it.
pub fn file(path: &Path) -> Result<(), NotPrivate> {
    check(path, 0o077, 0o600)
}

fn check(path: &Path, forbidden: u32, want: u32) -> Result<(), NotPrivate> {
    let mode = path.metadata().map_err(NotPrivate::io(path))?.mode() & 0o777;
    if mode & forbidden == 0 { Ok(()) } else { Err(NotPrivate::Open { path: path.to_owned(), mode, want }) }
}

/// Makes an empty private file, unless there is one already, which is then checked.
///
/// # Errors
/// When it cannot be made, or is open to others.
pub fn touch(path: &Path) -> Result<(), NotPrivate> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(_) => Ok(()),
        Err(why) if why.kind() == io::ErrorKind::AlreadyExists => file(path),
        Err(why) => Err(NotPrivate::io(path)(why)),
    }
}

/// Puts `bytes` in the file's place: after a crash it holds either all of the old or all of the new.
///
/// # Errors
/// When it cannot be written.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<(), NotPrivate> {
    let new = path.with_added_extension("new");
    write(&new, bytes).and_then(|()| std::fs::rename(&new, path)).map_err(NotPrivate::io(path))
}

/// Reads the file, or makes it with what `make` gives, whole and on disk before it has its name.
///
/// # Errors
/// When it cannot be read or written, is open to others, or `make` fails.
pub fn read_or_create<E: From<NotPrivate>>(
    path: &Path,
    make: impl FnOnce() -> Result<Vec<u8>, E>,
) -> Result<Vec<u8>, E> {
    if !path.exists() {
        replace(path, &make()?)?;
        if let Some(folder) = path.parent() {
            File::open(folder).and_then(|folder| folder.sync_all()).map_err(NotPrivate::io(folder))?;
        }
    }
    file(path)?;
    Ok(std::fs::read(path).map_err(NotPrivate::io(path))?)
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.set_permissions(Permissions::from_mode(0o600))?;
    file.write_all(bytes)?;
    file.sync_data()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_others_may_read_is_refused_with_the_command_that_mends_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        touch(&path).unwrap();
        std::fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
        let said = file(&path).unwrap_err().to_string();
        assert!(said.contains("chmod 600"), "{said}");
    }

    #[test]
    fn what_is_created_once_is_read_ever_after() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        let make = |text: &str| Ok::<_, NotPrivate>(text.as_bytes().to_vec());
        assert_eq!(read_or_create(&path, || make("one")).unwrap(), b"one");
        assert_eq!(read_or_create(&path, || make("two")).unwrap(), b"one");
        assert_eq!(path.metadata().unwrap().mode() & 0o777, 0o600);
    }
}
