//! What the audit log says of a change: made with every commit, and with nothing else.

use std::fmt::Display;

use curfew_policy::time::rfc3339;
use jiff::Timestamp;
use serde_json::{Map, Value};

use super::action::Action;
use super::names::{self, Name};

/// The longest subject, in characters: one may have been typed by anybody.
const LONGEST_SUBJECT: usize = 100;

/// One line of the audit log to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    pub(super) at: String,
    pub(super) actor: String,
    pub(super) action: Action,
    pub(super) subject: String,
    detail: Map<String, Value>,
}

impl Event {
    /// At `at`, `actor` (a user, `operator` or `curfew`) did this to `subject` (an id or a name).
    #[must_use]
    pub fn new(at: Timestamp, actor: &str, action: Action, subject: impl Display) -> Self {
        let subject = subject.to_string();
        let subject = if subject.chars().any(char::is_control) || subject.chars().nth(LONGEST_SUBJECT).is_some() {
            subject.escape_debug().take(LONGEST_SUBJECT).collect()
        } else {
            subject
        };
        Self { at: rfc3339(at), actor: actor.to_owned(), action, subject, detail: Map::new() }
    }

    /// With a further detail. Keys are fixed words; what a person typed is a value.
    #[must_use]
    pub fn with(mut self, key: &'static str, value: impl Into<Value>) -> Self {
        self.detail.insert(key.to_owned(), value.into());
        self
    }

    /// This event and a further one, in one commit.
    #[must_use]
    pub fn and(self, next: Self) -> Events {
        Events::from(self).and(next)
    }

    /// What happened.
    #[must_use]
    pub const fn action(&self) -> Action {
        self.action
    }

    /// The users and targets that the event is about.
    pub(super) fn names(&self) -> Vec<Name> {
        names::of(&self.actor, self.action.as_str(), &self.subject, &self.detail)
    }

    /// The details as JSON text.
    pub(super) fn detail(&self) -> String {
        Value::Object(self.detail.clone()).to_string()
    }
}

/// At least one event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Events {
    pub(super) first: Event,
    pub(super) rest: Vec<Event>,
}

impl Events {
    /// These and a further one.
    #[must_use]
    pub fn and(mut self, next: Event) -> Self {
        self.rest.push(next);
        self
    }

    /// These and further ones.
    #[must_use]
    pub fn and_all(mut self, next: Self) -> Self {
        self.rest.push(next.first);
        self.rest.extend(next.rest);
        self
    }

    /// All of a list; `None` when it is empty.
    #[must_use]
    pub fn all(events: Vec<Event>) -> Option<Self> {
        let mut events = events.into_iter();
        let first = events.next()?;
        Some(Self { first, rest: events.collect() })
    }
}

impl From<Event> for Events {
    fn from(first: Event) -> Self {
        Self { first, rest: Vec::new() }
    }
}
