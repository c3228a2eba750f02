//! What a request needs: the rules that carry it, and whose approvals are still missing.

use std::time::Duration;

use jiff::Timestamp;

use crate::refusal::Refusal;
use crate::request::Request;
use crate::role::Role;
use crate::rule::Rule;
use crate::target::{Protocol, Target};
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

/// The rules that carry a request: for each of its targets, all those that fit. Each of them is authority enough for
/// its target, so the target is approved as soon as one of them has the approvals that it asks for.
#[must_use]
#[derive(Debug, Clone)]
pub struct Carried<'r> {
    /// Neither this nor any list in it is empty: [`assess`] and [`within`] refuse what nothing carries.
    targets: Vec<Vec<&'r Rule>>,
}

/// Approvals that a request still waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing<'r> {
    /// How many.
    pub count: usize,
    /// From members of any of these groups.
    pub groups: &'r [String],
}

impl<'r> Carried<'r> {
    /// The fewest approvals that can be enough. Where targets have different approvers it may take more.
    #[must_use]
    pub fn needed(&self) -> u32 {
        let fewest = |rules: &Vec<&Rule>| rules.iter().map(|rule| rule.approvals).min();
        self.targets.iter().filter_map(fewest).max().unwrap_or(0)
    }

    /// The longest that is allowed on all its targets.
    #[must_use]
    pub fn max_duration(&self) -> Duration {
        let longest = |rules: &Vec<&Rule>| rules.iter().map(|rule| rule.max_duration).max();
        self.targets.iter().filter_map(longest).min().unwrap_or(Duration::ZERO)
    }

    /// Whether this person's approval counts for any of its targets.
    #[must_use]
    pub fn counts(&self, approver: &Person, asker: &str) -> bool {
        self.waiting().any(|rule| rule.counts(approver, asker))
    }

    /// Whether these approvers are enough: for each target as many as one of its rules asks for, each person once.
    #[must_use]
    pub fn enough(&self, approvers: &[&Person], asker: &str) -> bool {
        self.missing(approvers, asker).is_empty()
    }

    /// What these approvers leave open: for each target that waits, what is missing for its nearest rule.
    #[must_use]
    pub fn missing(&self, approvers: &[&Person], asker: &str) -> Vec<Missing<'r>> {
        let mut all: Vec<Missing<'r>> = Vec::new();
        for rules in &self.targets {
            let nearest = rules
                .iter()
                .map(|rule| Missing { count: rule.missing(approvers, asker), groups: &rule.approvers })
                .min_by_key(|missing| missing.count);
            let Some(missing) = nearest.filter(|missing| missing.count > 0) else { continue };
            // The same approvers may open several targets at once.
            match all.iter_mut().find(|known| known.groups == missing.groups) {
                Some(known) => known.count = known.count.max(missing.count),
                None => all.push(missing),
            }
        }
        all
    }

    /// The groups whose approval its rules ask for, for the message to the person who waits.
    #[must_use]
    pub fn approver_groups(&self) -> Vec<&'r str> {
        let mut groups: Vec<&str> = self.waiting().flat_map(|rule| rule.approvers.iter().map(String::as_str)).collect();
        groups.sort_unstable();
        groups.dedup();
        groups
    }

    /// The rules of those targets that are not granted at once.
    fn waiting(&self) -> impl Iterator<Item = &'r Rule> + '_ {
        self.targets.iter().filter(|rules| rules.iter().all(|rule| rule.approvals > 0)).flatten().copied()
    }
}

/// Finds the rules that carry a request: for each target, those that fit.
///
/// # Errors
/// A refusal that names the first target that no rule covers, or what would have to change (duration, reason, login)
/// for the nearest rule to fit.
pub fn assess<'r>(ask: &Ask<'_>, rules: &'r [Rule]) -> Result<Carried<'r>, Refusal> {
    check_form(ask)?;
    let targets = ask.targets.iter().map(|target| carry(ask, target, rules)).collect::<Result<_, _>>()?;
    Ok(Carried { targets })
}

/// Those of the rules that also allow a grant to last from now until `new_end`: the further check of an extension,
/// which is assessed by its own length first. Go on with what this returns, not with what it was given.
///
/// # Errors
/// A refusal that says how long the grant may last from now.
pub fn within<'r>(carried: &Carried<'r>, now: Timestamp, new_end: Timestamp) -> Result<Carried<'r>, Refusal> {
    let whole = until(now, new_end);
    let narrow = |rules: &Vec<&'r Rule>| -> Vec<&'r Rule> {
        rules.iter().copied().filter(|rule| whole <= rule.max_duration).collect()
    };
    let targets: Vec<Vec<&Rule>> = carried.targets.iter().map(narrow).collect();
    if !targets.is_empty() && targets.iter().all(|rules| !rules.is_empty()) {
        return Ok(Carried { targets });
    }
    Err(Refusal::duration(
        "too-long",
        format!(
            "the grant would last longer than {} from now, which is the longest here; ask for less",
            format_duration(carried.max_duration())
        ),
    ))
}

/// Whether a pending request may still be decided at `now`.
#[must_use]
pub fn has_lapsed(request: &Request, now: Timestamp) -> bool {
    now >= crate::time::after(request.asked_at, crate::request::LAPSES_AFTER)
}

fn check_form(ask: &Ask<'_>) -> Result<(), Refusal> {
    if ask.targets.is_empty() {
        return Err(Refusal::usage("no-target", "say for which target; `targets` lists what you may ask for"));
    }
    if ask.duration < SHORTEST {
        return Err(Refusal::duration("too-short", "the shortest access is 1s; ask for more with --for"));
    }
    if ask.reason.trim().is_empty() {
        return Err(Refusal::reason("no-reason", "say why: --reason TEXT"));
    }
    if ask.reason.len() > LONGEST_TEXT {
        return Err(Refusal::reason(
            "long-reason",
            format!("the reason is longer than {LONGEST_TEXT} bytes; say it shorter"),
        ));
    }
    check_login(ask)
}

fn check_login(ask: &Ask<'_>) -> Result<(), Refusal> {
    let Role { name, logins, .. } = ask.role;
    let ssh = ask.targets.iter().find(|target| target.protocol == Protocol::Ssh);
    if let (Some(target), []) = (ssh, logins.as_slice()) {
        let text = format!("role {name} has no login, so it is of no use on {}; ask for another role", target.name);
        return Err(Refusal::usage("no-login", text));
    }
    match ask.login {
        Some(login) if !logins.iter().any(|l| l == login) => {
            let has = if logins.is_empty() { "none".to_owned() } else { logins.join(", ") };
            let text = format!("role {name} has no login `{}`; it has {has}", login.escape_debug());
            Err(Refusal::usage("wrong-login", text))
        }
        _ => Ok(()),
    }
}

fn carry<'r>(ask: &Ask<'_>, target: &Target, rules: &'r [Rule]) -> Result<Vec<&'r Rule>, Refusal> {
    let covering: Vec<&Rule> = rules.iter().filter(|rule| rule.covers(ask.person, target, &ask.role.name)).collect();
    let fits = |rule: &&Rule| ask.duration <= rule.max_duration && rule.takes_reason(ask.reason);
    let fitting: Vec<&Rule> = covering.iter().copied().filter(fits).collect();
    if fitting.is_empty() { Err(why_not(ask, target, &covering)) } else { Ok(fitting) }
}

/// What keeps a request from every rule that covers it.
fn why_not(ask: &Ask<'_>, target: &Target, covering: &[&Rule]) -> Refusal {
    let what = format!("role {} on {}", ask.role.name, target.name);
    let Some(longest) = covering.iter().map(|rule| rule.max_duration).max() else {
        let text = format!("no rule lets you ask for {what}; `targets` lists what you may ask for");
        return Refusal::not_allowed("no-rule", text);
    };
    if ask.duration > longest {
        let (asked, longest) = (format_duration(ask.duration), format_duration(longest));
        return Refusal::duration("too-long", format!("{asked} is too long: {what} is given for at most {longest}"));
    }
    // Long enough, and yet none fits: so each of those that are long enough wants something of the reason.
    let mut patterns: Vec<String> = covering
        .iter()
        .filter(|rule| ask.duration <= rule.max_duration)
        .filter_map(|rule| rule.reason.as_ref().map(|pattern| format!("`{pattern}`")))
        .collect();
    patterns.dedup();
    Refusal::reason("reason", format!("for {what} the reason must contain something like {}", patterns.join(" or ")))
}

#[cfg(test)]
mod tests;
