//! A table of the file as it is read: each key is asked for once with its type, and what nobody asked for is a fault.

use std::time::Duration;

use curfew_policy::time::{SHORTEST, parse_duration};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::book::Book;

/// The longest name of a user, group, target or role.
const LONGEST_NAME: usize = 128;

/// A string of the file, and where it stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Text<'a> {
    /// The string.
    pub text: &'a str,
    /// The byte of the file at which it begins.
    pub at: usize,
}

/// A table of the file that is being read.
pub(super) struct Section<'a> {
    /// What a person would call it: `target web1`.
    pub name: String,
    /// The byte of the file at which it begins.
    pub at: usize,
    table: &'a DeTable<'a>,
    asked: Vec<&'static str>,
    book: &'a Book,
}

impl<'a> Section<'a> {
    /// The whole file.
    pub fn root(table: &'a Spanned<DeTable<'a>>, book: &'a Book) -> Self {
        Self { name: "the file".to_owned(), at: 0, table: table.get_ref(), asked: Vec::new(), book }
    }

    /// Writes down a fault at this table's beginning.
    pub fn fault(&self, text: impl Into<String>) {
        self.book.fault(self.at, text);
    }

    /// Whether a key is there. It counts as asked for.
    pub fn has(&mut self, key: &'static str) -> bool {
        self.value(key).is_some()
    }

    /// Whether a key is there, without counting it as asked for.
    pub fn names(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// Where a key's value stands; the table's beginning if it is not there.
    pub fn place(&self, key: &str) -> usize {
        self.table.get(key).map_or(self.at, |value| value.span().start)
    }

    /// The names in a table of this table, whatever stands behind them.
    pub fn names_in(&self, key: &str) -> Vec<&'a str> {
        let table = self.table.get(key).and_then(|value| value.get_ref().as_table());
        table.into_iter().flat_map(|table| table.keys()).map(|name| name.get_ref().as_ref()).collect()
    }

    /// A string.
    pub fn string(&mut self, key: &'static str) -> Option<Text<'a>> {
        let value = self.value(key)?;
        let text = as_text(value);
        if text.is_none() {
            self.wrong(key, value, "a string");
        }
        text
    }

    /// A string that must be there; `what` says what it is for.
    pub fn required(&mut self, key: &'static str, what: &str) -> Option<Text<'a>> {
        self.demand(key, what);
        self.string(key)
    }

    /// A list of strings, empty if it is not there. What comes twice is told, and left out.
    pub fn strings(&mut self, key: &'static str) -> Vec<Text<'a>> {
        let Some(value) = self.value(key) else { return Vec::new() };
        let Some(list) = value.get_ref().as_array() else {
            self.wrong(key, value, "a list of strings");
            return Vec::new();
        };
        let mut texts: Vec<Text<'a>> = Vec::new();
        for item in list.iter() {
            match as_text(item) {
                None => self.wrong(key, item, "a list of strings"),
                Some(text) if texts.iter().any(|known| known.text == text.text) => {
                    self.book.warn(text.at, format!("`{}` is in {key} twice", text.text));
                }
                Some(text) => texts.push(text),
            }
        }
        texts
    }

    /// Whether a key is not there, or an empty list or table. It counts as asked for.
    pub fn lacks(&mut self, key: &'static str) -> bool {
        self.value(key).is_none_or(|value| match value.get_ref() {
            DeValue::Array(list) => list.is_empty(),
            DeValue::Table(table) => table.is_empty(),
            _ => false,
        })
    }

    /// Writes down that a key is lacking; `what` says what it is for.
    pub fn demand(&mut self, key: &'static str, what: &str) {
        if self.lacks(key) {
            self.book.fault(self.place(key), format!("{} has no `{key}`: {what}", self.name));
        }
    }

    /// A list of strings that must not be empty; `what` says what it is for.
    pub fn required_strings(&mut self, key: &'static str, what: &str) -> Vec<Text<'a>> {
        self.demand(key, what);
        self.strings(key)
    }

    /// A string, or a list of strings.
    pub fn one_or_more(&mut self, key: &'static str) -> Vec<Text<'a>> {
        match self.value(key) {
            Some(value) if value.get_ref().is_str() => as_text(value).into_iter().collect(),
            _ => self.strings(key),
        }
    }

    /// `true` or `false`; `false` if it is not there.
    pub fn flag(&mut self, key: &'static str) -> bool {
        let Some(value) = self.value(key) else { return false };
        value.get_ref().as_bool().unwrap_or_else(|| {
            self.wrong(key, value, "true or false");
            false
        })
    }

    /// A whole number from 0 to `most`; 0 if it is not there, `None` if it is something else.
    pub fn number(&mut self, key: &'static str, most: u32) -> Option<u32> {
        let Some(value) = self.value(key) else { return Some(0) };
        let number = value.get_ref().as_integer().and_then(|n| u32::from_str_radix(n.as_str(), n.radix()).ok());
        let number = number.filter(|n| *n <= most);
        if number.is_none() {
            self.book.fault(value.span().start, format!("{key} must be a whole number from 0 to {most}"));
        }
        number
    }

    /// A duration of at least a second.
    pub fn duration(&mut self, key: &'static str) -> Option<Duration> {
        let value = self.value(key)?;
        let Some(text) = as_text(value) else {
            self.wrong(key, value, "a duration in quotes, like \"30m\" or \"1h 30m\"");
            return None;
        };
        match parse_duration(text.text) {
            Ok(duration) if duration >= SHORTEST => return Some(duration),
            Ok(_) => self.book.fault(text.at, format!("{key}: the shortest duration is 1s")),
            Err(bad) => self.book.fault(text.at, format!("{key}: {bad}")),
        }
        None
    }

    /// A table.
    pub fn table(&mut self, key: &'static str, name: &str) -> Option<Section<'a>> {
        let value = self.value(key)?;
        if let Some(table) = value.get_ref().as_table() {
            let at = self.table.get_key_value(key).map_or(self.at, |(key, _)| key.span().start);
            return Some(self.inner(name.to_owned(), at, table));
        }
        self.wrong(key, value, "a table");
        None
    }

    /// The tables in a table, each with its name: `[users.alice]`. `what` is what each is called.
    pub fn named(&mut self, key: &'static str, what: &str) -> Vec<(Text<'a>, Section<'a>)> {
        let Some(tables) = self.table(key, key) else { return Vec::new() };
        let mut sections = Vec::new();
        for (name, value) in tables.table {
            let (at, text) = (name.span().start, name.get_ref().as_ref());
            if let Some(why) = bad_name(text) {
                self.book.fault(at, format!("`{}` cannot be the name of a {what}: {why}", text));
            }
            match value.get_ref().as_table() {
                Some(table) => sections.push((Text { text, at }, self.inner(format!("{what} {text}"), at, table))),
                None => self.book.fault(at, format!("{key}.{} must be a table: [{key}.NAME]", text)),
            }
        }
        sections
    }

    /// A list of tables: `[[rules]]`. `what` is what each is called.
    pub fn tables(&mut self, key: &'static str, what: &str) -> Vec<Section<'a>> {
        let Some(value) = self.value(key) else { return Vec::new() };
        let Some(list) = value.get_ref().as_array() else {
            self.wrong(key, value, &format!("a list of tables, each beginning with [[{key}]]"));
            return Vec::new();
        };
        let mut sections = Vec::new();
        for item in list.iter() {
            match item.get_ref().as_table() {
                Some(table) => sections.push(self.inner(what.to_owned(), item.span().start, table)),
                None => self.wrong(key, item, "a list of tables"),
            }
        }
        sections
    }

    /// The strings in a table, each with its key: `labels = { env = "prod" }`.
    pub fn pairs(&mut self, key: &'static str) -> Vec<(Text<'a>, Text<'a>)> {
        let Some(value) = self.value(key) else { return Vec::new() };
        let Some(table) = value.get_ref().as_table() else {
            self.wrong(key, value, "a table of strings, like { env = \"prod\" }");
            return Vec::new();
        };
        let mut pairs = Vec::new();
        for (name, value) in table {
            match as_text(value) {
                Some(text) => pairs.push((Text { text: name.get_ref(), at: name.span().start }, text)),
                None => self.wrong(key, value, "a table of strings, like { env = \"prod\" }"),
            }
        }
        pairs
    }

    /// Ends the reading: whatever was not asked for is a fault.
    pub fn finish(&self) {
        for key in self.table.keys().filter(|key| !self.asked.contains(&key.get_ref().as_ref())) {
            let what = format!("key in {}:", self.name);
            self.book.unknown(key.span().start, &what, key.get_ref(), self.asked.iter().copied());
        }
    }

    fn value(&mut self, key: &'static str) -> Option<&'a Spanned<DeValue<'a>>> {
        if !self.asked.contains(&key) {
            self.asked.push(key);
        }
        self.table.get(key)
    }

    fn inner(&self, name: String, at: usize, table: &'a DeTable<'a>) -> Self {
        Section { name, at, table, asked: Vec::new(), book: self.book }
    }

    fn wrong(&self, key: &str, value: &Spanned<DeValue<'_>>, expected: &str) {
        let got = match value.get_ref() {
            DeValue::String(_) => "a string",
            DeValue::Integer(_) | DeValue::Float(_) => "a number",
            DeValue::Boolean(_) => "true or false",
            DeValue::Datetime(_) => "a date",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        };
        self.book.fault(value.span().start, format!("{key} must be {expected}, not {got}"));
    }
}

fn as_text<'a>(value: &'a Spanned<DeValue<'a>>) -> Option<Text<'a>> {
    value.get_ref().as_str().map(|text| Text { text, at: value.span().start })
}

/// Why this cannot be the name of a user, group, target, role or label. What can is safe in a shell, a path, a user
/// name of SSH, and the terminal of whoever reads it.
pub(super) fn bad_name(name: &str) -> Option<&'static str> {
    if name.is_empty() {
        return Some("it is empty");
    }
    if name.len() > LONGEST_NAME {
        return Some("it is longer than 128 characters");
    }
    if name.starts_with(['-', '.']) {
        return Some("it may not begin with `-` or `.`");
    }
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    (!name.chars().all(fits)).then_some("use letters, digits, `.`, `_` and `-`")
}
