//! What is shown: what may be asked for, how the request stands, what came of it. All of it is safe for a terminal.

use std::time::Duration;

use curfew_policy::time::format_duration;
use unicode_width::UnicodeWidthChar;

use crate::console::hints::Hints;
use crate::console::render::{Sheet, approvals, span};
use crate::console::screen::{Cell, Table, Tone};
use crate::text::escape;
use crate::usecase::offer::{Offer, Place, Terms};
use crate::usecase::view::{GrantView, RequestView};

/// What may be asked for, a line for each rule.
pub(super) fn offers(sheet: &Sheet<'_>, place: &Place, offers: &[Offer]) -> String {
    let login = place.login.as_ref().map(|login| format!(" as {login}")).unwrap_or_default();
    let lead = format!("You hold no grant for {}{login}, and may ask for one. Ctrl-C leaves.", place.target);
    let mut table = Table::new(&[]).indented(2).whole();
    for (number, offer) in offers.iter().enumerate() {
        for (n, terms) in offer.terms.iter().enumerate() {
            let (mark, role) = if n == 0 { ((number + 1).to_string(), offer.role.as_str()) } else { <_>::default() };
            let longest = format!("up to {}{}", format_duration(terms.longest), grace(offer));
            table.row([mark.into(), Cell::toned(role, Tone::Strong), longest.into(), whose(terms).into()]);
        }
    }
    format!("{}\n{}", escape::terminal(&lead), table.render(&sheet.screen))
}

/// ` + 5m to finish`
fn grace(offer: &Offer) -> String {
    if offer.grace.is_zero() { String::new() } else { format!(" + {} to finish", format_duration(offer.grace)) }
}

/// `1 approval of leads; the reason must contain INC-\d+`
fn whose(terms: &Terms) -> String {
    let s = if terms.approvals == 1 { "" } else { "s" };
    let whose = match terms.approvals {
        0 => "granted at once".to_owned(),
        n => format!("{n} approval{s} of {}", terms.approvers.join(" or ")),
    };
    match &terms.reason {
        Some(pattern) => format!("{whose}; the reason must contain {pattern}"),
        None => whose,
    }
}

pub(super) fn how_long(offer: &Offer) -> String {
    format!("For how long, up to {} [{}]: ", format_duration(offer.longest()), format_duration(offer.usual()))
}

/// A request that waits, and what its approvers type.
pub(super) fn waits(hints: &Hints, request: &RequestView, waits_for: &[String]) -> String {
    let approve = hints.command(&format!("approve {}", request.id));
    let (have, who) = (have(request), whom(waits_for));
    let (role, targets) = (&request.role, request.targets.join(", "));
    escape::terminal(&format!("{} ({role} on {targets}) waits{who}: {have}. They type: {approve}", request.id))
}

/// The line that stands on a terminal while a request waits, no wider than that.
pub(super) fn live(request: &RequestView, waits_for: &[String], waited: Duration, columns: u32) -> String {
    let (have, who) = (have(request), whom(waits_for));
    let line =
        escape::terminal(&format!("{} waits{who}: {have}, {}; Ctrl-C stops", request.id, span(waited.as_secs())));
    let mut room = usize::try_from(if columns == 0 { 80 } else { columns }).unwrap_or(80).saturating_sub(1);
    let fits = |c: &char| {
        let width = c.width().unwrap_or(0);
        let fits = width <= room;
        room = if fits { room - width } else { 0 };
        fits
    };
    line.chars().take_while(fits).collect()
}

/// How far a request is, where it came a step further.
pub(super) fn stands(request: &RequestView) -> String {
    escape::terminal(&format!("{} has {}", request.id, have(request)))
}

pub(super) fn granted(request: &RequestView, grant: Option<&GrantView>) -> String {
    let grant = grant.map(|grant| format!(": {} until {}", grant.id, grant.expires_at)).unwrap_or_default();
    escape::terminal(&format!("{} is granted{grant}", request.id))
}

pub(super) fn left_pending(id: &str, back: &str) -> String {
    escape::terminal(&format!("{id} stays pending; come back to it with: {back}"))
}

fn have(request: &RequestView) -> String {
    approvals(request.approvals.len(), request.needed)
}

fn whom(waits_for: &[String]) -> String {
    if waits_for.is_empty() { String::new() } else { format!(" for {}", waits_for.join(" or ")) }
}
