//! `[users.NAME]` and `[groups.NAME]`: who is known by which key, and what the groups may do beyond their own.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use curfew_policy::user::Duty;
use ssh_key::PublicKey;

use super::book::Book;
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
}

/// Reads `[users.…]` and `[groups.…]`.
pub(super) fn read(root: &mut Section<'_>, book: &Book) -> People {
    let mut people = People::default();
    let mut owners: HashMap<Print, (String, Text<'_>)> = HashMap::new();
    for (name, mut section) in root.named("users", "user") {
        if RESERVED.contains(&name.text) {
            section
                .fault(format!("`{}` cannot be the name of a user: the audit log has its own use for it", name.text));
        }
        let groups: Vec<Text<'_>> = section.strings("groups");
        groups.iter().for_each(|group| check_group(*group, book));
        let mut keys = Vec::new();
        for line in section.strings("keys") {
            keys.extend(own_key(name, line, &mut owners, book));
        }
        if section.lacks("keys") {
            book.warn(name.at, format!("user {} has no keys, so nobody can sign in as it", name.text));
        }
        section.finish();
        let groups: BTreeSet<String> = groups.iter().map(|group| group.text.to_owned()).collect();
        for group in &groups {
            people.groups.entry(group.clone()).or_default();
        }
        people.users.insert(name.text.to_owned(), User { keys, groups });
    }
    people.keys = owners.into_iter().map(|(print, (user, _))| (print, user)).collect();
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
