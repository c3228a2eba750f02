//! The recordings of a session: begun and sealed. And who looked at them.

use curfew_policy::id::SessionId;
use curfew_policy::refusal::Refusal;

use super::{Actor, App, Fault, Outcome, visibility};
use crate::live::late_seals::LateSeal;
use crate::store::{Action, Event, Recorded, Session};
use curfew_policy::user::Duty;

/// A channel is about to be recorded. Its bytes wait for this.
///
/// # Errors
/// When the session is not there, or the database does not take it: then the channel must not begin.
pub async fn started(app: &App, id: SessionId, recording: &Recorded) -> Outcome<()> {
    let mut tx = app.store().begin().await?;
    let now = app.clock().wall();
    let session = tx.read().session(id).await?.ok_or_else(|| Fault::not_found(id))?;
    tx.start_recording(id, recording, now).await?;
    let event = Event::new(now, &session.user, Action::RecordingStarted, id)
        .with("target", session.target)
        .with("channel", recording.channel)
        .with("kind", recording.kind.as_str())
        .with("command", recording.command.clone())
        .with("path", recording.path.as_str());
    app.commit(tx, event).await
}

/// A recording was sealed: how long its file is, and the seal (the head of its hash chain, or its signature).
///
/// # Errors
/// When there is no such recording, or the database does not take it. The seal is kept then, and written down later.
pub async fn sealed(app: &App, id: SessionId, channel: u32, bytes: u64, seal: &str) -> Outcome<()> {
    let seal = LateSeal { session: id, channel, at: app.clock().wall(), bytes, seal: seal.to_owned() };
    // Kept first, so that the seal is written by and by even when whoever reports it goes away meanwhile.
    app.late_seals().keep(seal.clone());
    let written = write_seal(app, &seal).await;
    if !matches!(written, Err(Fault::Store(_))) {
        app.late_seals().forget(&seal);
    }
    written
}

/// Writes down the seals that are late.
///
/// # Errors
/// When the database still does not answer; what is left is kept.
pub async fn catch_up(app: &App) -> Outcome<()> {
    let mut waiting = app.late_seals().take().into_iter();
    while let Some(seal) = waiting.next() {
        match write_seal(app, &seal).await {
            Ok(()) => {}
            Err(Fault::Store(error)) => {
                app.late_seals().keep(seal);
                waiting.for_each(|seal| app.late_seals().keep(seal));
                return Err(error.into());
            }
            Err(fault) => {
                tracing::warn!(session = %seal.session, channel = seal.channel, %fault, "a seal is of no recording in the database")
            }
        }
    }
    Ok(())
}

async fn write_seal(app: &App, seal: &LateSeal) -> Outcome<()> {
    let mut tx = app.store().begin().await?;
    let session = tx.read().session(seal.session).await?.ok_or_else(|| Fault::not_found(seal.session))?;
    // The answer to an earlier attempt may have been lost.
    if session.recordings.iter().any(|recording| recording.channel == seal.channel && recording.sealed.is_some()) {
        return Ok(());
    }
    tx.seal_recording(seal.session, seal.channel, seal.at, seal.bytes, &seal.seal).await?;
    let event = Event::new(seal.at, &session.user, Action::RecordingSealed, seal.session)
        .with("target", session.target)
        .with("channel", seal.channel)
        .with("bytes", seal.bytes)
        .with("seal", seal.seal.as_str());
    app.commit(tx, event).await
}

/// How somebody looks at a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// While it goes on.
    Watch,
    /// Afterwards.
    Replay,
}

/// A session that the actor may watch or replay: their own, or any by duty. That they looked is written down.
///
/// # Errors
/// When it is not there for this actor, or not theirs to look at; or the database does not answer.
pub async fn look(app: &App, actor: &Actor, id: SessionId, look: Look) -> Outcome<Session> {
    let (duty, action) = match look {
        Look::Watch => (Duty::Watch, Action::SessionWatched),
        Look::Replay => (Duty::Replay, Action::SessionReplayed),
    };
    let mut tx = app.store().begin().await?;
    let now = app.clock().wall();
    let session = visibility::session(&mut tx.read(), actor, &app.rules(), id).await?;
    if !actor.is(&session.user) && !actor.has(duty) {
        return Err(Refusal::not_allowed(
            "not-allowed",
            format!("{id} is not yours, and you do not have the duty `{duty}`"),
        )
        .into());
    }
    let event = Event::new(now, actor.name(), action, id)
        .with("user", session.user.as_str())
        .with("target", session.target.as_str());
    app.commit(tx, event).await?;
    Ok(session)
}
