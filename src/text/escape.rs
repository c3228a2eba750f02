//! What a person typed is data: nothing of it may steer the terminal of somebody else.

/// Makes a text safe for a terminal and for one line: control characters, those that turn the direction of writing,
/// and those that cannot be seen are written out (`\u{202e}`). All else stays as it is.
#[must_use]
pub fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        if is_safe(c, safe.is_empty()) { safe.push(c) } else { safe.extend(c.escape_debug()) }
    }
    safe
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
            assert_eq!(escape(text), safe);
        }
    }

    proptest! {
        #[test]
        fn no_text_keeps_a_control_character(text in any::<String>()) {
            let safe = escape(&text);
            prop_assert!(!safe.chars().any(|c| c.is_control() || ('\u{2000}'..='\u{206f}').contains(&c)
                && c.escape_debug().len() > 1), "{safe:?}");
            prop_assert_eq!(escape(&safe), safe.clone());
        }
    }
}
