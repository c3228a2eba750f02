use super::*;

fn after(output: &[u8]) -> Screen {
    let mut screen = Screen::default();
    screen.feed(output);
    screen
}

#[test]
fn the_alternate_screen_is_seen_in_all_its_forms() {
    for on in ["\x1b[?1049h", "\x1b[?47h", "\x1b[?1047h", "\x1b[?1;1049h"] {
        assert!(after(on.as_bytes()).is_alternate(), "{on:?}");
        assert!(!after(format!("{on}vim{}", on.replace('h', "l")).as_bytes()).is_alternate(), "{on:?}");
    }
    assert!(!after(b"\x1b[?25h\x1b[1049h?1049h").is_alternate());
    assert!(!after(b"\x1b[?1049h\x1bc").is_alternate());
}

#[test]
fn a_sequence_split_anywhere_is_still_seen() {
    let output = b"abc\x1b]0;title\x07\xe2\x82\xac\x1b[?1049hx";
    for cut in 0..output.len() {
        let mut screen = after(&output[..cut]);
        screen.feed(&output[cut..]);
        assert!(screen.is_alternate() && screen.is_between(), "{cut}");
    }
}

#[test]
fn the_middle_of_a_sequence_or_character_is_no_place_to_write() {
    for open in [&b"\x1b"[..], b"\x1b[3", b"\x1b]0;ti", b"\x1b]0;ti\x1b", b"\xe2\x82", b"\xf0\x9f\x98", b"\x1b("] {
        assert!(!after(open).is_between(), "{open:?}");
    }
    for closed in [&b"$ "[..], b"\x1b[31m", b"\x1b]0;ti\x07", b"\x1b]0;ti\x1b\\", b"\xe2\x82\xac", b"\x1b(B", b""] {
        assert!(after(closed).is_between(), "{closed:?}");
    }
}
