//! Somebody takes a grant back.

use curfew_policy::grant::{GrantEnd, GrantState};
use curfew_policy::id::GrantId;
use curfew_policy::refusal::Refusal;
use curfew_policy::user::Duty;
use curfew_proxy::lease::End;

use super::approve::needed_note;
use super::grace::cut_short;
use super::hint::END_YOUR_OWN;
use super::view::GrantView;
use super::{Actor, App, Change, Effect, Fault, Outcome, grant, visibility};

/// Ends a grant and its sessions, with a note that says why. Its approvers may, those with the duty, and the operator.
///
/// # Errors
/// When it is not there for this actor, has ended, or is not theirs to revoke; or the database does not answer.
#[tracing::instrument(name = "revoke", level = "error", skip_all, fields(actor = actor.name(), %id))]
pub async fn revoke(app: &App, actor: &Actor, id: GrantId, note: &str) -> Outcome<GrantView> {
    let note = needed_note(note)?;
    let mut tx = app.store().begin().await?;
    // After the wait for the database, in which they may have changed.
    let (rules, actor) = app.afresh(actor)?;
    let actor = &actor;
    let now = app.clock().wall();
    let (held, origin) = visibility::grant(&mut tx.read(), actor, &rules, id).await?;
    if !actor.has(Duty::Revoke) && !visibility::is_approver(actor, &origin, &rules) {
        let why = Refusal::not_allowed("not-allowed", format!("{id} is not yours to revoke"));
        let own = actor.is(&held.user);
        return Err(if own { why.hinted_command(END_YOUR_OWN, format!("done {id}")) } else { why }.into());
    }
    if held.state(now) == GrantState::Ended {
        if cut_short(app, tx, actor, &held, &note).await? {
            return Ok(GrantView::at(&held, now, &rules));
        }
        return Err(Refusal::conflict("ended", format!("{id} has ended already")).into());
    }
    let event = grant::end(&mut tx, &held, now, actor.name(), GrantEnd::Revoked, Some(&note)).await?;
    let after = tx.read().grant(id).await?.ok_or_else(|| Fault::not_found(id))?;
    let over = Effect::GrantOver(id, End::Revoked { by: actor.name().to_owned(), note });
    app.commit(tx, Change::new(event).with(over)).await?;
    Ok(GrantView::at(&after, now, &rules))
}
