//! The code of a source: without comments, texts and unit tests.

/// The code in a source. Comments and unit tests are left out, and texts are empty.
pub fn code(source: &str) -> String {
    without_tests(&bare(source))
}

/// A source without its comments and the content of its texts.
fn bare(source: &str) -> String {
    let mut out = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(c) = rest.chars().next() {
        let skipped = match c {
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => comment(rest),
            '"' => {
                out.push_str("\"\"");
                text(rest)
            }
            'r' if !ends_in_a_word(&out) && raw_text(rest).is_some() => {
                out.push_str("\"\"");
                raw_text(rest).unwrap_or(rest.len())
            }
            '\'' => match character(rest) {
                Some(len) => {
                    out.push_str("' '");
                    len
                }
                None => 0,
            },
            _ => 0,
        };
        if skipped == 0 {
            out.push(c);
        }
        rest = &rest[skipped.max(c.len_utf8())..];
    }
    out
}

/// Whether the last character may be followed by more of the same word (`br"…"` and `cr"…"` are texts all the same).
fn ends_in_a_word(out: &str) -> bool {
    let mut last = out.chars().rev();
    match last.next() {
        Some('b' | 'c') => last.next().is_some_and(is_of_a_word),
        Some(c) => is_of_a_word(c),
        None => false,
    }
}

pub fn is_of_a_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The length of a block comment, others inside it included.
fn comment(rest: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < rest.len() {
        let here = &rest[at..];
        if here.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if here.starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += here.chars().next().map_or(1, char::len_utf8);
        }
    }
    rest.len()
}

/// The length of a text in quotation marks.
fn text(rest: &str) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// The length of a raw text (`r"…"`, `r#"…"#`), where one begins here.
fn raw_text(rest: &str) -> Option<usize> {
    let after = rest.strip_prefix('r')?;
    let marks = after.len() - after.trim_start_matches('#').len();
    let inside = after[marks..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(marks));
    let len = inside.find(&end).map_or(inside.len(), |at| at + end.len());
    Some(1 + marks + 1 + len)
}

/// The length of a character in quotation marks; none for a lifetime.
fn character(rest: &str) -> Option<usize> {
    let mut inside = rest.char_indices().skip(1);
    let (_, first) = inside.next()?;
    if first == '\\' {
        inside.next();
        return inside.find(|(_, c)| *c == '\'').map(|(at, _)| at + 1);
    }
    inside.next().filter(|(_, c)| *c == '\'').map(|(at, _)| at + 1)
}

/// Code without the items that only its tests have.
fn without_tests(code: &str) -> String {
    const MARK: &str = "#[cfg(test)]";
    let mut out = String::with_capacity(code.len());
    let mut rest = code;
    while let Some(at) = rest.find(MARK) {
        out.push_str(&rest[..at]);
        rest = &rest[at + MARK.len()..];
        rest = &rest[item(rest)..];
    }
    out + rest
}

/// The length of the item that begins here: up to its semicolon, or its closing brace.
fn item(rest: &str) -> usize {
    let is_import = words_before_a_sign(rest).any(|word| word == "use");
    let (mut depth, mut braces) = (0, 0);
    for (at, c) in rest.char_indices() {
        match c {
            '(' | '[' => depth += 1,
            ')' | ']' => depth -= 1,
            '{' => braces += 1,
            '}' => {
                braces -= 1;
                if braces == 0 && !is_import {
                    return at + 1;
                }
            }
            ';' if depth == 0 && braces == 0 => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// The first words of an item, its visibility and name among them.
fn words_before_a_sign(rest: &str) -> impl Iterator<Item = &str> {
    let end = rest.find(['{', ';', '=']).unwrap_or(rest.len());
    rest[..end].split(|c| !is_of_a_word(c)).filter(|word| !word.is_empty())
}
