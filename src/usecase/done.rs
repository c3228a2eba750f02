//! Somebody is done with their access before its time is up.

use curfew_policy::grant::{GrantEnd, GrantState};
use curfew_policy::id::GrantId;
use curfew_policy::refusal::Refusal;
use curfew_proxy::lease::End;

use super::grace::cut_short;
use super::view::GrantView;
use super::{Actor, App, Change, Effect, Fault, Outcome, grant, visibility};

/// Ends one's own grant, and its sessions.
///
/// # Errors
/// When it is not there for this actor, has ended, or is not theirs; or the database does not answer.
#[tracing::instrument(name = "done", level = "error", skip_all, fields(actor = actor.name(), %id))]
pub async fn done(app: &App, actor: &Actor, id: GrantId) -> Outcome<GrantView> {
    let mut tx = app.store().begin().await?;
    // After the wait for the database, in which they may have changed.
    let (rules, actor) = app.afresh(actor)?;
    let actor = &actor;
    let now = app.clock().wall();
    let (held, _) = visibility::grant(&mut tx.read(), actor, &rules, id).await?;
    if !actor.is(&held.user) {
        let why = Refusal::not_allowed("not-owner", format!("{id} is not yours"));
        return Err(why.hinted_command("take it back with", format!("revoke {id} --note TEXT")).into());
    }
    if held.state(now) == GrantState::Ended {
        if cut_short(app, tx, actor, &held, "done").await? {
            return Ok(GrantView::at(&held, now, &rules));
        }
        return Err(Refusal::conflict("ended", format!("{id} has ended already")).into());
    }
    let event = grant::end(&mut tx, &held, now, actor.name(), GrantEnd::Done, None).await?;
    let after = tx.read().grant(id).await?.ok_or_else(|| Fault::not_found(id))?;
    let over = Effect::GrantOver(id, End::Revoked { by: actor.name().to_owned(), note: "done".to_owned() });
    app.commit(tx, Change::new(event).with(over)).await?;
    Ok(GrantView::at(&after, now, &rules))
}
