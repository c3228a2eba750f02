//! A channel that runs something, a shell, a command or a subsystem: what it asks for, whether the role has that, its
//! recording, its relay, its end.

use std::sync::Arc;
use std::time::Duration;

use curfew_policy::role::Role;
use curfew_policy::start::{Start, permitted};
use curfew_recorder::Recording;
use russh::{Channel, ChannelReadHalf, ChannelWriteHalf, client, server};
use tokio::sync::{Notify, watch};

use crate::gate::{Admit, ChannelInfo, ChannelKind};
use crate::lease::End;
use crate::lease::warning::Warner;
use crate::record::copy::{Copy, CopyKind};
use crate::record::sftp::SftpGate;
use crate::record::tape::Tape;
use crate::record::transcript::Transcript;
use crate::ssh::channel::context::{ChannelContext, SessionContext, ended};
use crate::ssh::channel::outcome::{ClientSide, Outcome};
use crate::ssh::channel::ready::{Ready, tell};
use crate::ssh::channel::relay::{Ends, RelayedChannel, relay};
use crate::ssh::channel::requests::{Allowed, Asked, Extra, gather};
use crate::ssh::connection::Opened;
use crate::ssh::say::messages::{EXIT_REFUSED, nothing_new};
use crate::ssh::say::terminal::Screen;
use crate::ssh::target::pool::Seat;

/// Serves one channel from its opening to its end. Says why when the whole session has to end with it.
pub async fn serve<G: Admit>(context: ChannelContext<G>, opened: Opened) -> Option<End> {
    let Opened { mut channel, reply, gone } = opened;
    let session = &context.session;
    reply.accept().await;
    let role = Arc::clone(session.permit.role());
    let allowed = Allowed { terminal: role.allows_pty(), env: &|name| role.allows_env(name), agent: role.agent };
    let (mut cut, mut lease) = (session.cut.clone(), session.lease.clone());
    let asked = tokio::select! {
        biased;
        end = ended(&mut cut) => {
            let (_, client) = channel.split();
            ClientSide { client: &client, terminal: None, want_reply: false }.say_goodbye(session, &end).await;
            return None;
        }
        () = lease.grace_begins(&session.clock) => {
            let (_, client) = channel.split();
            let line = nothing_new(session.permit.grant());
            ClientSide { client: &client, terminal: None, want_reply: false }.tell(&line, EXIT_REFUSED).await;
            return None;
        }
        asked = gather(&mut channel, allowed) => asked,
    };
    let Some(asked) = asked else {
        let _ = channel.close().await;
        return None;
    };
    let (mut from_client, to_client) = channel.split();
    if let Err(why) = permitted(&role, &asked.start) {
        let blank = Screen::default();
        let client_side = asked.client_side(&to_client, &blank);
        client_side.answer().await;
        client_side.tell(&why, EXIT_REFUSED).await;
        drain(&mut from_client).await;
        return None;
    }
    run(&context, asked, &mut from_client, &to_client, gone, cut).await
}

/// Serves a channel that waited for its session to be admitted.
pub async fn resume<G: Admit>(context: ChannelContext<G>, ready: Ready) -> Option<End> {
    let role = context.session.permit.role();
    if let Err(why) = permitted(role, &ready.asked.start) {
        tell(&ready, &why, EXIT_REFUSED).await;
        return None;
    }
    let Ready { mut asked, mut from_client, to_client, gone, .. } = ready;
    asked.narrow(role);
    let cut = context.session.cut.clone();
    run(&context, asked, &mut from_client, &to_client, gone, cut).await
}

/// Records and relays an allowed channel.
async fn run<G: Admit>(
    context: &ChannelContext<G>,
    asked: Asked,
    from_client: &mut ChannelReadHalf,
    to_client: &ChannelWriteHalf<server::Msg>,
    gone: Arc<Notify>,
    mut cut: watch::Receiver<Option<End>>,
) -> Option<End> {
    let session = &context.session;
    let info = describe(context.number, &asked);
    let mut screen = Screen::default();
    let begun = tokio::select! {
        biased;
        end = ended(&mut cut) => {
            asked.client_side(to_client, &screen).say_goodbye(session, &end).await;
            return None;
        }
        begun = session.recordings.begin(&info) => begun,
    };
    let tape = match begun {
        Ok(recording) => tape_for(recording, &asked, session),
        Err(end) => {
            let client_side = asked.client_side(to_client, &screen);
            client_side.answer().await;
            client_side.say_goodbye(session, &end).await;
            return Some(end);
        }
    };
    let waits = matches!(asked.start, Start::Exec(_)) && asked.terminal.is_none();
    let running = waits.then(|| session.activity.run());
    asked.refused.iter().for_each(|extra| session.queued.add(&without(*extra, session.permit.role())));
    let outcome = tokio::select! {
        biased;
        end = ended(&mut cut) => Outcome::Cut(end),
        outcome = work(session, &asked, &tape, (from_client, to_client, gone), &mut screen) => outcome,
    };
    drop(running);
    let (why, end) = outcome.conclude(session, asked.client_side(to_client, &screen)).await;
    session.recordings.seal(&info, tape.seal(why)).await;
    end
}

/// Opens the channel on the target, and relays until one side closes it.
async fn work<G: Admit>(
    session: &SessionContext<G>,
    asked: &Asked,
    tape: &Tape,
    (from_client, to_client, gone): (&mut ChannelReadHalf, &ChannelWriteHalf<server::Msg>, Arc<Notify>),
    screen: &mut Screen,
) -> Outcome {
    // After the listeners that were asked for before it, which a command may count on.
    session.queued.say(to_client).await;
    let (target, seat) = match begin(session, asked).await {
        Ok(begun) => begun,
        Err(line) => return Outcome::NotBegun(line),
    };
    let (mut from_target, to_target) = target.split();
    let ends = Ends { from_client, to_client, from_target: &mut from_target, to_target: &to_target };
    let channel = RelayedChannel {
        tape,
        grant: session.permit.grant(),
        pty: asked.terminal.is_some(),
        want_reply: asked.want_reply,
        has_status: true,
        warner: Warner::new(session.lease.clone(), session.clock.clone()),
        gone,
    };
    let finished = relay(ends, channel, screen).await;
    Outcome::Relayed(finished, seat.fault())
}

/// What a channel is written down on: a transcript where it moves files, else all its bytes.
fn tape_for<G>(recording: Recording, asked: &Asked, session: &SessionContext<G>) -> Tape {
    let role = session.permit.role();
    let (clock, activity) = (session.clock.clone(), session.activity.clone());
    match transcript_of(asked, role) {
        Some(transcript) => Tape::following(recording, transcript, clock, activity),
        None => Tape::new(recording, role.record_input, clock, activity),
    }
}

/// The transcript of what is about to run, where it moves files.
fn transcript_of(asked: &Asked, role: &Role) -> Option<Box<dyn Transcript + Send>> {
    match &asked.start {
        Start::Subsystem(name) if name == "sftp" => Some(Box::new(SftpGate::new(role.sftp).within(&role.sftp_roots))),
        // On a terminal it is something that a person looks at.
        Start::Exec(_) if asked.terminal.is_some() => None,
        Start::Exec(command) => Some(Box::new(Copy::new(CopyKind::of_command(command)?))),
        Start::Subsystem(_) | Start::Shell => None,
    }
}

impl Asked {
    /// Who is told how the channel ends.
    const fn client_side<'a>(&self, client: &'a ChannelWriteHalf<server::Msg>, screen: &'a Screen) -> ClientSide<'a> {
        let terminal = if self.terminal.is_some() { Some(screen) } else { None };
        ClientSide { client, terminal, want_reply: self.want_reply }
    }
}

/// One line on what a channel goes on without.
fn without(extra: Extra, role: &Role) -> String {
    match extra {
        Extra::X11 => "X11 is not forwarded; the session goes on without it".to_owned(),
        Extra::Agent => format!("role {} does not forward your agent; the session goes on without it", role.name),
    }
}

fn describe(number: u32, asked: &Asked) -> ChannelInfo {
    let (kind, command) = match &asked.start {
        Start::Shell => (ChannelKind::Shell, None),
        Start::Exec(command) => (ChannelKind::Exec, Some(String::from_utf8_lossy(command).into_owned())),
        Start::Subsystem(name) if name == "sftp" => (ChannelKind::Sftp, None),
        Start::Subsystem(name) => (ChannelKind::Subsystem, Some(name.clone())),
    };
    ChannelInfo {
        channel: number,
        kind,
        command,
        term: asked.terminal.as_ref().map(|terminal| terminal.term.clone()),
        size: asked.terminal.as_ref().map_or(ChannelInfo::NO_TERMINAL, |terminal| terminal.size),
    }
}

/// Opens the channel on the target and repeats there what the client asked for.
async fn begin<G: Admit>(session: &SessionContext<G>, asked: &Asked) -> Result<(Channel<client::Msg>, Seat), String> {
    let failed = |_| "the target closed the channel".to_owned();
    let (channel, mut seat) = session.pool.open_session().await?;
    if asked.agent {
        seat.lend_agent();
        // Its answer would be taken for that to the start; a target may refuse it, as with plain ssh.
        channel.agent_forward(false).await.map_err(failed)?;
    }
    if let Some(t) = &asked.terminal {
        let (cols, rows) = t.size;
        let (width, height) = t.pixels;
        channel.request_pty(false, &t.term, cols, rows, width, height, &t.modes).await.map_err(failed)?;
    }
    for (name, value) in &asked.env {
        channel.set_env(false, name, value).await.map_err(failed)?;
    }
    match &asked.start {
        Start::Shell => channel.request_shell(true).await,
        Start::Exec(command) => channel.exec(true, command.as_slice()).await,
        Start::Subsystem(name) => channel.request_subsystem(true, name).await,
    }
    .map_err(failed)?;
    if asked.ended {
        channel.eof().await.map_err(failed)?;
    }
    Ok((channel, seat))
}

/// Takes what a client still sends on a channel that was refused, until it closes it.
async fn drain(from_client: &mut ChannelReadHalf) {
    let _ = tokio::time::timeout(Duration::from_secs(5), async { while from_client.wait().await.is_some() {} }).await;
}
