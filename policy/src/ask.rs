//! What a request needs: the rules that carry it, and whose approvals are still missing.

use std::time::Duration;

use jiff::Timestamp;
use regex::Regex;

use crate::refusal::Refusal;
use crate::request::Request;
use crate::role::Role;
use crate::rule::Rule;
use crate::target::Target;
use crate::time::{SHORTEST, format_duration, until};
use crate::user::Person;

/// The longest reason or note, in bytes.
pub const LONGEST_TEXT: usize = 1000;

/// What somebody asks for.
#[derive(Debug, Clone)]
pub struct Ask<'a> {
    /// Who asks.
    pub person: &'a Person,
    /// On which targets, never empty.
    pub targets: Vec<&'a Target>,
    /// In which role.
    pub role: &'a Role,
    /// With which login; `None` is any login of the role.
    pub login: Option<&'a str>,
    /// For how long.
    pub duration: Duration,
    /// Why.
    pub reason: &'a str,
}

/// The rules that carry a request, one for each target.
#[derive(Debug, Clone)]
pub struct Carried<'r> {
    rules: Vec<&'r Rule>,
}

impl Carried<'_> {
    /// How many approvals it needs: the most that any of its rules asks for.
    #[must_use]
    pub fn needed(&self) -> u32 {
        self.rules.iter().map(|rule| rule.approvals).max().unwrap_or(0)
    }

    /// The longest that all its rules allow.
    #[must_use]
    pub fn max_duration(&self) -> Duration {
        self.rules.iter().map(|rule| rule.max_duration).min().unwrap_or(Duration::ZERO)
    }

    /// Whether this person's approval counts for any of its rules.
    #[must_use]
    pub fn counts(&self, approver: &Person, asker: &str) -> bool {
        self.rules.iter().any(|rule| rule.approvals > 0 && rule.counts(approver, asker))
    }

    /// Whether these approvers are enough: for each rule as many as it asks for, each person once.
    #[must_use]
    pub fn enough(&self, approvers: &[&Person], asker: &str) -> bool {
        self.rules.iter().all(|rule| {
            let mut names: Vec<&str> =
                approvers.iter().filter(|p| rule.counts(p, asker)).map(|p| p.name.as_str()).collect();
            names.sort_unstable();
            names.dedup();
            names.len() >= rule.approvals as usize
        })
    }

    /// The groups whose approval its rules ask for, for the message to the person who waits.
    #[must_use]
    pub fn approver_groups(&self) -> Vec<&str> {
        let mut groups: Vec<&str> = self
            .rules
            .iter()
            .filter(|rule| rule.approvals > 0)
            .flat_map(|rule| rule.approvers.iter().map(String::as_str))
            .collect();
        groups.sort_unstable();
        groups.dedup();
        groups
    }
}

/// Finds the rules that carry a request: for each target, of the rules that fit, the one that needs the fewest
/// approvals.
///
/// # Errors
/// A refusal that names the first target that no rule covers, or what would have to change (duration, reason, login)
/// for the nearest rule to fit.
pub fn assess<'r>(ask: &Ask<'_>, rules: &'r [Rule]) -> Result<Carried<'r>, Refusal> {
    check_form(ask)?;
    let rules = ask.targets.iter().map(|target| carry(ask, target, rules)).collect::<Result<_, _>>()?;
    Ok(Carried { rules })
}

/// Whether `new_end` is within the longest that the rules allow, counted from now: the check of an extension.
///
/// # Errors
/// A refusal that says how much may still be asked for.
pub fn within(carried: &Carried<'_>, now: Timestamp, new_end: Timestamp) -> Result<(), Refusal> {
    let max = carried.max_duration();
    if until(now, new_end) <= max {
        return Ok(());
    }
    Err(Refusal::new(
        "too-long",
        format!(
            "the grant would run longer than {} from now, which is the longest here; ask for less",
            format_duration(max)
        ),
    ))
}

/// Whether a pending request may still be decided at `now`.
#[must_use]
pub fn has_lapsed(request: &Request, now: Timestamp) -> bool {
    now >= crate::time::after(request.asked_at, crate::request::LAPSES_AFTER)
}

fn check_form(ask: &Ask<'_>) -> Result<(), Refusal> {
    if ask.duration < SHORTEST {
        return Err(Refusal::new("too-short", "the shortest access is 1s"));
    }
    if ask.reason.trim().is_empty() {
        return Err(Refusal::new("no-reason", "say why: --reason TEXT"));
    }
    if ask.reason.len() > LONGEST_TEXT {
        return Err(Refusal::new(
            "long-reason",
            format!("the reason is longer than {LONGEST_TEXT} bytes; say it shorter"),
        ));
    }
    match ask.login {
        Some(login) if !ask.role.logins.iter().any(|l| l == login) => Err(Refusal::new(
            "wrong-login",
            format!(
                "role {} has no login `{}`; it has {}",
                ask.role.name,
                login.escape_debug(),
                ask.role.logins.join(", ")
            ),
        )),
        _ => Ok(()),
    }
}

fn carry<'r>(ask: &Ask<'_>, target: &Target, rules: &'r [Rule]) -> Result<&'r Rule, Refusal> {
    let mut candidates: Vec<&Rule> =
        rules.iter().filter(|rule| rule.covers(ask.person, target, &ask.role.name)).collect();
    candidates.sort_by_key(|rule| rule.approvals);
    let fits = |rule: &&&Rule| ask.duration <= rule.max_duration && reason_fits(rule, ask.reason);
    if let Some(rule) = candidates.iter().find(fits) {
        return Ok(rule);
    }
    Err(why_not(ask, target, &candidates))
}

fn reason_fits(rule: &Rule, reason: &str) -> bool {
    rule.reason.as_ref().is_none_or(|pattern| pattern.is_match(reason))
}

fn why_not(ask: &Ask<'_>, target: &Target, candidates: &[&Rule]) -> Refusal {
    let Some(longest) = candidates.iter().map(|rule| rule.max_duration).max() else {
        return Refusal::new(
            "no-rule",
            format!(
                "no rule lets you ask for role {} on {}; `targets` lists what you may ask for",
                ask.role.name, target.name
            ),
        );
    };
    if ask.duration > longest {
        return Refusal::new(
            "too-long",
            format!(
                "{} is too long: role {} on {} is given for at most {}",
                format_duration(ask.duration),
                ask.role.name,
                target.name,
                format_duration(longest)
            ),
        );
    }
    let pattern = candidates
        .iter()
        .filter(|rule| ask.duration <= rule.max_duration)
        .find_map(|rule| rule.reason.as_ref())
        .map_or("", Regex::as_str);
    Refusal::new(
        "reason",
        format!("the reason must contain something like `{pattern}` for role {} on {}", ask.role.name, target.name),
    )
}
