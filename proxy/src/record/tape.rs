//! What a channel is written down on: a recording of its bytes, or a transcript of the files it moves.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
pub use curfew_recorder::Ticket;
use curfew_recorder::{Recording, RecordingError, Sealed};
use tokio::sync::Notify;

use crate::lease::clock::Clock;
use crate::lease::idle::Activity;
use crate::record::transcript::{Hold, Note, ProtocolFault, Step, Transcript};

/// How long the disk may take for one write, in which nothing moves, before the session ends.
pub const STUCK: Duration = Duration::from_secs(5);

/// The recording of one channel.
pub struct Tape {
    recording: Recording,
    clock: Clock,
    begun: Duration,
    activity: Activity,
    input: bool,
    scribe: Option<Scribe>,
}

/// When somebody began to wait for the disk.
#[derive(Debug, Clone, Copy, Default)]
pub struct Since(Duration);

/// Why a channel cannot go on.
#[derive(Debug)]
pub enum Failed {
    /// It can no longer be written down.
    Recording,
    /// What was sent is not what it should be.
    Garbled(ProtocolFault),
}

impl From<RecordingError> for Failed {
    fn from(_: RecordingError) -> Self {
        // What was wrong with the disk is told when the recording is sealed.
        Self::Recording
    }
}

/// Follows the files that a channel moves.
struct Scribe {
    state: Mutex<Following>,
    /// Told when there is something of our own for the client.
    answered: Notify,
    /// Told when the target has said something, for which the client's bytes may be held.
    heard: Notify,
}

struct Following {
    transcript: Box<dyn Transcript + Send>,
    /// What goes to the client, in the order of the calls, whichever direction they were for.
    to_client: VecDeque<Bytes>,
}

impl Scribe {
    fn new(transcript: Box<dyn Transcript + Send>) -> Self {
        let state = Mutex::new(Following { transcript, to_client: VecDeque::new() });
        Self { state, answered: Notify::new(), heard: Notify::new() }
    }

    fn state(&self) -> MutexGuard<'_, Following> {
        // Nothing in here panics half-way through a change.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Following {
    fn take_answers(&mut self) -> Vec<Bytes> {
        self.to_client.drain(..).collect()
    }
}

impl Tape {
    /// A tape on a recording that has begun: of all output, and of what is typed where `input` says so.
    #[must_use]
    pub fn new(recording: Recording, input: bool, clock: Clock, activity: Activity) -> Self {
        let begun = clock.now().mono;
        Self { recording, clock, begun, activity, input, scribe: None }
    }

    /// A tape on a recording that has begun, of which only a transcript is made.
    #[must_use]
    pub fn following(
        recording: Recording,
        transcript: Box<dyn Transcript + Send>,
        clock: Clock,
        activity: Activity,
    ) -> Self {
        let begun = clock.now().mono;
        Self { recording, clock, begun, activity, input: false, scribe: Some(Scribe::new(transcript)) }
    }

    fn elapsed(&self) -> Duration {
        self.clock.now().mono.saturating_sub(self.begun)
    }

    /// Writes down what the target sent, and gives what goes to the client once the ticket is written.
    pub async fn output(&self, data: Bytes) -> Result<(Ticket, Vec<Bytes>), Failed> {
        self.activity.touch();
        self.ready().await?;
        let Some(scribe) = &self.scribe else {
            let ticket = self.recording.output(self.elapsed(), data.clone());
            return Ok((ticket, vec![data]));
        };
        let (step, answers) = {
            let mut state = scribe.state();
            let mut step = state.transcript.from_target(data);
            state.to_client.extend(step.to_client.drain(..));
            (step, state.take_answers())
        };
        scribe.heard.notify_one();
        self.note(step)?;
        Ok((self.recording.last(), answers))
    }

    /// Writes stderr down.
    pub async fn errors(&self, data: Bytes) -> Result<Ticket, Failed> {
        self.activity.touch();
        self.ready().await?;
        Ok(self.recording.output(self.elapsed(), data))
    }

    /// Writes down what the client sent, where the role says so or files are moved, and gives what goes to the target.
    pub async fn input(&self, data: Bytes) -> Result<Vec<Bytes>, Failed> {
        self.activity.touch();
        if let Some(scribe) = &self.scribe {
            self.ready().await?;
            return self.follow(scribe, data);
        }
        if self.input {
            self.ready().await?;
            let ticket = self.recording.input(self.elapsed(), data.clone());
            self.written(ticket, self.moment()).await?;
        }
        Ok(vec![data])
    }

    /// Waits until what was held of the client's bytes goes on to the target, if anything was.
    pub async fn released(&self) -> Result<Option<Vec<Bytes>>, Failed> {
        let Some(scribe) = &self.scribe else { return Ok(None) };
        loop {
            let hold = scribe.state().transcript.hold();
            match hold {
                Hold::No => return Ok(None),
                Hold::Over => return self.follow(scribe, Bytes::new()).map(Some),
                Hold::ForTarget => scribe.heard.notified().await,
            }
        }
    }

    /// Follows what the client sent, and gives what goes to the target.
    fn follow(&self, scribe: &Scribe, data: Bytes) -> Result<Vec<Bytes>, Failed> {
        let mut step = {
            let mut state = scribe.state();
            let mut step = state.transcript.from_client(data);
            state.to_client.extend(step.to_client.drain(..));
            step
        };
        scribe.answered.notify_one();
        let pieces = std::mem::take(&mut step.to_target);
        self.note(step)?;
        Ok(pieces)
    }

    /// Writes down what a step found out.
    fn note(&self, step: Step) -> Result<(), Failed> {
        self.note_all(&step.notes);
        step.fault.map_or(Ok(()), |fault| Err(Failed::Garbled(fault)))
    }

    fn note_all(&self, notes: &[Note]) {
        notes.iter().for_each(|note| self.tell(note));
    }

    /// Writes down what happened beside the bytes.
    pub fn tell(&self, note: &Note) {
        self.recording.note(self.elapsed(), &note.text, &note.fields);
    }

    /// Writes a new terminal size down.
    pub fn resize(&self, cols: u32, rows: u32) {
        self.recording.resize(self.elapsed(), cols, rows);
    }

    /// Writes a marker down.
    pub fn mark(&self, text: &str) {
        self.recording.marker(self.elapsed(), text);
    }

    /// The ticket of what was last handed over.
    #[must_use]
    pub fn last(&self) -> Ticket {
        self.recording.last()
    }

    /// Waits until this is written, and says up to where all is. A disk that takes it for too long has failed; it is
    /// counted from `since`, so that whoever asks again waits no longer.
    pub async fn written(&self, ticket: Ticket, since: Since) -> Result<Ticket, Failed> {
        let left = STUCK.saturating_sub(self.elapsed().saturating_sub(since.0));
        match tokio::time::timeout(left, self.recording.written(ticket)).await {
            Ok(written) => Ok(written?),
            Err(_) => Err(Failed::Recording),
        }
    }

    /// Waits until there is room for more. A disk that makes none for too long has failed.
    async fn ready(&self) -> Result<(), Failed> {
        match tokio::time::timeout(STUCK, self.recording.ready()).await {
            Ok(ready) => Ok(ready?),
            Err(_) => Err(Failed::Recording),
        }
    }

    /// The present moment.
    #[must_use]
    pub fn moment(&self) -> Since {
        Since(self.elapsed())
    }

    /// Waits until nothing can be written any more, also where nobody waits for a ticket.
    pub async fn failed(&self) {
        self.recording.failed().await;
    }

    /// Waits for answers of our own to the client, which no output of the target brought along.
    pub async fn answers(&self) -> Vec<Bytes> {
        let Some(scribe) = &self.scribe else { return std::future::pending().await };
        loop {
            scribe.answered.notified().await;
            let answers = scribe.state().take_answers();
            if !answers.is_empty() {
                return answers;
            }
        }
    }

    /// Ends the recording.
    pub async fn seal(self, why: &str) -> Result<Sealed, RecordingError> {
        let last = self.scribe.as_ref().map(|scribe| scribe.state().transcript.finish());
        self.note_all(&last.unwrap_or_default());
        let elapsed = self.elapsed();
        self.recording.seal(why, elapsed).await
    }
}
