//! The bytes of one channel, both ways, under a recording.
//!
//! ToClient waits until it is written down before it goes to the client: no recording, no bytes. The two directions wait
//! for nothing but their own ends, so a client that stops reading still can type, and the other way round.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use curfew_policy::id::GrantId;
use russh::{ChannelMsg, ChannelReadHalf, ChannelWriteHalf, Sig, client, server};
use tokio::sync::Notify;

use crate::lease::farewells::LAST_INPUT;
use crate::lease::warning::{Warner, Warning};
use crate::record::tape::{Failed, Since, Tape, Ticket};
use crate::ssh::channel::requests::wants_reply;
use crate::ssh::say::terminal::Screen;

/// The most output that waits to be written down, in bytes, before no more is taken from the target.
const MOST_UNWRITTEN: usize = 4 * 1024 * 1024;

/// The four ends of a channel.
pub struct Ends<'a> {
    /// From the client.
    pub from_client: &'a mut ChannelReadHalf,
    /// To the client.
    pub to_client: &'a ChannelWriteHalf<server::Msg>,
    /// From the target.
    pub from_target: &'a mut ChannelReadHalf,
    /// To the target.
    pub to_target: &'a ChannelWriteHalf<client::Msg>,
}

/// What the relay needs to know of its channel.
pub struct RelayedChannel<'a> {
    /// Where it is written down.
    pub tape: &'a Tape,
    /// Under which grant.
    pub grant: GrantId,
    /// Whether it has a terminal.
    pub pty: bool,
    /// Whether the client waits for an answer to its shell, exec or subsystem request.
    pub want_reply: bool,
    /// Whether it runs something that ends with a status, for which a client waits that has closed it.
    pub has_status: bool,
    /// Says when a warning is due.
    pub warner: Warner,
    /// Told when the client closes the channel.
    pub gone: Arc<Notify>,
}

/// How a relay came to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finished {
    /// The target closed the channel, and all it sent was delivered.
    Target,
    /// The client closed the channel.
    Client,
    /// What happened could not be written down.
    RecordingFailed,
    /// One end sent what it may not: what was wrong with it.
    Garbled(String),
}

impl From<Failed> for Finished {
    fn from(failed: Failed) -> Self {
        match failed {
            Failed::Recording => Self::RecordingFailed,
            Failed::Garbled(fault) => Self::Garbled(fault.to_string()),
        }
    }
}

/// Relays until one end closes the channel. `screen` is kept outside, so that who cuts the session knows what the
/// terminal is in the middle of.
pub async fn relay(ends: Ends<'_>, channel: RelayedChannel<'_>, screen: &mut Screen) -> Finished {
    let tape = channel.tape;
    let gone = Arc::clone(&channel.gone);
    let has_status = channel.has_status;
    let input = ToTarget { from: ends.from_client, target: ends.to_target, client: ends.to_client, tape, has_status };
    let output = ToClient {
        from: ends.from_target,
        client: ends.to_client,
        tape,
        waiting: VecDeque::new(),
        bytes: 0,
        since: tape.moment(),
        closed: false,
        answer: channel.want_reply,
        started: false,
        pty: channel.pty,
        grant: channel.grant,
        warner: channel.warner,
        warning: None,
        screen,
    };
    let hurry = async {
        gone.notified().await;
        tokio::time::sleep(LAST_INPUT).await;
    };
    let finished = tokio::select! {
        biased;
        finished = output.run() => finished,
        finished = input.run() => finished,
        () = hurry => Finished::Client,
    };
    if finished != Finished::RecordingFailed {
        // The other end may be gone already; then there is nobody left to tell.
        let _ = ends.to_target.close().await;
    }
    finished
}

/// From the client to the target.
struct ToTarget<'a> {
    from: &'a mut ChannelReadHalf,
    target: &'a ChannelWriteHalf<client::Msg>,
    client: &'a ChannelWriteHalf<server::Msg>,
    tape: &'a Tape,
    has_status: bool,
}

impl ToTarget<'_> {
    async fn run(self) -> Finished {
        while let Some(message) = self.from.wait().await {
            let sent = match message {
                ChannelMsg::Data { data } => match self.data(data).await {
                    Ok(sent) => sent,
                    Err(failed) => return failed,
                },
                ChannelMsg::Eof => self.target.eof().await,
                ChannelMsg::WindowChange { col_width, row_height, pix_width, pix_height } => {
                    self.tape.resize(col_width, row_height);
                    self.target.window_change(col_width, row_height, pix_width, pix_height).await
                }
                ChannelMsg::Signal { signal } => self.target.signal(signal).await,
                ChannelMsg::Custom { want_reply, name, data } => self.custom(want_reply, name, data).await,
                // OpenSSH closes a multiplexed channel when both directions have ended, and still waits for the exit
                // status: the output's half ends the relay, or the hurry of who closed.
                ChannelMsg::Close if !self.has_status => return Finished::Client,
                ChannelMsg::Close => {
                    let _ = self.target.eof().await;
                    return std::future::pending().await;
                }
                other => {
                    // A second start, a late pty: this channel runs already.
                    if wants_reply(&other) {
                        let _ = self.client.reply(false).await;
                    }
                    Ok(())
                }
            };
            if sent.is_err() {
                // The target is gone. What it sent last is still on its way out, so the other half ends the relay.
                return std::future::pending().await;
            }
        }
        Finished::Client
    }

    async fn data(&self, data: Bytes) -> Result<Result<(), russh::Error>, Finished> {
        let mut passed = self.tape.input(data).await?;
        loop {
            for piece in passed {
                if let Err(error) = self.target.data_bytes(piece).await {
                    return Ok(Err(error));
                }
            }
            match self.tape.released().await? {
                Some(more) => passed = more,
                None => return Ok(Ok(())),
            }
        }
    }

    /// Passes on `break` (RFC 4335) and end-of-write (OpenSSH PROTOCOL §2.1); refuses what it does not know.
    async fn custom(&self, want_reply: bool, name: String, data: Bytes) -> Result<(), russh::Error> {
        let known = matches!(name.as_str(), "break" | "eow@openssh.com");
        if want_reply {
            let _ = self.client.reply(known).await;
        }
        if known { self.target.custom_request(false, name, data).await } else { Ok(()) }
    }
}

/// Something on its way to the client, in order.
enum Item {
    Out(Bytes),
    Err(u32, Bytes),
    Eof,
    Status(u32),
    Signal { signal: Sig, core_dumped: bool, message: String, language: String },
    EndOfWrite(Bytes),
    Answer(bool),
}

/// From the target to the client.
struct ToClient<'a> {
    from: &'a mut ChannelReadHalf,
    client: &'a ChannelWriteHalf<server::Msg>,
    tape: &'a Tape,
    waiting: VecDeque<(Ticket, Item)>,
    bytes: usize,
    /// Since when the first of those that wait is at the front.
    since: Since,
    closed: bool,
    answer: bool,
    started: bool,
    pty: bool,
    grant: GrantId,
    warner: Warner,
    warning: Option<Warning>,
    screen: &'a mut Screen,
}

impl ToClient<'_> {
    async fn run(mut self) -> Finished {
        loop {
            let next = self.waiting.front().map(|(ticket, _)| *ticket);
            if self.closed && next.is_none() {
                return Finished::Target;
            }
            let tape = self.tape;
            tokio::select! {
                biased;
                written = tape.written(next.unwrap_or_default(), self.since), if next.is_some() => {
                    let up_to = match written {
                        Ok(up_to) => up_to,
                        Err(failed) => return failed.into(),
                    };
                    if self.deliver(up_to).await.is_err() {
                        return Finished::Client;
                    }
                }
                () = tape.failed() => return Finished::RecordingFailed,
                warning = self.warner.next(), if self.pty => {
                    self.warning = Some(warning);
                    self.warn().await;
                }
                answers = tape.answers() => {
                    for answer in answers {
                        self.push(tape.last(), Item::Out(answer));
                    }
                }
                message = self.from.wait(), if !self.closed && self.bytes < MOST_UNWRITTEN => {
                    if let Err(failed) = self.take(message).await {
                        return failed.into();
                    }
                }
            }
        }
    }

    /// Takes what the target sent and has it written down.
    async fn take(&mut self, message: Option<ChannelMsg>) -> Result<(), Failed> {
        let last = self.tape.last();
        match message {
            Some(ChannelMsg::Data { data }) => {
                let (ticket, pieces) = self.tape.output(data).await?;
                for piece in pieces {
                    self.push(ticket, Item::Out(piece));
                }
            }
            Some(ChannelMsg::ExtendedData { data, ext }) => {
                let ticket = self.tape.errors(data.clone()).await?;
                self.push(ticket, Item::Err(ext, data));
            }
            Some(ChannelMsg::Eof) => self.push(last, Item::Eof),
            Some(ChannelMsg::ExitStatus { exit_status }) => self.push(last, Item::Status(exit_status)),
            Some(ChannelMsg::ExitSignal { signal_name, core_dumped, error_message, lang_tag }) => self.push(
                last,
                Item::Signal { signal: signal_name, core_dumped, message: error_message, language: lang_tag },
            ),
            Some(ChannelMsg::Custom { name, data, .. }) if name == "eow@openssh.com" => {
                self.push(last, Item::EndOfWrite(data));
            }
            Some(ChannelMsg::Success) => self.push_answer(last, true),
            // A client that was told of success already, while it waited, does not close what never began.
            Some(ChannelMsg::Failure) if !self.answer && !self.started => self.closed = true,
            Some(ChannelMsg::Failure) => self.push_answer(last, false),
            Some(ChannelMsg::Close) | None => self.closed = true,
            Some(_) => {}
        }
        Ok(())
    }

    /// The one answer that the client waits for: to its shell, exec or subsystem request.
    fn push_answer(&mut self, ticket: Ticket, success: bool) {
        self.started = true;
        if std::mem::take(&mut self.answer) {
            self.push(ticket, Item::Answer(success));
        }
    }

    fn push(&mut self, ticket: Ticket, item: Item) {
        if let Item::Out(bytes) | Item::Err(_, bytes) = &item {
            self.bytes += bytes.len();
        }
        if self.waiting.is_empty() {
            self.since = self.tape.moment();
        }
        self.waiting.push_back((ticket, item));
    }

    /// Sends on what is written down.
    async fn deliver(&mut self, up_to: Ticket) -> Result<(), russh::Error> {
        while self.waiting.front().is_some_and(|(ticket, _)| *ticket <= up_to) {
            let Some((_, item)) = self.waiting.pop_front() else { break };
            self.send(item).await?;
        }
        self.since = self.tape.moment();
        Ok(())
    }

    async fn send(&mut self, item: Item) -> Result<(), russh::Error> {
        match item {
            Item::Out(data) => {
                self.bytes -= data.len();
                if self.pty {
                    self.screen.feed(&data);
                }
                self.client.data_bytes(data).await?;
                self.warn().await;
                Ok(())
            }
            Item::Err(ext, data) => {
                self.bytes -= data.len();
                self.client.extended_data_bytes(ext, data).await
            }
            Item::Eof => self.client.eof().await,
            Item::Status(status) => self.client.exit_status(status).await,
            Item::Signal { signal, core_dumped, message, language } => {
                self.client.exit_signal(signal, core_dumped, message, language).await
            }
            Item::EndOfWrite(data) => self.client.custom_request(false, "eow@openssh.com", data).await,
            Item::Answer(success) => self.client.reply(success).await,
        }
    }

    /// Gives a warning that is due, once the terminal is between two things.
    async fn warn(&mut self) {
        if !self.screen.is_between() {
            return;
        }
        let Some(warning) = self.warning.take() else { return };
        let text = if self.screen.is_alternate() { warning.title(self.grant) } else { warning.line(self.grant) };
        // It is not the target's output, so it is a marker in the recording. A full disk shows at the next output.
        self.tape.mark(&warning.mark());
        let _ = self.client.data_bytes(text.into_bytes()).await;
    }
}
