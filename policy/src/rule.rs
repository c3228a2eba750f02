//! Who may ask for which roles on which targets, for how long, and whose approval it needs.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use regex::Regex;

use crate::pattern::Glob;
use crate::target::Target;
use crate::user::Person;

/// A `[[rules]]` entry.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Who may ask: one of these groups.
    pub groups: Vec<String>,
    /// Which targets, by name. Either this or `labels` is not empty.
    pub targets: Vec<Glob>,
    /// Which targets, by label: all of these must match.
    pub labels: BTreeMap<String, Glob>,
    /// Which roles.
    pub roles: Vec<String>,
    /// The longest that may be asked for.
    pub max_duration: Duration,
    /// What a reason must contain.
    pub reason: Option<Regex>,
    /// How many approvals are needed; 0 is granted at once.
    pub approvals: u32,
    /// Whose approval counts: one of these groups.
    pub approvers: Vec<String>,
}

impl Rule {
    /// Whether this rule speaks of this person, target and role at all.
    #[must_use]
    pub fn covers(&self, person: &Person, target: &Target, role: &str) -> bool {
        person.in_any(&self.groups) && self.roles.iter().any(|r| r == role) && self.names(target)
    }

    /// Whether this rule names the target. Names and labels, where both are given, must both fit.
    #[must_use]
    pub fn names(&self, target: &Target) -> bool {
        let by_name = self.targets.is_empty() || self.targets.iter().any(|glob| glob.matches(&target.name));
        let by_label =
            self.labels.iter().all(|(key, glob)| target.labels.get(key).is_some_and(|value| glob.matches(value)));
        by_name && by_label && !(self.targets.is_empty() && self.labels.is_empty())
    }

    /// Whether this person's approval counts under this rule, for a request of `asker`.
    #[must_use]
    pub fn counts(&self, approver: &Person, asker: &str) -> bool {
        approver.name != asker && approver.in_any(&self.approvers)
    }

    /// How many approvals are missing for a request of `asker` when these people approve. Each counts once.
    #[must_use]
    pub fn missing(&self, approvers: &[&Person], asker: &str) -> usize {
        let names: BTreeSet<&str> =
            approvers.iter().filter(|person| self.counts(person, asker)).map(|person| person.name.as_str()).collect();
        (self.approvals as usize).saturating_sub(names.len())
    }

    /// Whether a reason contains what it must.
    #[must_use]
    pub fn takes_reason(&self, reason: &str) -> bool {
        self.reason.as_ref().is_none_or(|pattern| pattern.is_match(reason))
    }
}

#[cfg(test)]
mod tests;
