//! A session ends. What the database cannot take then is kept, and written down later.

use curfew_policy::id::SessionId;
use curfew_policy::time::to_millis;
use curfew_proxy::lease::End;

use super::{App, Outcome};
use crate::live::late_ends::EndedSession;
use crate::store::{Action, Event};

/// A session is over. It is forgotten at once, and written down as soon as the database takes it.
pub async fn ended(app: &App, session: SessionId, end: &End) {
    app.leases().forget(session);
    let (by, note) = match end {
        End::Revoked { by, note } | End::Killed { by, note } => (Some(by.clone()), Some(note.clone())),
        End::Unreachable(why) => (None, Some(why.clone())),
        _ => (None, None),
    };
    let at = to_millis(app.clock().now().wall);
    let ended = EndedSession { session, began: None, at, why: end.as_str().to_owned(), by, note };
    // Kept first, so that the end is written by and by even when whoever reports it goes away meanwhile.
    app.late_ends().keep(ended.clone());
    match write(app, &ended).await {
        Ok(()) => app.late_ends().forget(session),
        Err(fault) => tracing::warn!(%session, code = fault.code(), "the end of a session waits for the database"),
    }
}

/// Writes down the ends that are late.
///
/// # Errors
/// When the database still does not answer; what is left is kept.
pub async fn catch_up(app: &App) -> Outcome<()> {
    let mut waiting = app.late_ends().take().into_iter();
    while let Some(ended) = waiting.next() {
        if let Err(fault) = write(app, &ended).await {
            app.late_ends().keep(ended);
            waiting.for_each(|ended| app.late_ends().keep(ended));
            return Err(fault);
        }
    }
    Ok(())
}

async fn write(app: &App, ended: &EndedSession) -> Outcome<()> {
    let mut tx = app.store().begin().await?;
    let Some(session) = tx.read().session(ended.session).await? else { return Ok(()) };
    if ended.began.is_some_and(|began| began != session.started_at) {
        return Ok(());
    }
    if !tx.close_session(ended.session, ended.at, &ended.why).await? {
        return Ok(());
    }
    let event = Event::new(ended.at, &session.user, Action::SessionEnded, ended.session)
        .with("grant", session.grant.to_string())
        .with("target", session.target)
        .with("why", ended.why.as_str())
        .with("by", ended.by.clone())
        .with("note", ended.note.clone());
    app.commit(tx, event).await
}
