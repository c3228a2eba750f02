use proptest::prelude::*;

fn escaped(text: &str) -> String {
    let mut out = vec![b'"'];
    super::push_escaped(&mut out, text);
    out.push(b'"');
    String::from_utf8(out).unwrap()
}

#[test]
fn control_characters_quotes_and_line_separators_are_escaped() {
    assert_eq!(
        escaped("a\"b\\c\r\n\t\u{1b}[0m\u{0}\u{7f}\u{85}\u{2028}\u{2029}é€─"),
        "\"a\\\"b\\\\c\\r\\n\\t\\u001b[0m\\u0000\u{7f}\\u0085\\u2028\\u2029é€─\""
    );
}

proptest! {
    #[test]
    fn every_string_comes_back_and_stays_on_one_line(text in "(?s).{0,300}") {
        let json = escaped(&text);
        prop_assert_eq!(json.lines().count(), 1);
        let breaks_a_line = json.contains(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}']);
        prop_assert!(!breaks_a_line);
        prop_assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
    }
}
