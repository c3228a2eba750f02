//! The gate, packet by packet and against the real server.

mod bounds;
mod reading;
mod real;
mod transfers;
mod within;

use bytes::Bytes;
use curfew_policy::role::SftpAccess;

use crate::record::sftp::SftpGate;
use crate::record::transcript::{Hold, Note, ProtocolFault, Transcript};

/// A field of a packet.
pub enum F<'a> {
    N(u32),
    L(u64),
    S(&'a [u8]),
}
pub use F::{L, N, S};

/// A packet with its length.
pub fn packet(kind: u8, id: u32, fields: &[F<'_>]) -> Vec<u8> {
    let mut body = vec![kind];
    body.extend(id.to_be_bytes());
    for field in fields {
        match field {
            N(number) => body.extend(number.to_be_bytes()),
            L(number) => body.extend(number.to_be_bytes()),
            S(string) => {
                body.extend(u32::try_from(string.len()).unwrap().to_be_bytes());
                body.extend(*string);
            }
        }
    }
    let mut packet = u32::try_from(body.len()).unwrap().to_be_bytes().to_vec();
    packet.extend(body);
    packet
}

pub fn extended(id: u32, name: &str, fields: &[F<'_>]) -> Vec<u8> {
    let mut all = vec![S(name.as_bytes())];
    all.extend(fields.iter().map(|field| match field {
        N(number) => N(*number),
        L(number) => L(*number),
        S(string) => S(string),
    }));
    packet(200, id, &all)
}

pub fn status(id: u32, code: u32) -> Vec<u8> {
    packet(101, id, &[N(code), S(b""), S(b"")])
}

pub fn handle(id: u32, handle: &[u8]) -> Vec<u8> {
    packet(102, id, &[S(handle)])
}

pub fn open(id: u32, path: &[u8], flags: u32) -> Vec<u8> {
    packet(3, id, &[S(path), N(flags), N(0)])
}

pub fn read(id: u32, offset: u64) -> Vec<u8> {
    packet(5, id, &[S(b"h"), L(offset), N(32768)])
}

pub fn write(id: u32, offset: u64, content: &[u8]) -> Vec<u8> {
    packet(6, id, &[S(b"h"), L(offset), S(content)])
}

pub fn data(id: u32, content: &[u8]) -> Vec<u8> {
    packet(103, id, &[S(content)])
}

pub fn close(id: u32) -> Vec<u8> {
    packet(4, id, &[S(b"h")])
}

/// A conversation through a gate, and all that came of it.
pub struct Talk {
    gate: SftpGate,
    pub to_target: Vec<u8>,
    pub to_client: Vec<u8>,
    pub notes: Vec<Note>,
    pub fault: Option<ProtocolFault>,
}

impl Talk {
    /// One in which nobody has said anything.
    pub fn silent(access: SftpAccess) -> Self {
        Self { gate: SftpGate::new(access), to_target: vec![], to_client: vec![], notes: vec![], fault: None }
    }

    /// The same within these folders.
    pub fn within(mut self, roots: &[&str]) -> Self {
        let roots: Vec<String> = roots.iter().map(|root| (*root).to_owned()).collect();
        self.gate = self.gate.within(&roots);
        self
    }

    /// One in which both sides have greeted.
    pub fn begun(access: SftpAccess) -> Self {
        Self::silent(access).greeted()
    }

    /// The same once both sides have greeted.
    pub fn greeted(self) -> Self {
        let mut talk = self;
        talk.client(&packet(1, 3, &[]));
        talk.target(&packet(2, 3, &[S(b"fstatvfs@openssh.com"), S(b"2"), S(b"fsync@openssh.com"), S(b"1")]));
        assert_eq!((talk.fault.clone(), talk.to_target.len()), (None, 9));
        talk.to_target.clear();
        talk.to_client.clear();
        talk
    }

    pub fn client(&mut self, bytes: &[u8]) {
        let step = self.gate.from_client(Bytes::copy_from_slice(bytes));
        self.take(step);
    }

    pub fn target(&mut self, bytes: &[u8]) {
        let step = self.gate.from_target(Bytes::copy_from_slice(bytes));
        self.take(step);
    }

    /// Goes on after a question of the gate's own was answered, as the relay does.
    pub fn release(&mut self) {
        while self.gate.hold() == Hold::Over {
            self.client(b"");
        }
    }

    pub fn holds(&self) -> Hold {
        self.gate.hold()
    }

    fn take(&mut self, step: crate::record::transcript::Step) {
        self.to_target.extend(step.to_target.concat());
        self.to_client.extend(step.to_client.concat());
        self.notes.extend(step.notes);
        self.fault = step.fault;
    }

    /// A request, and the target's answer to it.
    pub fn both(&mut self, request: &[u8], answer: &[u8]) {
        self.client(request);
        self.target(answer);
        assert_eq!(self.fault, None);
    }

    pub fn finish(&mut self) {
        self.notes.extend(self.gate.finish());
    }

    pub fn lines(&self) -> Vec<&str> {
        self.notes.iter().map(|note| note.text.as_str()).collect()
    }

    pub fn last(&self) -> &Note {
        self.notes.last().expect("a note")
    }
}

/// The SHA-256 in hexadecimal.
pub fn sum(content: &[u8]) -> String {
    curfew_recorder::hex(&curfew_recorder::sha256(content))
}
