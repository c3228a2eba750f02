//! One channel of the demo's target: requests until a program starts (RFC 4254 §6), then its bytes both ways.

use bytes::BytesMut;
use russh::server::Msg;
use russh::{Channel, ChannelMsg, ChannelReadHalf, ChannelWriteHalf};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use super::program::{LAST_WORDS, Program, ProgramInput, ProgramOutput, ProgramSetting, What};

/// The code of stderr among extended data (RFC 4254 §5.2).
const STDERR: u32 = 1;

/// How much is read from a program at once, in bytes.
const PIECE: usize = 32 * 1024;

/// Serves a channel to its end. Dropped on the way, it takes the program's process group with it.
pub async fn serve(channel: Channel<Msg>) {
    let (mut down, up) = channel.split();
    let mut setting = ProgramSetting::default();
    let Some(what) = wanted(&mut down, &up, &mut setting).await else { return };
    let started = Program::start(&what, setting);
    let _ = up.reply(started.is_ok()).await;
    if let Ok((program, input, output)) = started {
        // An error means that the connection is gone, and nobody is left to tell.
        let _ = run(program, input, output, down, &up).await;
    }
    let _ = up.close().await;
}

/// Takes requests until one says what to run.
async fn wanted(down: &mut ChannelReadHalf, up: &ChannelWriteHalf<Msg>, setting: &mut ProgramSetting) -> Option<What> {
    loop {
        let (want_reply, understood) = match down.wait().await? {
            ChannelMsg::RequestPty { want_reply, term, col_width, row_height, .. } => {
                (want_reply, setting.terminal(term, col_width, row_height))
            }
            ChannelMsg::SetEnv { want_reply, variable_name, variable_value } => {
                (want_reply, setting.variable(variable_name, variable_value))
            }
            ChannelMsg::RequestShell { .. } => return Some(What::Shell),
            ChannelMsg::Exec { command, .. } => return Some(What::Command(command)),
            ChannelMsg::Close => return None,
            other => (wants_reply(&other), false),
        };
        if want_reply {
            up.reply(understood).await.ok()?;
        }
    }
}

/// Whether a request that is not served here waits for an answer.
fn wants_reply(request: &ChannelMsg) -> bool {
    match request {
        ChannelMsg::RequestSubsystem { want_reply, .. }
        | ChannelMsg::RequestX11 { want_reply, .. }
        | ChannelMsg::AgentForward { want_reply }
        | ChannelMsg::RequestPty { want_reply, .. }
        | ChannelMsg::RequestShell { want_reply }
        | ChannelMsg::Exec { want_reply, .. }
        | ChannelMsg::SetEnv { want_reply, .. }
        | ChannelMsg::Custom { want_reply, .. } => *want_reply,
        _ => false,
    }
}

/// Passes bytes both ways until the program has ended and all it wrote is sent, or the client closes the channel.
async fn run(
    mut program: Program,
    mut input: ProgramInput,
    output: ProgramOutput,
    mut down: ChannelReadHalf,
    up: &ChannelWriteHalf<Msg>,
) -> Result<(), russh::Error> {
    let group = program.group();
    let take = async {
        while let Some(msg) = down.wait().await {
            match msg {
                ChannelMsg::Data { data } => input = write(input, &data).await,
                ChannelMsg::Eof => input = input.end(),
                ChannelMsg::WindowChange { col_width, row_height, .. } => input.resize(col_width, row_height),
                ChannelMsg::Signal { signal } => group.signal(&signal),
                ChannelMsg::Close => return,
                other if wants_reply(&other) => _ = up.reply(false).await,
                _ => {}
            }
        }
    };
    let give = async {
        match output {
            ProgramOutput::Terminal(mut terminal) => {
                // What still holds the terminal after its shell has ended does not keep the channel open.
                tokio::select! {
                    sent = send(&mut terminal, up, None) => sent?,
                    _ = program.wait() => if let Ok(sent) = timeout(LAST_WORDS, send(&mut terminal, up, None)).await {
                        sent?;
                    },
                }
            }
            ProgramOutput::Pipes(mut out, mut err) => {
                tokio::try_join!(send(&mut out, up, None), send(&mut err, up, Some(STDERR)))?;
            }
        }
        up.eof().await?;
        match program.wait().await {
            Ok(ended) => ended.tell(up).await,
            Err(_) => Ok(()),
        }
    };
    tokio::select! {
        () = take => Ok(()),
        given = give => given,
    }
}

/// Writes to the program. When it no longer reads, the rest goes nowhere, as with a broken pipe.
async fn write(mut input: ProgramInput, data: &[u8]) -> ProgramInput {
    let written = match &mut input {
        ProgramInput::Terminal(terminal) => terminal.write_all(data).await,
        ProgramInput::Pipe(pipe) => pipe.write_all(data).await,
        ProgramInput::Ended => return ProgramInput::Ended,
    };
    if written.is_ok() { input } else { ProgramInput::Ended }
}

/// Sends all that can be read.
async fn send(
    from: &mut (impl AsyncRead + Unpin),
    up: &ChannelWriteHalf<Msg>,
    extended: Option<u32>,
) -> Result<(), russh::Error> {
    let mut buffer = BytesMut::new();
    loop {
        buffer.reserve(PIECE);
        // An error is an end too: Linux gives EIO when the last process has left a terminal.
        if !matches!(from.read_buf(&mut buffer).await, Ok(read) if read > 0) {
            return Ok(());
        }
        let piece = buffer.split().freeze();
        match extended {
            None => up.data_bytes(piece).await?,
            Some(code) => up.extended_data_bytes(code, piece).await?,
        }
    }
}
