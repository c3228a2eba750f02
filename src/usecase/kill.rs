//! Somebody ends a live session, but not its grant.

use curfew_policy::id::SessionId;
use curfew_policy::refusal::Refusal;
use curfew_policy::user::Duty;
use curfew_proxy::lease::End;

use super::approve::needed_note;
use super::hint::END_YOUR_OWN;
use super::view::SessionView;
use super::{Actor, App, Outcome, visibility};
use crate::store::{Action, Event};

/// Kills a live session, with a note that says why. Those with the duty may, and the operator.
///
/// # Errors
/// When it is not there for this actor, not live, or not theirs to kill; or the database does not answer.
pub async fn kill(app: &App, actor: &Actor, id: SessionId, note: &str) -> Outcome<SessionView> {
    let (at_app, actor, note) = (app.clone(), actor.clone(), needed_note(note)?);
    app.whole(async move { kill_whole(&at_app, &actor, id, &note).await }).await
}

async fn kill_whole(app: &App, actor: &Actor, id: SessionId, note: &str) -> Outcome<SessionView> {
    let mut tx = app.store().begin().await?;
    let now = app.clock().wall();
    let session = visibility::session(&mut tx.read(), actor, &app.rules(), id).await?;
    if !actor.has(Duty::Kill) {
        let why = Refusal::not_allowed("not-allowed", "you do not have the duty `kill`");
        let own = actor.is(&session.user);
        return Err(if own { why.hinted_command(END_YOUR_OWN, format!("done {}", session.grant)) } else { why }.into());
    }
    if !app.leases().is_live(id) {
        return Err(Refusal::conflict("ended", format!("{id} has ended already")).into());
    }
    let event = Event::new(now, actor.name(), Action::SessionKilled, id)
        .with("user", session.user.as_str())
        .with("target", session.target.as_str())
        .with("grant", session.grant.to_string())
        .with("note", note);
    tx.commit(event).await?;
    app.leases().kill(id, End::Killed { by: actor.name().to_owned(), note: note.to_owned() });
    Ok(SessionView::from(&session))
}
