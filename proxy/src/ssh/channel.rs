//! One channel of a session: what it asks for, whether the role has that, its recording, its relay, its end.

use std::sync::Arc;
use std::time::Duration;

use curfew_policy::decide::Permit;
use curfew_policy::id::SessionId;
use curfew_policy::role::Role;
use curfew_policy::start::permitted;
use curfew_recorder::Recording;
use russh::{Channel, ChannelReadHalf, ChannelWriteHalf, client, server};
use tokio::sync::{Notify, Semaphore, oneshot, watch};

use crate::clock::Clock;
use crate::deadline::{End, Lease};
use crate::drain::Live;
use crate::farewells::Farewells;
use crate::gate::{ChannelInfo, Gate, Kind};
use crate::idle::Activity;
use crate::session;
use crate::ssh::asking::{Ready, tell};
use crate::ssh::links::{Links, Seat};
use crate::ssh::notice::{EXIT_CUT, EXIT_REFUSED, EXIT_UNREACHABLE, last_line, nothing_new};
use crate::ssh::notices::Notices;
use crate::ssh::relay::{self, Ends, Finished, farewell, relay};
use crate::ssh::requests::{Allowed, Asked, Extra, Start, gather};
use crate::ssh::screen::Screen;
use crate::ssh::server::Opened;
use crate::ssh::tape::{STUCK, Tape};
use crate::ssh::warner::Warner;

/// How long a last line may take to reach a client that is slow to read.
pub(super) const FAREWELL: Duration = Duration::from_millis(150);

/// The size that a recording says where there is no terminal.
pub(super) const NO_TERMINAL: (u32, u32) = (80, 24);

/// What a channel has of its session.
pub struct Talk<G> {
    /// The product.
    pub gate: Arc<G>,
    /// The time.
    pub clock: Clock,
    /// The session.
    pub session: SessionId,
    /// The way to the target, and what may be done there.
    pub permit: Arc<Permit>,
    /// The right to go on.
    pub lease: Lease,
    /// The connections to the target.
    pub links: Arc<Links<G>>,
    /// The connection to the client.
    pub handle: server::Handle,
    /// The places for forwarded connections.
    pub forwards: Arc<Semaphore>,
    /// Lines that the next channel shows.
    pub notices: Notices,
    /// Becomes the end of the session, once there is one.
    pub cut: watch::Receiver<Option<End>>,
    /// The sessions that are being told goodbye.
    pub farewells: Arc<Farewells>,
    /// The turns to seal a recording.
    pub seals: Arc<Semaphore>,
    /// When something last moved.
    pub activity: Activity,
    /// The number of the channel in its session, from 1.
    pub number: u32,
    /// Keeps the gateway from going down before the recording is sealed.
    pub live: Live,
}

/// Serves one channel from its opening to its end. Says why when the whole session has to end with it.
pub async fn serve<G: Gate>(talk: Talk<G>, opened: Opened) -> Option<End> {
    let Opened { mut channel, reply, gone } = opened;
    reply.accept().await;
    let role = Arc::clone(talk.permit.role());
    let allowed = Allowed { terminal: role.allows_pty(), env: &|name| role.allows_env(name), agent: role.agent };
    let (mut cut, mut lease) = (talk.cut.clone(), talk.lease.clone());
    let asked = tokio::select! {
        biased;
        end = ended(&mut cut) => {
            let (_, client) = channel.split();
            say_goodbye(&talk, &client, None, &end).await;
            return None;
        }
        () = lease.grace_begins(&talk.clock) => {
            let (_, client) = channel.split();
            let line = format!("curfew: {}", nothing_new(talk.permit.grant()));
            finish(farewell(&client, None, Some(&line), EXIT_REFUSED)).await;
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
        if asked.want_reply {
            let _ = to_client.reply(true).await;
        }
        let terminal = asked.terminal.as_ref().map(|_| Screen::default());
        finish(farewell(&to_client, terminal.as_ref(), Some(&format!("curfew: {why}")), EXIT_REFUSED)).await;
        drain(&mut from_client).await;
        return None;
    }
    run(&talk, asked, &mut from_client, &to_client, gone, cut).await
}

/// Serves a channel that waited for its session to be admitted.
pub async fn resume<G: Gate>(talk: Talk<G>, ready: Ready) -> Option<End> {
    let role = talk.permit.role();
    if let Err(why) = permitted(role, &ready.asked.start) {
        tell(&ready, &why, EXIT_REFUSED).await;
        return None;
    }
    let Ready { mut asked, mut from_client, to_client, gone, .. } = ready;
    asked.narrow(role);
    let cut = talk.cut.clone();
    run(&talk, asked, &mut from_client, &to_client, gone, cut).await
}

/// Records and relays an allowed channel.
async fn run<G: Gate>(
    talk: &Talk<G>,
    asked: Asked,
    from_client: &mut ChannelReadHalf,
    to_client: &ChannelWriteHalf<server::Msg>,
    gone: Arc<Notify>,
    mut cut: watch::Receiver<Option<End>>,
) -> Option<End> {
    let info = describe(talk.number, &asked);
    let begun = tokio::select! {
        biased;
        end = ended(&mut cut) => {
            let terminal = asked.terminal.as_ref().map(|_| Screen::default());
            say_goodbye(talk, to_client, terminal.as_ref(), &end).await;
            return None;
        }
        begun = record(&talk.gate, talk.session, &talk.permit, &info) => begun,
    };
    let tape = match begun {
        Ok(recording) => Tape::new(recording, &asked, talk.permit.role(), talk.clock.clone(), talk.activity.clone()),
        Err(error) => {
            tracing::error!(session = %talk.session, %error, "a recording could not be begun");
            if asked.want_reply {
                let _ = to_client.reply(true).await;
            }
            let terminal = asked.terminal.as_ref().map(|_| Screen::default());
            say_goodbye(talk, to_client, terminal.as_ref(), &End::RecordingFailed).await;
            return Some(End::RecordingFailed);
        }
    };
    let mut screen = Screen::default();
    let waits = matches!(asked.start, Start::Exec(_)) && asked.terminal.is_none();
    let running = waits.then(|| talk.activity.run());
    asked.refused.iter().for_each(|extra| talk.notices.add(&without(*extra, talk.permit.role())));
    let work = async {
        // After the listeners that were asked for before it, which a command may count on.
        talk.notices.say(to_client).await;
        let (target, seat) = begin(talk, &asked).await?;
        let (mut from_target, to_target) = target.split();
        let ends = Ends { from_client, to_client, from_target: &mut from_target, to_target: &to_target };
        let channel = relay::Channel {
            tape: &tape,
            grant: talk.permit.grant(),
            pty: asked.terminal.is_some(),
            want_reply: asked.want_reply,
            has_status: true,
            warner: Warner::new(talk.lease.clone(), talk.clock.clone()),
            gone,
        };
        let finished = relay(ends, channel, &mut screen).await;
        Ok::<_, String>((finished, seat.fault()))
    };
    let finished = tokio::select! {
        biased;
        end = ended(&mut cut) => Err(end),
        finished = work => Ok(finished),
    };
    drop(running);
    let terminal = asked.terminal.is_some().then_some(&screen);
    let (why, end) = match finished {
        Ok(Ok((Finished::Target, Some(line)))) => {
            finish(farewell(to_client, terminal, Some(&format!("curfew: {line}")), EXIT_UNREACHABLE)).await;
            ("unreachable", None)
        }
        Ok(Ok((Finished::Target, None))) => {
            let _ = to_client.close().await;
            ("done", None)
        }
        Ok(Ok((Finished::Client, _))) => {
            let _ = to_client.close().await;
            ("client", None)
        }
        Ok(Ok((Finished::Garbled(line), _))) => {
            finish(farewell(to_client, terminal, Some(&format!("curfew: {line}")), EXIT_UNREACHABLE)).await;
            ("garbled", None)
        }
        Ok(Ok((Finished::RecordingFailed, _))) => {
            say_goodbye(talk, to_client, terminal, &End::RecordingFailed).await;
            ("recording-failed", Some(End::RecordingFailed))
        }
        Ok(Err(line)) => {
            if asked.want_reply {
                let _ = to_client.reply(true).await;
            }
            finish(farewell(to_client, terminal, Some(&format!("curfew: {line}")), EXIT_UNREACHABLE)).await;
            ("target", None)
        }
        Err(end) => {
            say_goodbye(talk, to_client, terminal, &end).await;
            // All that was shown is written down already.
            let _ = tokio::time::timeout(session::FAREWELL, talk.farewells.over()).await;
            (end.as_str(), None)
        }
    };
    seal(talk, &info, tape, why).await;
    end
}

/// Seals a recording when it is its turn.
pub(super) async fn seal<G: Gate>(talk: &Talk<G>, info: &ChannelInfo, tape: Tape, why: &str) {
    // It is never closed; without a turn it is sealed all the same.
    let _turn = talk.seals.acquire().await;
    match tape.seal(why).await {
        Ok(sealed) => talk.gate.sealed(talk.session, info, sealed).await,
        Err(error) => tracing::error!(session = %talk.session, %error, "a recording could not be sealed"),
    }
}

/// Begins the recording. A disk that is stuck gets no more time than for a write; a recording that it begins later is
/// sealed at once, and its channel never was.
pub(crate) async fn record<G: Gate>(
    gate: &Arc<G>,
    session: SessionId,
    permit: &Arc<Permit>,
    info: &ChannelInfo,
) -> std::io::Result<Recording> {
    let (gate, permit, info) = (Arc::clone(gate), Arc::clone(permit), info.clone());
    let (hand_over, begun) = oneshot::channel();
    tokio::spawn(async move {
        let recording = gate.record(session, &permit, &info).await;
        let Err(Ok(late)) = hand_over.send(recording) else { return };
        if let Ok(sealed) = late.seal("too-late", Duration::ZERO).await {
            gate.sealed(session, &info, sealed).await;
        }
    });
    let stuck = |what: &str| std::io::Error::new(std::io::ErrorKind::TimedOut, what);
    let begun = tokio::time::timeout(STUCK, begun).await.map_err(|_| stuck("the disk does not answer"))?;
    begun.map_err(|_| stuck("it fell over"))?
}

/// Waits for the end of the session. A session that forgot to say why was shut down.
pub(super) async fn ended(cut: &mut watch::Receiver<Option<End>>) -> End {
    match cut.wait_for(Option::is_some).await {
        Ok(end) => end.clone().unwrap_or(End::Shutdown),
        Err(_) => End::Shutdown,
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
        Start::Shell => (Kind::Shell, None),
        Start::Exec(command) => (Kind::Exec, Some(String::from_utf8_lossy(command).into_owned())),
        Start::Subsystem(name) if name == "sftp" => (Kind::Sftp, None),
        Start::Subsystem(name) => (Kind::Subsystem, Some(name.clone())),
    };
    ChannelInfo {
        channel: number,
        kind,
        command,
        term: asked.terminal.as_ref().map(|terminal| terminal.term.clone()),
        size: asked.terminal.as_ref().map_or(NO_TERMINAL, |terminal| terminal.size),
    }
}

/// Opens the channel on the target and repeats there what the client asked for.
async fn begin<G: Gate>(talk: &Talk<G>, asked: &Asked) -> Result<(Channel<client::Msg>, Seat), String> {
    let failed = |_| "the target closed the channel".to_owned();
    let (channel, mut seat) = talk.links.open_session().await?;
    if asked.agent {
        seat.lend_agent();
        // Its answer would be taken for that to the start; a target that refuses goes without, as with plain ssh.
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

async fn say_goodbye<G>(talk: &Talk<G>, client: &ChannelWriteHalf<server::Msg>, terminal: Option<&Screen>, end: &End) {
    let line = last_line(talk.permit.grant(), talk.session, end);
    let status = if end.is_cut() { EXIT_CUT } else { EXIT_UNREACHABLE };
    finish(farewell(client, terminal, line.as_deref(), status)).await;
}

/// Gives a farewell the time it may take. A client that stopped reading goes without.
async fn finish(farewell: impl Future<Output = Result<(), russh::Error>>) {
    let _ = tokio::time::timeout(FAREWELL, farewell).await;
}

/// Takes what a client still sends on a channel that was refused, until it closes it.
async fn drain(from_client: &mut ChannelReadHalf) {
    let _ = tokio::time::timeout(Duration::from_secs(5), async { while from_client.wait().await.is_some() {} }).await;
}
