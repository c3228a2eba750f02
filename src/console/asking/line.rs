//! One line that somebody types on a terminal in raw mode: bytes in, text out. Nothing but text comes through.

use crate::text::escape;

/// What a byte did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Did {
    /// Nothing that needs an answer.
    Nothing,
    /// It would have made the line too long.
    Full,
    /// The line is done.
    Enter,
    /// Ctrl-C, or Ctrl-D where nothing is typed: the person wants to leave.
    Leave,
}

/// Where in an escape sequence the last byte was: arrow keys and the like are not text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Escape {
    #[default]
    None,
    Begun,
    /// `ESC [`: until its final byte.
    Csi,
    /// `ESC O`: one byte more.
    Last,
}

/// A line being typed.
#[derive(Debug, Default)]
pub(super) struct TypedLine {
    text: String,
    /// The bytes of a character that is not whole yet.
    partial: Vec<u8>,
    escape: Escape,
    most: usize,
}

impl TypedLine {
    /// A line that takes so many bytes.
    pub fn of(most: usize) -> Self {
        Self { most, ..Self::default() }
    }

    /// What it says.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Takes a byte.
    pub fn press(&mut self, byte: u8) -> Did {
        if self.in_escape(byte) {
            return Did::Nothing;
        }
        if byte < 0x80 {
            self.partial.clear();
        }
        match byte {
            b'\r' | b'\n' => return Did::Enter,
            0x03 => return Did::Leave,
            0x04 if self.text.is_empty() => return Did::Leave,
            0x08 | 0x7f => {
                self.text.pop();
            }
            // Ctrl-U takes all, Ctrl-W a word.
            0x15 => self.text.clear(),
            0x17 => {
                let kept = self.text.trim_end().rfind(' ').map_or(0, |at| at + 1);
                self.text.truncate(kept);
            }
            0x1b => self.escape = Escape::Begun,
            b'\t' => return self.put(' '),
            0x00..0x20 => {}
            0x20..0x7f => return self.put(char::from(byte)),
            _ => return self.part(byte),
        }
        Did::Nothing
    }

    fn in_escape(&mut self, byte: u8) -> bool {
        let was = self.escape;
        self.escape = match (was, byte) {
            // What ends a line or leaves it does so wherever it comes.
            (_, 0x03 | b'\r' | b'\n') | (Escape::None, _) => Escape::None,
            (_, 0x1b) | (Escape::Begun, b'[') if byte == b'[' => Escape::Csi,
            (_, 0x1b) => Escape::Begun,
            (Escape::Begun, b'O') => Escape::Last,
            (Escape::Csi, 0x20..0x40) => Escape::Csi,
            _ => Escape::None,
        };
        was != Escape::None && !matches!(byte, 0x03 | b'\r' | b'\n')
    }

    /// A byte of a character of several.
    fn part(&mut self, byte: u8) -> Did {
        if byte >= 0xc0 {
            self.partial.clear();
        }
        self.partial.push(byte);
        match str::from_utf8(&self.partial) {
            Ok(text) => {
                let c = text.chars().next();
                self.partial.clear();
                c.map_or(Did::Nothing, |c| self.put(c))
            }
            // Not whole yet, or nothing that will be.
            Err(error) => {
                if error.error_len().is_some() {
                    self.partial.clear();
                }
                Did::Nothing
            }
        }
    }

    fn put(&mut self, c: char) -> Did {
        // Not what is invisible, or turns the direction of writing.
        let with = format!("{}{c}", if self.text.is_empty() { "" } else { "a" });
        if escape::terminal(&with) != with {
            return Did::Nothing;
        }
        if self.text.len() + c.len_utf8() > self.most {
            return Did::Full;
        }
        self.text.push(c);
        Did::Nothing
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn typed(bytes: &[u8]) -> String {
        let mut line = TypedLine::of(40);
        for byte in bytes {
            line.press(*byte);
        }
        line.text().to_owned()
    }

    #[test]
    fn what_is_typed_is_what_it_says() {
        for (bytes, text) in [
            (&b"INC-42 disk full"[..], "INC-42 disk full"),
            ("läuft ☃ 日本 e\u{301}".as_bytes(), "läuft ☃ 日本 e\u{301}"),
            (b"abc\x7f\x08d", "ad"),
            ("日本\u{7f}".as_bytes(), "日"),
            (b"\x7f\x7fa", "a"),
            (b"abc\x15d", "d"),
            (b"one two  \x17three", "one three"),
            (b"a\tb", "a b"),
        ] {
            assert_eq!(typed(bytes), text, "{bytes:?}");
        }
    }

    #[test]
    fn nothing_but_text_comes_through() {
        for (bytes, text) in [
            (&b"\x1b[Aup\x1b[1;5Cright\x1bOPf1"[..], "uprightf1"),
            (b"\x1b[200~pasted\x1b[201~", "pasted"),
            (b"a\x00\x07\x0e\x1a\x1fb", "ab"),
            (b"\xff\xfea\xc3", "a"),
            (b"\xc3a\xa4b", "ab"),
            ("a\u{202e}b\u{200b}c\u{85}d\u{9b}31me".as_bytes(), "abcd31me"),
            (b"\x1b\x1b[Ax", "x"),
            (b"\x04", ""),
        ] {
            assert_eq!(typed(bytes), text, "{bytes:?}");
        }
    }

    #[test]
    fn a_line_ends_and_is_left_and_is_no_longer_than_it_may_be() {
        let mut line = TypedLine::of(3);
        assert_eq!(line.press(0x04), Did::Leave);
        assert_eq!("abcd".bytes().map(|b| line.press(b)).last(), Some(Did::Full));
        assert_eq!(line.press(0x04), Did::Nothing, "not in the middle of a line");
        assert_eq!((line.press(b'\r'), line.text()), (Did::Enter, "abc"));
        line.press(0x1b);
        assert_eq!(line.press(0x03), Did::Leave, "also out of half an escape sequence");
        assert_eq!("\u{1b}[12\n".bytes().map(|b| line.press(b)).last(), Some(Did::Enter));
    }

    proptest! {
        #[test]
        fn whatever_is_typed_is_safe_to_show(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut line = TypedLine::of(40);
            for byte in bytes {
                line.press(byte);
            }
            prop_assert_eq!(escape::terminal(line.text()), line.text());
            prop_assert!(line.text().len() <= 40);
        }
    }
}
