//! `[certificates]`: whose certificates prove people, and what was revoked.

use std::path::Path;
use std::sync::Arc;

use ssh_key::public::KeyData;

use super::book::Book;
use super::gateway::path;
use super::key;
use super::section::Section;
use crate::config::revoked::Revoked;

/// `[certificates]`.
#[derive(Debug, Clone, Default)]
pub struct Certificates {
    /// The CAs whose certificates prove users.
    pub trusted: Vec<KeyData>,
    /// Keys and certificates that prove nobody any more.
    pub revoked: Arc<Revoked>,
}

/// Reads `[certificates]`, and the list that it names. `base` is what relative paths start from.
pub(super) fn read(root: &mut Section<'_>, base: &Path, book: &Book) -> Certificates {
    let Some(mut section) = root.table("certificates", "[certificates]") else { return Certificates::default() };
    if !section.has("revoked") {
        section.demand("trusted", "the public keys of the CAs whose certificates let people in");
    }
    let mut trusted = Vec::new();
    for line in section.strings("trusted") {
        match key::read(line.text) {
            Ok(key) => trusted.push(key.key_data().clone()),
            Err(why) => book.fault(line.at, format!("this CA key {why}")),
        }
    }
    let mut revoked = Revoked::default();
    if let Some((text, file)) = section.string("revoked").and_then(|text| Some((text, path(text, base, book)?))) {
        match Revoked::read(&file) {
            Ok(list) => revoked = list,
            Err(why) => book.fault(text.at, format!("revoked {}: {why}", file.display())),
        }
    }
    section.finish();
    Certificates { trusted, revoked: Arc::new(revoked) }
}
