//! What a forwarded connection is written down as: where it led, and how many bytes went each way, not the bytes.

use bytes::Bytes;

use crate::record::transcript::{Note, Step, Transcript};

/// How many bytes pass between two notes on how many there were. A crash loses no more of the count than that, and a
/// disk that is full stops the connection by then.
const NOTE_EVERY: u64 = 16 * 1024 * 1024;

/// Counts the bytes of a forwarded connection.
#[derive(Debug, Default)]
pub struct Count {
    to_target: u64,
    to_client: u64,
    told: u64,
}

impl Count {
    fn note(&self, op: &str) -> Note {
        Note::about(op)
            .say(&format!(": {} bytes to the target, {} to the client", self.to_target, self.to_client))
            .field("to_target", self.to_target)
            .field("to_client", self.to_client)
            .done()
    }

    fn progress(&mut self) -> Vec<Note> {
        let all = self.to_target + self.to_client;
        if all - self.told < NOTE_EVERY {
            return Vec::new();
        }
        self.told = all;
        vec![self.note("passed")]
    }
}

impl Transcript for Count {
    fn from_client(&mut self, data: Bytes) -> Step {
        self.to_target += data.len() as u64;
        Step { notes: self.progress(), to_target: vec![data], ..Step::default() }
    }

    fn from_target(&mut self, data: Bytes) -> Step {
        self.to_client += data.len() as u64;
        Step { notes: self.progress(), to_client: vec![data], ..Step::default() }
    }

    fn finish(&mut self) -> Vec<Note> {
        vec![self.note("closed")]
    }
}

#[cfg(test)]
mod tests;
