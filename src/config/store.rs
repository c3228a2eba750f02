//! `[store]`: the database.

use std::fmt;
use std::path::{Path, PathBuf};

use super::book::Book;
use super::gateway::path;
use super::moved::Successor;
use super::section::{Section, Text};

/// What may be written for `database`.
const FORMS: &str = "write \"sqlite\", \"sqlite:PATH\" for a file of your own, or \"postgres://USER@HOST/NAME\"";

/// `[store]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreSettings {
    /// The database.
    pub database: Database,
}

/// Which database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Database {
    /// SQLite in `state_dir`.
    InStateDir,
    /// SQLite in a file of its own.
    Sqlite(PathBuf),
    /// PostgreSQL.
    Postgres(Postgres),
}

/// How to reach PostgreSQL.
#[derive(Clone, PartialEq, Eq)]
pub struct Postgres {
    /// `postgres://…` as it was written, which may hold a password. Without one the usual files have it (`PGPASSFILE`).
    pub url: String,
    /// A file that holds the password.
    pub password_file: Option<PathBuf>,
}

impl fmt::Debug for Postgres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The address may hold a password.
        f.debug_struct("Postgres").field("password_file", &self.password_file).finish_non_exhaustive()
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
    let mut database = match text {
        Some((text, key)) => read_database(text, key, base, book),
        None => Some(Database::InStateDir),
    };
    if let Some(text) = keys.section().and_then(|section| section.string("password_file")) {
        let file = path(text, base, book);
        match &mut database {
            Some(Database::Postgres(postgres)) => postgres.password_file = file,
            Some(_) => book.fault(text.at, "password_file is for PostgreSQL; SQLite has no password, so take it out"),
            None => {}
        }
    }
    keys.finish();
    Some(StoreSettings { database: database? })
}

fn read_database(text: Text<'_>, key: &str, base: &Path, book: &Book) -> Option<Database> {
    if text.text == "sqlite" {
        return Some(Database::InStateDir);
    }
    if let Some(file) = text.text.strip_prefix("sqlite:") {
        let file = Text { text: file.strip_prefix("//").unwrap_or(file), at: text.at };
        return path(file, base, book).map(Database::Sqlite);
    }
    let schemes = ["postgres://", "postgresql://"];
    let rest = schemes.iter().find_map(|scheme| text.text.strip_prefix(scheme));
    match rest {
        Some(rest) if !rest.is_empty() && !rest.contains(|c: char| c.is_control() || c.is_whitespace()) => {
            Some(Database::Postgres(Postgres { url: text.text.to_owned(), password_file: None }))
        }
        // Whatever it is, it may hold a password, so it is not repeated.
        _ => {
            book.fault(text.at, format!("{key}: this is no database; {FORMS}"));
            None
        }
    }
}
