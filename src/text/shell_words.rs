//! Words of a command line, with or without the quotes of a shell.
//!
//! OpenSSH joins its arguments by spaces, so a reason in quotes arrives without them, and an apostrophe arrives alone:
//! `--reason it's broken`. A command given to `ssh` as one argument arrives with its quotes: `'deny r1 --note "too
//! long"'`. Both must mean what the person meant, so a quote acts only where a quoted word can begin, and only when it
//! is closed again.

use std::str::Chars;

/// One word of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// What it says, without its quotes.
    pub text: String,
    /// Whether any quoting was taken off it, which makes its end certain.
    pub quoted: bool,
}

/// Splits a command into words. Every text can be split: a quote that is not closed stands for itself.
#[must_use]
pub fn split(line: &str) -> Vec<Word> {
    let mut words = Vec::new();
    let mut rest = line.trim_start_matches(is_gap);
    while !rest.is_empty() {
        let (word, after) = next_word(rest);
        words.push(word);
        rest = after.trim_start_matches(is_gap);
    }
    words
}

/// Writes words as one command line that [`split`] and a POSIX shell read back as the same words.
#[must_use]
pub fn quote<S: AsRef<str>>(words: impl IntoIterator<Item = S>) -> String {
    words.into_iter().map(|word| quote_word(word.as_ref())).collect::<Vec<_>>().join(" ")
}

/// Writes one word as a person would, in quotes only where it needs them.
#[must_use]
pub fn quote_word(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/' | ':' | '@' | '%' | '+' | ',');
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

const fn is_gap(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r')
}

/// Takes the first word off a text that begins with one.
fn next_word(text: &str) -> (Word, &str) {
    let lead = quotable_from(text);
    let (head, tail) = text.split_at_checked(lead).unwrap_or(("", text));
    if tail.starts_with(['\'', '"'])
        && let Some((body, after)) = shell_word(tail)
    {
        return (Word { text: format!("{head}{body}"), quoted: true }, after);
    }
    plain_word(text)
}

/// Where in its first word a quoted part may begin: at the start, or after the `=` of `--reason="…"`.
fn quotable_from(text: &str) -> usize {
    let word = text.split(is_gap).next().unwrap_or(text);
    match word.find('=') {
        Some(at) if word.starts_with("--") && !word.get(..at).is_some_and(|name| name.contains(['\'', '"'])) => at + 1,
        _ => 0,
    }
}

/// Reads a word as a shell would, up to the next gap outside quotes. `None` when a quote is not closed.
fn shell_word(text: &str) -> Option<(String, &str)> {
    let mut word = String::new();
    let mut chars = text.chars();
    loop {
        let here = chars.as_str();
        match chars.next() {
            None => return Some((word, "")),
            Some(c) if is_gap(c) => return Some((word, here)),
            Some('\'') => single_quoted(&mut chars, &mut word)?,
            Some('"') => double_quoted(&mut chars, &mut word)?,
            Some('\\') => word.push(unescape(&mut chars)),
            Some(c) => word.push(c),
        }
    }
}

fn single_quoted(chars: &mut Chars<'_>, word: &mut String) -> Option<()> {
    loop {
        match chars.next()? {
            '\'' => return Some(()),
            c => word.push(c),
        }
    }
}

fn double_quoted(chars: &mut Chars<'_>, word: &mut String) -> Option<()> {
    loop {
        match chars.next()? {
            '"' => return Some(()),
            '\\' if chars.as_str().starts_with(['"', '\\', '$', '`']) => word.push(chars.next()?),
            c => word.push(c),
        }
    }
}

/// What a backslash makes of the next character: itself where a shell would have needed the backslash, so that
/// `C:\temp` keeps its own.
fn unescape(chars: &mut Chars<'_>) -> char {
    let next = chars.as_str().chars().next();
    match next {
        Some(c) if c == ' ' || c.is_ascii_punctuation() => {
            chars.next();
            c
        }
        _ => '\\',
    }
}

/// Reads a word in which quotes stand for themselves.
fn plain_word(text: &str) -> (Word, &str) {
    let mut word = String::new();
    let mut quoted = false;
    let mut chars = text.chars();
    loop {
        let here = chars.as_str();
        match chars.next() {
            None => return (Word { text: word, quoted }, ""),
            Some(c) if is_gap(c) => return (Word { text: word, quoted }, here),
            Some('\\') => {
                let before = chars.as_str().len();
                word.push(unescape(&mut chars));
                quoted |= chars.as_str().len() < before;
            }
            Some(c) => word.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn texts(line: &str) -> Vec<String> {
        split(line).into_iter().map(|word| word.text).collect()
    }

    #[test]
    fn words_come_apart_as_in_a_shell_and_as_a_person_wrote_them() {
        let table: &[(&str, &[&str])] = &[
            ("", &[]),
            ("  \t ", &[]),
            ("whoami", &["whoami"]),
            (" show   r12 ", &["show", "r12"]),
            ("deny r1 --note 'too long'", &["deny", "r1", "--note", "too long"]),
            (r#"deny r1 --note "too \"long\" \n""#, &["deny", "r1", "--note", r#"too "long" \n"#]),
            (r"--note 'it'\''s late'", &["--note", "it's late"]),
            (r#"--note 'it'"'"'s late'"#, &["--note", "it's late"]),
            (r"--note disk\ full\ \(again\)", &["--note", "disk full (again)"]),
            (r#"--note="too long" --json"#, &["--note=too long", "--json"]),
            ("it's broken", &["it's", "broken"]),
            ("it's broken and we're late", &["it's", "broken", "and", "we're", "late"]),
            ("'tis broken", &["'tis", "broken"]),
            ("\"open end", &["\"open", "end"]),
            (r"C:\temp is full", &[r"C:\temp", "is", "full"]),
            (r"ends with \", &["ends", "with", r"\"]),
            ("''", &[""]),
            ("a'b'c", &["a'b'c"]),
            ("'a'b\"c d\"", &["abc d"]),
        ];
        for (line, words) in table {
            assert_eq!(texts(line), *words, "{line}");
        }
    }

    #[test]
    fn only_words_that_lost_quotes_count_as_quoted() {
        let quoted: Vec<bool> = split(r"a 'b' it's \( --x='y' C:\t 'open").iter().map(|word| word.quoted).collect();
        assert_eq!(quoted, [false, true, false, true, true, false, false]);
    }

    proptest! {
        #[test]
        fn what_is_quoted_splits_into_the_same_words(words in proptest::collection::vec(any::<String>(), 0..6)) {
            prop_assert_eq!(texts(&quote(&words)), words);
        }

        #[test]
        fn every_text_splits(line in any::<String>()) {
            for word in split(&line) {
                prop_assert!(word.quoted || !word.text.is_empty());
            }
        }
    }
}
