//! Somebody is done with their access before its time is up.

use curfew_policy::grant::{GrantEnd, GrantState};
use curfew_policy::id::GrantId;
use curfew_proxy::lease::End;

use super::grace::cut_short;
use super::view::GrantView;
use super::{Actor, Desk, Fault, Outcome, grant, sight};

/// Ends one's own grant, and its sessions.
///
/// # Errors
/// When it is not there for this actor, has ended, or is not theirs; or the database does not answer.
pub async fn done(desk: &Desk, actor: &Actor, id: GrantId) -> Outcome<GrantView> {
    let (at_desk, actor) = (desk.clone(), actor.clone());
    desk.whole(async move { done_whole(&at_desk, &actor, id).await }).await
}

async fn done_whole(desk: &Desk, actor: &Actor, id: GrantId) -> Outcome<GrantView> {
    let rules = desk.rules();
    let mut tx = desk.store().begin().await?;
    let now = desk.clock().wall();
    let (held, _) = sight::grant(&mut tx.read(), actor, &rules, id).await?;
    if !actor.is(&held.user) {
        return Err(Fault::refused(
            "not-owner",
            format!("{id} is not yours; take it back with: revoke {id} --note TEXT"),
        ));
    }
    if held.state(now) == GrantState::Ended {
        if cut_short(desk, tx, actor, &held, "done").await? {
            return Ok(GrantView::at(&held, now, &rules));
        }
        return Err(Fault::refused("ended", format!("{id} has ended already")));
    }
    let event = grant::end(&mut tx, &held, now, actor.name(), GrantEnd::Done, None).await?;
    let after = tx.read().grant(id).await?.ok_or_else(|| Fault::not_found(id))?;
    tx.commit(event).await?;
    desk.leases().end_grant(id, &End::Revoked { by: actor.name().to_owned(), note: "done".to_owned() });
    Ok(GrantView::at(&after, now, &rules))
}
