//! Somebody asks for more time, under the grant they hold.

use std::time::Duration;

use curfew_policy::grant::{Grant, GrantState};
use curfew_policy::id::GrantId;
use curfew_policy::refusal::Refusal;

use super::request::{Asked, finish, write};
use super::{Actor, App, Fault, Outcome, grant, refuse, visibility};
use crate::store::{Events, Filed, NewRequest};

/// Asks for a grant to last longer, from its present end. It is decided by the same rules as a request of that length:
/// granted at once, so that live sessions go on past their old deadline, or filed as a request of its own. The whole
/// may not last longer from now than the rules allow.
///
/// # Errors
/// When it is not there for this actor, has ended, is not theirs, or no rule carries it; or the database does not
/// answer.
#[tracing::instrument(name = "extend", level = "error", skip_all, fields(actor = actor.name(), %id))]
pub async fn extend(app: &App, actor: &Actor, id: GrantId, by: Duration, reason: &str) -> Outcome<Asked> {
    actor.user()?;
    let asked = extend_held(app, actor, id, by, reason).await;
    if let Err(Fault::Refused(refusal)) = &asked {
        refuse::request(app, actor, &id.to_string(), refusal).await;
    }
    asked
}

async fn extend_held(app: &App, actor: &Actor, id: GrantId, by: Duration, reason: &str) -> Outcome<Asked> {
    let mut tx = app.store().begin().await?;
    // After the wait for the database, in which they may have changed.
    let (rules, actor) = app.afresh(actor)?;
    let person = actor.user()?;
    let now = app.clock().wall();
    let (held, origin) = visibility::grant(&mut tx.read(), &actor, &rules, id).await?;
    if held.user != person.name {
        return Err(Refusal::not_allowed("not-owner", format!("{id} is not yours to extend")).into());
    }
    if held.state(now) == GrantState::Ended {
        return Err(Refusal::conflict("ended", format!("{id} has ended; ask for a new one with `request`")).into());
    }
    let carried = rules.reassess(&as_asked(&held, origin, by, reason), by)?;
    let (carried, to) = grant::longer(&carried, &held, by, now)?;
    let new = NewRequest {
        user: &person.name,
        targets: &held.targets,
        role: &held.role,
        login: held.login.as_deref(),
        duration: by,
        reason: reason.trim(),
        asked_at: now,
        starts_at: None,
        needed: carried.needed(),
        extends: Some(id),
    };
    let request = write(&mut tx, &new).await?;
    let mut events = Events::from(grant::filed_event(&request, &person.name, now));
    if !carried.enough(&[], &person.name) {
        let waits_for = carried.approver_groups().into_iter().map(str::to_owned).collect();
        return finish(app, tx, events, request.id, None, waits_for).await;
    }
    let given = grant::lengthen(&mut tx, &request, &held, to).await?;
    for event in grant::events(&request, &given, &person.name, now) {
        events = events.and(event);
    }
    finish(app, tx, events, request.id, Some(given), Vec::new()).await
}

/// The extension as if it had been asked for anew.
fn as_asked(held: &Grant, mut origin: Filed, by: Duration, reason: &str) -> Filed {
    origin.request.targets.clone_from(&held.targets);
    origin.request.duration = by;
    reason.clone_into(&mut origin.request.reason);
    origin.asked = by;
    origin
}
