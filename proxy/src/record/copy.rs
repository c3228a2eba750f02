//! File copies that run as a command: the old scp protocol, read as it passes, and rsync, which is only counted.
//!
//! No byte is ever changed or held back here, and nothing is allowed or refused: this says what a channel is written
//! down as. The scp protocol is what OpenSSH's `scp.c` speaks (`source` and `sink`); no standard describes it.

mod scp;
#[cfg(test)]
mod tests;

use bytes::Bytes;
use curfew_recorder::{Hasher, hex};

use crate::record::copy::scp::{Acks, Records};
use crate::record::transcript::{Note, Step, Transcript};

/// A command that copies files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CopyKind {
    /// `scp -t`: files come from the client.
    ScpUpload,
    /// `scp -f`: files come from the target.
    ScpDownload,
    /// `rsync --server`.
    Rsync,
}

impl CopyKind {
    /// Whether a command is such a copy and nothing else, so that a transcript of its files tells all there is to tell.
    ///
    /// In doubt it is not, and is recorded byte by byte: whatever a shell would act on makes it doubtful.
    #[must_use]
    pub fn of_command(command: &[u8]) -> Option<Self> {
        let command = std::str::from_utf8(command).ok()?;
        if command.chars().any(|c| c.is_control() || ";&|$`()<>!#\"".contains(c)) {
            return None;
        }
        let mut words = command.split(' ').filter(|word| !word.is_empty());
        let program = words.next()?;
        let (folder, name) = program.rsplit_once('/').unwrap_or(("/usr/bin", program));
        // A program of somebody's own that is called `scp` is none of these, and may be anything.
        if !matches!(folder, "/bin" | "/usr/bin" | "/usr/local/bin") {
            return None;
        }
        match name {
            "scp" => scp_direction(words),
            "rsync" => rsync_server(words),
            _ => None,
        }
    }
}

/// Which way `scp` copies, if all its options are those that the client's own `scp` gives it.
fn scp_direction<'a>(words: impl Iterator<Item = &'a str>) -> Option<CopyKind> {
    let mut kind = None;
    for word in words {
        let Some(options) = word.strip_prefix('-').filter(|options| *options != "-") else { break };
        for option in options.chars() {
            match option {
                't' if kind.is_none() => kind = Some(CopyKind::ScpUpload),
                'f' if kind.is_none() => kind = Some(CopyKind::ScpDownload),
                'd' | 'p' | 'q' | 'r' | 'v' => {}
                _ => return None,
            }
        }
    }
    kind
}

/// A server that talks to the client's own `rsync`, not a daemon and not one that runs something else.
fn rsync_server<'a>(mut words: impl Iterator<Item = &'a str>) -> Option<CopyKind> {
    let other = |word: &str| ["--daemon", "--config", "--rsh", "--rsync-path"].iter().any(|bad| word.starts_with(bad));
    (words.next() == Some("--server") && !words.any(other)).then_some(CopyKind::Rsync)
}

/// Follows one file copy.
#[derive(Debug)]
pub struct Copy {
    kind: CopyKind,
    /// What the side that has the files says; nothing for what is not read, or makes no sense any more.
    records: Option<Records>,
    acks: Acks,
    client: Total,
    target: Total,
}

/// All the bytes of one direction that nobody could read.
#[derive(Debug, Default)]
struct Total {
    bytes: u64,
    hasher: Hasher,
}

impl Total {
    fn add(&mut self, data: &[u8]) {
        self.bytes = self.bytes.saturating_add(data.len() as u64);
        self.hasher.update(data);
    }

    fn note(&self, from: &str) -> Note {
        let sha256 = hex(&self.hasher.current());
        let words = format!(" from the {from}: {} bytes, sha256 {sha256}", self.bytes);
        Note::about("stream").field("from", from).field("bytes", self.bytes).field("sha256", sha256).say(&words).done()
    }
}

/// An end of the channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CopySide {
    Client,
    Target,
}

impl Copy {
    /// A copy that begins.
    #[must_use]
    pub fn new(kind: CopyKind) -> Self {
        let op = match kind {
            CopyKind::ScpUpload => Some("put"),
            CopyKind::ScpDownload => Some("get"),
            CopyKind::Rsync => None,
        };
        let (client, target) = (Total::default(), Total::default());
        Self { kind, records: op.map(Records::new), acks: Acks::default(), client, target }
    }

    /// The side that has the files.
    fn source(&self) -> CopySide {
        if self.kind == CopyKind::ScpUpload { CopySide::Client } else { CopySide::Target }
    }

    fn take(&mut self, from: CopySide, data: &[u8]) -> Vec<Note> {
        let mut notes = Vec::new();
        let is_source = from == self.source();
        let Some(records) = &mut self.records else {
            self.total(from).add(data);
            return notes;
        };
        if !is_source {
            self.acks.feed(data, records, &mut notes);
        } else if let Err(rest) = records.feed(data, &mut notes) {
            notes.extend(self.records.take().and_then(Records::finish));
            notes.push(Note::about("opaque").say(": no scp any more, the rest is only counted").done());
            self.total(from).add(data.get(rest..).unwrap_or_default());
        }
        notes
    }

    const fn total(&mut self, from: CopySide) -> &mut Total {
        match from {
            CopySide::Client => &mut self.client,
            CopySide::Target => &mut self.target,
        }
    }
}

impl Transcript for Copy {
    fn from_client(&mut self, data: Bytes) -> Step {
        let notes = self.take(CopySide::Client, &data);
        Step { to_target: vec![data], notes, ..Step::default() }
    }

    fn from_target(&mut self, data: Bytes) -> Step {
        let notes = self.take(CopySide::Target, &data);
        Step { to_client: vec![data], notes, ..Step::default() }
    }

    fn finish(&mut self) -> Vec<Note> {
        match self.records.take() {
            Some(records) => records.finish().into_iter().collect(),
            None => vec![self.client.note("client"), self.target.note("target")],
        }
    }
}
