//! Somebody connects to a target: decided, written down, and given a lease, in one transaction.

use std::sync::Arc;

use curfew_policy::decide::{Decision, Facts, Permit, decide};
use curfew_policy::id::SessionId;
use curfew_policy::lease::Now;
use curfew_policy::refusal::Refusal;
use curfew_policy::role::Role;
use curfew_policy::target::Target;
use curfew_policy::time::{format_duration, rfc3339, to_millis};
use curfew_policy::user::Person;
use curfew_proxy::lease::Lease;

use super::caller::Caller;
use super::hint::{how_to_get_in, unknown_target, wrong_way};
use super::reload::session_gone;
use super::{App, Fault, Outcome, Rulebook, refuse};
use crate::live::leases::LiveSession;
use crate::store::{Action, Event, Grants, NewSession, Sessions, Tx};

/// A session that may begin. Whoever takes it reports its end with [`super::end_session::ended`].
#[derive(Debug)]
pub struct Admitted {
    /// Its id.
    pub session: SessionId,
    /// Its way to the target.
    pub permit: Permit,
    /// Its right to go on.
    pub lease: Lease,
}

/// Lets somebody in, or says why not and what to type.
///
/// # Errors
/// When no grant of theirs carries it, or the database does not answer.
#[tracing::instrument(name = "admit", level = "error", skip_all, fields(user = caller.user, target = caller.target))]
pub async fn admit(app: &App, caller: Caller) -> Outcome<Admitted> {
    let admitted = admit_one(app, &caller).await;
    if let Err(fault) = &admitted {
        refuse::session(app, &caller, fault).await;
    }
    admitted
}

async fn admit_one(app: &App, caller: &Caller) -> Outcome<Admitted> {
    let mut tx = app.store().begin().await?;
    // After the wait for the database, in which they may have changed.
    let rules = app.rules();
    let person = rules.people.get(&caller.user);
    let person =
        person.ok_or_else(|| Refusal::not_allowed("unknown-user", "you are no user of this bastion any more"))?;
    let now = app.clock().now();
    let (target, permit) = match decision(app, &mut tx, &rules, person, caller, now).await? {
        (target, Decision::Allow(permit)) => (target, *permit),
        (target, Decision::Refuse(why)) => {
            return Err(Fault::Refused(how_to_get_in(why, &rules, person, &target, caller)));
        }
    };
    has_room(&mut tx, &permit).await?;
    let session = tx
        .open_session(&NewSession {
            grant: permit.grant(),
            user: permit.user(),
            target: permit.target(),
            login: permit.login(),
            role: &permit.role().name,
            protocol: &permit.protocol().to_string(),
            client: &caller.from,
            client_version: &caller.client,
            started_at: to_millis(now.wall),
        })
        .await?;
    tx.used(permit.grant()).await?;
    // Before the commit, while nobody else can write: a revocation either comes first, and the decision above has seen
    // it, or it comes later, and finds this lease.
    let lease = register(app, session, &permit, now)?;
    if let Err(fault) = app.commit(tx, started(session, &permit, caller, now)).await {
        app.leases().forget(session);
        // The answer may have been lost, not the commit.
        app.late_ends().never_began(session, to_millis(now.wall));
        return Err(fault);
    }
    drop(target);
    Ok(Admitted { session, permit, lease })
}

/// A role may say how many sessions a grant has at once. Another one begins only in a transaction of its own, after this.
async fn has_room(tx: &mut Tx, permit: &Permit) -> Outcome<()> {
    let Some(most) = permit.role().max_sessions else { return Ok(()) };
    let open = tx.read().sessions(Sessions::OpenUnder(permit.grant())).await?;
    let open: Vec<String> = open.iter().map(|session| session.id.to_string()).collect();
    if u32::try_from(open.len()).is_ok_and(|open| open < most) {
        return Ok(());
    }
    let at_once = if most == 1 { "one session".to_owned() } else { format!("{most} sessions") };
    let text = format!(
        "role {} allows {at_once} at once on a grant, and {} has {}; end one first",
        permit.role().name,
        permit.grant(),
        open.join(", "),
    );
    Err(Refusal::too_many("max-sessions", text).into())
}

async fn decision(
    app: &App,
    tx: &mut Tx,
    rules: &Rulebook,
    person: &Person,
    caller: &Caller,
    now: Now,
) -> Outcome<(Arc<Target>, Decision)> {
    let grants = tx.read().grants(Grants::Toward(&person.name, &caller.target)).await?;
    let known = rules.targets.get(&caller.target);
    let known = known.filter(|target| !grants.is_empty() || !rules.roles_for(person, target).is_empty());
    let target = known.ok_or_else(|| unknown_target(rules, person, &caller.target))?;
    if target.protocol != caller.protocol {
        return Err(wrong_way(target).into());
    }
    let grants = grants
        .into_iter()
        // What either clock says is over is over.
        .filter(|grant| grant.ended.is_some() || !app.leases().deadline(grant.id, now, grant.expires_at).is_over(now))
        .filter_map(|grant| rules.roles.get(&grant.role).map(|role| (grant, Arc::clone(role))))
        .collect();
    let facts = Facts { person: person.clone(), target: Arc::clone(target), login: caller.login.clone(), grants };
    Ok((Arc::clone(target), decide(&facts, now.wall)))
}

fn register(app: &App, session: SessionId, permit: &Permit, now: Now) -> Outcome<Lease> {
    let live = LiveSession {
        session,
        grant: permit.grant(),
        user: permit.user().to_owned(),
        target: permit.target().to_owned(),
        role: permit.role().name.clone(),
    };
    let ended = |_| Refusal::no_grant("ended", format!("grant {} has just ended", permit.grant()));
    let lease = app.leases().begin(live.clone(), now, permit.expires_at()).map_err(ended)?;
    // A reload replaces the rules before it looks for sessions to end: either it finds this one, or its rules are found here.
    if let Some(what) = session_gone(&app.rules(), &live) {
        app.leases().forget(session);
        return Err(Refusal::conflict("gone", what).into());
    }
    Ok(lease.with_grace(permit.role().grace()))
}

fn started(session: SessionId, permit: &Permit, caller: &Caller, now: Now) -> Event {
    Event::new(now.wall, permit.user(), Action::SessionStarted, session)
        .with("grant", permit.grant().to_string())
        .with("target", permit.target())
        .with("login", permit.login())
        .with("role", permit.role().name.as_str())
        .with("from", caller.from.as_str())
        .with("client", caller.client.as_str())
        .with("proof", caller.proof.as_str())
        .with("expires_at", rfc3339(permit.expires_at()))
        .with("grace", grace(permit.role()))
}

/// For how long what runs may finish, where it may.
fn grace(role: &Role) -> Option<String> {
    (!role.grace().is_zero()).then(|| format_duration(role.grace()))
}
