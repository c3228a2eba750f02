//! What a channel is written down on: a recording of its bytes, or a transcript of the files it moves.

use std::time::Duration;

use bytes::Bytes;
use curfew_policy::role::Role;
pub use curfew_recorder::Ticket;
use curfew_recorder::{Recording, RecordingError, Sealed};

use crate::clock::Clock;
use crate::gate::ChannelInfo;
use crate::idle::Activity;
use crate::ssh::requests::Start;

/// How long the disk may take for one write, in which nothing moves, before the session ends.
const STUCK: Duration = Duration::from_secs(5);

/// The recording of one channel.
pub struct Tape {
    recording: Recording,
    clock: Clock,
    begun: Duration,
    activity: Activity,
    input: bool,
}

/// The channel can no longer be written down.
#[derive(Debug)]
pub struct Failed;

impl Tape {
    /// A tape on a recording that has begun.
    #[must_use]
    pub fn new(
        recording: Recording,
        _info: &ChannelInfo,
        _start: &Start,
        role: &Role,
        clock: Clock,
        activity: Activity,
    ) -> Self {
        let begun = clock.now().mono;
        Self { recording, clock, begun, activity, input: role.record_input }
    }

    fn elapsed(&self) -> Duration {
        self.clock.now().mono.saturating_sub(self.begun)
    }

    /// Writes output down.
    pub async fn output(&self, data: Bytes) -> Result<(Ticket, [Bytes; 1]), ()> {
        self.activity.touch();
        self.recording.ready().await.map_err(|_| ())?;
        let ticket = self.recording.output(self.elapsed(), data.clone());
        Ok((ticket, [data]))
    }

    /// Writes stderr down.
    pub async fn errors(&self, data: Bytes) -> Result<Ticket, ()> {
        self.output(data).await.map(|(ticket, _)| ticket)
    }

    /// Writes input down, where the role says so, and gives what goes on to the target.
    pub async fn input(&self, data: Bytes) -> Result<[Bytes; 1], Failed> {
        self.activity.touch();
        if self.input {
            self.recording.ready().await.map_err(|_| Failed)?;
            let ticket = self.recording.input(self.elapsed(), data.clone());
            self.recording.written(ticket).await.map_err(|_| Failed)?;
        }
        Ok([data])
    }

    /// Writes a new terminal size down.
    pub fn resize(&self, cols: u32, rows: u32) -> Result<Ticket, RecordingError> {
        Ok(self.recording.resize(self.elapsed(), cols, rows))
    }

    /// Writes a marker down.
    pub fn mark(&self, text: &str) -> Result<Ticket, RecordingError> {
        Ok(self.recording.marker(self.elapsed(), text))
    }

    /// The ticket of what was last handed over.
    pub fn last(&self) -> Ticket {
        self.recording.last()
    }

    /// Waits until this is written, and says up to where all is. A disk that takes it for too long has failed.
    pub async fn written(&self, ticket: Ticket) -> Result<Ticket, Failed> {
        match tokio::time::timeout(STUCK, self.recording.written(ticket)).await {
            Ok(Ok(up_to)) => Ok(up_to),
            Ok(Err(_)) | Err(_) => Err(Failed),
        }
    }

    /// Waits until nothing can be written any more, also where nobody waits for a ticket.
    pub async fn failed(&self) {
        self.recording.failed().await;
    }

    /// Waits for bytes of our own that go to the client.
    pub async fn injected(&self) -> Bytes {
        std::future::pending().await
    }

    /// Ends the recording.
    pub async fn seal(self, why: &str) -> Result<Sealed, RecordingError> {
        let elapsed = self.elapsed();
        self.recording.seal(why, elapsed).await
    }
}
