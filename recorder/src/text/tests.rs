#[test]
fn nothing_that_moves_a_cursor_or_hides_text_is_left() {
    assert_eq!(super::printable("a\u{1b}[2Jb\r\né\u{202e}\u{9b}"), "a\\u{1b}[2Jb\\r\\né\\u{202e}\\u{9b}");
}
