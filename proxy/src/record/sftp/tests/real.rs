//! Through the gate to OpenSSH's own server, where it is installed.

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::*;

const SERVERS: [&str; 3] = ["/usr/lib/openssh/sftp-server", "/usr/libexec/sftp-server", "/usr/lib/ssh/sftp-server"];

/// OpenSSH's server behind a gate.
pub struct Server {
    child: Child,
    pub talk: Talk,
    seen: usize,
}

impl Server {
    fn start(access: SftpAccess, folder: &Path) -> Option<Self> {
        Self::behind(Talk::silent(access), folder)
    }

    /// Starts it in a folder, where it is installed.
    pub fn behind(talk: Talk, folder: &Path) -> Option<Self> {
        let program = SERVERS.into_iter().find(|path| Path::new(path).exists())?;
        let child =
            Command::new(program).current_dir(folder).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut server = Self { child, talk, seen: 0 };
        server.ask(&[packet(1, 3, &[])]);
        Some(server)
    }

    /// Sends requests, and waits for as many answers.
    pub fn ask(&mut self, requests: &[Vec<u8>]) -> Vec<Vec<u8>> {
        let sent = self.talk.to_target.len();
        self.talk.client(&requests.concat());
        self.pass_on(sent);
        let mut answers = Vec::new();
        let mut buffer = [0; 777];
        while answers.len() < requests.len() {
            if let Some(answer) = whole(&self.talk.to_client[self.seen..]) {
                self.seen += answer.len();
                answers.push(answer);
                continue;
            }
            let count = self.child.stdout.as_mut().unwrap().read(&mut buffer).unwrap();
            assert!(count > 0, "the server left: {:?}", self.talk.notes);
            let sent = self.talk.to_target.len();
            self.talk.target(&buffer[..count]);
            self.talk.release();
            assert_eq!(self.talk.fault, None);
            self.pass_on(sent);
        }
        answers
    }

    fn pass_on(&mut self, sent: usize) {
        self.child.stdin.as_mut().unwrap().write_all(&self.talk.to_target[sent..]).unwrap();
    }

    /// Opens a file, and gives its handle.
    fn open(&mut self, path: &str, flags: u32) -> Vec<u8> {
        let answer = self.ask(&[open(1, path.as_bytes(), flags)]).remove(0);
        assert_eq!(answer[4], 102, "{answer:?}");
        answer[13..].to_vec()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

fn whole(bytes: &[u8]) -> Option<Vec<u8>> {
    let length = u32::from_be_bytes(*bytes.first_chunk()?) as usize;
    bytes.get(..4 + length).map(<[u8]>::to_vec)
}

#[test]
fn the_real_server_takes_and_gives_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let Some(mut server) = Server::start(SftpAccess::Write, folder.path()) else { return };
    let content: Vec<u8> = (0..300_000_u32).map(|at| (at % 251) as u8).collect();
    let handle = server.open("there", 0x1a);
    let pieces: Vec<_> = content.chunks(32_768).zip(0_u32..).collect();
    let writes: Vec<_> = pieces
        .iter()
        .map(|(piece, at)| packet(6, at + 10, &[S(&handle), L(u64::from(*at) * 32_768), S(piece)]))
        .collect();
    server.ask(&writes);
    server.ask(&[packet(4, 2, &[S(&handle)])]);
    assert!(std::fs::read(folder.path().join("there")).unwrap() == content);
    assert_eq!(server.talk.last().text, format!("put there: 300000 bytes, sha256 {}", sum(&content)));

    let handle = server.open("there", 1);
    // Sixteen at once, of which the last run beyond the end, as OpenSSH's client does.
    let reads: Vec<_> =
        (0..16_u32).map(|at| packet(5, at + 10, &[S(&handle), L(u64::from(at) * 32_768), N(32_768)])).collect();
    server.ask(&reads);
    server.ask(&[packet(5, 3, &[S(&handle), L(300_000), N(9)]), packet(4, 2, &[S(&handle)])]);
    assert_eq!(server.talk.last().text, format!("get there: 300000 bytes, sha256 {}", sum(&content)));
}

#[test]
fn the_real_server_changes_nothing_for_a_role_that_reads() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("there"), "content").unwrap();
    let Some(mut server) = Server::start(SftpAccess::Read, folder.path()) else { return };
    let answers = server.ask(&[
        open(1, b"new", 0x1a),
        packet(13, 2, &[S(b"there")]),
        packet(17, 3, &[S(b"there")]),
        extended(4, "posix-rename@openssh.com", &[S(b"there"), S(b"gone")]),
        packet(9, 5, &[S(b"there"), N(1), L(0)]),
        packet(20, 6, &[S(b"there"), S(b"link")]),
        extended(7, "limits@openssh.com", &[]),
    ]);
    assert_eq!(answers.iter().filter(|answer| answer[4] == 101 && answer[12] == 3).count(), 5);
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().flatten().map(|entry| entry.file_name()).collect();
    assert_eq!(left, ["there"]);
    assert_eq!(std::fs::read(folder.path().join("there")).unwrap(), b"content");
}
