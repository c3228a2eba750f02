//! `[users.NAME]` and `[groups.NAME]`: who is known by which key or certificate, and what the
//! groups may do beyond their own.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use curfew_policy::user::Duty;
use ssh_key::PublicKey;

use super::book::Book;
use super::certificates::Certificates;
use super::key::{self, Print};
use super::section::{Section, Text, bad_name};

/// Names by which the audit log means somebody else: Curfew itself, and whoever is at `curfew ctl`.
const RESERVED: [&str; 2] = ["curfew", "operator"];

/// `[users.NAME]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The keys that prove it, each no other user's.
    pub keys: Vec<PublicKey>,
    /// The groups it is in.
    pub groups: BTreeSet<String>,
}

/// A group: named by `[groups.NAME]`, by a user, or both.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Group {
    /// What its members may do beyond their own.
    pub may: BTreeSet<Duty>,
}

/// What the file says of people.
#[derive(Debug, Default)]
pub(super) struct People {
    pub users: BTreeMap<String, User>,
    pub groups: BTreeMap<String, Group>,
    /// Whose key it is.
    pub keys: HashMap<Print, String>,
    /// Whose principal it is.
    pub principals: HashMap<String, String>,
}

/// Reads `[users.…]` and `[groups.…]`.
pub(super) fn read(root: &mut Section<'_>, certificates: &Certificates, book: &Book) -> People {
    let mut people = People::default();
    let mut owners: HashMap<Print, (String, Text<'_>)> = HashMap::new();
    let mut principals = HashMap::new();
    let mut revoked = HashSet::new();
    for (name, mut section) in root.named("users", "user") {
        if RESERVED.contains(&name.text) {
            section
                .fault(format!("`{}` cannot be the name of a user: the audit log has its own use for it", name.text));
        }
        let groups: Vec<Text<'_>> = section.strings("groups");
        groups.iter().for_each(|group| check_group(*group, book));
        let mut keys = Vec::new();
        for line in section.strings("keys") {
            let key = own_key(name, line, &mut owners, book);
            if key.as_ref().is_some_and(|key| certificates.revoked.has_key(key.key_data())) {
                book.warn(line.at, format!("this key of user {} is revoked, so it lets nobody in", name.text));
                revoked.extend(key.as_ref().map(key::print));
            }
            keys.extend(key);
        }
        own_principals(name, &mut section, &mut principals, certificates, book);
        if section.lacks("keys") && certificates.trusted.is_empty() {
            book.warn(name.at, format!("user {} has no keys, so nobody can sign in as it", name.text));
        }
        section.finish();
        let groups: BTreeSet<String> = groups.iter().map(|group| group.text.to_owned()).collect();
        for group in &groups {
            people.groups.entry(group.clone()).or_default();
        }
        people.users.insert(name.text.to_owned(), User { keys, groups });
    }
    people.principals = principals.into_iter().map(|(principal, (user, _))| (principal, user)).collect();
    // A revoked key is somebody's still, so that it becomes nobody else's, but it proves nobody.
    people.keys = owners
        .into_iter()
        .filter(|(print, _)| !revoked.contains(print))
        .map(|(print, (user, _))| (print, user))
        .collect();
    for (name, section) in root.named("groups", "group") {
        if !people.groups.contains_key(name.text) {
            book.warn(name.at, format!("no user is in group {}", name.text));
        }
        people.groups.insert(name.text.to_owned(), read_group(section, book));
    }
    people
}

/// A key that proves this user and no other.
fn own_key<'a>(
    user: Text<'_>,
    line: Text<'a>,
    owners: &mut HashMap<Print, (String, Text<'a>)>,
    book: &Book,
) -> Option<PublicKey> {
    let key = match key::read(line.text) {
        Ok(key) => key,
        Err(why) => {
            book.fault(line.at, format!("a key of user {} {why}", user.text));
            return None;
        }
    };
    match owners.get(&key::print(&key)) {
        Some((owner, _)) if owner == user.text => {
            book.warn(line.at, format!("user {} has this key twice", user.text));
            None
        }
        Some((owner, first)) => {
            // On the later line, whichever user comes first in the alphabet.
            let (later, other, own) = if first.at > line.at {
                (first.at, user.text, owner.as_str())
            } else {
                (line.at, owner.as_str(), user.text)
            };
            book.fault(later, format!("this key of user {own} is user {other}'s too; a key must prove one user"));
            None
        }
        None => {
            owners.insert(key::print(&key), (user.text.to_owned(), line));
            Some(key)
        }
    }
}

/// The principals of certificates that prove this user and no other: without any in the file, its name.
fn own_principals(
    user: Text<'_>,
    section: &mut Section<'_>,
    owners: &mut HashMap<String, (String, usize)>,
    certificates: &Certificates,
    book: &Book,
) {
    let named = section.has("principals");
    if named && certificates.trusted.is_empty() {
        book.warn(section.place("principals"), format!("user {} has principals, but no CA is trusted", user.text));
    }
    let principals = if named { section.strings("principals") } else { vec![user] };
    for principal in principals {
        let Text { text, at } = principal;
        // A name that is wrong is told elsewhere.
        if named && (text.is_empty() || text.contains(|c: char| c.is_control() || c.is_whitespace() || c == ',')) {
            book.fault(at, format!("`{text}` cannot be a principal"));
            continue;
        }
        match owners.get(text) {
            Some((owner, first)) => {
                // On the later line, whichever user comes first in the alphabet.
                let (later, own, other) =
                    if *first > at { (*first, owner.as_str(), user.text) } else { (at, user.text, owner.as_str()) };
                book.fault(
                    later,
                    format!("principal `{text}` of user {own} is user {other}'s too; a principal must prove one user"),
                );
            }
            None => _ = owners.insert(text.to_owned(), (user.text.to_owned(), at)),
        }
    }
}

fn read_group(mut section: Section<'_>, book: &Book) -> Group {
    let mut group = Group::default();
    for word in section.strings("may") {
        match word.text.parse() {
            Ok(duty) => _ = group.may.insert(duty),
            Err(()) => book.unknown(word.at, "duty", word.text, Duty::ALL.map(Duty::as_str)),
        }
    }
    section.finish();
    group
}

fn check_group(name: Text<'_>, book: &Book) {
    if let Some(why) = bad_name(name.text) {
        book.fault(name.at, format!("`{}` cannot be the name of a group: {why}", name.text));
    }
}
