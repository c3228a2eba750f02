//! Somebody takes a grant back.

use curfew_policy::grant::{GrantEnd, GrantState};
use curfew_policy::id::GrantId;
use curfew_policy::user::Duty;
use curfew_proxy::lease::End;

use super::approve::needed_note;
use super::grace::cut_short;
use super::view::GrantView;
use super::{Actor, Desk, Fault, Outcome, grant, sight};

/// Ends a grant and its sessions, with a note that says why. Its approvers may, those with the duty, and the operator.
///
/// # Errors
/// When it is not there for this actor, has ended, or is not theirs to revoke; or the database does not answer.
pub async fn revoke(desk: &Desk, actor: &Actor, id: GrantId, note: &str) -> Outcome<GrantView> {
    let (at_desk, actor, note) = (desk.clone(), actor.clone(), needed_note(note)?);
    desk.whole(async move { revoke_whole(&at_desk, &actor, id, &note).await }).await
}

async fn revoke_whole(desk: &Desk, actor: &Actor, id: GrantId, note: &str) -> Outcome<GrantView> {
    let rules = desk.rules();
    let mut tx = desk.store().begin().await?;
    let now = desk.clock().wall();
    let (held, origin) = sight::grant(&mut tx.read(), actor, &rules, id).await?;
    if !actor.has(Duty::Revoke) && !sight::is_approver(actor, &origin, &rules) {
        let hint = if actor.is(&held.user) { format!("; end your own with: done {id}") } else { String::new() };
        return Err(Fault::refused("not-allowed", format!("{id} is not yours to revoke{hint}")));
    }
    if held.state(now) == GrantState::Ended {
        if cut_short(desk, tx, actor, &held, note).await? {
            return Ok(GrantView::at(&held, now, &rules));
        }
        return Err(Fault::refused("ended", format!("{id} has ended already")));
    }
    let event = grant::end(&mut tx, &held, now, actor.name(), GrantEnd::Revoked, Some(note)).await?;
    let after = tx.read().grant(id).await?.ok_or_else(|| Fault::not_found(id))?;
    tx.commit(event).await?;
    desk.leases().end_grant(id, &End::Revoked { by: actor.name().to_owned(), note: note.to_owned() });
    Ok(GrantView::at(&after, now, &rules))
}
