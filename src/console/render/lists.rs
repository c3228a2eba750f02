//! The tables: targets, requests, grants, sessions, the audit log.

use serde_json::Value;

use super::{Sheet, span, tone};
use crate::console::screen::{Cell, Table, Tone};
use crate::usecase::view::{EventView, GrantView, RequestView, SessionView, TargetView};

/// What may be asked for.
#[must_use]
pub fn targets(sheet: &Sheet<'_>, targets: &[TargetView]) -> String {
    let Some(first) = targets.first() else {
        return "No rule lets you ask for any target. Who keeps the rules can change that.\n".to_owned();
    };
    let mut table = Table::new(&["TARGET", "PROTOCOL", "ROLES", "LABELS"]);
    for target in targets {
        let labels: Vec<String> = target.labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
        table.row([
            Cell::toned(&target.name, Tone::Strong),
            target.protocol.as_str().into(),
            target.roles.join(", ").into(),
            labels.join(" ").into(),
        ]);
    }
    let role = first.roles.first().map_or("ROLE", String::as_str);
    let ask = format!("request {} --role {role} --for 30m --reason TEXT", first.name);
    table.render(&sheet.screen) + "\nAsk for one:\n" + &sheet.hint(2, &ask)
}

/// Requests.
#[must_use]
pub fn requests(sheet: &Sheet<'_>, requests: &[RequestView]) -> String {
    if requests.is_empty() {
        return "No requests.\n".to_owned();
    }
    let mut table = Table::new(&["ID", "STATE", "USER", "ROLE", "TARGETS", "FOR", "YES", "ASKED", "REASON"]);
    for request in requests {
        table.row([
            request.id.as_str().into(),
            Cell::toned(&request.state, tone(&request.state)),
            request.user.as_str().into(),
            role(&request.role, request.login.as_deref()).into(),
            request.targets.join(",").into(),
            length(request).into(),
            format!("{}/{}", request.approvals.len(), request.needed).into(),
            sheet.moment(&request.asked_at).into(),
            request.reason.as_str().into(),
        ]);
    }
    table.render(&sheet.screen)
}

/// Grants.
#[must_use]
pub fn grants(sheet: &Sheet<'_>, grants: &[GrantView]) -> String {
    if grants.is_empty() {
        return "No grants.\n".to_owned();
    }
    let mut table = Table::new(&["ID", "STATE", "USER", "ROLE", "TARGETS", "UNTIL"]);
    for grant in grants {
        let until = match (&grant.ended_why, grant.state.as_str()) {
            (Some(why), _) => {
                let at = grant.ended_at.as_deref().unwrap_or(&grant.expires_at);
                format!("{why} at {}", sheet.moment(at))
            }
            (None, "scheduled") => {
                format!("{}, from {}", sheet.moment(&grant.expires_at), sheet.moment(&grant.starts_at))
            }
            (None, _) => sheet.deadline(&grant.expires_at),
        };
        table.row([
            grant.id.as_str().into(),
            Cell::toned(&grant.state, tone(&grant.state)),
            grant.user.as_str().into(),
            role(&grant.role, grant.login.as_deref()).into(),
            grant.targets.join(",").into(),
            until.into(),
        ]);
    }
    table.render(&sheet.screen)
}

/// Sessions.
#[must_use]
pub fn sessions(sheet: &Sheet<'_>, sessions: &[SessionView]) -> String {
    if sessions.is_empty() {
        return "No sessions.\n".to_owned();
    }
    let mut table = Table::new(&["ID", "GRANT", "USER", "TARGET", "FROM", "STARTED", "ENDED"]);
    for session in sessions {
        let ended = match (&session.ended_at, &session.ended_why) {
            (Some(at), why) => Cell::new(&format!("{} {}", sheet.moment(at), why.as_deref().unwrap_or_default())),
            (None, _) => Cell::toned("live", Tone::Good),
        };
        table.row([
            session.id.as_str().into(),
            session.grant.as_str().into(),
            session.user.as_str().into(),
            place(session).into(),
            session.client.as_str().into(),
            sheet.moment(&session.started_at).into(),
            ended,
        ]);
    }
    table.render(&sheet.screen)
}

/// A page of the audit log, the first with headings.
#[must_use]
pub fn audit(sheet: &Sheet<'_>, events: &[EventView], first: bool) -> String {
    if first && events.is_empty() {
        return "Nothing happened that fits.\n".to_owned();
    }
    let heads = ["SEQ", "AT", "ACTOR", "ACTION", "SUBJECT", "DETAIL"];
    let mut table = Table::new(if first { &heads } else { &[] });
    for event in events {
        table.row([
            event.seq.to_string().into(),
            sheet.moment(&event.at).into(),
            event.actor.as_str().into(),
            event.action.as_str().into(),
            event.subject.as_str().into(),
            detail(&event.detail).into(),
        ]);
    }
    table.render(&sheet.screen)
}

/// The last line of a list that goes on: how many older entries are left out, and what to type for more.
#[must_use]
pub fn left_out(sheet: &Sheet<'_>, count: Option<i64>, command: &str) -> String {
    let what = match count {
        Some(1) => "1 older one is left out".to_owned(),
        Some(count) => format!("{count} older ones are left out"),
        None => "older ones are left out".to_owned(),
    };
    format!("{what}; more: {}", sheet.hint(0, command))
}

/// The last line of a list with nothing in it that is active, scheduled or waits.
#[must_use]
pub fn past(sheet: &Sheet<'_>, command: &str) -> String {
    format!("The past: {}", sheet.hint(0, command))
}

/// `root@web1`, or `orders-db` where there is no login.
pub(super) fn place(session: &SessionView) -> String {
    match session.login.as_str() {
        "" => session.target.clone(),
        login => format!("{login}@{}", session.target),
    }
}

/// `admin`, or `admin (root)`.
fn role(role: &str, login: Option<&str>) -> String {
    login.map_or_else(|| role.to_owned(), |login| format!("{role} ({login})"))
}

fn length(request: &RequestView) -> String {
    let plus = if request.extends { "+" } else { "" };
    format!("{plus}{}", span(request.duration_s))
}

/// The details of an event in one line: `user=alice targets=web1,web2`; what has no value is left out.
fn detail(detail: &Value) -> String {
    match detail {
        Value::Object(fields) => {
            let known = fields
                .iter()
                .filter(|(_, value)| !value.is_null() && value.as_array().is_none_or(|all| !all.is_empty()));
            known.map(|(key, value)| format!("{key}={}", short(value))).collect::<Vec<_>>().join(" ")
        }
        other => short(other),
    }
}

fn short(value: &Value) -> String {
    match value {
        Value::String(text) if text.contains(' ') || text.is_empty() => format!("\"{text}\""),
        Value::String(text) => text.clone(),
        Value::Array(all) => all.iter().map(short).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}
