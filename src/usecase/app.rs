//! What the use cases work with: the store, the clock, the configuration, and the live sessions.

use std::sync::Arc;

use arc_swap::ArcSwap;
use curfew_policy::refusal::Refusal;
use curfew_policy::user::{Duty, Person};
use curfew_proxy::lease::clock::Clock;

use super::fault::Outcome;
use super::rulebook::Rulebook;
use crate::live::late_ends::LateEnds;
use crate::live::late_seals::LateSeals;
use crate::live::leases::Leases;
use crate::live::repeats::Repeats;
use crate::live::waiters::Waiters;
use crate::store::Store;

/// What the use cases work with. Its clones are the same.
#[derive(Debug, Clone)]
pub struct App(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    store: Store,
    clock: Clock,
    rules: ArcSwap<Rulebook>,
    leases: Leases,
    repeats: Repeats,
    late_ends: LateEnds,
    late_seals: LateSeals,
    waiters: Waiters,
}

impl App {
    /// Nothing is opened yet: see [`super::start::open`] for what follows.
    #[must_use]
    pub fn new(store: Store, clock: Clock, rules: Rulebook) -> Self {
        Self(Arc::new(Parts {
            store,
            clock,
            rules: ArcSwap::from_pointee(rules),
            leases: Leases::default(),
            repeats: Repeats::default(),
            late_ends: LateEnds::default(),
            late_seals: LateSeals::default(),
            waiters: Waiters::default(),
        }))
    }

    /// The database.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.0.store
    }

    /// The clock.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// What the configuration says now.
    #[must_use]
    pub fn rules(&self) -> Arc<Rulebook> {
        self.0.rules.load_full()
    }

    /// The live sessions.
    #[must_use]
    pub fn leases(&self) -> &Leases {
        &self.0.leases
    }

    pub(super) fn replace_rules(&self, rules: Rulebook) {
        self.0.rules.store(Arc::new(rules));
    }

    pub(super) fn repeats(&self) -> &Repeats {
        &self.0.repeats
    }

    pub(super) fn late_ends(&self) -> &LateEnds {
        &self.0.late_ends
    }

    /// What the configuration says now, and the actor as they are in it: who was let in long ago may have lost a group, a
    /// duty, or their name since.
    pub(super) fn afresh(&self, actor: &Actor) -> Outcome<(Arc<Rulebook>, Actor)> {
        let rules = self.rules();
        let actor = match actor {
            Actor::Operator => Actor::Operator,
            Actor::Person(then) => match rules.people.get(&then.name) {
                Some(now) => Actor::Person(now.clone()),
                None => {
                    let why = "you are no user of this bastion any more";
                    return Err(Refusal::not_allowed("unknown-user", why).into());
                }
            },
        };
        Ok((rules, actor))
    }

    pub(super) fn late_seals(&self) -> &LateSeals {
        &self.0.late_seals
    }

    /// Who waits for a decision.
    #[must_use]
    pub fn waiters(&self) -> &Waiters {
        &self.0.waiters
    }
}

/// Who does something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// A proven user.
    Person(Person),
    /// Whoever may use the control socket on the bastion's own host.
    Operator,
}

impl Actor {
    /// The name in the audit log.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Person(person) => &person.name,
            Self::Operator => "operator",
        }
    }

    /// The user, where it is one.
    #[must_use]
    pub const fn person(&self) -> Option<&Person> {
        match self {
            Self::Person(person) => Some(person),
            Self::Operator => None,
        }
    }

    /// Whether it has this duty. The operator has them all.
    #[must_use]
    pub fn has(&self, duty: Duty) -> bool {
        self.person().is_none_or(|person| person.has(duty))
    }

    /// Whether it has any of these duties.
    #[must_use]
    pub fn has_any(&self, duties: &[Duty]) -> bool {
        duties.iter().any(|duty| self.has(*duty))
    }

    /// Whether it is this user.
    #[must_use]
    pub fn is(&self, user: &str) -> bool {
        self.person().is_some_and(|person| person.name == user)
    }

    /// The user, for what only users do.
    pub(super) fn user(&self) -> Outcome<&Person> {
        self.person().ok_or_else(|| {
            Refusal::not_allowed(
                "operator",
                "the operator has no access of their own to ask for or approve; log in as a user",
            )
            .into()
        })
    }
}
