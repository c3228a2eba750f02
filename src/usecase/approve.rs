//! An approver says yes.

use std::time::Duration;

use curfew_policy::ask::{Carried, LONGEST_TEXT, has_lapsed};
use curfew_policy::grant::Grant;
use curfew_policy::id::RequestId;
use curfew_policy::refusal::Refusal;
use curfew_policy::request::{Approval, Request, RequestState};
use curfew_policy::time::{SHORTEST, format_duration};
use curfew_policy::user::Person;
use jiff::Timestamp;

use super::request::{Asked, finish};
use super::{Actor, App, Fault, Outcome, Rulebook, grant, visibility};
use crate::store::{Action, Event, Events, Filed, Tx};

/// Approves a request; with enough approvals by today's rules it is granted. `shorten` grants less time than was asked
/// for, never more.
///
/// # Errors
/// When it is not there for this actor, not pending, or not theirs to approve; or the database does not answer.
#[tracing::instrument(name = "approve", level = "error", skip_all, fields(actor = actor.name(), %id))]
pub async fn approve(
    app: &App,
    actor: &Actor,
    id: RequestId,
    shorten: Option<Duration>,
    note: Option<String>,
) -> Outcome<Asked> {
    actor.user()?;
    let mut tx = app.store().begin().await?;
    // After the wait for the database, in which they may have changed.
    let (rules, actor) = app.afresh(actor)?;
    let person = actor.user()?.clone();
    let now = app.clock().wall();
    let filed = visibility::request(&mut tx.read(), &actor, &rules, id).await?;
    let duration = may_approve(&filed, &person, shorten, &rules, now)?;
    let extended = extended_grant(&mut tx, &filed.request).await?;
    let carried = rules.reassess(&filed, duration)?;
    let (carried, to) = match &extended {
        Some(of) => grant::longer(&carried, of, duration, now).map(|(carried, to)| (carried, Some(to)))?,
        None => (carried, None),
    };
    let approval = Approval { by: person.name.clone(), at: now, note: checked_note(note)? };
    tx.approve(id, &approval, duration, carried.needed()).await?;
    let request = tx.read().request(id).await?.ok_or_else(|| Fault::not_found(id))?.request;
    let mut events = Events::from(approved_event(&request, &approval, duration, now));
    if !enough(&carried, &request, &rules) {
        let waits_for = carried.approver_groups().into_iter().map(str::to_owned).collect();
        return finish(app, tx, events, id, None, waits_for).await;
    }
    let given = match extended.as_ref().zip(to) {
        Some((of, to)) => grant::lengthen(&mut tx, &request, of, to).await?,
        None => grant::give(&mut tx, &request, duration, now).await?,
    };
    for event in grant::events(&request, &given, &person.name, now) {
        events = events.and(event);
    }
    finish(app, tx, events, id, Some(given), Vec::new()).await
}

/// Whether this person may approve it now, and for how long it then is.
fn may_approve(
    filed: &Filed,
    person: &Person,
    shorten: Option<Duration>,
    rules: &Rulebook,
    now: Timestamp,
) -> Result<Duration, Refusal> {
    let request = &filed.request;
    undecided(request, now)?;
    if request.user == person.name {
        return Err(Refusal::not_allowed(
            "own",
            format!("{} is your own; somebody else has to approve it", request.id),
        ));
    }
    if request.approvals.iter().any(|approval| approval.by == person.name) {
        return Err(Refusal::conflict(
            "twice",
            format!("you have approved {} already; it needs somebody else", request.id),
        ));
    }
    let duration = match shorten {
        Some(short) if short > request.duration => {
            let most = format_duration(request.duration);
            return Err(Refusal::duration(
                "longer",
                format!("{} is for {most}; --for may shorten it only", request.id),
            ));
        }
        Some(short) if short < SHORTEST => return Err(Refusal::duration("too-short", "the shortest access is 1s")),
        Some(short) => short,
        None => request.duration,
    };
    // By the rules for what was asked; where those no longer carry it, by those for the shorter time.
    let carried = rules.reassess(filed, filed.asked).or_else(|_| rules.reassess(filed, duration))?;
    if !carried.counts(person, &request.user) {
        let groups = carried.approver_groups().join(" or ");
        return Err(Refusal::not_allowed(
            "not-approver",
            format!("your approval does not count for {}; it needs somebody of {groups}", request.id),
        ));
    }
    Ok(duration)
}

/// Whether a request still waits for a decision.
///
/// # Errors
/// A refusal that says how it was decided.
pub(super) fn undecided(request: &Request, now: Timestamp) -> Result<(), Refusal> {
    let by = request.decided.as_ref().map(|decided| format!(" by {}", decided.by)).unwrap_or_default();
    let how = match request.state {
        RequestState::Pending if !has_lapsed(request, now) => return Ok(()),
        RequestState::Pending | RequestState::Lapsed => "has lapsed; it has to be asked for again".to_owned(),
        RequestState::Granted => "is granted already".to_owned(),
        RequestState::Denied => format!("was denied{by}"),
        RequestState::Cancelled => format!("was cancelled{by}"),
    };
    Err(Refusal::conflict("decided", format!("{} {how}", request.id)))
}

/// A note that fits, or none.
///
/// # Errors
/// When it is too long.
pub(super) fn checked_note(note: Option<String>) -> Result<Option<String>, Refusal> {
    match note.map(|note| note.trim().to_owned()).filter(|note| !note.is_empty()) {
        Some(note) if note.len() > LONGEST_TEXT => {
            Err(Refusal::usage("long-note", format!("the note is longer than {LONGEST_TEXT} bytes; say it shorter")))
        }
        note => Ok(note),
    }
}

/// A note that must be there.
///
/// # Errors
/// When it is not, or is too long.
pub(super) fn needed_note(note: &str) -> Result<String, Refusal> {
    checked_note(Some(note.to_owned()))?.ok_or_else(|| Refusal::usage("no-note", "say why: --note TEXT"))
}

fn enough(carried: &Carried<'_>, request: &Request, rules: &Rulebook) -> bool {
    let approvers: Vec<&Person> =
        request.approvals.iter().filter_map(|approval| rules.people.get(&approval.by)).collect();
    carried.enough(&approvers, &request.user)
}

async fn extended_grant(tx: &mut Tx, request: &Request) -> Outcome<Option<Grant>> {
    match request.grant.filter(|_| request.extends) {
        Some(id) => Ok(Some(tx.read().grant(id).await?.ok_or_else(|| Fault::not_found(id))?)),
        None => Ok(None),
    }
}

fn approved_event(request: &Request, approval: &Approval, duration: Duration, now: Timestamp) -> Event {
    Event::new(now, &approval.by, Action::RequestApproved, request.id)
        .with("user", request.user.as_str())
        .with("targets", request.targets.clone())
        .with("role", request.role.as_str())
        .with("for", format_duration(duration))
        .with("note", approval.note.clone())
        .with("approvals", request.approvals.len())
        .with("needed", request.needed)
}
