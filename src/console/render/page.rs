//! The page of `ssh bastion` alone: who you are, what you hold and until when, what waits for you, what to type next.

use super::{Sheet, access, approvals, span, ways};
use crate::console::screen::{Cell, Table, Tone};
use crate::text::escape;
use crate::usecase::view::{GrantView, RequestView, WhoamiView};

/// How many entries a part of the page has; it is to fit a screen.
const MOST: usize = 8;

/// The name of the operator, who may deny and not approve. No user is called so.
const OPERATOR: &str = "operator";

/// The page an engineer wants to see first.
#[must_use]
pub fn page(sheet: &Sheet<'_>, whoami: &WhoamiView) -> String {
    let (mine, theirs): (Vec<&RequestView>, Vec<&RequestView>) =
        whoami.pending.iter().partition(|request| request.user == whoami.user);
    let mut page = who(sheet, whoami);
    if whoami.user == OPERATOR {
        page.push_str("\nThe operator ends what others hold, and holds nothing.\n");
    } else if whoami.grants.is_empty() {
        page.push_str("\nYou hold no access now.\n");
    } else {
        page.push_str("\nYou hold\n");
        page.push_str(&some(&whoami.grants, |grant| held(sheet, grant), "grants"));
    }
    if !mine.is_empty() {
        page.push_str("\nYou asked for\n");
        page.push_str(&some(&mine, |request| asked(sheet, request), "requests --mine"));
    }
    if !theirs.is_empty() {
        page.push_str("\nYour decision is waited for\n");
        page.push_str(&some(&theirs, |request| decision(sheet, &whoami.user, request), "requests --pending"));
    }
    page + &next(sheet)
}

fn who(sheet: &Sheet<'_>, whoami: &WhoamiView) -> String {
    let mut line = sheet.screen.paint(Tone::Strong, &escape::terminal(&whoami.user));
    if !whoami.groups.is_empty() {
        line.push_str(&escape::terminal(&format!(" · {}", whoami.groups.join(", "))));
    }
    if !whoami.may.is_empty() {
        line.push_str(&escape::terminal(&format!(" · may {}", whoami.may.join(", "))));
    }
    line + "\n"
}

/// The first of many, and where the rest is.
fn some<T>(all: &[T], each: impl Fn(&T) -> String, command: &str) -> String {
    let mut text: String = all.iter().take(MOST).map(each).collect();
    if let Some(more) = all.len().checked_sub(MOST).filter(|more| *more > 0) {
        text.push_str(&format!("  … and {more} more: {command}\n"));
    }
    text
}

fn held(sheet: &Sheet<'_>, grant: &GrantView) -> String {
    let access = access(&grant.role, grant.login.as_deref(), &grant.targets);
    if grant.state == "scheduled" {
        return format!("  {:<5}{access} from {}\n", escape::terminal(&grant.id), sheet.moment(&grant.starts_at));
    }
    let until = sheet.screen.paint(Tone::Good, &format!("until {}", sheet.deadline(&grant.expires_at)));
    let mut text = format!("  {:<5}{access} {until}\n", escape::terminal(&grant.id));
    for way in ways::into(sheet, grant) {
        text.push_str(&format!("       {}\n", sheet.screen.paint(Tone::Strong, &escape::terminal(&way))));
    }
    text
}

fn asked(sheet: &Sheet<'_>, request: &RequestView) -> String {
    let have = approvals(request.approvals.len(), request.needed);
    let have = sheet.screen.paint(Tone::Waiting, &have);
    format!("  {:<5}{}: {have}\n", escape::terminal(&request.id), wanted(request))
}

fn decision(sheet: &Sheet<'_>, user: &str, request: &RequestView) -> String {
    let mut text = format!(
        "  {:<5}{} wants {}\n",
        escape::terminal(&request.id),
        escape::terminal(&request.user),
        wanted(request)
    );
    text.push_str(&format!("       because: {}\n", escape::terminal(&request.reason)));
    if user != OPERATOR {
        text.push_str(&sheet.hint(7, &format!("approve {}", request.id)));
    }
    text + &sheet.hint(7, &format!("deny {} --note TEXT", request.id))
}

/// `admin on web1 for 30m`
fn wanted(request: &RequestView) -> String {
    let access = access(&request.role, request.login.as_deref(), &request.targets);
    match request.grant.as_deref().filter(|_| request.extends) {
        Some(grant) => format!("{} more for {}, {access}", span(request.duration_s), escape::terminal(grant)),
        None => format!("{access} for {}", span(request.duration_s)),
    }
}

fn next(sheet: &Sheet<'_>) -> String {
    let mut table = Table::new(&[]).indented(2);
    for (command, what) in [("targets", "what you may ask for"), ("help", "how to ask, with examples")] {
        table.row([Cell::toned(&sheet.hints.command(command), Tone::Strong), what.into()]);
    }
    format!("\nNext\n{}", table.render(&sheet.screen))
}
