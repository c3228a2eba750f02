//! `show`: everything about one request, grant or session.

use curfew_policy::time::format_duration;

use super::lists::place;
use super::{Sheet, approvals, span, tone, ways};
use crate::console::screen::{Cell, Table};
use crate::text::escape;
use crate::usecase::view::{AnyView, ApprovalView, GrantView, RequestView, SessionView};

/// Everything about one request, grant or session.
#[must_use]
pub fn show(sheet: &Sheet<'_>, view: &AnyView) -> String {
    match view {
        AnyView::Request(view) => request(sheet, view),
        AnyView::Grant(view) => grant(sheet, view),
        AnyView::Session(view) => session(sheet, view),
    }
}

/// Facts, each with its name, below a title.
struct Facts(Table);

impl Facts {
    fn new() -> Self {
        Self(Table::new(&[]).indented(2).whole())
    }

    fn add(&mut self, name: &'static str, value: impl Into<Cell>) {
        self.0.row([name.into(), value.into()]);
    }

    fn add_some(&mut self, name: &'static str, value: Option<&String>) {
        if let Some(value) = value {
            self.add(name, value);
        }
    }

    fn below(&self, sheet: &Sheet<'_>, id: &str, state: &str, rest: &str) -> String {
        let state = sheet.screen.paint(tone(state), &escape::terminal(state));
        format!("{} {state}{}\n{}", escape::terminal(id), escape::terminal(rest), self.0.render(&sheet.screen))
    }
}

fn request(sheet: &Sheet<'_>, view: &RequestView) -> String {
    let mut facts = Facts::new();
    facts.add("user", &view.user);
    facts.add("targets", view.targets.join(", "));
    facts.add("role", &view.role);
    facts.add_some("login", view.login.as_ref());
    facts.add("for", if view.extends { format!("{} more", span(view.duration_s)) } else { span(view.duration_s) });
    if let Some(grace) = sheet.rules.grace(&view.role) {
        facts.add("grace", format!("what runs at its end may finish for {}", format_duration(grace)));
    }
    if let Some(at) = &view.starts_at {
        facts.add("from", sheet.moment(at));
    }
    facts.add("reason", &view.reason);
    facts.add("asked", sheet.deadline(&view.asked_at));
    for approval in &view.approvals {
        facts.add("approved", word(sheet, approval));
    }
    if let Some(decided) = &view.decided {
        facts.add("decided", word(sheet, decided));
    }
    facts.add_some(if view.extends { "extends" } else { "grant" }, view.grant.as_ref());
    let rest = match view.state.as_str() {
        "pending" => format!(", {}", approvals(view.approvals.len(), view.needed)),
        _ => String::new(),
    };
    facts.below(sheet, &view.id, &view.state, &rest)
}

fn grant(sheet: &Sheet<'_>, view: &GrantView) -> String {
    let mut facts = Facts::new();
    facts.add("user", &view.user);
    facts.add("targets", view.targets.join(", "));
    facts.add("role", &view.role);
    facts.add_some("login", view.login.as_ref());
    facts.add("request", &view.request);
    facts.add("from", sheet.moment(&view.starts_at));
    match &view.ended_at {
        None => facts.add("until", sheet.deadline(&view.expires_at)),
        Some(at) => {
            facts.add("until", sheet.moment(&view.expires_at));
            facts.add("ended", sheet.deadline(at));
        }
    }
    if let Some(grace) = view.grace_s {
        facts.add("grace", format!("what runs then may finish for {}", span(grace)));
    }
    facts.add_some("note", view.note.as_ref());
    if view.state == "active" {
        for way in ways::into(sheet, view) {
            facts.add("enter", way);
        }
    }
    let why = view.ended_why.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
    facts.below(sheet, &view.id, &view.state, &why)
}

fn session(sheet: &Sheet<'_>, view: &SessionView) -> String {
    let mut facts = Facts::new();
    facts.add("user", &view.user);
    facts.add("target", place(view));
    facts.add("role", &view.role);
    facts.add("grant", &view.grant);
    facts.add("from", format!("{} {}", view.client, view.client_version));
    facts.add("started", sheet.deadline(&view.started_at));
    if let Some(at) = &view.ended_at {
        facts.add("ended", sheet.deadline(at));
    }
    for recording in &view.recordings {
        let command = recording.command.as_ref().map(|command| format!(" `{command}`")).unwrap_or_default();
        let seal = if recording.sealed { format!("{} bytes, sealed", recording.bytes) } else { "open".to_owned() };
        let number = recording.channel;
        facts.add("recording", format!("{number} {}{command}, {seal}: {}", recording.kind, recording.path));
    }
    let state = if view.ended_at.is_some() { "ended" } else { "active" };
    let why = view.ended_why.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
    let mut text = facts.below(sheet, &view.id, state, &why);
    text.push_str(&sheet.hint(2, &format!("{} {}", if view.ended_at.is_some() { "replay" } else { "watch" }, view.id)));
    text
}

/// `bob, 05:36:12Z: fine with me`
fn word(sheet: &Sheet<'_>, approval: &ApprovalView) -> String {
    let note = approval.note.as_ref().map(|note| format!(": {note}")).unwrap_or_default();
    format!("{}, {}{note}", approval.by, sheet.moment(&approval.at))
}
