//! An approver says no.

use curfew_policy::id::RequestId;
use curfew_policy::refusal::Refusal;
use curfew_policy::request::{Approval, RequestState};

use super::approve::{needed_note, undecided};
use super::view::RequestView;
use super::{Actor, App, Change, Effect, Fault, Outcome, visibility};
use crate::store::{Action, Event};

/// Denies a request, with a note that says why. Anybody whose approval would count may, and the operator.
///
/// # Errors
/// When it is not there for this actor, not pending, or not theirs to deny; or the database does not answer.
#[tracing::instrument(name = "deny", level = "error", skip_all, fields(actor = actor.name(), %id))]
pub async fn deny(app: &App, actor: &Actor, id: RequestId, note: &str) -> Outcome<RequestView> {
    let note = needed_note(note)?;
    let mut tx = app.store().begin().await?;
    // After the wait for the database, in which they may have changed.
    let (rules, actor) = app.afresh(actor)?;
    let actor = &actor;
    let now = app.clock().wall();
    let filed = visibility::request(&mut tx.read(), actor, &rules, id).await?;
    let request = &filed.request;
    undecided(request, now)?;
    if actor.is(&request.user) {
        return Err(Refusal::not_allowed("own", format!("{id} is your own"))
            .hinted_command("take it back with", format!("cancel {id}"))
            .into());
    }
    if actor.person().is_some_and(|person| !rules.counts(person, &filed)) {
        return Err(Refusal::not_allowed("not-approver", format!("{id} is not yours to decide")).into());
    }
    let how = Approval { by: actor.name().to_owned(), at: now, note: Some(note.clone()) };
    tx.decided(id, RequestState::Denied, &how).await?;
    let event = Event::new(now, actor.name(), Action::RequestDenied, id)
        .with("user", request.user.as_str())
        .with("targets", request.targets.clone())
        .with("role", request.role.as_str())
        .with("note", note);
    let after = tx.read().request(id).await?.ok_or_else(|| Fault::not_found(id))?;
    app.commit(tx, Change::new(event).with(Effect::RequestChanged(id))).await?;
    Ok(RequestView::from(&after.request))
}
