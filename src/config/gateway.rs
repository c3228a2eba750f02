//! `[gateway]`: where it listens and keeps its things.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::book::Book;
use super::section::{Section, Text, bad_name};

/// How long live sessions get when the gateway goes down, unless the file says otherwise.
const DRAIN: Duration = Duration::from_secs(30);

/// `[gateway]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gateway {
    /// Where SSH listens.
    pub ssh: SocketAddr,
    /// The names under which people reach it, which its host CA certifies.
    pub names: Vec<String>,
    /// Where host key, CA keys, SQLite and the control socket are.
    pub state_dir: PathBuf,
    /// The SQLite database.
    pub database: PathBuf,
    /// Where recordings are.
    pub recordings: PathBuf,
    /// How long live sessions get when the gateway goes down.
    pub drain: Duration,
}

/// Reads `[gateway]`. `base` is what relative paths start from.
pub(super) fn read(mut section: Section<'_>, base: &Path, book: &Book) -> Option<Gateway> {
    let ssh =
        section.required("ssh", "where to listen, like \"0.0.0.0:2222\"").and_then(|text| listen_address(text, book));
    let state_dir = section
        .required("state_dir", "the folder of keys and database, like \"/var/lib/curfew\"")
        .and_then(|text| path(text, base, book));
    let names = section.strings("names");
    for name in &names {
        if let Some(why) = bad_name(name.text).filter(|_| name.text.parse::<IpAddr>().is_err()) {
            book.fault(name.at, format!("`{}` cannot be the name of a host: {why}", name.text));
        }
    }
    let database = section.string("database");
    let recordings = section.string("recordings").and_then(|text| path(text, base, book));
    let drain = section.duration("drain").unwrap_or(DRAIN);
    for (key, door) in [("https", "HTTPS door"), ("tls", "TLS door")] {
        if section.has(key) {
            book.fault(section.place(key), format!("this version has no {door} yet; take `{key}` out"));
        }
    }
    section.finish();
    let database = database.map(|text| sqlite(text, base, book));
    let state_dir = state_dir?;
    Some(Gateway {
        ssh: ssh?,
        names: names.iter().map(|name| name.text.to_ascii_lowercase()).collect(),
        database: match database {
            None | Some(Database::InStateDir) => state_dir.join("curfew.db"),
            Some(Database::At(path)) => path,
            Some(Database::Wrong) => return None,
        },
        recordings: recordings.unwrap_or_else(|| state_dir.join("recordings")),
        state_dir,
        drain,
    })
}

/// What `database` names.
enum Database {
    InStateDir,
    At(PathBuf),
    Wrong,
}

fn sqlite(text: Text<'_>, base: &Path, book: &Book) -> Database {
    if text.text == "sqlite" {
        return Database::InStateDir;
    }
    if let Some(file) = text.text.strip_prefix("sqlite:") {
        let file = Text { text: file.strip_prefix("//").unwrap_or(file), at: text.at };
        return path(file, base, book).map_or(Database::Wrong, Database::At);
    }
    // Whatever else it is, it may hold a password, so it is not repeated.
    let postgres = text.text.starts_with("postgres:") || text.text.starts_with("postgresql:");
    let what = if postgres { "this version does not speak to Postgres yet" } else { "this is no database" };
    book.fault(text.at, format!("database: {what}; write \"sqlite\", or \"sqlite:PATH\" for a file of your own"));
    Database::Wrong
}

fn listen_address(text: Text<'_>, book: &Book) -> Option<SocketAddr> {
    let address = text.text.parse().ok();
    if address.is_none() {
        let typed = text.text;
        book.fault(
            text.at,
            format!("`{typed}` is not an address to listen on; write \"0.0.0.0:2222\" or \"[::]:2222\""),
        );
    }
    address
}

/// A path of the file, which may be relative to it.
pub(super) fn path(text: Text<'_>, base: &Path, book: &Book) -> Option<PathBuf> {
    if text.text.is_empty() || text.text.contains('\0') {
        book.fault(text.at, format!("`{}` is not a path", text.text));
        return None;
    }
    Some(base.join(text.text))
}
