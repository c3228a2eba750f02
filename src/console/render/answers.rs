//! What came of a request, an approval, an end: one line, and what to type next.

use super::{Sheet, access, approvals, span, ways};
use crate::console::screen::Tone;
use crate::text::escape;
use crate::usecase::status::StatusView;
use crate::usecase::view::{GrantView, RequestView, SessionView};

/// What came of a request or an approval: a grant with its ways in, or what is still waited for. `waits_for` are the
/// groups whose approval is.
#[must_use]
pub fn asked(sheet: &Sheet<'_>, request: &RequestView, waits_for: &[String], grant: Option<&GrantView>) -> String {
    match grant {
        Some(grant) => granted(sheet, request, grant),
        None => waiting(sheet, request, waits_for),
    }
}

fn granted(sheet: &Sheet<'_>, request: &RequestView, grant: &GrantView) -> String {
    let access = access(&grant.role, grant.login.as_deref(), &grant.targets);
    let word = sheet.screen.paint(Tone::Good, "granted");
    let (id, user) = (escape::terminal(&request.id), escape::terminal(&grant.user));
    if request.extends {
        let until = sheet.deadline(&grant.expires_at);
        return format!("{id} is {word}: {} now ends at {until}\n", escape::terminal(&grant.id));
    }
    if grant.state == "scheduled" {
        let (from, until) = (sheet.moment(&grant.starts_at), sheet.moment(&grant.expires_at));
        return format!(
            "{id} is {word}: {} gives {user} {access}, from {from} until {until}\n",
            escape::terminal(&grant.id)
        );
    }
    let until = sheet.deadline(&grant.expires_at);
    let grace = grant.grace_s.map(|grace| format!(" + {} to finish", span(grace))).unwrap_or_default();
    let mut text =
        format!("{id} is {word}: {} gives {user} {access} until {until}{grace}\n", escape::terminal(&grant.id));
    for way in ways::into(sheet, grant) {
        text.push_str(&format!("  {}\n", sheet.screen.paint(Tone::Strong, &escape::terminal(&way))));
    }
    text
}

fn waiting(sheet: &Sheet<'_>, request: &RequestView, waits_for: &[String]) -> String {
    let word = sheet.screen.paint(Tone::Waiting, "waits");
    let who = if waits_for.is_empty() { String::new() } else { format!(" for {}", waits_for.join(" or ")) };
    let have = approvals(request.approvals.len(), request.needed);
    let mut text =
        format!("{} {word}{}: {have} so far. They type\n", escape::terminal(&request.id), escape::terminal(&who));
    text.push_str(&sheet.hint(2, &format!("approve {}", request.id)));
    text.push_str("You see how it stands with\n");
    text + &sheet.hint(2, &format!("show {}", request.id))
}

/// How a request that was waited for was decided, other than by a grant.
#[must_use]
pub fn not_granted(request: &RequestView) -> String {
    let by = request.decided.as_ref().map(|decided| format!(" by {}", decided.by)).unwrap_or_default();
    let note = request.decided.as_ref().and_then(|decided| decided.note.as_ref());
    let note = note.map(|note| format!(": {note}")).unwrap_or_default();
    match request.state.as_str() {
        "lapsed" => format!("{} has lapsed: nobody decided in time; ask again", escape::terminal(&request.id)),
        state => escape::terminal(&format!("{} was {state}{by}{note}", request.id)),
    }
}

/// The line that stands while a request waits.
#[must_use]
pub fn still_waiting(request: &RequestView, waited_s: u64) -> String {
    let have = approvals(request.approvals.len(), request.needed);
    escape::terminal(&format!("{} has {have}, waited {}; Ctrl-C stops waiting", request.id, span(waited_s)))
}

/// A request was denied.
#[must_use]
pub fn denied(request: &RequestView) -> String {
    escape::terminal(&format!("{} of {} is denied", request.id, request.user)) + "\n"
}

/// A request was taken back.
#[must_use]
pub fn cancelled(request: &RequestView) -> String {
    escape::terminal(&format!("{} is cancelled", request.id)) + "\n"
}

/// A grant was ended by its owner.
#[must_use]
pub fn done(grant: &GrantView) -> String {
    if let Some(line) = cut_short(grant) {
        return line;
    }
    escape::terminal(&format!("{} has ended, and every session under it", grant.id)) + "\n"
}

/// A grant was revoked.
#[must_use]
pub fn revoked(grant: &GrantView) -> String {
    if let Some(line) = cut_short(grant) {
        return line;
    }
    escape::terminal(&format!("{} of {} is revoked, and every session under it ends now", grant.id, grant.user)) + "\n"
}

/// What is said where a grant had expired, and only its grace was ended.
fn cut_short(grant: &GrantView) -> Option<String> {
    let expired = grant.ended_why.as_deref() == Some("expired");
    expired.then(|| escape::terminal(&format!("{} had expired; what still ran under it ends now", grant.id)) + "\n")
}

/// What lives in the process.
#[must_use]
pub fn status(status: &StatusView) -> String {
    let StatusView { state, ready, database, sessions, recordings, connections, tasks } = status;
    let ready = if *ready { "ready" } else { "not ready: no new sessions" };
    let database = escape::terminal(database);
    format!(
        "{state}, {ready}; database: {database}\n\
         {sessions} sessions, {recordings} recordings, {connections} connections and channels, {tasks} tasks\n"
    )
}

/// A session was killed.
#[must_use]
pub fn killed(sheet: &Sheet<'_>, session: &SessionView) -> String {
    let line = escape::terminal(&format!("{} of {} is killed. To end its grant too, type", session.id, session.user));
    line + "\n" + &sheet.hint(2, &format!("revoke {} --note TEXT", session.grant))
}
