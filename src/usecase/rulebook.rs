//! What the configuration says now: the people, what they may reach, and the rules.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use curfew_policy::ask::{Ask, Carried, assess};
use curfew_policy::refusal::Refusal;
use curfew_policy::role::Role;
use curfew_policy::rule::Rule;
use curfew_policy::target::Target;
use curfew_policy::user::Person;

use crate::config::Config;
use crate::store::Filed;

/// What the configuration says now. A reload replaces it whole.
#[derive(Debug, Clone, Default)]
pub struct Rulebook {
    /// The users, by name.
    pub people: BTreeMap<String, Person>,
    /// The targets, by name.
    pub targets: BTreeMap<String, Arc<Target>>,
    /// The roles, by name.
    pub roles: BTreeMap<String, Arc<Role>>,
    /// The rules, in the order of the file.
    pub rules: Vec<Rule>,
}

impl From<&Config> for Rulebook {
    fn from(config: &Config) -> Self {
        let people = config.users.keys().filter_map(|name| Some((name.clone(), config.person(name)?)));
        Self {
            people: people.collect(),
            targets: config.targets.clone(),
            roles: config.roles.clone(),
            rules: config.rules.clone(),
        }
    }
}

impl Rulebook {
    /// For how long what runs under a role may finish when its grant has expired, where it may.
    #[must_use]
    pub fn grace(&self, role: &str) -> Option<Duration> {
        self.roles.get(role).map(|role| role.grace()).filter(|grace| !grace.is_zero())
    }

    /// The roles that some rule lets this person ask for on this target, in the order of the rules.
    #[must_use]
    pub fn roles_for<'a>(&'a self, person: &Person, target: &Target) -> Vec<&'a str> {
        let mut roles: Vec<&str> = Vec::new();
        for rule in &self.rules {
            for role in rule.roles.iter().filter(|role| rule.covers(person, target, role)) {
                if !roles.contains(&role.as_str()) {
                    roles.push(role);
                }
            }
        }
        roles
    }

    /// The targets that this person may ask for in some role, by name. Others they need not know of.
    pub fn targets_for<'a>(&'a self, person: &'a Person) -> impl Iterator<Item = &'a Arc<Target>> {
        self.targets.values().filter(|target| !self.roles_for(person, target).is_empty())
    }

    /// The longest that a rule lets this person ask for this role on this target.
    #[must_use]
    pub fn longest(&self, person: &Person, target: &Target, role: &str) -> Option<Duration> {
        self.rules.iter().filter(|rule| rule.covers(person, target, role)).map(|rule| rule.max_duration).max()
    }

    /// Asks today's rules about a request that was filed, for a duration that may have been shortened since.
    ///
    /// # Errors
    /// When its user, a target or its role is gone, or no rule carries it any more.
    pub fn reassess(&self, filed: &Filed, duration: Duration) -> Result<Carried<'_>, Refusal> {
        let request = &filed.request;
        let gone = |what: String| Refusal::conflict("gone", format!("{} cannot be granted: {what}", request.id));
        let person = self.people.get(&request.user);
        let person = person.ok_or_else(|| gone(format!("{} is no user any more", request.user)))?;
        let role = self.roles.get(&request.role).ok_or_else(|| gone(format!("role {} is gone", request.role)))?;
        let targets = request
            .targets
            .iter()
            .map(|name| self.targets.get(name).map(|t| &**t).ok_or_else(|| gone(format!("target {name} is gone"))))
            .collect::<Result<Vec<_>, _>>()?;
        let ask = Ask { person, targets, role, login: request.login.as_deref(), duration, reason: &request.reason };
        assess(&ask, &self.rules)
    }

    /// Whether this person's approval would count for a request, as it was asked, by today's rules.
    #[must_use]
    pub fn counts(&self, approver: &Person, filed: &Filed) -> bool {
        let carried = self.reassess(filed, filed.asked).or_else(|_| self.reassess(filed, filed.request.duration));
        carried.is_ok_and(|carried| carried.counts(approver, &filed.request.user))
    }
}
