//! The configuration was read again: what it no longer names loses its access.

use curfew_policy::grant::{Grant, GrantEnd, GrantState};
use curfew_proxy::lease::End;

use super::{App, Change, Effect, Outcome, Rulebook, grant};
use crate::live::leases::LiveSession;
use crate::store::{Action, Event, Grants};

/// From now on these rules hold. Live sessions go on, but for those whose user, target or role is gone: they end as
/// revoked, and so do such grants.
///
/// # Errors
/// When the database does not answer. The rules hold, and live sessions were ended, even then.
#[tracing::instrument(name = "reload", level = "error", skip_all)]
pub async fn reload(app: &App, rules: Rulebook) -> Outcome<()> {
    app.replace_rules(rules);
    let rules = app.rules();
    app.leases().end_where(|live| session_gone(&rules, live).map(gone));
    revoke_gone(app, Action::ConfigReloaded).await
}

/// Revokes the grants whose user or role is gone, or all of whose targets are, and commits that with the event that
/// brought it about.
pub(super) async fn revoke_gone(app: &App, action: Action) -> Outcome<()> {
    let rules = app.rules();
    let mut tx = app.store().begin().await?;
    let now = app.clock().wall();
    let mut change = Change::new(
        Event::new(now, "curfew", action, "configuration")
            .with("users", rules.people.len())
            .with("targets", rules.targets.len())
            .with("roles", rules.roles.len())
            .with("rules", rules.rules.len()),
    );
    for held in tx.read().grants(Grants::Live).await? {
        let Some(what) = grant_gone(&rules, &held) else { continue };
        if held.state(now) != GrantState::Ended {
            let event = grant::end(&mut tx, &held, now, "curfew", GrantEnd::Revoked, Some(&what)).await?;
            change = change.and(event).with(Effect::GrantOver(held.id, gone(what)));
        }
    }
    app.commit(tx, change).await
}

fn gone(what: String) -> End {
    End::Revoked { by: "curfew".to_owned(), note: what }
}

/// What of a session the rules do not name any more.
pub(super) fn session_gone(rules: &Rulebook, live: &LiveSession) -> Option<String> {
    missing(rules, &live.user, &live.role)
        .or_else(|| (!rules.targets.contains_key(&live.target)).then(|| format!("target {} is gone", live.target)))
}

fn grant_gone(rules: &Rulebook, held: &Grant) -> Option<String> {
    let targets = || held.targets.iter().all(|target| !rules.targets.contains_key(target));
    missing(rules, &held.user, &held.role)
        .or_else(|| targets().then(|| format!("target {} is gone", held.targets.join(", "))))
}

fn missing(rules: &Rulebook, user: &str, role: &str) -> Option<String> {
    if !rules.people.contains_key(user) {
        return Some(format!("user {user} is gone"));
    }
    (!rules.roles.contains_key(role)).then(|| format!("role {role} is gone"))
}
