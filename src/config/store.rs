//! `[store]`: the database.

use std::path::{Path, PathBuf};

use super::book::Book;
use super::gateway::path;
use super::location::Location;
use super::moved::Successor;
use super::section::{Section, Text};

/// The SQLite database's name in `state_dir`.
pub const DATABASE_FILE: &str = "curfew.db";

/// `[store]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreSettings {
    /// The database; `None` is SQLite in `state_dir`.
    pub database: Option<Location>,
    /// A file that holds PostgreSQL's password. Without one the address has it, or the usual files (`PGPASSFILE`).
    pub password_file: Option<PathBuf>,
}

/// Why the password of the database cannot be had.
#[derive(Debug, thiserror::Error)]
#[error("[store] password_file {path}: {why}")]
pub struct NoPassword {
    path: PathBuf,
    why: std::io::Error,
}

impl StoreSettings {
    /// Where the database is, with the password in its address.
    ///
    /// # Errors
    /// When the password's file cannot be read.
    pub fn location(&self, state_dir: &Path) -> Result<Location, NoPassword> {
        match (&self.database, &self.password_file) {
            (None, _) => Ok(Location::Sqlite(state_dir.join(DATABASE_FILE))),
            (Some(Location::Postgres(address)), Some(path)) => {
                let failed = |why| NoPassword { path: path.clone(), why };
                let password = std::fs::read_to_string(path).map_err(failed)?;
                Ok(Location::Postgres(address.with_password(password.trim_end_matches(['\r', '\n']))))
            }
            (Some(location), _) => Ok(location.clone()),
        }
    }
}

/// Reads `[store]`, and its old key in `[gateway]`. `base` is what relative paths start from.
pub(super) fn read<'a>(
    root: &mut Section<'a>,
    gateway: Option<&mut Section<'a>>,
    base: &Path,
    book: &Book,
) -> Option<StoreSettings> {
    let mut keys = Successor::of(root, "store", "[store]", gateway, book);
    let text = keys.find("database", "database").and_then(|(section, key)| Some((section.string(key)?, key)));
    let database = text.and_then(|(text, key)| read_database(text, key, base, book));
    let mut password_file = None;
    if let Some(text) = keys.section().and_then(|section| section.string("password_file")) {
        password_file = path(text, base, book);
        if !matches!(database, Some(Location::Postgres(_))) {
            book.fault(text.at, "password_file is for PostgreSQL; SQLite has no password, so take it out");
        }
    }
    if let (Some(Location::Postgres(address)), Some((text, _))) = (&database, text)
        && !address.is_verified()
    {
        book.warn(
            text.at,
            "the server at the other end of this address need not prove who it is; say sslmode=verify-full",
        );
    }
    keys.finish();
    Some(StoreSettings { database, password_file })
}

fn read_database(text: Text<'_>, key: &str, base: &Path, book: &Book) -> Option<Location> {
    if text.text == "sqlite" {
        return None;
    }
    // Whatever was written may hold a password, so it is not repeated.
    Location::parse(text.text, base).map_err(|why| book.fault(text.at, format!("{key}: {why}"))).ok()
}
