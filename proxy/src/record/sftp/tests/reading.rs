//! A role that reads changes nothing, whatever its client sends.

use super::*;

const ATTRS: F<'_> = N(0);

/// Every request that changes something, by every way there is.
fn changes() -> Vec<(&'static str, Vec<u8>)> {
    let opens =
        [0x02, 0x03, 0x05, 0x09, 0x11, 0x21, 0x1a, 0x41, 0x8000_0001, 0].map(|flags| ("open", open(7, b"/f", flags)));
    let mut all = opens.to_vec();
    all.extend([
        ("write", write(7, 0, b"content")),
        ("setstat", packet(9, 7, &[S(b"/f"), ATTRS])),
        ("fsetstat", packet(10, 7, &[S(b"h"), ATTRS])),
        ("remove", packet(13, 7, &[S(b"/f")])),
        ("mkdir", packet(14, 7, &[S(b"/d"), ATTRS])),
        ("rmdir", packet(15, 7, &[S(b"/d")])),
        ("rename", packet(18, 7, &[S(b"/f"), S(b"/g")])),
        ("symlink", packet(20, 7, &[S(b"/f"), S(b"/g")])),
        ("link", packet(21, 7, &[S(b"/f"), S(b"/g")])),
        ("posix-rename", extended(7, "posix-rename@openssh.com", &[S(b"/f"), S(b"/g")])),
        ("hardlink", extended(7, "hardlink@openssh.com", &[S(b"/f"), S(b"/g")])),
        ("lsetstat", extended(7, "lsetstat@openssh.com", &[S(b"/f"), ATTRS])),
        ("copy-data", extended(7, "copy-data", &[S(b"h"), L(0), L(0), S(b"h"), L(0)])),
    ]);
    all
}

fn unknown() -> Vec<(&'static str, Vec<u8>)> {
    let extension = |name: &str| ("extension", extended(7, name, &[S(b"/f")]));
    vec![
        extension("version-select"),
        extension("posix-rename@openssh.co"),
        extension("check-file-name"),
        ("unknown", packet(22, 7, &[])),
        ("unknown", packet(101, 7, &[N(0)])),
        ("unknown", packet(255, 7, &[S(b"/f")])),
    ]
}

#[test]
fn nothing_that_changes_the_target_reaches_it() {
    for (word, request) in changes() {
        let mut talk = Talk::begun(SftpAccess::Read);
        talk.client(&request);
        assert_eq!(talk.to_target, b"", "{word}");
        let answer = packet(101, 7, &[N(3), S(b"role allows reading only"), S(b"")]);
        assert_eq!(talk.to_client, answer, "{word}");
        assert_eq!(
            (talk.last().fields["op"].as_str(), &talk.last().fields["refused"]),
            (Some(word), &"role allows reading only".into())
        );
    }
}

#[test]
fn what_is_not_known_is_refused_to_who_reads_and_noted_of_who_writes() {
    for (word, request) in unknown() {
        let mut talk = Talk::begun(SftpAccess::Read);
        talk.client(&request);
        assert_eq!((talk.to_target.len(), &talk.to_client[4..13]), (0, &status(7, 8)[4..13]), "{word}");
        assert_eq!(talk.last().fields["op"], word);

        let mut talk = Talk::begun(SftpAccess::Write);
        talk.client(&request);
        if talk.to_target.is_empty() {
            assert!(talk.last().text.contains("version-select"), "{:?}", talk.notes);
            continue;
        }
        assert_eq!(talk.to_target, request);
        talk.target(&status(7, 8));
        assert_eq!(
            (talk.last().fields["op"].as_str(), talk.last().fields["result"].as_str()),
            (Some(word), Some("unsupported"))
        );
    }
}

#[test]
fn all_that_looks_is_passed_on_as_it_is() {
    let looks = [
        open(1, b"/f", 1),
        read(2, 0),
        close(3),
        packet(7, 4, &[S(b"/f")]),
        packet(8, 5, &[S(b"h")]),
        packet(11, 6, &[S(b"/d")]),
        packet(12, 7, &[S(b"h")]),
        packet(16, 8, &[S(b".")]),
        packet(17, 9, &[S(b"/f")]),
        packet(19, 10, &[S(b"/l")]),
        extended(11, "statvfs@openssh.com", &[S(b"/")]),
        extended(12, "fstatvfs@openssh.com", &[S(b"h")]),
        extended(13, "fsync@openssh.com", &[S(b"h")]),
        extended(14, "limits@openssh.com", &[]),
        extended(15, "expand-path@openssh.com", &[S(b"~")]),
        extended(16, "home-directory", &[S(b"root")]),
        extended(17, "users-groups-by-id@openssh.com", &[S(b""), S(b"")]),
    ];
    let mut talk = Talk::begun(SftpAccess::Read);
    talk.client(&looks.concat());
    assert_eq!((&talk.to_target, &talk.to_client, &talk.fault), (&looks.concat(), &vec![], &None));
}

#[test]
fn a_refusal_among_many_requests_reaches_only_its_own() {
    let mut talk = Talk::begun(SftpAccess::Read);
    let (before, after) = (packet(17, 1, &[S(b"/a")]), packet(17, 3, &[S(b"/b")]));
    talk.client(&[before.clone(), write(2, 0, &[b'x'; 100_000]), after.clone()].concat());
    assert_eq!(talk.to_target, [before, after].concat());
    assert_eq!(talk.to_client[5..9], 2u32.to_be_bytes());
}

#[test]
fn a_refusal_never_lands_inside_a_packet_of_the_target() {
    let mut talk = Talk::begun(SftpAccess::Read);
    talk.both(&open(1, b"/f", 1), &handle(1, b"h"));
    talk.client(&read(2, 0));
    talk.to_client.clear();
    let content = data(2, b"0123456789");
    talk.target(&content[..16]);
    talk.client(&packet(13, 3, &[S(b"/f")]));
    assert_eq!(talk.to_client, content[..16]);
    talk.target(&content[16..]);
    let refusal = packet(101, 3, &[N(3), S(b"role allows reading only"), S(b"")]);
    assert_eq!(talk.to_client, [content, refusal].concat());
}

#[test]
fn no_access_is_no_access() {
    let mut talk = Talk::begun(SftpAccess::None);
    talk.client(&packet(17, 1, &[S(b"/a")]));
    assert!(talk.to_target.is_empty() && talk.last().text.contains("role allows no sftp"));
}

#[test]
fn a_later_version_is_talked_down_and_another_ends_the_channel() {
    let mut talk = Talk::silent(SftpAccess::Read);
    talk.client(&packet(1, 6, &[S(b"vendor-id"), S(b"x")]));
    assert_eq!(talk.to_target, packet(1, 3, &[]));
    talk.target(&packet(2, 5, &[]));
    assert_eq!((talk.fault, talk.to_client.len()), (Some(ProtocolFault::Version(5)), 0));

    let mut talk = Talk::silent(SftpAccess::Read);
    talk.client(&packet(1, 2, &[]));
    assert_eq!((talk.fault, talk.to_target.len()), (Some(ProtocolFault::Version(2)), 0));
}

#[test]
fn paths_that_hide_something_are_refused_even_to_who_writes() {
    for path in [b"/etc\0/x".to_vec(), vec![b'/'; 4096]] {
        let mut talk = Talk::begun(SftpAccess::Write);
        talk.client(&packet(18, 1, &[S(b"/a"), S(&path)]));
        assert!(talk.to_target.is_empty() && talk.to_client.len() > 9, "{:?}", talk.notes);
    }
}
