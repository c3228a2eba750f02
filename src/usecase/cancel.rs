//! Somebody takes their request back.

use curfew_policy::id::RequestId;
use curfew_policy::refusal::Refusal;
use curfew_policy::request::{Approval, RequestState};

use super::approve::undecided;
use super::view::RequestView;
use super::{Actor, App, Change, Effect, Fault, Outcome, visibility};
use crate::store::{Action, Event};

/// Cancels one's own pending request.
///
/// # Errors
/// When it is not there for this actor, not pending, or not theirs; or the database does not answer.
#[tracing::instrument(name = "cancel", level = "error", skip_all, fields(actor = actor.name(), %id))]
pub async fn cancel(app: &App, actor: &Actor, id: RequestId) -> Outcome<RequestView> {
    let mut tx = app.store().begin().await?;
    // After the wait for the database, in which they may have changed.
    let (rules, actor) = app.afresh(actor)?;
    let actor = &actor;
    let now = app.clock().wall();
    let filed = visibility::request(&mut tx.read(), actor, &rules, id).await?;
    if !actor.is(&filed.request.user) {
        let why = Refusal::not_allowed("not-owner", format!("{id} is not yours to cancel"));
        return Err(why.hinted_command("deny it", format!("deny {id} --note TEXT")).into());
    }
    undecided(&filed.request, now)?;
    let how = Approval { by: actor.name().to_owned(), at: now, note: None };
    tx.decided(id, RequestState::Cancelled, &how).await?;
    let event = Event::new(now, actor.name(), Action::RequestCancelled, id)
        .with("user", filed.request.user.as_str())
        .with("targets", filed.request.targets.clone())
        .with("role", filed.request.role.as_str());
    let after = tx.read().request(id).await?.ok_or_else(|| Fault::not_found(id))?;
    app.commit(tx, Change::new(event).with(Effect::RequestChanged(id))).await?;
    Ok(RequestView::from(&after.request))
}
