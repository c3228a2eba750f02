//! What is written down of a connection to a TCP service: where to, from where, how much each way, how long, and why it
//! ended. Not the bytes.

use std::net::SocketAddr;
use std::time::Duration;

use curfew_policy::decide::Permit;
use curfew_recorder::{Recording, RecordingError, Sealed};

use crate::lease::End;
use crate::lease::clock::Clock;
use crate::record::transcript::Note;
use crate::tcp::relay::Counts;

/// The longest origin that is written down, in bytes: what a client says of it is any text.
const LONGEST_ORIGIN: usize = 64;

/// The transcript of one connection.
pub(super) struct Log {
    recording: Recording,
    clock: Clock,
    begun: Duration,
}

impl Log {
    /// A transcript in a recording that has begun.
    pub(super) fn new(recording: Recording, clock: Clock) -> Self {
        let begun = clock.now().mono;
        Self { recording, clock, begun }
    }

    /// Where to, and from where: the client's address, and what it says of the connection that it carries.
    pub(super) fn asked(&self, permit: &Permit, from: SocketAddr, origin: &(String, u32)) {
        let (host, port) = origin;
        let host = host.get(..host.len().min(LONGEST_ORIGIN)).unwrap_or("?");
        self.note(
            Note::about("connect")
                .name("target", " ", permit.target().as_bytes())
                .name("address", " at ", permit.address().to_string().as_bytes())
                .field("from", from.to_string())
                .name("origin", " for ", format!("{host}:{port}").as_bytes())
                .done(),
        );
    }

    /// What came of it.
    pub(super) fn ended(&self, end: &End, counts: &Counts) {
        let (sent, received) = (counts.sent(), counts.received());
        let millis = u64::try_from(self.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.note(
            Note::about("end")
                .say(&format!(
                    " after {}.{:03} s: {sent} bytes sent, {received} received",
                    millis / 1000,
                    millis % 1000
                ))
                .field("why", end.as_str())
                .field("sent", sent)
                .field("received", received)
                .field("duration_ms", millis)
                .done(),
        );
    }

    /// Waits until nothing can be written down any more.
    pub(super) async fn failed(&self) {
        self.recording.failed().await;
    }

    /// Ends the transcript.
    pub(super) async fn seal(self, why: &str) -> Result<Sealed, RecordingError> {
        let elapsed = self.elapsed();
        self.recording.seal(why, elapsed).await
    }

    fn note(&self, note: Note) {
        self.recording.note(self.elapsed(), &note.text, &note.fields);
    }

    fn elapsed(&self) -> Duration {
        self.clock.now().mono.saturating_sub(self.begun)
    }
}
