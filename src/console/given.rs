//! What was given to a command: its operands and options, not yet understood.

use super::spec::{Operands, Opt, Spec, Takes};
use crate::text::escape;
use crate::text::shell_words::Word;
use crate::text::suggest::nearest;

/// How much of what was mistyped is repeated, in characters.
const LONGEST_SHOWN: usize = 40;

/// The operands and options of a command.
#[derive(Debug, Default)]
pub(super) struct GivenWords {
    /// What stood there without being an option's.
    pub operands: Vec<String>,
    /// Whether `--json` was there.
    pub json: bool,
    /// Whether `--help` was there.
    pub help: bool,
    values: Vec<(&'static str, String)>,
}

impl GivenWords {
    /// Whether an option was there.
    pub fn has(&self, name: &str) -> bool {
        self.value(name).is_some()
    }

    /// What an option was given.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.values.iter().find(|(given, _)| *given == name).map(|(_, value)| value.as_str())
    }

    /// Takes what an option was given.
    pub fn text(&mut self, name: &str) -> Option<String> {
        self.values.iter_mut().find(|(given, _)| *given == name).map(|(_, value)| std::mem::take(value))
    }

    /// Takes what an option was given that cannot be missing.
    pub fn needed(&mut self, name: &str) -> Result<String, String> {
        self.text(name).ok_or_else(|| format!("{name} is missing"))
    }

    /// Checks that nothing is missing and nothing is too much; all that is missing is named at once.
    pub fn complete(&self, spec: &Spec) -> Result<(), String> {
        let mut missing = Vec::new();
        if self.operands.len() < spec.operands.least() {
            missing.push(match spec.operands {
                Operands::Many(_) => "a target".to_owned(),
                Operands::One(name) => format!("an id ({name})"),
                Operands::None | Operands::Maybe(_) => String::new(),
            });
        }
        missing.extend(spec.options.iter().filter(|o| o.required && !self.has(o.name)).map(Opt::typed));
        if !missing.is_empty() {
            let swallowed = self.operands.is_empty() && self.values.iter().any(|(name, _)| *name == "--reason");
            let why = if swallowed { "; targets stand before --reason, which runs to the next option" } else { "" };
            return Err(format!("{} needs {}{why}", spec.name, listed(&missing)));
        }
        match self.operands.get(spec.operands.most()) {
            None => Ok(()),
            Some(extra) => Err(format!("`{}` is too much: {}", shown(extra), too_much(spec))),
        }
    }

    fn put(&mut self, option: &'static Opt, value: String) -> Result<(), String> {
        match option.name {
            "--json" => self.json = true,
            "--help" => self.help = true,
            name if self.has(name) => return Err(format!("{name} is given twice; give it once")),
            name => self.values.push((name, value)),
        }
        Ok(())
    }
}

fn too_much(spec: &Spec) -> String {
    match spec.operands {
        Operands::None => format!("{} takes no names or ids", spec.name),
        Operands::One(_) | Operands::Maybe(_) => format!("{} takes one at a time", spec.name),
        Operands::Many(_) => String::new(),
    }
}

/// Sorts the words of a command into operands and options.
pub(super) fn gather(spec: &'static Spec, words: &[Word]) -> Result<GivenWords, String> {
    if let Some(word) = words.iter().find(|word| word.text.chars().any(char::is_control)) {
        return Err(format!("`{}` holds a control character; type it without", shown(&word.text)));
    }
    let mut given = GivenWords::default();
    let mut rest = words;
    let mut only_operands = false;
    while let Some((word, after)) = rest.split_first() {
        rest = after;
        if only_operands || !word.text.starts_with('-') || word.text == "-" {
            given.operands.push(word.text.clone());
        } else if word.text == "--" {
            only_operands = true;
        } else {
            let (name, inline) = halves(word);
            let option = option(spec, name)?;
            let value = value(spec, option, inline, &mut rest, &given)?;
            given.put(option, value)?;
        }
    }
    Ok(given)
}

/// `--note=TEXT` as its two halves.
fn halves(word: &Word) -> (&str, Option<Word>) {
    match word.text.split_once('=') {
        Some((name, value)) => (name, Some(Word { text: value.to_owned(), quoted: word.quoted })),
        None => (&word.text, None),
    }
}

fn option(spec: &'static Spec, name: &str) -> Result<&'static Opt, String> {
    let name = if name == "-h" { "--help" } else { name };
    if let Some(option) = spec.all_options().find(|option| option.name == name) {
        return Ok(option);
    }
    let near = nearest(name, spec.all_options().map(|option| option.name));
    Err(match near {
        Some(near) => format!("{} has no option `{}`; did you mean {near}?", spec.name, shown(name)),
        None => {
            let all: Vec<String> = spec.all_options().map(|option| option.name.to_owned()).collect();
            format!("{} has no option `{}`; it has {}", spec.name, shown(name), listed(&all))
        }
    })
}

/// Takes an option's value off the words that follow it.
fn value(
    spec: &'static Spec,
    option: &'static Opt,
    inline: Option<Word>,
    rest: &mut &[Word],
    given: &GivenWords,
) -> Result<String, String> {
    if option.takes == Takes::Nothing {
        return match inline {
            None => Ok(String::new()),
            Some(_) => Err(format!("{} takes no value; leave the `=` out", option.name)),
        };
    }
    let first = match inline {
        Some(word) => Some(word),
        None => match rest.split_first() {
            Some((word, after)) if word.quoted || !is_option(spec, word) => {
                *rest = after;
                Some(word.clone())
            }
            _ => None,
        },
    };
    let value = match first {
        None => String::new(),
        Some(first) => match option.takes {
            Takes::Text => text(spec, first, rest, given),
            Takes::Duration(_) => durations(first.text, rest),
            Takes::Word(_) | Takes::Nothing => first.text,
        },
    };
    if value.trim().is_empty() {
        return Err(format!("{} needs something after it: {}", option.name, option.typed()));
    }
    Ok(value)
}

/// TEXT runs to the next option. One in quotes ends with them where the command still lacks its target or id, since
/// that is what must follow.
fn text(spec: &'static Spec, first: Word, rest: &mut &[Word], given: &GivenWords) -> String {
    let Word { mut text, quoted } = first;
    if quoted && given.operands.len() < spec.operands.least() {
        return text;
    }
    while let Some((word, after)) = rest.split_first() {
        // Where everything is in quotes, options are too.
        if is_option(spec, word) && (quoted || !word.quoted) {
            break;
        }
        text.push(' ');
        text.push_str(&word.text);
        *rest = after;
    }
    text
}

/// `1h 30m` may come as two words.
fn durations(mut text: String, rest: &mut &[Word]) -> String {
    while let Some((word, after)) = rest.split_first() {
        if !is_duration_part(&word.text) {
            break;
        }
        text.push(' ');
        text.push_str(&word.text);
        *rest = after;
    }
    text
}

fn is_duration_part(word: &str) -> bool {
    let number = word.trim_end_matches(['s', 'm', 'h', 'd']);
    number.len() < word.len() && !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit())
}

fn is_option(spec: &'static Spec, word: &Word) -> bool {
    let name = word.text.split('=').next().unwrap_or_default();
    spec.all_options().any(|option| option.name == name)
}

/// What was typed, short and safe for a terminal.
pub(super) fn shown(text: &str) -> String {
    escape::terminal_start(text, LONGEST_SHOWN)
}

/// `a, b and c`
fn listed(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}
