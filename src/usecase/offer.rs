//! What somebody may ask for where they were refused, and what of it they have asked for already.

use std::time::Duration;

use curfew_policy::role::Role;
use curfew_policy::target::Protocol;

use super::approve::undecided;
use super::hint::USUAL;
use super::request::{Asked, Wish, file};
use super::view::RequestView;
use super::{Actor, App, Outcome};
use crate::store::{Filed, Requests};

/// Where somebody wants to go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The target's name.
    pub target: String,
    /// The login, where one was typed.
    pub login: Option<String>,
}

/// A role that may be asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// Its name.
    pub role: String,
    /// Its logins on the target.
    pub logins: Vec<String>,
    /// For how long what runs may finish at the end; zero where it is cut.
    pub grace: Duration,
    /// On which terms, in the order of the rules; never empty.
    pub terms: Vec<Terms>,
}

/// What one rule asks for a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// The longest that it gives.
    pub longest: Duration,
    /// What a reason must contain, as a pattern.
    pub reason: Option<String>,
    /// How many approvals it needs; 0 is granted at once.
    pub approvals: u32,
    /// Whose approval counts.
    pub approvers: Vec<String>,
}

impl Offer {
    /// The longest that any rule gives.
    #[must_use]
    pub fn longest(&self) -> Duration {
        self.terms.iter().map(|terms| terms.longest).max().unwrap_or_default()
    }

    /// The duration to suggest.
    #[must_use]
    pub fn usual(&self) -> Duration {
        self.longest().min(USUAL)
    }
}

/// The roles that the actor may ask for at that place, of those that `fit` what they want to do there: those with the
/// login that was typed. Nothing at a TCP target, which has no logins.
#[must_use]
pub fn offers(app: &App, actor: &Actor, place: &Place, fit: impl Fn(&Role) -> bool) -> Vec<Offer> {
    let rules = app.rules();
    let (Some(person), Some(target)) = (actor.person(), rules.targets.get(&place.target)) else { return Vec::new() };
    if target.protocol != Protocol::Ssh {
        return Vec::new();
    }
    let has_login = |role: &Role| match &place.login {
        Some(login) => role.logins.contains(login),
        None => !role.logins.is_empty(),
    };
    let roles = rules.roles_for(person, target).into_iter().filter_map(|name| rules.roles.get(name));
    let offer = |role: &Role| Offer {
        role: role.name.clone(),
        logins: role.logins.clone(),
        grace: role.grace(),
        terms: rules
            .rules
            .iter()
            .filter(|rule| rule.covers(person, target, &role.name))
            .map(|rule| Terms {
                longest: rule.max_duration,
                reason: rule.reason.as_ref().map(|pattern| pattern.as_str().to_owned()),
                approvals: rule.approvals,
                approvers: rule.approvers.clone(),
            })
            .collect(),
    };
    roles.filter(|role| has_login(role) && fit(role)).map(|role| offer(role)).collect()
}

/// The actor's newest request for this place, in one of these roles, that waits for a decision.
///
/// # Errors
/// When the database does not answer.
pub async fn pending(app: &App, actor: &Actor, place: &Place, roles: &[&str]) -> Outcome<Option<Asked>> {
    let now = app.clock().wall();
    let all = app.store().view().await?.read().requests(Requests::Of(actor.name())).await?;
    let is_it = |filed: &&Filed| {
        let request = &filed.request;
        undecided(request, now).is_ok()
            && !request.extends
            && request.starts_at.is_none()
            && request.targets.contains(&place.target)
            && roles.contains(&request.role.as_str())
            && (request.login.is_none() || place.login.is_none() || request.login == place.login)
    };
    let newest = all.iter().filter(is_it).max_by_key(|filed| filed.request.id);
    Ok(newest.map(|filed| Asked {
        request: RequestView::from(&filed.request),
        waits_for: match app.rules().reassess(filed, filed.request.duration) {
            Ok(carried) => carried.approver_groups().into_iter().map(str::to_owned).collect(),
            // The rules have changed; nobody can approve it any more, and it says so when they try.
            Err(_) => Vec::new(),
        },
    }))
}

/// Files a wish for one place, unless its like waits already: then that is what was asked. Who took long to answer is
/// who they are by now, not who they were when they came.
///
/// # Errors
/// As [`file`]; and when the actor is no user any more.
pub async fn file_once(app: &App, actor: &Actor, place: &Place, wish: Wish) -> Outcome<Asked> {
    let (_, actor) = app.afresh(actor)?;
    match pending(app, &actor, place, &[&wish.role]).await? {
        Some(asked) => Ok(asked),
        None => file(app, &actor, wish).await,
    }
}
