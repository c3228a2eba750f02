//! What a forwarded connection is written down as: where it led, and how many bytes went each way, not the bytes.

use bytes::Bytes;

use crate::ssh::transcript::{Note, Step, Transcript};

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
mod tests {
    use super::*;

    #[test]
    fn both_directions_are_counted_and_pass_as_they_are() {
        let mut count = Count::default();
        let there = count.from_client(Bytes::from_static(b"ask"));
        assert_eq!((there.to_target, there.to_client.len(), there.notes.len()), (vec![Bytes::from("ask")], 0, 0));
        let back = count.from_target(Bytes::from_static(b"answer"));
        assert_eq!((back.to_client, back.to_target.len(), back.notes.len()), (vec![Bytes::from("answer")], 0, 0));
        let last = count.finish();
        assert_eq!(last.len(), 1);
        assert_eq!(last[0].fields["to_target"], 3);
        assert_eq!(last[0].fields["to_client"], 6);
        assert_eq!(last[0].text, "closed: 3 bytes to the target, 6 to the client");
    }

    #[test]
    fn a_long_connection_is_noted_on_the_way() {
        let mut count = Count::default();
        let piece = Bytes::from(vec![0; 1024 * 1024]);
        let notes: usize = (0..40).map(|_| count.from_target(piece.clone()).notes.len()).sum();
        assert_eq!(notes, 2);
    }
}
