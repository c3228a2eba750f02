//! A role whose SFTP stays in folders, whatever its client sends; packet by packet, and against the real server.

use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::Path;

use super::real::Server;
use super::*;

const ATTRS: F<'_> = N(0);
const OK: u32 = 0;
const NO_SUCH_FILE: u32 = 2;
const DENIED: u32 = 3;

/// A target with folders: `data`, which is a root, has `in/file`, `kept`, and links; `data2` and `etc` are none.
struct Place {
    folder: tempfile::TempDir,
    server: Server,
}

impl Place {
    fn new(access: SftpAccess) -> Option<Self> {
        Self::with(access, |_| {})
    }

    fn with(access: SftpAccess, change: impl FnOnce(&Path)) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let at = |path: &str| folder.path().join(path);
        for path in ["data/in", "data2", "etc/deep", "home"] {
            std::fs::create_dir_all(at(path)).unwrap();
        }
        for path in ["data/in/file", "data/kept", "data2/secret", "etc/secret", "etc/deep/secret"] {
            std::fs::write(at(path), path).unwrap();
        }
        symlink(at("etc"), at("data/out")).unwrap();
        symlink("../etc/secret", at("data/leak")).unwrap();
        symlink(at("etc/new"), at("data/dangling")).unwrap();
        symlink("in", at("data/within")).unwrap();
        change(folder.path());
        let root = folder.path().join("data").display().to_string();
        let server = Server::behind(Talk::silent(access).within(&[&root]), &folder.path().join("home"))?;
        Some(Self { folder, server })
    }

    fn path(&self, path: &str) -> Vec<u8> {
        self.folder.path().join(path).as_os_str().as_bytes().to_vec()
    }

    /// The status of the answer to a request; of a handle, names or attributes, 0.
    fn status(&mut self, request: Vec<u8>) -> u32 {
        let answer = self.server.ask(&[request]).remove(0);
        if answer[4] == 101 { u32::from_be_bytes(answer[9..13].try_into().unwrap()) } else { OK }
    }

    /// The one name in an answer.
    fn name(&mut self, request: Vec<u8>) -> Vec<u8> {
        let answer = self.server.ask(&[request]).remove(0);
        assert_eq!(answer[4], 104, "{:?}", self.server.talk.notes);
        let length = u32::from_be_bytes(answer[13..17].try_into().unwrap()) as usize;
        answer[17..17 + length].to_vec()
    }

    /// Whether anything outside of the root is not as it was.
    fn is_whole_outside(&self) -> bool {
        let mut all: Vec<_> = ["etc", "etc/deep", "data2", "home"]
            .iter()
            .flat_map(|path| std::fs::read_dir(self.folder.path().join(path)).unwrap())
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        all.sort();
        let secret = std::fs::read_to_string(self.folder.path().join("etc/secret")).unwrap();
        all == ["deep", "secret", "secret", "secret"] && secret == "etc/secret"
    }
}

/// Every request that has a path, on this one; where it has two, on this one first and then on the other.
fn all_on(path: &[u8], other: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("open", open(7, path, 1)),
        ("create", open(7, path, 0x1a)),
        ("lstat", packet(7, 7, &[S(path)])),
        ("setstat", packet(9, 7, &[S(path), N(4), N(0o777)])),
        ("opendir", packet(11, 7, &[S(path)])),
        ("remove", packet(13, 7, &[S(path)])),
        ("mkdir", packet(14, 7, &[S(path), ATTRS])),
        ("rmdir", packet(15, 7, &[S(path)])),
        ("realpath", packet(16, 7, &[S(path)])),
        ("stat", packet(17, 7, &[S(path)])),
        ("rename from", packet(18, 7, &[S(path), S(other)])),
        ("rename to", packet(18, 7, &[S(other), S(path)])),
        ("readlink", packet(19, 7, &[S(path)])),
        ("symlink", packet(20, 7, &[S(path), S(other)])),
        ("symlink back", packet(20, 7, &[S(other), S(path)])),
        ("link", packet(21, 7, &[S(path), S(other), N(0)])),
        ("posix-rename from", extended(7, "posix-rename@openssh.com", &[S(path), S(other)])),
        ("posix-rename to", extended(7, "posix-rename@openssh.com", &[S(other), S(path)])),
        ("hardlink from", extended(7, "hardlink@openssh.com", &[S(path), S(other)])),
        ("hardlink to", extended(7, "hardlink@openssh.com", &[S(other), S(path)])),
        ("statvfs", extended(7, "statvfs@openssh.com", &[S(path)])),
        ("lsetstat", extended(7, "lsetstat@openssh.com", &[S(path), N(4), N(0o777)])),
        ("expand-path", extended(7, "expand-path@openssh.com", &[S(path)])),
    ]
}

#[test]
fn no_request_reaches_what_is_outside_however_it_is_spelled() {
    let Some(mut place) = Place::new(SftpAccess::Write) else { return };
    let data = place.path("data");
    let inside = |rest: &[u8]| [data.as_slice(), rest].concat();
    let mut paths = vec![
        place.path("etc/secret"),
        place.path("data2/secret"),
        place.path(""),
        b"/etc/passwd".to_vec(),
        b"/".to_vec(),
        b"..".to_vec(),
        b"../etc/secret".to_vec(),
        b"in/../../etc/secret".to_vec(),
        b"//..//etc/secret".to_vec(),
        b"~/x".to_vec(),
        b"~root/.ssh/authorized_keys".to_vec(),
    ];
    paths.extend(
        [
            &b"/../etc/secret"[..],
            b"//..///etc/secret",
            b"/in/./../../etc/secret",
            b"2/secret",
            b"/\xff\xfe/../../etc/secret",
        ]
        .map(inside),
    );
    // By the links that are there.
    paths.extend([&b"/out/secret"[..], b"/out/deep/../secret", b"/within/../out/secret", b"/out/deep/new"].map(inside));
    for path in &paths {
        for (what, request) in all_on(path, &inside(b"/kept")) {
            let status = place.status(request);
            // Of what is there no more is told than of what is not: a path is denied, or is not found inside.
            assert!(
                matches!(status, DENIED | NO_SUCH_FILE),
                "{what} {}: {status} {:?}",
                path.escape_ascii(),
                place.server.talk.last()
            );
        }
    }
    assert!(place.is_whole_outside());
    assert_eq!(std::fs::read_to_string(place.folder.path().join("data/kept")).unwrap(), "data/kept");
}

#[test]
fn what_follows_a_link_at_the_end_does_not_follow_it_out() {
    let Some(mut place) = Place::new(SftpAccess::Write) else { return };
    for link in ["leak", "out", "dangling", "out/"] {
        for (what, request) in all_on(&place.path(&format!("data/{link}")), b"kept") {
            if matches!(
                what,
                "open" | "create" | "setstat" | "opendir" | "realpath" | "stat" | "statvfs" | "expand-path"
            ) {
                assert_eq!(place.status(request), DENIED, "{what} {link}");
            }
        }
    }
    assert!(place.is_whole_outside());
    // The links themselves are inside, and are looked at and removed.
    for request in [packet(7, 7, &[S(b"leak")]), packet(19, 7, &[S(b"leak")]), packet(13, 7, &[S(b"dangling")])] {
        assert_eq!(place.status(request), OK);
    }
    assert!(place.is_whole_outside() && !place.folder.path().join("data/dangling").is_symlink());
}

#[test]
fn inside_everything_goes_on_as_without_roots() {
    let Some(mut place) = Place::new(SftpAccess::Write) else { return };
    let odd = b"od\xffd \n name".to_vec();
    for (what, request) in [
        ("realpath", packet(16, 7, &[S(b".")])),
        ("mkdir", packet(14, 7, &[S(b"new/"), ATTRS])),
        ("create", open(7, b"new/file", 0x1a)),
        ("create oddly", open(7, &odd, 0x1a)),
        ("stat", packet(17, 7, &[S(&odd)])),
        ("rename", packet(18, 7, &[S(b"new/file"), S(b"new/../moved")])),
        ("posix-rename", extended(7, "posix-rename@openssh.com", &[S(b"moved"), S(b"within/moved")])),
        ("hardlink", extended(7, "hardlink@openssh.com", &[S(b"in/moved"), S(b"again")])),
        ("lsetstat", extended(7, "lsetstat@openssh.com", &[S(b"again"), N(4), N(0o600)])),
        ("setstat", packet(9, 7, &[S(b"again"), N(4), N(0o640)])),
        ("opendir", packet(11, 7, &[S(b"")])),
        ("opendir by link", packet(11, 7, &[S(b"within")])),
        ("statvfs", extended(7, "statvfs@openssh.com", &[S(b".")])),
        ("limits", extended(7, "limits@openssh.com", &[])),
        ("remove", packet(13, 7, &[S(b"again")])),
        ("rmdir", packet(15, 7, &[S(b"new")])),
    ] {
        assert_eq!(place.status(request), OK, "{what}: {:?}", place.server.talk.last());
    }
    assert_eq!(std::fs::read_dir(place.folder.path().join("data/in")).unwrap().count(), 2);
    assert!(place.folder.path().join("data").join(std::ffi::OsStr::from_bytes(&odd)).exists());
    assert_eq!(place.status(packet(17, 7, &[S(b"in/none")])), NO_SUCH_FILE);
}

#[test]
fn a_session_begins_in_the_first_root_and_paths_are_told_as_the_target_has_them() {
    let Some(mut place) = Place::new(SftpAccess::Read) else { return };
    let data = place.path("data");
    assert_eq!(place.name(packet(16, 1, &[S(b".")])), data);
    assert_eq!(place.name(packet(16, 2, &[S(b"within/file")])), place.path("data/in/file"));
    assert_eq!(place.name(extended(3, "expand-path@openssh.com", &[S(b"in")])), place.path("data/in"));
    assert_eq!(
        place.server.talk.last().text,
        format!("expand-path {}/in: ok", place.folder.path().join("data").display())
    );
}

#[test]
fn a_root_itself_is_looked_at_and_not_changed() {
    let Some(mut place) = Place::new(SftpAccess::Write) else { return };
    let data = place.path("data");
    for path in [data.clone(), b".".to_vec(), b"in/..".to_vec(), [&data[..], b"/"].concat()] {
        for (what, request) in all_on(&path, b"kept") {
            let status = place.status(request);
            match what {
                "open" | "lstat" | "stat" | "opendir" | "realpath" | "statvfs" | "expand-path" | "setstat" => {
                    assert_eq!(status, OK, "{what}");
                }
                "remove" | "rmdir" | "mkdir" | "rename from" | "posix-rename to" | "hardlink from" | "lsetstat" => {
                    assert_eq!(status, DENIED, "{what}");
                }
                _ => assert_ne!(status, OK, "{what}"),
            }
        }
    }
    assert!(place.folder.path().join("data/kept").exists());
}

#[test]
fn a_root_may_be_a_link_and_is_where_it_leads() {
    let Some(mut place) = Place::with(SftpAccess::Write, |at| {
        std::fs::rename(at.join("data"), at.join("moved")).unwrap();
        symlink(at.join("moved"), at.join("data")).unwrap();
    }) else {
        return;
    };
    let (named, real) = (place.path("data"), place.path("moved"));
    assert_eq!(place.name(packet(16, 1, &[S(&named)])), real);
    for root in [named, real] {
        for path in [root.clone(), [&root[..], b"/in/file"].concat()] {
            assert_eq!(place.status(packet(7, 7, &[S(&path)])), OK, "{}", path.escape_ascii());
            assert_eq!(place.status(packet(17, 7, &[S(&path)])), OK, "{}", path.escape_ascii());
        }
    }
    assert_eq!(place.status(packet(13, 7, &[S(&place.path("data"))])), DENIED, "the link is outside");
}

#[test]
fn a_root_that_is_not_there_holds_nothing() {
    let Some(mut place) = Place::with(SftpAccess::Write, |at| std::fs::remove_dir_all(at.join("data")).unwrap()) else {
        return;
    };
    for path in ["data/x", "etc/secret"] {
        assert_ne!(place.status(packet(17, 7, &[S(&place.path(path))])), OK);
    }
}

#[test]
fn what_comes_after_a_request_that_waits_keeps_its_turn() {
    let Some(mut place) = Place::new(SftpAccess::Write) else { return };
    let requests: Vec<_> = (0..200)
        .flat_map(|at| {
            let (old, new) = (format!("f{at}"), format!("f{}", at + 1));
            [
                packet(18, 2 * at + 10, &[S(old.as_bytes()), S(new.as_bytes())]),
                packet(17, 2 * at + 11, &[S(new.as_bytes())]),
            ]
        })
        .collect();
    assert_eq!(place.status(open(1, b"f0", 0x1a)), OK);
    for answer in place.server.ask(&requests) {
        assert!(answer[4] == 105 || answer[12] == 0, "{answer:?} {:?}", place.server.talk.last());
    }
    assert!(place.folder.path().join("data/f200").exists());
}

#[test]
fn a_role_that_reads_changes_nothing_inside_either() {
    let Some(mut place) = Place::new(SftpAccess::Read) else { return };
    assert_eq!(place.status(open(7, b"kept", 1)), OK);
    for request in [open(7, b"kept", 0x1a), packet(13, 7, &[S(b"kept")]), packet(14, 7, &[S(b"d"), ATTRS])] {
        assert_eq!(place.status(request), DENIED);
    }
}

/// A talk within `/srv`, in which the target has said where that is.
fn begun() -> Talk {
    let mut talk = Talk::silent(SftpAccess::Write).within(&["/srv"]).greeted();
    talk.client(&packet(17, 1, &[S(b"/srv/a")]));
    talk.target(&name(question(&talk, 0), b"/srv"));
    talk.target(&name(question(&talk, 1), b"/srv/a"));
    talk.release();
    talk.target(&status(1, 2));
    assert_eq!(talk.fault, None);
    talk.to_target.clear();
    talk.to_client.clear();
    talk
}

fn name(id: u32, place: &[u8]) -> Vec<u8> {
    packet(104, id, &[N(1), S(place), S(place), ATTRS])
}

/// The id of the packet of this number that went to the target.
fn question(talk: &Talk, number: usize) -> u32 {
    let mut rest = &talk.to_target[..];
    for _ in 0..number {
        let length = u32::from_be_bytes(*rest.first_chunk().unwrap()) as usize;
        rest = &rest[4 + length..];
    }
    u32::from_be_bytes(rest[5..9].try_into().unwrap())
}

#[test]
fn what_goes_to_the_target_is_the_place_that_was_looked_at() {
    let mut talk = begun();
    talk.client(&[open(7, b"/srv/l/f", 1), close(8)].concat());
    let id = question(&talk, 0);
    assert_eq!(talk.to_target, packet(16, id, &[S(b"/srv/l/f")]), "one question, and nothing after it");
    assert_eq!(talk.holds(), Hold::ForTarget);
    talk.target(&name(id, b"/srv/d/f"));
    assert_eq!((talk.holds(), talk.to_client.len()), (Hold::Over, 0));
    talk.to_target.clear();
    talk.release();
    assert_eq!(talk.to_target, [open(7, b"/srv/d/f", 1), close(8)].concat());
    talk.target(&handle(7, b"h"));
    assert_eq!(talk.last().text, "open /srv/d/f to read: ok");
}

#[test]
fn a_target_that_makes_no_sense_lets_nothing_through() {
    for place in [&b"/etc/passwd"[..], b"srv/a", b"/srv/../etc", b"", b"/srv/\0"] {
        let mut talk = begun();
        talk.client(&packet(17, 7, &[S(b"/srv/x")]));
        let id = question(&talk, 0);
        talk.to_target.clear();
        talk.target(&name(id, place));
        talk.release();
        assert_eq!((talk.to_target.len(), talk.fault.clone()), (0, None), "{}", place.escape_ascii());
        assert!(talk.last().text.contains("role allows only /srv"), "{:?}", talk.last());
    }
    for answer in
        [packet(104, 0, &[N(0)]), packet(104, 0, &[N(2), S(b"/srv/x"), S(b""), ATTRS]), status(0, 0), handle(0, b"h")]
    {
        let mut talk = begun();
        talk.client(&packet(17, 7, &[S(b"/srv/x")]));
        let mut answer = answer;
        answer[5..9].copy_from_slice(&question(&talk, 0).to_be_bytes());
        talk.target(&answer);
        assert!(talk.fault.is_some(), "{answer:?}");
    }
    let mut talk = begun();
    talk.client(&packet(17, 7, &[S(b"/srv/x")]));
    let id = question(&talk, 0);
    talk.target(&[name(id, b"/srv/x"), name(id, b"/srv/x")].concat());
    assert_eq!(talk.fault, Some(ProtocolFault::NoSuchRequest(id)), "answered twice");
}

#[test]
fn what_a_client_sends_on_while_it_waits_is_bounded() {
    let mut talk = begun();
    talk.client(&packet(17, 7, &[S(b"/srv/x")]));
    for _ in 0..100 {
        talk.client(&[0; 32 * 1024]);
    }
    assert_eq!(talk.fault, Some(ProtocolFault::TooMany));
}

#[test]
fn a_question_never_has_the_id_of_a_request() {
    let mut talk = begun();
    talk.client(&packet(17, 7, &[S(b"/srv/x")]));
    let next = question(&talk, 0);
    talk.target(&name(next, b"/srv/x"));
    talk.release();
    talk.to_target.clear();
    // One that waits, and one that is just asked about, with the ids that come next.
    talk.client(&read(next + 1, 0));
    talk.to_target.clear();
    talk.client(&packet(17, next + 2, &[S(b"/srv/y")]));
    assert_eq!(question(&talk, 0), next + 3);
}

#[test]
fn what_never_got_an_answer_is_told_at_the_end() {
    let mut talk = begun();
    talk.client(&packet(13, 7, &[S(b"/srv/x")]));
    talk.finish();
    assert_eq!(talk.last().text, "remove /srv/x: no answer");
}

#[test]
fn a_server_that_may_not_resolve_links_is_not_believed() {
    let mut talk = Talk::silent(SftpAccess::Write).within(&["/srv"]);
    talk.client(&[packet(1, 3, &[]), packet(17, 7, &[S(b"/srv/x")])].concat());
    talk.target(&packet(2, 3, &[S(b"posix-rename@openssh.com"), S(b"1")]));
    for (number, place) in [(1, b"/srv".as_slice()), (2, b"/srv/x")] {
        let id = question(&talk, number);
        talk.target(&name(id, place));
    }
    talk.to_target.clear();
    talk.release();
    assert_eq!((talk.to_target.len(), talk.fault.clone()), (0, None));
    assert!(talk.last().text.ends_with("this target's server may not say where links lead"), "{:?}", talk.last());
}

#[test]
fn a_link_that_is_moved_leads_nowhere_new() {
    let Some(mut place) = Place::new(SftpAccess::Write) else { return };
    std::fs::create_dir(place.folder.path().join("data/a")).unwrap();
    symlink("../kept", place.folder.path().join("data/a/up")).unwrap();
    symlink("loop", place.folder.path().join("data/loop")).unwrap();
    assert_eq!(place.status(open(7, b"a/up", 1)), OK);
    // One folder up its `..` leads out.
    std::fs::write(place.folder.path().join("kept"), "outside").unwrap();
    assert_eq!(place.status(packet(18, 7, &[S(b"a/up"), S(b"up")])), OK);
    assert_eq!(place.status(open(7, b"up", 1)), DENIED);
    assert_ne!(place.status(open(7, b"loop", 1)), OK);
    // One after the other, sent at once.
    let answers = place.server.ask(&[
        packet(18, 1, &[S(b"in"), S(b"was")]),
        packet(18, 2, &[S(b"out"), S(b"in")]),
        open(3, b"in/secret", 1),
        open(4, b"was/file", 1),
    ]);
    let status = |answer: &Vec<u8>| if answer[4] == 101 { u32::from(answer[12]) } else { OK };
    assert_eq!(answers.iter().map(status).collect::<Vec<_>>(), [OK, OK, DENIED, OK]);
}
