//! File copies, record by record and by the real programs.

use std::io::{Read, Write};
use std::process::{Command, Stdio};

use proptest::prelude::*;

use super::*;
use crate::record::transcript::Transcript;

fn sum(content: &[u8]) -> String {
    hex(&curfew_recorder::sha256(content))
}

/// Feeds turns (whether from the client, what) in pieces of this size; gives the lines.
fn run(kind: CopyKind, turns: &[(bool, &[u8])], piece: usize) -> Vec<String> {
    let mut copy = Copy::new(kind);
    let mut notes = Vec::new();
    for (client, bytes) in turns {
        for piece in bytes.chunks(piece) {
            let data = Bytes::copy_from_slice(piece);
            let step = if *client { copy.from_client(data) } else { copy.from_target(data) };
            assert_eq!(if *client { step.to_target } else { step.to_client }, [piece]);
            notes.extend(step.notes);
        }
    }
    notes.extend(copy.finish());
    notes.into_iter().map(|note| note.text).collect()
}

#[test]
fn copies_are_known_by_their_commands_and_nothing_else_is() {
    for (command, kind) in [
        ("scp -t /tmp/x", CopyKind::ScpUpload),
        ("scp -v -r -p -d -t -- '/tmp/a b'", CopyKind::ScpUpload),
        ("/usr/bin/scp -pf ~/*.log", CopyKind::ScpDownload),
        ("rsync --server -logDtpre.iLsfxCIvu . /tmp/", CopyKind::Rsync),
        ("/usr/local/bin/rsync --server --sender -vlogDtpre.iLsfxCIvu . /tmp/x", CopyKind::Rsync),
    ] {
        assert_eq!(CopyKind::of_command(command.as_bytes()), Some(kind), "{command}");
    }
    for command in [
        "",
        "scp",
        "scp a b",
        "scp -t x; cat /etc/shadow",
        "scp -t x\ncat /etc/shadow",
        "scp -f $(cat /etc/shadow)",
        "scp -f x | cat",
        "scp -S/bin/sh -t x",
        "scp -tf x",
        "scp -o ProxyCommand=x -t y",
        "xscp -t x",
        "scp\t-t x",
        "rsync --daemon",
        "rsync --server --daemon .",
        "rsync a b",
        "sudo rsync --server . /",
        "cat x",
    ] {
        assert_eq!(CopyKind::of_command(command.as_bytes()), None, "{command}");
    }
    assert_eq!(CopyKind::of_command(b"scp -t \xff"), None);
}

const TREE: [(bool, &[u8]); 13] = [
    (false, b"\0"),
    (true, b"T1 0 1 0\n"),
    (false, b"\0"),
    (true, b"D0755 0 dir\n"),
    (false, b"\0"),
    (true, b"C0644 5 a b\n"),
    (false, b"\0"),
    (true, b"hello\0"),
    (false, b"\0"),
    (true, b"C0600 0 empty\n"),
    (false, b"\0"),
    (true, b"\0E\n"),
    (false, b"\0\0"),
];

#[test]
fn files_and_folders_are_told_by_name_size_and_hash() {
    let lines = run(CopyKind::ScpUpload, &TREE, 1000);
    let (hello, nothing) = (sum(b"hello"), sum(b""));
    assert_eq!(
        lines,
        [
            "folder dir".to_owned(),
            format!("put dir/a b: 5 bytes, sha256 {hello}"),
            format!("put dir/empty: 0 bytes, sha256 {nothing}"),
        ]
    );
}

#[test]
fn a_download_is_read_from_the_other_side() {
    let lines =
        run(CopyKind::ScpDownload, &[(true, b"\0"), (false, b"C0644 2 x\n"), (true, b"\0"), (false, b"hi\0")], 3);
    assert_eq!(lines, [format!("get x: 2 bytes, sha256 {}", sum(b"hi"))]);
}

#[test]
fn what_the_other_side_declines_is_left_out() {
    let turns: [(bool, &[u8]); 9] = [
        (true, b"D0755 0 no\n"),
        (false, b"\x01scp: no: Permission denied\n"),
        (true, b"C0644 5 no\n"),
        (false, b"\x01scp: no: Permission denied\n"),
        (true, b"C0644 2 yes\n"),
        (false, b"\0"),
        (true, b"hi\0"),
        (true, b"\x01scp: gone: No such file\n"),
        (false, b"\0"),
    ];
    let lines = run(CopyKind::ScpUpload, &turns, 1);
    let denied = "message from the receiver: scp: no: Permission denied".to_owned();
    let told = [
        "folder no".to_owned(),
        denied.clone(),
        "put no: 0 bytes of 5 (declined)".to_owned(),
        denied,
        format!("put yes: 2 bytes, sha256 {}", sum(b"hi")),
        "message from the source: scp: gone: No such file".to_owned(),
    ];
    assert_eq!(lines, told);
}

#[test]
fn a_copy_that_is_cut_is_told_as_far_as_it_came() {
    let lines = run(CopyKind::ScpUpload, &[(true, b"C0644 10 x\n"), (false, b"\0"), (true, b"hi")], 100);
    assert_eq!(lines, [format!("put x: 2 bytes of 10 (ended in the middle), sha256 {}", sum(b"hi"))]);
}

#[test]
fn what_makes_no_sense_is_only_counted() {
    for turn in [&b"hello\n"[..], b"C0644 x y\n", b"C0944 1 y\n", b"E\n", b"Cnothing\n", b"C0644 1 \n"] {
        let lines = run(CopyKind::ScpUpload, &[(true, turn), (true, b"more"), (false, b"back")], 1000);
        assert_eq!(lines[0], "opaque: no scp any more, the rest is only counted", "{turn:?}");
        assert!(lines[1].starts_with("stream from the client: ") && lines[2].contains(&sum(b"back")), "{lines:?}");
    }
}

#[test]
fn rsync_is_counted_each_way() {
    let lines = run(CopyKind::Rsync, &[(true, b"abc"), (false, b"de"), (true, b"f")], 2);
    let (up, down) = (sum(b"abcf"), sum(b"de"));
    assert_eq!(
        lines,
        [
            format!("stream from the client: 4 bytes, sha256 {up}"),
            format!("stream from the target: 2 bytes, sha256 {down}")
        ]
    );
}

#[test]
fn lines_and_folders_are_bounded() {
    let lines = run(CopyKind::ScpUpload, &[(true, &[b'C'; 10_000])], 10_000);
    assert!(lines[0].starts_with("opaque"));
    let lines = run(CopyKind::ScpUpload, &[(true, &b"D0755 0 d\n".repeat(300))], 10_000);
    assert_eq!(lines.iter().filter(|line| line.starts_with("opaque")).count(), 1);
}

/// The real `scp -f`, if there is one, with the answers that a client gives.
#[test]
fn the_real_scp_is_understood() {
    let folder = tempfile::tempdir().unwrap();
    let content = vec![b'x'; 100_000];
    std::fs::create_dir(folder.path().join("d")).unwrap();
    std::fs::write(folder.path().join("d/f"), &content).unwrap();
    let mut command = Command::new("scp");
    command.args(["-r", "-p", "-f", "d"]).current_dir(folder.path()).stdin(Stdio::piped()).stdout(Stdio::piped());
    let Ok(mut child) = command.spawn() else { return };
    let mut copy = Copy::new(CopyKind::ScpDownload);
    let mut notes = copy.from_client(Bytes::from_static(b"\0")).notes;
    // It never needs more answers than this: each record, and each file's content, and the beginning.
    child.stdin.take().unwrap().write_all(&[0; 8]).unwrap();
    let mut buffer = [0; 4096];
    loop {
        let count = child.stdout.as_mut().unwrap().read(&mut buffer).unwrap();
        if count == 0 {
            break;
        }
        notes.extend(copy.from_target(Bytes::copy_from_slice(&buffer[..count])).notes);
    }
    assert!(child.wait().unwrap().success());
    notes.extend(copy.finish());
    let lines: Vec<_> = notes.into_iter().map(|note| note.text).collect();
    assert_eq!(lines, ["folder d".to_owned(), format!("get d/f: 100000 bytes, sha256 {}", sum(&content))]);
}

proptest! {
    #[test]
    fn where_bytes_are_cut_changes_nothing(piece in 1_usize..20) {
        prop_assert_eq!(run(CopyKind::ScpUpload, &TREE, piece), run(CopyKind::ScpUpload, &TREE, 1000));
    }

    #[test]
    fn no_bytes_make_it_panic(turns in prop::collection::vec((any::<bool>(), "[CDET\u{0}-\u{3}0-7 \na]{0,30}"), 0..20)) {
        let turns: Vec<(bool, &[u8])> = turns.iter().map(|(client, text)| (*client, text.as_bytes())).collect();
        run(CopyKind::ScpDownload, &turns, 7);
    }
}
