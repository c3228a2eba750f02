//! `[gateway]`: what the gateway is called, and where it keeps its things.

use std::path::{Path, PathBuf};

use super::book::Book;
use super::section::{Section, Text, bad_name};

/// `[gateway]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gateway {
    /// What recordings call it, where it has a name.
    pub name: Option<String>,
    /// Where host key, CA keys, SQLite and the control socket are.
    pub state_dir: PathBuf,
}

/// Reads what is left of `[gateway]` when the other sections have taken their old keys. `base` is what relative paths
/// start from.
pub(super) fn read(mut section: Section<'_>, base: &Path, book: &Book) -> Option<Gateway> {
    let name = section.string("name");
    if let Some((name, why)) = name.and_then(|name| Some((name, bad_name(name.text)?))) {
        book.fault(name.at, format!("`{}` cannot be the name of a gateway: {why}", name.text));
    }
    let state_dir = section
        .required("state_dir", "the folder of keys and database, like \"/var/lib/curfew\"")
        .and_then(|text| path(text, base, book));
    for (key, door) in [("https", "HTTPS door"), ("tls", "TLS door")] {
        if section.has(key) {
            book.fault(section.place(key), format!("this version has no {door} yet; take `{key}` out"));
        }
    }
    section.finish();
    Some(Gateway { name: name.map(|name| name.text.to_owned()), state_dir: state_dir? })
}

/// A path of the file, which may be relative to it.
pub(super) fn path(text: Text<'_>, base: &Path, book: &Book) -> Option<PathBuf> {
    if text.text.is_empty() || text.text.contains('\0') {
        book.fault(text.at, format!("`{}` is not a path", text.text));
        return None;
    }
    Some(base.join(text.text))
}
