//! Answers as text: from what the use cases return to what a person reads. Nothing in here asks or changes anything.

mod answers;
mod lists;
mod one;
mod page;
#[cfg(test)]
mod tests;
mod ways;

use std::time::Duration;

use curfew_policy::time::format_duration;
use jiff::Timestamp;

pub use self::answers::*;
pub use self::lists::*;
pub use self::one::show;
pub use self::page::page;

use super::hints::Hints;
use super::screen::{Screen, Tone};
use crate::text::escape;
use crate::usecase::Rulebook;

/// What an answer is written with: for which terminal, in whose words for the next command, by which rules.
#[derive(Debug, Clone, Copy)]
pub struct Sheet<'a> {
    /// Where it is shown, and when.
    pub screen: Screen,
    /// How the person types the next command.
    pub hints: &'a Hints,
    /// What the configuration says of targets and roles.
    pub rules: &'a Rulebook,
}

impl Sheet<'_> {
    /// A line with a command to type.
    fn hint(&self, indent: usize, command: &str) -> String {
        let command = escape::terminal(&self.hints.command(command));
        format!("{:indent$}{}\n", "", self.screen.paint(Tone::Strong, &command))
    }

    /// A moment of a view, with how far it is from now.
    fn deadline(&self, at: &str) -> String {
        at.parse::<Timestamp>().map_or_else(|_| escape::terminal(at), |at| self.screen.deadline(at))
    }

    /// A moment of a view.
    fn moment(&self, at: &str) -> String {
        at.parse::<Timestamp>().map_or_else(|_| escape::terminal(at), |at| self.screen.moment(at))
    }
}

/// `admin on web1, web2`, or `admin (root) on web1`; made safe.
fn access(role: &str, login: Option<&str>, targets: &[String]) -> String {
    let login = login.map(|login| format!(" ({login})")).unwrap_or_default();
    escape::terminal(&format!("{role}{login} on {}", targets.join(", ")))
}

pub(super) fn span(seconds: u64) -> String {
    format_duration(Duration::from_secs(seconds))
}

/// `1 of 2 approvals`
pub(super) fn approvals(have: usize, needed: u32) -> String {
    let s = if needed == 1 { "" } else { "s" };
    format!("{have} of {needed} approval{s}")
}

/// How a state stands out.
fn tone(state: &str) -> Tone {
    match state {
        "active" | "granted" => Tone::Good,
        "pending" | "scheduled" => Tone::Waiting,
        "denied" => Tone::Bad,
        _ => Tone::Plain,
    }
}
