//! What a person typed is data: nothing of it may steer the terminal of somebody else, or look like another line of a log.
//!
//! There is a function for each medium, and no other place that escapes.

/// Makes a text safe for a terminal and for one line: control characters, those that turn the direction of writing,
/// and those that cannot be seen are written out (`\u{202e}`). All else stays as it is.
#[must_use]
pub fn terminal(text: &str) -> String {
    visible(text).collect()
}

/// The beginning of a text as [`terminal`] writes it, of so many characters at most: for names that were mistyped.
#[must_use]
pub fn terminal_start(text: &str, most: usize) -> String {
    visible(text).take(most).collect()
}

/// Makes a text safe for the log and the audit log: as [`terminal`], of so many characters at most, and with each
/// backslash doubled, so that an escape that was typed cannot be taken for one that was made here.
#[must_use]
pub fn log(text: &str, most: usize) -> String {
    let doubled = |c: char| std::iter::repeat_n(c, if c == '\\' { 2 } else { 1 });
    text.char_indices().flat_map(|(at, c)| written(c, at == 0, doubled)).take(most).collect()
}

fn visible(text: &str) -> impl Iterator<Item = char> {
    text.char_indices().flat_map(|(at, c)| written(c, at == 0, std::iter::once))
}

/// A character as it is shown: by `safe` where it shows itself, else written out.
fn written<I: Iterator<Item = char>>(c: char, at_start: bool, safe: impl Fn(char) -> I) -> impl Iterator<Item = char> {
    let is_safe = is_safe(c, at_start);
    let itself = is_safe.then(|| safe(c)).into_iter().flatten();
    itself.chain((!is_safe).then(|| c.escape_debug()).into_iter().flatten())
}

/// Whether a character shows itself and nothing else. An accent that would be drawn onto what stands before the text
/// is not safe at its beginning.
fn is_safe(c: char, at_start: bool) -> bool {
    if c.is_ascii() {
        return c == ' ' || c.is_ascii_graphic();
    }
    if c.escape_debug().len() == 1 {
        return true;
    }
    // `escape_debug` of a string leaves an accent alone where it follows a letter.
    !at_start && ["a", c.encode_utf8(&mut [0; 4])].concat().escape_debug().eq(['a', c])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_steers_a_terminal_is_written_out_and_nothing_else() {
        for (text, safe) in [
            ("INC-42 it's \"full\" C:\\temp", "INC-42 it's \"full\" C:\\temp"),
            ("läuft ☃ 日本 e\u{301}", "läuft ☃ 日本 e\u{301}"),
            ("\u{1b}[2J\u{7}", "\\u{1b}[2J\\u{7}"),
            ("a\nb\tc\r\0", "a\\nb\\tc\\r\\0"),
            ("\u{9b}31m\u{7f}", "\\u{9b}31m\\u{7f}"),
            ("abc\u{202e}cba\u{2066}x\u{200b}", "abc\\u{202e}cba\\u{2066}x\\u{200b}"),
            ("\u{301}", "\\u{301}"),
            ("a\u{2028}b\u{a0}c", "a\\u{2028}b\\u{a0}c"),
        ] {
            assert_eq!(terminal(text), safe);
        }
    }

    #[test]
    fn a_log_gets_one_short_line_in_which_no_escape_can_be_forged() {
        assert_eq!(log("a\nb it's", 200), "a\\nb it's");
        assert_eq!(log("a\\nb", 200), "a\\\\nb");
        assert_eq!(log(&"x".repeat(5000), 128), "x".repeat(128));
        assert_eq!(terminal_start("wbe1\u{1b}[2J", 9), "wbe1\\u{1b");
    }

    proptest! {
        #[test]
        fn no_text_keeps_a_control_character(text in any::<String>()) {
            let safe = terminal(&text);
            prop_assert!(!safe.chars().any(|c| c.is_control() || ('\u{2000}'..='\u{206f}').contains(&c)
                && c.escape_debug().len() > 1), "{safe:?}");
            prop_assert_eq!(terminal(&safe), safe.clone());
        }
    }
}
