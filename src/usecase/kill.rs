//! Somebody ends a live session, but not its grant.

use curfew_policy::id::SessionId;
use curfew_policy::refusal::Refusal;
use curfew_policy::user::Duty;
use curfew_proxy::lease::End;

use super::approve::needed_note;
use super::hint::END_YOUR_OWN;
use super::view::SessionView;
use super::{Actor, App, Change, Effect, Outcome, visibility};
use crate::store::{Action, Event};

/// Kills a live session, with a note that says why. Those with the duty may, and the operator.
///
/// # Errors
/// When it is not there for this actor, not live, or not theirs to kill; or the database does not answer.
#[tracing::instrument(name = "kill", level = "error", skip_all, fields(actor = actor.name(), %id))]
pub async fn kill(app: &App, actor: &Actor, id: SessionId, note: &str) -> Outcome<SessionView> {
    let note = needed_note(note)?;
    let mut tx = app.store().begin().await?;
    // After the wait for the database, in which they may have changed.
    let (rules, actor) = app.afresh(actor)?;
    let actor = &actor;
    let now = app.clock().wall();
    let session = visibility::session(&mut tx.read(), actor, &rules, id).await?;
    if !actor.has(Duty::Kill) {
        let why = Refusal::not_allowed("not-allowed", "you do not have the duty `kill`");
        let own = actor.is(&session.user);
        return Err(if own { why.hinted_command(END_YOUR_OWN, format!("done {}", session.grant)) } else { why }.into());
    }
    // A session of another gateway is that gateway's to end, once it hears of this.
    let ours = session.gateway == app.store().gateway();
    if session.ended.is_some() || (ours && !app.leases().is_live(id)) {
        return Err(Refusal::conflict("ended", format!("{id} has ended already")).into());
    }
    let event = Event::new(now, actor.name(), Action::SessionKilled, id)
        .with("user", session.user.as_str())
        .with("target", session.target.as_str())
        .with("grant", session.grant.to_string())
        .with("note", note.as_str());
    let over = Effect::SessionOver(id, End::Killed { by: actor.name().to_owned(), note });
    app.commit(tx, Change::new(event).with(over)).await?;
    Ok(SessionView::from(&session))
}
