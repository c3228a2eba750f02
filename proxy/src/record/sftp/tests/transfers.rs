//! What is written down of files that move.

use serde_json::json;

use super::*;

#[test]
fn a_download_is_told_by_name_size_and_hash() {
    let mut talk = Talk::begun(SftpAccess::Read);
    talk.both(&open(1, b"/var/log/a b", 1), &handle(1, b"h"));
    talk.client(&[read(2, 0), read(3, 5), read(4, 10)].concat());
    talk.target(&[data(2, b"01234"), data(3, b"567"), status(4, 1)].concat());
    talk.both(&read(5, 8), &status(5, 1));
    talk.both(&close(6), &status(6, 0));
    let sha256 = sum(b"01234567");
    assert_eq!(
        talk.lines(),
        ["open /var/log/a b to read: ok".to_owned(), format!("get /var/log/a b: 8 bytes, sha256 {sha256}")]
    );
    let fields = json!({"op": "get", "path": "/var/log/a b", "bytes": 8, "offset": 0, "sha256": sha256, "partial": false, "result": "ok"});
    assert_eq!(talk.last().fields, fields);
}

#[test]
fn an_upload_is_told_by_name_size_and_hash() {
    let mut talk = Talk::begun(SftpAccess::Write);
    talk.both(&open(1, b"up", 0x1a), &handle(1, b"h"));
    talk.client(&[write(2, 0, b"01234"), write(3, 5, b"567")].concat());
    talk.target(&[status(3, 0), status(2, 0)].concat());
    talk.both(&packet(10, 4, &[S(b"h"), N(4), N(0o644)]), &status(4, 0));
    talk.both(&close(5), &status(5, 0));
    let sha256 = sum(b"01234567");
    assert_eq!(talk.lines()[1..], ["fsetstat up: ok".to_owned(), format!("put up: 8 bytes, sha256 {sha256}")]);
    assert_eq!(talk.last().fields["partial"], false);
}

#[test]
fn an_upload_in_place_is_whole_once_it_is_cut_to_size() {
    // scp of today: no truncation on open, the size is set at the end.
    for (size, partial) in [(5, false), (4, true)] {
        let mut talk = Talk::begun(SftpAccess::Write);
        talk.both(&open(1, b"up", 0x0a), &handle(1, b"h"));
        talk.both(&write(2, 0, b"01234"), &status(2, 0));
        talk.both(&packet(10, 3, &[S(b"h"), N(1), L(size)]), &status(3, 0));
        talk.both(&close(4), &status(4, 0));
        assert_eq!(
            (&talk.last().fields["sha256"], &talk.last().fields["partial"]),
            (&json!(sum(b"01234")), &json!(partial))
        );
    }
}

#[test]
fn empty_files_have_a_hash_too() {
    let mut talk = Talk::begun(SftpAccess::Write);
    talk.both(&open(1, b"up", 0x1a), &handle(1, b"h"));
    talk.both(&close(2), &status(2, 0));
    assert_eq!((&talk.last().fields["sha256"], &talk.last().fields["partial"]), (&json!(sum(b"")), &json!(false)));
    talk.both(&open(3, b"down", 1), &handle(3, b"h"));
    talk.both(&read(4, 0), &status(4, 1));
    talk.both(&close(5), &status(5, 0));
    assert_eq!((&talk.last().fields["sha256"], &talk.last().fields["partial"]), (&json!(sum(b"")), &json!(false)));
}

#[test]
fn what_moved_out_of_turn_is_hashed_in_its_turn() {
    let mut talk = Talk::begun(SftpAccess::Write);
    talk.both(&open(1, b"f", 0x1b), &handle(1, b"h"));
    talk.client(&[write(2, 5, b"567"), write(3, 0, b"01234"), read(4, 0), read(5, 5)].concat());
    talk.target(&[status(2, 0), status(3, 0), data(5, b"567"), data(4, b"01234")].concat());
    talk.both(&close(6), &status(6, 0));
    assert_eq!(talk.lines()[1..], ["get", "put"].map(|op| format!("{op} f: 8 bytes, sha256 {}", sum(b"01234567"))));
}

#[test]
fn what_has_gaps_or_failed_has_no_hash() {
    let mut talk = Talk::begun(SftpAccess::Write);
    talk.both(&open(1, b"f", 0x1b), &handle(1, b"h"));
    talk.client(&[write(2, 0, b"01234"), write(3, 6, b"678"), read(4, 0), read(5, 6)].concat());
    talk.target(&[status(2, 0), status(3, 0), data(4, b"01234"), data(5, b"678")].concat());
    talk.both(&close(6), &status(6, 0));
    assert_eq!(
        talk.lines()[1..],
        ["get f: 8 bytes, not in order: no sha256", "put f: 8 bytes, not in order: no sha256"]
    );
    talk.both(&open(7, b"f", 0x1a), &handle(7, b"h"));
    talk.both(&write(8, 0, b"01234"), &status(8, 4));
    talk.both(&close(9), &status(9, 0));
    assert_eq!((&talk.last().fields["bytes"], &talk.last().fields["sha256"]), (&json!(0), &json!(null)));
}

#[test]
fn a_part_of_a_file_is_called_a_part() {
    let mut talk = Talk::begun(SftpAccess::Read);
    talk.both(&open(1, b"f", 1), &handle(1, b"h"));
    talk.both(&read(2, 100), &data(2, b"abc"));
    talk.both(&close(3), &status(3, 0));
    assert_eq!(talk.last().text, format!("get f: 3 bytes (a part), sha256 {}", sum(b"abc")));
    assert_eq!(talk.last().fields["offset"], 100);
}

#[test]
fn a_size_the_target_told_proves_a_whole_file() {
    let mut talk = Talk::begun(SftpAccess::Read);
    talk.both(&open(1, b"f", 1), &handle(1, b"h"));
    talk.both(&packet(8, 2, &[S(b"h")]), &packet(105, 2, &[N(1), L(3)]));
    talk.both(&read(3, 0), &data(3, b"abc"));
    talk.both(&close(4), &status(4, 0));
    assert_eq!(talk.last().fields["partial"], false);
}

#[test]
fn a_size_told_of_the_path_proves_it_too_unless_the_file_was_written_since() {
    for (flags, partial) in [(1, false), (0x03, true)] {
        let mut talk = Talk::begun(SftpAccess::Write);
        talk.both(&packet(17, 1, &[S(b"f")]), &packet(105, 1, &[N(1), L(32768)]));
        talk.both(&open(2, b"f", flags), &handle(2, b"h"));
        talk.both(&read(3, 0), &data(3, &[7; 32768]));
        talk.both(&close(4), &status(4, 0));
        assert_eq!(talk.last().fields["partial"], partial, "{flags}");
    }
}

#[test]
fn a_read_that_comes_short_ends_the_file() {
    let mut talk = Talk::begun(SftpAccess::Read);
    talk.both(&open(1, b"f", 1), &handle(1, b"h"));
    talk.client(&[read(2, 0), read(3, 32768), read(4, 65536)].concat());
    talk.target(&[data(2, &[7; 32768]), data(3, b"end"), status(4, 1)].concat());
    talk.both(&close(5), &status(5, 0));
    assert_eq!((&talk.last().fields["partial"], &talk.last().fields["bytes"]), (&json!(false), &json!(32771)));
}

#[test]
fn every_other_operation_is_one_line_with_its_result() {
    let mut talk = Talk::begun(SftpAccess::Write);
    talk.both(&packet(11, 1, &[S(b"/d")]), &handle(1, b"h"));
    let names = packet(104, 2, &[N(1), S(b"x"), S(b"long x"), N(0)]);
    talk.both(&packet(12, 2, &[S(b"h")]), &names);
    talk.both(&packet(12, 3, &[S(b"h")]), &status(3, 1));
    talk.both(&close(4), &status(4, 0));
    talk.both(&packet(13, 5, &[S(b"/gone")]), &status(5, 2));
    talk.both(&packet(18, 6, &[S(b"/a"), S(b"/b\n")]), &status(6, 0));
    talk.both(&open(7, b"/no", 1), &status(7, 3));
    talk.both(&packet(17, 8, &[S(b"/s")]), &packet(105, 8, &[N(0)]));
    assert_eq!(
        talk.lines(),
        [
            "opendir /d to list: ok",
            "list /d: 1 entries",
            "remove /gone: no such file",
            "rename /a to /b\\n: ok",
            "open /no to read: permission denied",
            "stat /s: ok",
        ]
    );
}

#[test]
fn what_is_still_going_on_at_the_end_is_told() {
    let mut talk = Talk::begun(SftpAccess::Write);
    talk.both(&open(1, b"up", 0x1a), &handle(1, b"h"));
    talk.both(&write(2, 0, b"half"), &status(2, 0));
    talk.client(&packet(13, 3, &[S(b"/f")]));
    talk.client(&write(4, 4, b"0123456789")[..30]);
    talk.finish();
    let put = format!("put up: 4 bytes (a part), sha256 {} (not closed)", sum(b"half"));
    assert_eq!(talk.lines()[1], "fault: ended inside a packet");
    assert_eq!(talk.lines()[2], "remove /f: no answer");
    assert!(talk.lines()[3].starts_with("put up: 4 bytes (a part)") && talk.lines()[3] != put, "{:?}", talk.lines());
}
