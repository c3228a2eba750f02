use super::*;

#[test]
fn names_are_shown_on_one_line_and_told_exactly() {
    assert_eq!(shown(b"a\nb\\n\xff\x1b[2J"), "a\\nb\\\\n\\xff\\u{1b}[2J");
    let note = Note::about("remove").name("path", " ", b"/a\xff").done();
    assert_eq!(note.text, "remove /a\\xff");
    assert_eq!(note.fields["path_hex"], "2f61ff");
    assert_eq!(Note::about("stat").name("path", " ", b"a\nb").done().fields["path"], "a\nb");
}

#[test]
fn neighbours_are_one_slice_and_not_copied() {
    let data = Bytes::from_static(b"0123456789");
    let mut passed = Passed::of(data.clone());
    passed.part(0..3);
    passed.part(3..5);
    passed.part(7..8);
    passed.put(Bytes::from_static(b"x"));
    passed.part(8..10);
    let pieces = passed.done();
    assert_eq!(pieces, ["01234", "7", "x", "89"]);
    assert_eq!(pieces[0].as_ptr(), data.as_ptr());
}
