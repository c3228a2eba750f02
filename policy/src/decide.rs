//! The one decision: may this person open a session on this target now? Only here is a [`Permit`] made.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;

use crate::grant::{Grant, GrantState};
use crate::id::GrantId;
use crate::refusal::{Refusal, RefusalKind};
use crate::role::Role;
use crate::target::{Address, Protocol, Target, TargetAuth};
use crate::time::rfc3339;
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
    /// is gone is not among them. Grants that have ended do no harm: they only make a refusal say so.
    pub grants: Vec<(Grant, Arc<Role>)>,
}

/// What was decided. It is the caller's only way to a target, so it must be used.
#[must_use]
#[derive(Debug)]
pub enum Decision {
    /// Go on, under this permit.
    Allow(Box<Permit>),
    /// No, for this reason.
    Refuse(Refusal),
}

/// The right to dial one target with one login under one grant. It holds everything that dialling needs, so nothing
/// is looked up twice, and it cannot be made outside [`decide`], nor copied: one decision, one permit.
///
/// ```compile_fail,E0451
/// use curfew_policy::decide::{Facts, Permit};
///
/// fn forge(facts: Facts) -> Option<Permit> {
///     let (grant, role) = facts.grants.into_iter().next()?;
///     Some(Permit { user: facts.person.name, grant, role, login: "root".to_owned(), target: facts.target })
/// }
/// ```
///
/// ```compile_fail,E0616
/// fn redirect(permit: &mut curfew_policy::decide::Permit) {
///     permit.login = "root".to_owned();
/// }
/// ```
///
/// ```compile_fail,E0599
/// fn copy(permit: &curfew_policy::decide::Permit) -> curfew_policy::decide::Permit {
///     permit.clone()
/// }
/// ```
#[derive(Debug)]
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

    /// The login on the target; empty for a TCP target, which knows none.
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

    /// The CAs that may certify the host keys of the target.
    #[must_use]
    pub fn host_cas(&self) -> &[String] {
        &self.target.host_cas
    }

    /// How to prove ourselves to it.
    #[must_use]
    pub fn auth(&self) -> &TargetAuth {
        &self.target.auth
    }
}

/// Decides. When several grants fit, the one that ends last carries the session.
pub fn decide(facts: &Facts, now: Timestamp) -> Decision {
    let held: Vec<Held<'_>> = facts.grants.iter().filter_map(|(grant, role)| Held::of(facts, grant, role)).collect();
    let carrying = held
        .iter()
        .filter(|held| held.grant.state(now) == GrantState::Active)
        .filter_map(|held| Some((held, held.login(facts)?)))
        .max_by_key(|(held, _)| (held.grant.expires_at, held.grant.id));
    match carrying {
        Some((Held { grant, role, .. }, login)) => Decision::Allow(Box::new(Permit {
            user: facts.person.name.clone(),
            grant: (*grant).clone(),
            role: Arc::clone(role),
            login: login.to_owned(),
            target: Arc::clone(&facts.target),
        })),
        None => Decision::Refuse(refuse(facts, &held, now)),
    }
}

/// A grant of this person for this target, in whatever state, with the logins that it gives there.
struct Held<'a> {
    grant: &'a Grant,
    role: &'a Arc<Role>,
    logins: Vec<&'a str>,
}

impl<'a> Held<'a> {
    /// Looks at everything that ties a grant to these facts again, rather than trusting whoever loaded them.
    fn of(facts: &Facts, grant: &'a Grant, role: &'a Arc<Role>) -> Option<Self> {
        let own = grant.user == facts.person.name && grant.role == role.name;
        let here = grant.targets.contains(&facts.target.name);
        let given = |login: &&str| grant.login.as_deref().is_none_or(|only| only == *login);
        (own && here).then(|| Self {
            grant,
            role,
            logins: role.logins.iter().map(String::as_str).filter(given).collect(),
        })
    }

    /// The login for these facts: the one typed if it is given, the only one if none was typed. A TCP target has none.
    fn login(&self, facts: &Facts) -> Option<&'a str> {
        match (facts.target.protocol, facts.login.as_deref(), self.logins.as_slice()) {
            (Protocol::Tcp, ..) => Some(""),
            (Protocol::Ssh, Some(typed), logins) => logins.iter().find(|login| **login == typed).copied(),
            (Protocol::Ssh, None, [only]) => Some(only),
            (Protocol::Ssh, None, _) => None,
        }
    }
}

/// Why not, the most useful thing first: what to type, when to come back, what was had, and at last that there is
/// nothing.
fn refuse(facts: &Facts, held: &[Held<'_>], now: Timestamp) -> Refusal {
    let target = &facts.target.name;
    let who = &facts.person.name;
    let of_state = |state| held.iter().filter(move |held| held.grant.state(now) == state);
    if of_state(GrantState::Active).next().is_some() {
        return refuse_login(facts, of_state(GrantState::Active));
    }
    if let Some(Held { grant, .. }) = of_state(GrantState::Scheduled).min_by_key(|held| held.grant.starts_at) {
        let begins = format!("grant {} on {target} begins at {}", grant.id, rfc3339(grant.starts_at));
        return Refusal::conflict("scheduled", begins.clone()).audited(format!("{who}: {begins}"));
    }
    let ended_at = |grant: &Grant| grant.ended.map_or(grant.expires_at, |(at, _)| at);
    if let Some(Held { grant, .. }) = of_state(GrantState::Ended).max_by_key(|held| ended_at(held.grant)) {
        let ended = format!("grant {} on {target} ended at {}", grant.id, rfc3339(ended_at(grant)));
        return Refusal::no_grant("ended", format!("your {ended}")).audited(format!("{who}: {ended}"));
    }
    Refusal::no_grant("no-grant", format!("you hold no grant for {target}"))
        .audited(format!("{who} holds no grant for {target}"))
}

/// There are active grants, but none gives the login that was typed, or several were possible.
fn refuse_login<'a>(facts: &Facts, active: impl Iterator<Item = &'a Held<'a>>) -> Refusal {
    let target = &facts.target.name;
    let who = &facts.person.name;
    let (mut grants, mut logins) = (Vec::new(), BTreeSet::new());
    for held in active {
        grants.push(held.grant.id.to_string());
        logins.extend(held.logins.iter().copied());
    }
    let grants = grants.join(", ");
    let list = logins.iter().copied().collect::<Vec<_>>().join(", ");
    match &facts.login {
        // The login of the grant was taken out of the role since.
        _ if logins.is_empty() => Refusal::no_grant(
            "no-login",
            format!("the role of {grants} has no login left for {target}; ask for a new grant"),
        )
        .audited(format!("{who}: the role of {grants} has no login left for {target}")),
        Some(typed) => {
            let typed = typed.escape_debug();
            Refusal::new(
                RefusalKind::WrongLogin,
                "wrong-login",
                format!("{grants} lets you log in on {target} as {list}, not as `{typed}`"),
            )
            .audited(format!("{who}: {grants} is for login {list} on {target}, not `{typed}`"))
        }
        None => {
            Refusal::usage("which-login", format!("{grants} has several logins ({list}); say which: LOGIN@{target}"))
                .audited(format!("{who}: no login named for {target}, where {grants} has {list}"))
        }
    }
}

#[cfg(test)]
mod tests;
