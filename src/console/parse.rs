//! From the bytes of a command to a [`CommandLine`], or to what was wrong with them and what to type instead.

#[cfg(test)]
mod tests;

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use curfew_policy::id::{AnyId, GrantId, RequestId, SessionId};
use curfew_policy::time::{SHORTEST, parse_duration};
use curfew_recorder::Pace;
use jiff::Timestamp;

use super::command::{Command, CommandLine};
use super::given::{GivenWords, gather, shown};
use super::narrow::{self, Narrow};
use super::spec::{self, Spec};
use crate::text::shell_words::{Word, split};
use crate::text::suggest::nearest;
use crate::usecase::list::Which;
use crate::usecase::request::Wish;

/// The longest command that is looked at, in bytes.
pub const LONGEST_LINE: usize = 16 * 1024;

/// Why a command could not be read. Nothing was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Usage {
    /// Whether the command itself is known, so that only its form is wrong.
    pub known: bool,
    /// What was wrong and what to do, without a full stop.
    pub what: String,
    /// A command that would have been right, without `ssh bastion`.
    pub example: String,
}

impl Usage {
    fn of(spec: &Spec, what: impl Into<String>) -> Self {
        let example = spec.examples.first().copied().unwrap_or(spec.name);
        Self { known: true, what: what.into(), example: example.to_owned() }
    }

    fn no_command(what: impl Into<String>) -> Self {
        Self { known: false, what: what.into(), example: "help".to_owned() }
    }
}

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; for example: {}", self.what, self.example)
    }
}

impl std::error::Error for Usage {}

/// Reads a command as ssh delivers it: its arguments joined by spaces, their quotes gone or not.
///
/// # Errors
/// When it is not a command, or not in the form that the command takes; before anything is looked up.
pub fn parse(line: &[u8]) -> Result<CommandLine, Usage> {
    if line.len() > LONGEST_LINE {
        return Err(Usage::no_command(format!("the command is longer than {LONGEST_LINE} bytes; say it shorter")));
    }
    let line = str::from_utf8(line).map_err(|_| Usage::no_command("the command is not UTF-8 text"))?;
    let mut words = split(line.trim());
    let at = words.iter().position(|word| !spec::COMMON.iter().any(|option| option.name == word.text));
    let Some(at) = at else {
        let help = words.iter().any(|word| word.text == "--help");
        let command = if help { Command::Help(None) } else { Command::Home };
        return Ok(CommandLine { command, json: words.iter().any(|word| word.text == "--json") });
    };
    let name = words.remove(at);
    let name = if name.text == "-h" { "help" } else { name.text.as_str() };
    let spec = spec::find(name).ok_or_else(|| unknown(name))?;
    read(spec, &words)
}

fn unknown(name: &str) -> Usage {
    let shown = shown(name);
    if name.starts_with('-') {
        return Usage::no_command(format!("`{shown}` stands where a command belongs; `help` lists them"));
    }
    let Some(near) = nearest(name, spec::COMMANDS.iter().map(|spec| spec.name)) else {
        return Usage::no_command(format!("`{shown}` is no command here; `help` lists them"));
    };
    let example = spec::find(near).and_then(|spec| spec.examples.first().copied()).unwrap_or(near);
    Usage {
        known: false,
        what: format!("`{shown}` is no command here; did you mean `{near}`?"),
        example: example.to_owned(),
    }
}

fn read(spec: &'static Spec, words: &[Word]) -> Result<CommandLine, Usage> {
    let wrong = |what: String| Usage::of(spec, what);
    let given = gather(spec, words).map_err(wrong)?;
    if given.help {
        return Ok(CommandLine { command: Command::Help(Some(spec)), json: given.json });
    }
    if given.json && !spec.json {
        return Err(wrong(format!("{} has no JSON form; leave --json out", spec.name)));
    }
    given.complete(spec).map_err(wrong)?;
    let json = given.json;
    Ok(CommandLine { command: build(spec, given).map_err(wrong)?, json })
}

/// Makes the command. `given` is complete: it holds every operand and option that the command needs.
fn build(spec: &'static Spec, mut given: GivenWords) -> Result<Command, String> {
    Ok(match spec.name {
        "whoami" => Command::Whoami,
        "targets" => Command::Targets,
        "request" => Command::Request { wait: given.has("--wait"), wish: wish(given)? },
        "requests" => Command::Requests {
            which: which(&given)?,
            narrow: Narrow::read(&mut given, |typed| Ok(cursor::<RequestId>(spec, typed, "a request such as r12")?.0))?,
        },
        "show" => Command::Show(id(spec, &given, "a request, a grant or a session")?),
        "approve" => Command::Approve {
            id: id(spec, &given, "a request such as r12")?,
            shorten: span(&given, "--for")?,
            note: given.text("--note"),
        },
        "deny" => Command::Deny { id: id(spec, &given, "a request such as r12")?, note: given.needed("--note")? },
        "cancel" => Command::Cancel(id(spec, &given, "a request such as r12")?),
        "grants" => Command::Grants {
            all: given.has("--all"),
            narrow: Narrow::read(&mut given, |typed| Ok(cursor::<GrantId>(spec, typed, "a grant such as g9")?.0))?,
        },
        "extend" => Command::Extend {
            id: id(spec, &given, "a grant such as g9")?,
            by: span(&given, "--for")?.ok_or("say how much longer: --for 30m")?,
            reason: given.needed("--reason")?,
        },
        "done" => Command::Done(id(spec, &given, "a grant such as g9")?),
        "revoke" => Command::Revoke { id: id(spec, &given, "a grant such as g9")?, note: given.needed("--note")? },
        "sessions" => Command::Sessions {
            all: one_of(&given, [("--live", false), ("--all", true)])?.unwrap_or(false),
            narrow: Narrow::read(
                &mut given,
                |typed| Ok(cursor::<SessionId>(spec, typed, "a session such as s345")?.0),
            )?,
        },
        "watch" => Command::Watch(id(spec, &given, "a session such as s345")?),
        "kill" => Command::Kill { id: id(spec, &given, "a session such as s345")?, note: given.needed("--note")? },
        "replay" => Command::Replay { id: id(spec, &given, "a session such as s345")?, pace: pace(&given)? },
        "audit" => Command::Audit(Narrow::read(&mut given, narrow::seq)?),
        "status" => Command::Status,
        "version" => Command::Version,
        _ => Command::Help(topic(&given)?),
    })
}

fn wish(mut given: GivenWords) -> Result<Wish, String> {
    let duration = span(&given, "--for")?.ok_or("say for how long: --for 30m")?;
    let at = given.value("--at").map(moment).transpose()?;
    Ok(Wish {
        role: given.needed("--role")?,
        login: given.text("--login"),
        duration,
        reason: given.needed("--reason")?,
        at,
        targets: given.operands,
    })
}

fn moment(text: &str) -> Result<Timestamp, String> {
    text.parse().map_err(|_| {
        let shown = shown(text);
        format!("--at: `{shown}` is not a time; write it like 2026-12-01T22:00:00Z or 2026-12-01T22:00:00+01:00")
    })
}

fn which(given: &GivenWords) -> Result<Which, String> {
    one_of(given, [("--pending", ()), ("--mine", ())])?;
    one_of(given, [("--pending", ()), ("--all", ())])?;
    Ok(match (given.has("--pending"), given.has("--mine"), given.has("--all")) {
        (true, ..) => Which::Pending,
        (_, true, true) => Which::AllMine,
        (_, true, false) => Which::Mine,
        (_, false, true) => Which::All,
        (_, false, false) => Which::Usual,
    })
}

/// What the one option that was given of two means.
fn one_of<T>(given: &GivenWords, options: [(&str, T); 2]) -> Result<Option<T>, String> {
    let [(one, first), (other, second)] = options;
    match (given.has(one), given.has(other)) {
        (true, true) => Err(format!("{one} and {other} exclude each other; take one of them")),
        (true, false) => Ok(Some(first)),
        (false, true) => Ok(Some(second)),
        (false, false) => Ok(None),
    }
}

/// The one operand, as an id of the right kind.
fn id<T: FromStr>(spec: &Spec, given: &GivenWords, wanted: &str) -> Result<T, String> {
    id_of(spec, given.operands.first().map_or("", String::as_str), wanted)
}

/// What `--before` takes in a list of things with ids.
fn cursor<T: FromStr>(spec: &Spec, typed: &str, wanted: &str) -> Result<T, String> {
    id_of(spec, typed, wanted).map_err(|bad| format!("--before: {bad}"))
}

fn id_of<T: FromStr>(spec: &Spec, typed: &str, wanted: &str) -> Result<T, String> {
    typed.parse().map_err(|_| match typed.parse::<AnyId>() {
        Ok(other) => format!("{typed} is {}; {} takes {wanted}", kind(other), spec.name),
        Err(bad) => format!("{bad}; {} takes {wanted}", spec.name),
    })
}

const fn kind(id: AnyId) -> &'static str {
    match id {
        AnyId::Request(_) => "a request",
        AnyId::Grant(_) => "a grant",
        AnyId::Session(_) => "a session",
    }
}

fn duration(given: &GivenWords, name: &str) -> Result<Option<Duration>, String> {
    given.value(name).map(parse_duration).transpose().map_err(|bad| format!("{name}: {bad}"))
}

/// A duration for which something is granted: at least the shortest.
fn span(given: &GivenWords, name: &str) -> Result<Option<Duration>, String> {
    match duration(given, name)? {
        Some(short) if short < SHORTEST => Err(format!("{name}: the shortest access is 1s")),
        span => Ok(span),
    }
}

fn pace(given: &GivenWords) -> Result<Pace, String> {
    let usual = Pace::default();
    let speed = match given.value("--speed") {
        None => usual.speed,
        Some(text) => text
            .strip_suffix('x')
            .unwrap_or(text)
            .parse()
            .ok()
            .filter(|speed: &f64| (0.01..=1000.0).contains(speed))
            .ok_or("--speed takes a number from 0.01 to 1000: 2 is twice as fast")?,
    };
    Ok(Pace {
        speed,
        idle_limit: duration(given, "--idle-limit")?,
        start_at: duration(given, "--start-at")?.unwrap_or(usual.start_at),
    })
}

fn topic(given: &GivenWords) -> Result<Option<&'static Spec>, String> {
    match given.operands.first() {
        None => Ok(None),
        Some(name) => spec::find(name).map(Some).ok_or_else(|| unknown(name).what),
    }
}
