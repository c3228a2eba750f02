//! Which users and targets a record of the audit log is about: an index beside the log, made from its records, so that
//! the log can be asked for theirs alone. What it says is proven by nothing; what it leads to is.

use serde_json::{Map, Value};

use super::action::Action;
use super::chain::Record;

/// How many targets of one record are noted: a refused request may name as many as fit a line.
const MOST: usize = 64;

/// A user or target that a record is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Name {
    /// [`USER`] or [`TARGET`].
    pub(super) kind: &'static str,
    pub(super) name: String,
}

/// The kind of a user's name.
pub(super) const USER: &str = "user";
/// The kind of a target's name.
pub(super) const TARGET: &str = "target";

/// The names in a record: who acted, whose thing it was, and which targets it was about.
pub(super) fn of(actor: &str, action: &str, subject: &str, detail: &Map<String, Value>) -> Vec<Name> {
    let user = |name: &str| Name { kind: USER, name: name.to_owned() };
    let target = |name: &str| Name { kind: TARGET, name: name.to_owned() };
    let mut names = vec![user(actor)];
    let text = |key: &str| detail.get(key).and_then(Value::as_str);
    names.extend(text("user").map(user));
    names.extend(text("target").map(target));
    let targets = detail.get("targets").and_then(Value::as_array).into_iter().flatten();
    names.extend(targets.filter_map(Value::as_str).take(MOST).map(target));
    // What was refused has no id; its subject is what was typed.
    if [Action::SessionRefused.as_str(), Action::RequestRefused.as_str()].contains(&action) {
        names.extend(subject.split_whitespace().take(MOST).map(target));
    }
    names.sort();
    names.dedup();
    names
}

/// The names in a record that was read.
pub(super) fn of_record(record: &Record) -> Vec<Name> {
    let detail = serde_json::from_str(&record.detail).unwrap_or_default();
    of(&record.actor, &record.action, &record.subject, &detail)
}

/// The statement that notes so many names: `seq`, `gateway`, `incarnation`, then kind and name of each.
pub(super) fn insert(count: usize) -> String {
    let row = |at: usize| format!("(${}, ${}, $1, $2, $3)", 4 + 2 * at, 5 + 2 * at);
    let rows: Vec<String> = (0..count).map(row).collect();
    format!("INSERT INTO audit_names (kind, name, seq, gateway, incarnation) VALUES {}", rows.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_about_its_actor_the_owner_and_every_target_once() {
        let Value::Object(detail) = serde_json::json!({"user": "bob", "targets": ["web1", "db1"], "target": "web1"})
        else {
            panic!()
        };
        let found: Vec<(&str, String)> =
            of("alice", "request.approved", "r1", &detail).into_iter().map(|name| (name.kind, name.name)).collect();
        let expected = [("target", "db1"), ("target", "web1"), ("user", "alice"), ("user", "bob")];
        assert_eq!(found, expected.map(|(kind, name)| (kind, name.to_owned())));
    }

    #[test]
    fn a_refusal_is_about_what_was_typed() {
        let names = of("alice", "request.refused", "web1 web2", &Map::new());
        assert_eq!(names.iter().filter(|name| name.kind == TARGET).count(), 2);
    }
}
