//! Somebody asks for access.

use std::sync::Arc;
use std::time::Duration;

use curfew_policy::ask::{Ask, assess};
use curfew_policy::refusal::Refusal;
use curfew_policy::target::Target;
use curfew_policy::time::{after, to_millis};
use curfew_policy::user::Person;
use jiff::Timestamp;

use super::hint::{LONGEST_NAME, unknown_target};
use super::view::RequestView;
use super::{Actor, App, Change, Effect, Fault, Outcome, Rulebook, grant, refuse};
use crate::store::{Events, NewRequest, Tx};
use crate::text::escape;
use crate::text::suggest::nearest;

/// How many of somebody's requests may wait for a decision at a time.
pub const MOST_PENDING: i64 = 20;

/// How far ahead access may be asked for.
pub const FARTHEST: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// What somebody asks for, as they typed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    /// The targets, never empty.
    pub targets: Vec<String>,
    /// The role.
    pub role: String,
    /// The login; `None` is any login of the role.
    pub login: Option<String>,
    /// For how long.
    pub duration: Duration,
    /// Why.
    pub reason: String,
    /// From when on; `None` is when it is granted.
    pub at: Option<Timestamp>,
}

/// A request that was filed, and what it waits for.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The request: granted already, or pending.
    pub request: RequestView,
    /// The groups whose approval is waited for; empty when it was granted.
    pub waits_for: Vec<String>,
}

/// Files a request. Where the rules ask for no approval it is granted at once.
///
/// # Errors
/// When no rule carries it, or too many wait already; or the database does not answer.
#[tracing::instrument(name = "request", level = "error", skip_all, fields(actor = actor.name()))]
pub async fn file(app: &App, actor: &Actor, wish: Wish) -> Outcome<Asked> {
    actor.user()?;
    let subject = wish.targets.join(" ");
    let asked = file_one(app, actor, wish).await;
    if let Err(Fault::Refused(refusal)) = &asked {
        refuse::request(app, actor, &subject, refusal).await;
    }
    asked
}

async fn file_one(app: &App, actor: &Actor, wish: Wish) -> Outcome<Asked> {
    let mut tx = app.store().begin().await?;
    // After the wait for the database, in which they may have changed.
    let (rules, actor) = app.afresh(actor)?;
    let person = actor.user()?;
    let now = app.clock().wall();
    let targets = known_targets(&rules, person, &wish.targets)?;
    let role = rules.roles.get(&wish.role).ok_or_else(|| no_role(&rules, person, &wish, &targets))?;
    let ask = Ask {
        person,
        targets: targets.iter().map(|target| &***target).collect(),
        role,
        login: wish.login.as_deref(),
        duration: wish.duration,
        reason: &wish.reason,
    };
    let carried = assess(&ask, &rules.rules)?;
    let new = NewRequest {
        user: &person.name,
        targets: &targets.iter().map(|target| target.name.clone()).collect::<Vec<_>>(),
        role: &wish.role,
        login: wish.login.as_deref(),
        duration: wish.duration,
        reason: wish.reason.trim(),
        asked_at: now,
        starts_at: beginning(wish.at, now)?,
        needed: carried.needed(),
        extends: None,
    };
    let filed = write(&mut tx, &new).await?;
    let mut events = Events::from(grant::filed_event(&filed, &person.name, now));
    let mut waits_for = Vec::new();
    let mut given = None;
    if carried.enough(&[], &person.name) {
        let new = grant::give(&mut tx, &filed, wish.duration, now).await?;
        for event in grant::events(&filed, &new, &person.name, now) {
            events = events.and(event);
        }
        given = Some(new);
    } else {
        waits_for = carried.approver_groups().into_iter().map(str::to_owned).collect();
    }
    finish(app, tx, events, filed.id, given, waits_for).await
}

/// Writes a request down, unless too many of its user wait already.
pub(super) async fn write(tx: &mut Tx, new: &NewRequest<'_>) -> Outcome<curfew_policy::request::Request> {
    if new.needed > 0 && tx.read().pending_of(new.user).await? >= MOST_PENDING {
        return Err(Refusal::too_many(
            "too-many-pending",
            format!("{MOST_PENDING} of your requests wait for a decision; cancel one first (`requests --mine`)"),
        )
        .into());
    }
    let id = tx.file(new).await?;
    let filed = tx.read().request(id).await?.ok_or_else(|| Fault::not_found(id))?;
    Ok(filed.request)
}

/// Commits a filed request with what it came to, and gives the request as it now stands.
pub(super) async fn finish(
    app: &App,
    mut tx: Tx,
    events: Events,
    id: curfew_policy::id::RequestId,
    given: Option<grant::GivenTime>,
    waits_for: Vec<String>,
) -> Outcome<Asked> {
    let filed = tx.read().request(id).await?.ok_or_else(|| Fault::not_found(id))?;
    let change = Change::new(events).with(Effect::RequestChanged(id));
    app.commit(tx, given.into_iter().fold(change, |change, given| change.with(given.effect()))).await?;
    Ok(Asked { request: RequestView::from(&filed.request), waits_for })
}

/// The targets of these names, each once. A name that this person has nothing to do with is unknown to them, whether
/// or not it exists.
fn known_targets<'a>(rules: &'a Rulebook, person: &Person, names: &[String]) -> Result<Vec<&'a Arc<Target>>, Refusal> {
    let mut targets: Vec<&Arc<Target>> = Vec::new();
    for name in names {
        let known = rules.targets.get(name).filter(|target| !rules.roles_for(person, target).is_empty());
        let target = known.ok_or_else(|| unknown_target(rules, person, name))?;
        if !targets.iter().any(|other| other.name == target.name) {
            targets.push(target);
        }
    }
    Ok(targets)
}

fn no_role(rules: &Rulebook, person: &Person, wish: &Wish, targets: &[&Arc<Target>]) -> Refusal {
    let shown = escape::terminal_start(&wish.role, LONGEST_NAME);
    let on: Vec<&str> = targets.iter().flat_map(|target| rules.roles_for(person, target)).collect();
    let text = match nearest(&wish.role, on.iter().copied()) {
        Some(near) => format!("no role `{shown}` that you may ask for; did you mean {near}?"),
        None => format!("no role `{shown}` that you may ask for; `targets` lists those"),
    };
    Refusal::not_found("unknown-role", text)
}

fn beginning(at: Option<Timestamp>, now: Timestamp) -> Result<Option<Timestamp>, Refusal> {
    let Some(at) = at.map(to_millis) else { return Ok(None) };
    if at <= now {
        return Err(Refusal::usage("past", "--at is in the past; leave it out to begin when it is granted"));
    }
    if at > after(now, FARTHEST) {
        return Err(Refusal::usage("far", "--at is more than 30 days ahead; ask nearer to the time"));
    }
    Ok(Some(at))
}
