use super::{is_plain, plain};

#[test]
fn nothing_that_a_terminal_acts_on_is_left() {
    assert_eq!(plain("café ☃ 漢字"), "café ☃ 漢字");
    for acting in
        ['\x1b', '\n', '\r', '\0', '\u{7f}', '\u{9b}', '\u{200b}', '\u{2028}', '\u{202e}', '\u{2069}', '\u{feff}']
    {
        assert!(!is_plain(acting), "{acting:?}");
        assert_eq!(plain(&format!("a{acting}b")), "a\u{fffd}b");
    }
}

#[test]
fn a_long_text_is_cut() {
    assert_eq!(plain(&"é".repeat(100_000)), "é".repeat(300));
}
