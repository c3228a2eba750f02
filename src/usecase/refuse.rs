//! What was refused is written down too, but a repeated refusal only once a minute, and what strangers do only once an
//! hour: nobody fills the log by trying again and again.

use curfew_policy::refusal::Refusal;

use super::caller::Caller;
use super::{Actor, App, Fault, Outcome};
use crate::live::repeats::RepeatKey;
use crate::store::{Action, Event, Events};
use crate::text::escape;

/// How much of what a stranger sent is written down, in characters.
const LONGEST_DETAIL: usize = 200;

/// Somebody proven was not let in.
pub(super) async fn session(app: &App, caller: &Caller, fault: &Fault) {
    // The database, which did not answer, does not take this either.
    let Fault::Refused(refusal) = fault else { return };
    // A name that is no target may be anything: such names count as one.
    let about = if app.rules().targets.contains_key(&caller.target) { caller.target.clone() } else { String::new() };
    let key = RepeatKey { action: Action::SessionRefused, actor: caller.user.clone(), about, code: refusal.code };
    write(app, key, &caller.target, refusal, Some(&caller.from)).await;
}

/// Somebody asked for what no rule gives.
pub(super) async fn request(app: &App, actor: &Actor, subject: &str, refusal: &Refusal) {
    let actor = actor.name().to_owned();
    let key = RepeatKey { action: Action::RequestRefused, actor, about: String::new(), code: refusal.code };
    write(app, key, subject, refusal, None).await;
}

/// A connection was refused before anybody was proven: from where (an address), the machine's word for it, and more.
pub async fn connection(app: &App, from: &str, code: &'static str, detail: &str) {
    // Addresses are cheap: they count as one.
    let key = RepeatKey { action: Action::ConnectionRefused, actor: "curfew".to_owned(), about: String::new(), code };
    let detail = escape::log(detail, LONGEST_DETAIL);
    write(app, key, from, &Refusal::not_allowed(code, detail), Some(from)).await;
}

async fn write(app: &App, key: RepeatKey, subject: &str, refusal: &Refusal, from: Option<&str>) {
    let now = app.clock().now();
    let (action, actor) = (key.action, key.actor.clone());
    if !app.repeats().is_new(key, now.mono) {
        return;
    }
    let event = Event::new(now.wall, &actor, action, subject)
        .with("code", refusal.code)
        .with("why", refusal.audit.as_str())
        .with("from", from);
    let written = async { app.commit(app.store().begin().await?, event).await }.await;
    if let Err(fault) = written {
        tracing::warn!(code = fault.code(), "a refusal could not be written to the audit log");
    }
}

/// Writes down how many refusals were only counted, in spans that are over.
///
/// # Errors
/// When the database does not answer.
pub async fn settle(app: &App) -> Outcome<()> {
    let now = app.clock().now();
    let events = app.repeats().over(now.mono).into_iter().map(|(key, count)| {
        Event::new(now.wall, &key.actor, key.action, &key.about).with("code", key.code).with("repeated", count)
    });
    match Events::all(events.collect()) {
        Some(events) => app.commit(app.store().begin().await?, events).await,
        None => Ok(()),
    }
}
