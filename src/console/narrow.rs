//! What narrows a list, as it is typed: `--user --target --since --until --limit --before`.

use std::str::FromStr;
use std::time::Duration;

use curfew_policy::time::{format_duration, parse_duration};
use jiff::Timestamp;

use super::given::{GivenWords, shown};
use crate::store::{ListFilter, MOST, SCREENFUL};
use crate::text::shell_words::quote_word;

/// What narrows a list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Narrow {
    /// Only what concerns this user.
    pub user: Option<String>,
    /// Only what concerns this target.
    pub target: Option<String>,
    /// Only what began then or later.
    pub since: Option<When>,
    /// Only what began before then.
    pub until: Option<When>,
    /// How many at most.
    pub limit: Option<i64>,
    /// Only what is older than the entry of this number.
    pub before: Option<i64>,
}

/// A moment as it is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// So long ago.
    Ago(Duration),
    /// At this time.
    At(Timestamp),
}

impl When {
    fn from(self, now: Timestamp) -> Timestamp {
        match self {
            Self::Ago(span) => now.checked_sub(span).unwrap_or(Timestamp::MIN),
            Self::At(at) => at,
        }
    }

    fn typed(self) -> String {
        match self {
            Self::Ago(span) => format_duration(span),
            Self::At(at) => at.to_string(),
        }
    }
}

impl Narrow {
    /// Reads the options. `cursor` reads what `--before` takes.
    pub(super) fn read(given: &mut GivenWords, cursor: impl Fn(&str) -> Result<i64, String>) -> Result<Self, String> {
        Ok(Self {
            since: when(given, "--since")?,
            until: when(given, "--until")?,
            limit: given.value("--limit").map(limit).transpose()?,
            before: given.value("--before").map(cursor).transpose()?,
            user: given.text("--user"),
            target: given.text("--target"),
        })
    }

    /// The filter at this moment. A page is a screenful; for a program, which sees no line that says what is left out, it is
    /// as much as a list may have.
    #[must_use]
    pub fn filter(&self, now: Timestamp, for_program: bool) -> ListFilter {
        ListFilter {
            user: self.user.clone(),
            target: self.target.clone(),
            since: self.since.map(|since| since.from(now)),
            until: self.until.map(|until| until.from(now)),
            before: self.before,
            limit: self.limit.unwrap_or(if for_program { MOST } else { SCREENFUL }),
        }
    }

    /// The command that gets what is older: `list`, narrowed likewise, from `next` on.
    #[must_use]
    pub fn older(&self, list: &str, next: &str) -> String {
        self.typed(list, Some(next.to_owned()))
    }

    /// `list`, narrowed likewise, from its newest entry on.
    #[must_use]
    pub fn typed(&self, list: &str, before: Option<String>) -> String {
        let options = [
            ("--user", self.user.as_deref().map(quote_word)),
            ("--target", self.target.as_deref().map(quote_word)),
            ("--since", self.since.map(When::typed)),
            ("--until", self.until.map(When::typed)),
            ("--limit", self.limit.map(|limit| limit.to_string())),
            ("--before", before),
        ];
        let mut command = list.to_owned();
        for (name, value) in options {
            if let Some(value) = value {
                command.push_str(&format!(" {name} {value}"));
            }
        }
        command
    }
}

fn when(given: &GivenWords, name: &str) -> Result<Option<When>, String> {
    let Some(text) = given.value(name) else { return Ok(None) };
    let span = parse_duration(text).map(When::Ago).ok();
    let at = || Timestamp::from_str(text).map(When::At).ok();
    span.or_else(at).map(Some).ok_or_else(|| {
        let shown = shown(text);
        format!("{name}: `{shown}` is no time; write it like 7d (so long ago), or like 2026-12-01T22:00:00Z")
    })
}

fn limit(text: &str) -> Result<i64, String> {
    let number = text.parse().ok().filter(|number| (1..=MOST).contains(number));
    number.ok_or_else(|| format!("--limit takes a number from 1 to {MOST}: --limit 50"))
}

/// What `--before` of the audit log takes.
pub(super) fn seq(text: &str) -> Result<i64, String> {
    let number = text.parse().ok().filter(|number| *number > 0);
    number.ok_or_else(|| {
        format!("--before: `{}` is no number of the log; take one of its column SEQ: --before 2007", shown(text))
    })
}
