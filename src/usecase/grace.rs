//! What still runs under a grant that has expired, because its role gives grace.

use curfew_policy::grant::{Grant, GrantEnd};
use curfew_proxy::lease::End;

use super::{Actor, App, Change, Effect, Outcome};
use crate::store::{Action, Event, Sessions, Tx};

/// Cuts what still runs under a grant whose time was up, and says whether anything did. The grant stays expired.
///
/// # Errors
/// When the database does not answer; then what runs goes on until its grace is over.
pub(super) async fn cut_short(app: &App, mut tx: Tx, actor: &Actor, held: &Grant, note: &str) -> Outcome<bool> {
    let expired = held.ended.is_none_or(|(_, why)| matches!(why, GrantEnd::Expired | GrantEnd::Unused));
    let open = tx.read().sessions(Sessions::OpenUnder(held.id)).await?;
    let running: Vec<String> = open.iter().map(|session| session.id.to_string()).collect();
    if !expired || running.is_empty() {
        return Ok(false);
    }
    let event = Event::new(app.clock().wall(), actor.name(), Action::GraceEnded, held.id)
        .with("user", held.user.as_str())
        .with("targets", held.targets.clone())
        .with("role", held.role.as_str())
        .with("sessions", running)
        .with("note", note);
    let over = Effect::GrantOver(held.id, End::Revoked { by: actor.name().to_owned(), note: note.to_owned() });
    app.commit(tx, Change::new(event).with(over)).await?;
    Ok(true)
}
