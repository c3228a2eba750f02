//! The patterns of the configuration: names (`web*`), commands (`journalctl *`).

use std::fmt;

/// A name with `*` for any run of characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glob(String);

impl Glob {
    /// Takes the pattern as it is; every string is one.
    #[must_use]
    pub fn new(pattern: &str) -> Self {
        Self(pattern.to_owned())
    }

    /// The pattern as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the whole name matches.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        matches(self.0.as_bytes(), name.as_bytes(), |_, _| true)
    }

    /// Whether it is a name and nothing else.
    #[must_use]
    pub fn is_literal(&self) -> bool {
        !self.0.contains('*')
    }
}

impl fmt::Display for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A command line with `*` for any run of characters that a shell would not act on; `*` alone is any command.
///
/// The command goes to a shell on the target, so a pattern is only worth something when no `*` can smuggle a second
/// command in ([`acts`]), nor take the words that follow it in the pattern out of force ([`swallows`]). A `*` does
/// match spaces, options and `..`: `tail *` is all that `tail` can do, with any arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandPattern(String);

impl CommandPattern {
    /// Takes the pattern as it is; every string is one.
    #[must_use]
    pub fn new(pattern: &str) -> Self {
        Self(pattern.to_owned())
    }

    /// Whether it is `*` alone: any command at all.
    #[must_use]
    pub fn is_any(&self) -> bool {
        self.0 == "*"
    }

    /// Whether the whole command matches.
    ///
    /// A command that is not UTF-8 only matches `*` alone. It could not be shown to the people who approve and
    /// replay it as it was, and in a multi-byte locale its last byte could swallow a character of the pattern.
    #[must_use]
    pub fn matches(&self, command: &[u8]) -> bool {
        let fit = |byte, star| !acts(byte) && (star == Star::Last || !swallows(byte));
        self.is_any() || (std::str::from_utf8(command).is_ok() && matches(self.0.as_bytes(), command, fit))
    }
}

impl fmt::Display for CommandPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A byte that begins another command, a substitution or a redirection, or ends the line, in a POSIX shell, bash, zsh
/// or fish.
///
/// Control characters other than tab are here too: NUL ends the command where it is handed on as a C string, CR ends
/// a line on some systems, bash uses 0x01 and 0x7F as marks of its own, and no honest command has any.
///
/// What is not here only shapes the arguments of the one command: space and tab, quotes, `\`, `#`, `~`, `{a,b}`, the
/// globs `* ? [ ]`, and `!` and `^`, which expand history in interactive shells alone. (`^` was a pipe in the Bourne
/// shell of 1979, which nothing that speaks SSH today starts for a login.)
const fn acts(byte: u8) -> bool {
    matches!(byte, b';' | b'&' | b'|' | b'$' | b'`' | b'(' | b')' | b'<' | b'>')
        || (byte.is_ascii_control() && byte != b'\t')
}

/// A byte that can put out of force what comes after it: quotes and `\` make it part of an argument, `#` a comment.
///
/// `journalctl * --no-pager` must not be met by `journalctl # --no-pager`, nor `check * && deploy` by
/// `check \&& deploy`, nor `psql -c 'select * from t'` by `psql -c 'select' -f x ' from t'`. After the last `*` of a
/// pattern nothing comes, and there quotes are what scp, git and rsync put around a path.
const fn swallows(byte: u8) -> bool {
    matches!(byte, b'\'' | b'"' | b'\\' | b'#')
}

/// Where in its pattern a `*` stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Star {
    /// Something that is not a `*` follows.
    Inner,
    /// The pattern ends with it.
    Last,
}

/// Whether all of `text` matches `pattern`, where a `*` stands for any run of bytes that all `fit` it.
///
/// Only the star that was met last is ever tried again, with one byte more. That takes at most as many steps as the
/// product of the two lengths: linear in the text, however hostile. It misses nothing as long as a later star fits at
/// least what an earlier one fits, since an earlier star that took more would leave a shorter text to the same rest.
fn matches(pattern: &[u8], text: &[u8], fit: impl Fn(u8, Star) -> bool) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(Star, usize, usize)> = None;
    loop {
        match (pattern.get(p), text.get(t)) {
            (None, None) => return true,
            (Some(b'*'), _) => {
                p += 1;
                let last = pattern.iter().skip(p).all(|byte| *byte == b'*');
                star = Some((if last { Star::Last } else { Star::Inner }, p, t));
            }
            (Some(a), Some(b)) if a == b => {
                p += 1;
                t += 1;
            }
            _ => match (star, star.and_then(|(.., taken)| text.get(taken))) {
                // Let the last star take one byte more, and try again from there.
                (Some((kind, after, taken)), Some(byte)) if fit(*byte, kind) => {
                    star = Some((kind, after, taken + 1));
                    p = after;
                    t = taken + 1;
                }
                _ => return false,
            },
        }
    }
}

#[cfg(test)]
mod tests;
