//! What people are told who named the wrong thing, and the command that would help them.

use std::time::Duration;

use curfew_policy::refusal::{Refusal, RefusalKind, Way};
use curfew_policy::role::Role;
use curfew_policy::target::{Protocol, Target};
use curfew_policy::time::format_duration;
use curfew_policy::user::Person;

use super::Rulebook;
use super::caller::Caller;
use crate::text::escape;
use crate::text::suggest::nearest;

/// The duration that is suggested, unless less is the longest.
pub const USUAL: Duration = Duration::from_secs(30 * 60);

/// What leads somebody who may not end it otherwise to the way to end what is their own.
pub(super) const END_YOUR_OWN: &str = "end your own with";

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
    Refusal::not_found("unknown-target", text)
        .audited(format!("{} named `{shown}`, which is no target of theirs", person.name))
}

/// The answer for an address where a target was to be named.
pub(super) fn by_name(host: &str) -> Refusal {
    let shown = escape::terminal_start(host, LONGEST_NAME);
    Refusal::usage(
        "by-address",
        format!("`{shown}` is an address; a target is reached by its name, and `targets` lists those"),
    )
}

/// The target speaks something else than what came.
pub(super) fn wrong_way(target: &Target) -> Refusal {
    misled("wrong-way", target)
}

/// The target is there, at another port than what came.
pub(super) fn wrong_port(target: &Target, port: u32) -> Refusal {
    match target.protocol {
        Protocol::Tcp => misled("wrong-port", target),
        Protocol::Ssh => {
            let lead = format!("its port {port} is reached through it");
            let way = Way::Through { target: target.name.clone(), port };
            Refusal::usage("wrong-port", what(target)).hinted(Some(&lead), way)
        }
    }
}

/// What the target is, and the way to it.
fn misled(code: &'static str, target: &Target) -> Refusal {
    let name = target.name.clone();
    let way = match target.protocol {
        Protocol::Tcp => Way::Forward { target: name, port: target.address.port },
        Protocol::Ssh => Way::Login { target: name },
    };
    Refusal::usage(code, what(target)).hinted(None, way)
}

fn what(target: &Target) -> String {
    let what = match target.protocol {
        Protocol::Tcp => "a TCP service",
        Protocol::Ssh => "an SSH server",
    };
    format!("{} is {what}", target.name)
}

/// Adds the command that would help somebody without a grant, where there is one.
pub(super) fn how_to_get_in(
    why: Refusal,
    rules: &Rulebook,
    person: &Person,
    target: &Target,
    caller: &Caller,
) -> Refusal {
    if why.kind != RefusalKind::NoGrant {
        return why;
    }
    match how_to_ask(rules, person, target, caller.login.as_deref()) {
        Some(command) => why.hinted_command("ask", command),
        None => why,
    }
}

/// The command that asks for a target: in the first role that has the login, where one was typed, or that needs none, where
/// the target has none; for as long as is usual but not longer than may be.
fn how_to_ask(rules: &Rulebook, person: &Person, target: &Target, login: Option<&str>) -> Option<String> {
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
