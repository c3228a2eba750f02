//! What people are told who named the wrong thing, and the command that would help them.

use std::time::Duration;

use curfew_policy::refusal::Refusal;
use curfew_policy::role::Role;
use curfew_policy::target::{Protocol, Target};
use curfew_policy::time::format_duration;
use curfew_policy::user::Person;

use super::caller::Caller;
use super::{App, Rulebook};
use crate::text::escape;
use crate::text::suggest::nearest;

/// The duration that is suggested, unless less is the longest.
pub const USUAL: Duration = Duration::from_secs(30 * 60);

/// How much of a name that was typed is repeated, in characters.
pub(super) const LONGEST_NAME: usize = 80;

/// The answer for a target that is not there for this person, with the nearest name of one that is.
#[must_use]
pub fn unknown_target(rules: &Rulebook, person: &Person, typed: &str) -> Refusal {
    let shown = escape::terminal_start(typed, LONGEST_NAME);
    let near = nearest(typed, rules.targets_for(person).map(|target| target.name.as_str()));
    let text = match near {
        Some(near) => format!("no target `{shown}` that you may ask for; did you mean {near}?"),
        None => format!("no target `{shown}` that you may ask for; `targets` lists those"),
    };
    Refusal::new("unknown-target", text)
        .audited(format!("{} named `{shown}`, which is no target of theirs", person.name))
}

/// The answer for an address where a target was to be named.
pub(super) fn by_name(host: &str) -> Refusal {
    let shown = escape::terminal_start(host, LONGEST_NAME);
    Refusal::new(
        "by-address",
        format!("`{shown}` is an address; a target is reached by its name, and `targets` lists those"),
    )
}

/// The target speaks something else than what came.
pub(super) fn wrong_way(door: &str, target: &Target) -> Refusal {
    let (ssh, bastion) = door.rsplit_once(' ').unwrap_or(("ssh", door));
    let (name, port) = (&target.name, target.address.port);
    let text = match target.protocol {
        Protocol::Tcp => format!("{name} is a TCP service: {ssh} -N -L {port}:{name}:{port} {bastion}"),
        Protocol::Ssh => format!("{name} is an SSH server: {ssh} LOGIN@{name}@{bastion}"),
    };
    Refusal::new("wrong-way", text)
}

/// The target is there, at another port than what came.
pub(super) fn wrong_port(door: &str, target: &Target, port: u32) -> Refusal {
    let (ssh, bastion) = door.rsplit_once(' ').unwrap_or(("ssh", door));
    let name = &target.name;
    match target.protocol {
        Protocol::Tcp => Refusal { code: "wrong-port", ..wrong_way(door, target) },
        Protocol::Ssh => Refusal::new(
            "wrong-port",
            format!(
                "{name} is an SSH server; its port {port} is reached through it: {ssh} -L {port}:localhost:{port} LOGIN@{name}@{bastion}"
            ),
        ),
    }
}

/// Adds the command that would help, where one would.
pub(super) fn with_hint(
    why: Refusal,
    app: &App,
    rules: &Rulebook,
    person: &Person,
    target: &Target,
    caller: &Caller,
) -> Refusal {
    if !matches!(why.code, "no-grant" | "ended" | "no-login") {
        return why;
    }
    match how_to_ask(rules, person, target, caller.login.as_deref()) {
        Some(command) => {
            let audit = why.audit.clone();
            Refusal::new(why.code, format!("{}; ask: {} {command}", why.public, app.door())).audited(audit)
        }
        None => why,
    }
}

/// The command that asks for a target: in the first role that has the login, where one was typed, or that needs none, where
/// the target has none; for as long as is usual but not longer than may be.
#[must_use]
pub fn how_to_ask(rules: &Rulebook, person: &Person, target: &Target, login: Option<&str>) -> Option<String> {
    let roles = rules.roles_for(person, target);
    let fits = |role: &Role| match target.protocol {
        Protocol::Tcp => role.logins.is_empty(),
        Protocol::Ssh => login.is_some_and(|login| role.logins.iter().any(|other| other == login)),
    };
    let fitting = |role: &&&str| rules.roles.get(**role).is_some_and(|role| fits(role));
    let role = roles.iter().find(fitting).or_else(|| roles.first())?;
    let span = format_duration(rules.longest(person, target, role)?.min(USUAL)).replace(' ', "");
    Some(format!("request {} --role {role} --for {span} --reason TEXT", target.name))
}
