//! One forwarded connection of a session, whichever side opened it: decided, recorded, relayed, cut.

use std::sync::Arc;

use curfew_policy::endpoint::{Endpoint, EndpointBuf, EndpointPattern};
use curfew_policy::role::Role;
use curfew_policy::text::plain;
use russh::{Channel, ChannelOpenFailure, client, server};
use tokio::sync::{Notify, OwnedSemaphorePermit, watch};

use crate::gate::{Admit, ChannelInfo, ChannelKind};
use crate::lease::End;
use crate::lease::farewells::{CHANNEL_FAREWELL, SESSION_FAREWELL};
use crate::lease::warning::Warner;
use crate::record::count::Count;
use crate::record::tape::Tape;
use crate::record::transcript::{Draft, Note, Transcript};
use crate::ssh::channel::context::{ChannelContext, SessionContext, ended};
use crate::ssh::channel::relay::{Ends, Finished, RelayedChannel, relay};
use crate::ssh::connection::{Forwarded, Opened};
use crate::ssh::say::messages::last_line;
use crate::ssh::say::terminal::Screen;
use crate::ssh::target::incoming::{By, Came};
use crate::ssh::target::pool::refusal_of;

/// How many forwarded connections a session may have at once, both ways together.
pub const MOST_FORWARDS: usize = 200;

/// The side that opened a forwarded connection, and waits for the answer.
enum Opener {
    Client { channel: Channel<server::Msg>, reply: server::ChannelOpenHandle, to: EndpointBuf },
    Target { channel: Channel<client::Msg>, reply: client::ChannelOpenHandle, by: By },
}

/// Both sides of a forwarded connection.
type Pair = (Channel<server::Msg>, Channel<client::Msg>);

/// Serves a connection that the client wants to the target's side. Says why when the whole session has to end with it.
pub async fn outward<G: Admit>(context: ChannelContext<G>, wanted: Forwarded) -> Option<End> {
    let session = &context.session;
    let Forwarded { opened, to, from } = wanted;
    let from = shortened(from);
    let role = session.permit.role();
    if !role.allows_forward(to.as_endpoint()) {
        tracing::info!(to = plain(&to.to_string()), "a forward was refused");
        let why = refused(role, "forwarding to", &to, &role.forward);
        opened.refuse(ChannelOpenFailure::AdministrativelyProhibited, &why).await;
        return None;
    }
    let Ok(place) = Arc::clone(&session.forwards).try_acquire_owned() else {
        let why = format!("{MOST_FORWARDS} connections are forwarded already, and a session may have no more");
        opened.refuse(ChannelOpenFailure::ResourceShortage, &why).await;
        return None;
    };
    let opening = with_from(Note::about("forward").name("to", " to ", to.to_string().as_bytes()), " for ", &from);
    let command = format!("-L {to}");
    let Opened { channel, reply, gone } = opened;
    serve(context, Opener::Client { channel, reply, to }, from, gone, (command, opening), place).await
}

/// Serves a connection that the target has for the client.
pub async fn inward<G: Admit>(context: ChannelContext<G>, came: Came) -> Option<End> {
    let Came { by, from, channel, reply, place } = came;
    let from = shortened(from);
    let (command, opening) = match &by {
        By::Listener(on) => (format!("-R {on}"), Note::about("accept").name("on", " on ", on.to_string().as_bytes())),
        By::Agent => ("-A".to_owned(), Note::about("agent").say(" asked by the target")),
    };
    let opening = with_from(opening, " from ", &from);
    // A close of the client's is read with the data before it.
    let gone = Arc::default();
    serve(context, Opener::Target { channel, reply, by }, from, gone, (command, opening), place).await
}

/// From the opening to the end, under a recording of its own.
async fn serve<G: Admit>(
    context: ChannelContext<G>,
    opener: Opener,
    from: (String, u32),
    gone: Arc<Notify>,
    (command, opening): (String, Note),
    _place: OwnedSemaphorePermit,
) -> Option<End> {
    let session = &context.session;
    let mut cut = session.cut.clone();
    let (info, tape) = match begin(&context, &mut cut, command, opening, Box::new(Count::default())).await {
        Ok(begun) => begun,
        Err(end) => {
            opener.refuse(&cut_words(session, &end)).await;
            return (end == End::RecordingFailed).then_some(end);
        }
    };
    let joined = tokio::select! {
        biased;
        // What is dropped with `join` is refused.
        end = ended(&mut cut) => Err((end.as_str(), None)),
        () = tape.failed() => Err(("recording-failed", Some(End::RecordingFailed))),
        pair = join(session, opener, &from) => pair.map_err(|reason| {
            tape.tell(&Note::about("refused").name("why", ": ", reason.description().as_bytes()).done());
            ("refused", None)
        }),
    };
    let (why, end) = match joined {
        Ok(pair) => carry(session, &tape, pair, gone, &mut cut).await,
        Err(over) => over,
    };
    session.recordings.seal(&info, tape.seal(why)).await;
    end
}

/// Begins the recording of what is forwarded; its first note is written when this ends. An error is the end of the
/// session, as it came or because nothing can be recorded.
pub(super) async fn begin<G: Admit>(
    context: &ChannelContext<G>,
    cut: &mut watch::Receiver<Option<End>>,
    command: String,
    opening: Note,
    transcript: Box<dyn Transcript + Send>,
) -> Result<(ChannelInfo, Tape), End> {
    let session = &context.session;
    let info = ChannelInfo {
        channel: context.number,
        kind: ChannelKind::Forward,
        command: Some(command),
        term: None,
        size: ChannelInfo::NO_TERMINAL,
    };
    let recording = tokio::select! {
        biased;
        end = ended(cut) => return Err(end),
        recording = session.recordings.begin(&info) => recording?,
    };
    let tape = Tape::following(recording, transcript, session.clock.clone(), session.activity.clone());
    tape.tell(&opening);
    match tape.written(tape.last(), tape.moment()).await {
        Ok(_) => Ok((info, tape)),
        Err(_) => {
            session.recordings.seal(&info, tape.seal(End::RecordingFailed.as_str())).await;
            Err(End::RecordingFailed)
        }
    }
}

/// Opens the other side, and answers the one that waits.
async fn join<G: Admit>(
    session: &SessionContext<G>,
    opener: Opener,
    from: &(String, u32),
) -> Result<Pair, ChannelOpenFailure> {
    match opener {
        Opener::Client { channel, reply, to } => match session.pool.forward(&to, from).await {
            Ok(target) => {
                reply.accept().await;
                Ok((channel, target))
            }
            Err(reason) => {
                reply.reject(reason.clone()).await;
                Err(reason)
            }
        },
        Opener::Target { channel, reply, by } => match to_client(session, &by, from).await {
            Ok(client) => {
                reply.accept().await;
                Ok((client, channel))
            }
            Err(reason) => {
                reply.reject(reason.clone()).await;
                Err(reason)
            }
        },
    }
}

async fn to_client<G: Admit>(
    session: &SessionContext<G>,
    by: &By,
    (host, port): &(String, u32),
) -> Result<Channel<server::Msg>, ChannelOpenFailure> {
    let opened = match by {
        By::Listener(EndpointBuf::Tcp(on, on_port)) => {
            session.handle.channel_open_forwarded_tcpip(on, *on_port, host, *port).await
        }
        By::Listener(EndpointBuf::Unix(path)) => session.handle.channel_open_forwarded_streamlocal(path).await,
        By::Agent => session.handle.channel_open_agent().await,
    };
    opened.map_err(|error| refusal_of(&error))
}

/// Relays until one side closes the connection, or the session ends.
async fn carry<G: Admit>(
    session: &SessionContext<G>,
    tape: &Tape,
    (near, far): Pair,
    gone: Arc<Notify>,
    cut: &mut watch::Receiver<Option<End>>,
) -> (&'static str, Option<End>) {
    let (mut from_client, to_client) = near.split();
    let (mut from_target, to_target) = far.split();
    let ends = Ends {
        from_client: &mut from_client,
        to_client: &to_client,
        from_target: &mut from_target,
        to_target: &to_target,
    };
    let channel = RelayedChannel {
        tape,
        grant: session.permit.grant(),
        pty: false,
        want_reply: false,
        has_status: false,
        warner: Warner::new(session.lease.clone(), session.clock.clone()),
        gone,
    };
    let mut screen = Screen::default();
    let finished = tokio::select! {
        biased;
        end = ended(cut) => Err(end),
        finished = relay(ends, channel, &mut screen) => Ok(finished),
    };
    // The loops of both connections may be stuck in a write; then their sockets are shut down soon.
    let closing = async { tokio::join!(to_target.close(), to_client.close()) };
    let _ = tokio::time::timeout(CHANNEL_FAREWELL, closing).await;
    match finished {
        Ok(Finished::Target) => ("done", None),
        Ok(Finished::Client) => ("client", None),
        Ok(Finished::Garbled(_)) => ("garbled", None),
        Ok(Finished::RecordingFailed) => ("recording-failed", Some(End::RecordingFailed)),
        Err(end) => {
            let _ = tokio::time::timeout(SESSION_FAREWELL, session.farewells.over()).await;
            (end.as_str(), None)
        }
    }
}

impl Opener {
    async fn refuse(self, why: &str) {
        let reason = ChannelOpenFailure::Other {
            code: ChannelOpenFailure::AdministrativelyProhibited.code(),
            reason: why.to_owned(),
        };
        match self {
            Self::Client { reply, .. } => reply.reject(reason).await,
            // What we tell people is not for the target.
            Self::Target { reply, .. } => reply.reject(ChannelOpenFailure::AdministrativelyProhibited).await,
        }
    }
}

/// One line that says what a role allows instead: `role look does not allow forwarding to db:22; it allows *:5432`.
pub(super) fn refused(role: &Role, what: &str, wanted: &EndpointBuf, allowed: &[EndpointPattern]) -> String {
    let wanted = plain(&wanted.to_string());
    let list = allowed.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let instead = if list.is_empty() { "it allows none".to_owned() } else { format!("it allows {list}") };
    format!("role {} does not allow {what} {wanted}; {instead}", role.name)
}

fn cut_words<G>(session: &SessionContext<G>, end: &End) -> String {
    last_line(session.permit.grant(), session.id, end).unwrap_or_else(|| "curfew: the session is over".to_owned())
}

/// Where a connection comes from, in the words of the side that opened it, if it says so.
fn with_from(draft: Draft, before: &str, (host, port): &(String, u32)) -> Note {
    if host.is_empty() {
        return draft.done();
    }
    draft.name("from", before, Endpoint::Tcp(host, *port).to_string().as_bytes()).done()
}

/// Nobody's address is longer than a name in DNS: one that is does not get into recordings.
fn shortened((host, port): (String, u32)) -> (String, u32) {
    if host.len() > 253 { (String::new(), 0) } else { (host, port) }
}
