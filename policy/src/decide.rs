//! The one decision: may this person open a session on this target now? Only here is a [`Permit`] made.

use std::sync::Arc;

use jiff::Timestamp;

use crate::grant::Grant;
use crate::id::GrantId;
use crate::refusal::Refusal;
use crate::role::Role;
use crate::target::{Address, Protocol, Target, TargetAuth};
use crate::user::Person;

/// All that the decision rests on, loaded in one transaction.
#[derive(Debug, Clone)]
pub struct Facts {
    /// Who connects, proven.
    pub person: Person,
    /// Where to.
    pub target: Arc<Target>,
    /// With which login; `None` when none was typed.
    pub login: Option<String>,
    /// The person's grants that have not ended in the store, each with its role as configured now. A grant whose role
    /// is gone is not among them.
    pub grants: Vec<(Grant, Arc<Role>)>,
}

/// What was decided. It is the caller's only way to a target, so it must be used.
#[must_use]
#[derive(Debug, Clone)]
pub enum Decision {
    /// Go on, under this permit.
    Allow(Box<Permit>),
    /// No, for this reason.
    Refuse(Refusal),
}

/// The right to dial one target with one login under one grant. It holds everything that dialling needs, so nothing
/// is looked up twice, and it cannot be made outside [`decide`].
#[derive(Debug, Clone)]
pub struct Permit {
    user: String,
    grant: Grant,
    role: Arc<Role>,
    login: String,
    target: Arc<Target>,
}

impl Permit {
    /// Who was let in.
    #[must_use]
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The grant that carries the session.
    #[must_use]
    pub const fn grant(&self) -> GrantId {
        self.grant.id
    }

    /// When the grant ends, as it stood at the decision.
    #[must_use]
    pub const fn expires_at(&self) -> Timestamp {
        self.grant.expires_at
    }

    /// What may be done.
    #[must_use]
    pub const fn role(&self) -> &Arc<Role> {
        &self.role
    }

    /// The login on the target.
    #[must_use]
    pub fn login(&self) -> &str {
        &self.login
    }

    /// The target's name.
    #[must_use]
    pub fn target(&self) -> &str {
        &self.target.name
    }

    /// What is spoken with it.
    #[must_use]
    pub fn protocol(&self) -> Protocol {
        self.target.protocol
    }

    /// Where to dial.
    #[must_use]
    pub fn address(&self) -> &Address {
        &self.target.address
    }

    /// The host keys that the target may show.
    #[must_use]
    pub fn host_keys(&self) -> &[String] {
        &self.target.host_keys
    }

    /// How to prove ourselves to it.
    #[must_use]
    pub fn auth(&self) -> &TargetAuth {
        &self.target.auth
    }
}

/// Decides. When several grants fit, the one that ends last carries the session.
pub fn decide(facts: &Facts, now: Timestamp) -> Decision {
    let active: Vec<&(Grant, Arc<Role>)> = facts
        .grants
        .iter()
        .filter(|(grant, _)| grant.user == facts.person.name && grant.fits(&facts.target.name, now))
        .collect();
    let mut fitting: Vec<(&Grant, &Arc<Role>, String)> = Vec::new();
    let mut ambiguous: Option<&Role> = None;
    for (grant, role) in &active {
        match login_for(grant, role, facts.login.as_deref()) {
            Login::Is(login) => fitting.push((grant, role, login)),
            Login::Ambiguous => ambiguous = Some(role),
            Login::No => {}
        }
    }
    let Some((grant, role, login)) = fitting.into_iter().max_by_key(|(grant, ..)| (grant.expires_at, grant.id)) else {
        return Decision::Refuse(refuse(facts, &active, ambiguous, now));
    };
    Decision::Allow(Box::new(Permit {
        user: facts.person.name.clone(),
        grant: grant.clone(),
        role: Arc::clone(role),
        login,
        target: Arc::clone(&facts.target),
    }))
}

enum Login {
    Is(String),
    Ambiguous,
    No,
}

/// The login that a grant gives: the one typed if the grant has it, the only one if none was typed.
fn login_for(grant: &Grant, role: &Role, typed: Option<&str>) -> Login {
    let has =
        |login: &str| role.logins.iter().any(|l| l == login) && grant.login.as_deref().is_none_or(|only| only == login);
    match (typed, grant.login.as_deref(), role.logins.as_slice()) {
        (Some(typed), _, _) if has(typed) => Login::Is(typed.to_owned()),
        (Some(_), _, _) => Login::No,
        (None, Some(only), _) if has(only) => Login::Is(only.to_owned()),
        (None, None, [only]) => Login::Is(only.clone()),
        (None, None, [_, _, ..]) => Login::Ambiguous,
        _ => Login::No,
    }
}

fn refuse(facts: &Facts, active: &[&(Grant, Arc<Role>)], ambiguous: Option<&Role>, now: Timestamp) -> Refusal {
    let target = &facts.target.name;
    if let Some(role) = ambiguous {
        return Refusal::new(
            "which-login",
            format!("role {} has several logins ({}); say which: LOGIN@{target}@…", role.name, role.logins.join(", ")),
        );
    }
    if let (Some(typed), Some((grant, role))) = (&facts.login, active.first()) {
        let logins = grant.login.clone().unwrap_or_else(|| role.logins.join(", "));
        return Refusal::new(
            "wrong-login",
            format!("grant {} on {target} is for login {logins}, not `{}`", grant.id, typed.escape_debug()),
        );
    }
    let next = facts
        .grants
        .iter()
        .map(|(grant, _)| grant)
        .filter(|g| g.user == facts.person.name && g.targets.contains(target) && g.starts_at > now && g.ended.is_none())
        .min_by_key(|grant| grant.starts_at);
    if let Some(grant) = next {
        return Refusal::new(
            "scheduled",
            format!("grant {} on {target} begins at {}", grant.id, crate::time::rfc3339(grant.starts_at)),
        );
    }
    Refusal::new("no-grant", format!("you hold no grant for {target}"))
}
