//! `[[rules]]`: who may ask for which roles on which targets, for how long, and whose approval it needs.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use curfew_policy::pattern::Glob;
use curfew_policy::rule::Rule;
use curfew_policy::target::Target;
use regex::Regex;

use super::book::Book;
use super::people::People;
use super::section::{Section, Text};

/// The most approvals that a rule can ask for.
const MOST_APPROVALS: u32 = 100;

/// The names that rules may use: all that the file has, faulty or not, so that one fault does not become many.
pub(super) struct Known<'a> {
    pub people: &'a People,
    pub targets: &'a BTreeMap<String, Arc<Target>>,
    pub target_names: Vec<&'a str>,
    pub role_names: Vec<&'a str>,
}

/// Reads `[[rules]]`.
pub(super) fn read(root: &mut Section<'_>, known: &Known<'_>, book: &Book) -> Vec<Rule> {
    root.tables("rules", "the rule").into_iter().filter_map(|section| read_one(section, known, book)).collect()
}

fn read_one(mut section: Section<'_>, known: &Known<'_>, book: &Book) -> Option<Rule> {
    let groups = section.required_strings("groups", "who may ask, like [\"engineers\"]");
    groups.iter().for_each(|group| known.check_group(*group, book));
    let targets = section.strings("targets");
    let labels = section.pairs("labels");
    if section.lacks("targets") && section.lacks("labels") {
        section.fault("the rule has neither `targets` nor `labels`: for every target write targets = [\"*\"]");
    }
    known.check_targets(&targets, &labels, book);
    let roles = section.required_strings("roles", "what may be asked for, like [\"admin\"]");
    for role in roles.iter().filter(|role| !known.role_names.contains(&role.text)) {
        book.unknown(role.at, "role", role.text, known.role_names.iter().copied());
    }
    section.demand("max_duration", "the longest that may be asked for, like \"4h\"");
    let max_duration = section.duration("max_duration");
    let reason = section.string("reason").map(|text| pattern(text, book));
    let approvals = section.number("approvals", MOST_APPROVALS);
    let approvers = approvers(&mut section, approvals, known, book);
    section.finish();
    Some(Rule {
        groups: owned(&groups),
        targets: targets.iter().map(|text| Glob::new(text.text)).collect(),
        labels: labels.iter().map(|(key, value)| (key.text.to_owned(), Glob::new(value.text))).collect(),
        roles: owned(&roles),
        max_duration: max_duration?,
        // A pattern that was faulty must not become none.
        reason: match reason {
            Some(pattern) => Some(pattern?),
            None => None,
        },
        approvals: approvals?,
        approvers,
    })
}

fn owned(texts: &[Text<'_>]) -> Vec<String> {
    texts.iter().map(|text| text.text.to_owned()).collect()
}

fn pattern(text: Text<'_>, book: &Book) -> Option<Regex> {
    let pattern = Regex::new(text.text);
    // The last line of the error says what is wrong; those before it draw the pattern.
    let why = |error: &regex::Error| {
        error.to_string().lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
    };
    pattern.map_err(|error| book.fault(text.at, format!("reason is not a regular expression: {}", why(&error)))).ok()
}

/// The groups that approve. Naming them without asking for approvals would grant at once what somebody meant to see.
fn approvers(section: &mut Section<'_>, approvals: Option<u32>, known: &Known<'_>, book: &Book) -> Vec<String> {
    if approvals > Some(0) {
        section.demand("approvers", "whose approval counts, like [\"leads\"]");
    } else if approvals == Some(0) && section.has("approvers") {
        let text =
            "approvers are named, but approvals is 0, so nobody is asked; write approvals = 1 or take approvers out";
        book.fault(section.place("approvers"), text);
    }
    let approvers = section.strings("approvers");
    approvers.iter().for_each(|group| known.check_group(*group, book));
    let groups = owned(&approvers);
    let people =
        known.people.users.values().filter(|user| groups.iter().any(|group| user.groups.contains(group))).count();
    let needed = approvals.unwrap_or(0);
    if !groups.is_empty() && people < needed as usize {
        let have = if people == 1 { "1 person".to_owned() } else { format!("{people} people") };
        let text = format!("{needed} approvals are needed, but only {have} can give them");
        book.warn(section.place("approvers"), text);
    }
    groups
}

impl Known<'_> {
    fn check_group(&self, group: Text<'_>, book: &Book) {
        if !self.people.groups.contains_key(group.text) {
            book.unknown(group.at, "group", group.text, self.people.groups.keys().map(String::as_str));
        }
    }

    /// Every name must be there; a glob or label that fits nothing is only told, since targets come and go.
    fn check_targets(&self, names: &[Text<'_>], labels: &[(Text<'_>, Text<'_>)], book: &Book) {
        for text in names {
            let glob = Glob::new(text.text);
            if glob.is_literal() && !self.target_names.contains(&text.text) {
                book.unknown(text.at, "target", text.text, self.target_names.iter().copied());
            } else if !self.target_names.iter().any(|name| glob.matches(name)) {
                book.warn(text.at, format!("no target fits `{}`", text.text));
            }
        }
        for (key, value) in labels {
            let glob = Glob::new(value.text);
            let values: BTreeSet<&str> =
                self.targets.values().filter_map(|target| target.labels.get(key.text)).map(String::as_str).collect();
            if !values.iter().any(|label| glob.matches(label)) {
                book.warn(value.at, format!("no target has the label {} = \"{}\"", key.text, value.text));
            }
        }
    }
}
