//! The listeners of a session on its target (`ssh -R`): decided, recorded, and gone with the session.

use std::sync::Arc;
use std::time::Duration;

use curfew_policy::endpoint::EndpointBuf;
use curfew_policy::text::plain;
use tokio::sync::{mpsc, watch};
use tracing::Instrument as _;

use crate::gate::{Admit, ChannelInfo};
use crate::lease::End;
use crate::record::tape::Tape;
use crate::record::transcript::{Note, Step, Transcript};
use crate::ssh::channel::context::{ChannelContext, SessionContext, ended};
use crate::ssh::channel::forward::{begin, refused};
use crate::ssh::connection::Listen;
use crate::ssh::say::queued::Undecided;
use crate::ssh::target::pool::Pool;

/// How many listeners a session may have at once.
pub const MOST_LISTENERS: usize = 32;

/// How long the target may take to answer. It is never waited for at the end.
const TARGET_ANSWER: Duration = Duration::from_secs(10);

/// What a client wants of the listeners of its session.
pub struct Wish<G> {
    /// What the listener would have of the session.
    pub context: ChannelContext<G>,
    /// The listener.
    pub listen: Listen,
    /// Has channels that begin wait until this is decided.
    pub undecided: Undecided,
}

/// A listener that the target has for us.
struct Listener<G> {
    /// Where, with the port that the target chose where the client left that to it.
    on: EndpointBuf,
    context: ChannelContext<G>,
    info: ChannelInfo,
    tape: Tape,
}

/// Keeps the listeners of a session, one wish after the other, until the session ends or its lease is in its grace. Says
/// why when the whole session has to end with it.
pub async fn tend<G: Admit>(
    session: Arc<SessionContext<G>>,
    mut wishes: mpsc::UnboundedReceiver<Wish<G>>,
) -> Option<End> {
    let (mut cut, mut lease) = (session.cut.clone(), session.lease.clone());
    let mut listeners = Vec::new();
    let (why, end) = loop {
        let wish = tokio::select! {
            biased;
            end = ended(&mut cut) => break (end, None),
            () = lease.grace_begins(&session.clock) => break (End::Expired, None),
            wish = wishes.recv() => wish,
        };
        let Some(Wish { context, listen, undecided: _undecided }) = wish else { break (End::Shutdown, None) };
        let span = context.span.clone();
        if listen.cancel {
            cancel(&session.pool, &mut listeners, listen, &mut cut).instrument(span).await;
        } else if let Err(end) = add(&mut listeners, context, listen, &mut cut).instrument(span).await {
            let fatal = (end == End::RecordingFailed).then(|| end.clone());
            break (end, fatal);
        }
    };
    for listener in &listeners {
        session.pool.forget(&listener.on);
    }
    session.pool.stop_listening(listeners.iter().map(|listener| listener.on.clone()).collect());
    for Listener { context, info, tape, .. } in listeners {
        context.session.recordings.seal(&info, tape.seal(why.as_str())).instrument(context.span.clone()).await;
    }
    end
}

/// Asks the target for a listener, if the role has it.
async fn add<G: Admit>(
    listeners: &mut Vec<Listener<G>>,
    context: ChannelContext<G>,
    listen: Listen,
    cut: &mut watch::Receiver<Option<End>>,
) -> Result<(), End> {
    let Listen { on, reply, .. } = listen;
    let session = Arc::clone(&context.session);
    let (role, pool) = (session.permit.role(), &session.pool);
    let why = if !role.allows_listen(on.as_endpoint()) {
        Some(refused(role, "listening on", &on, &role.listen))
    } else if listeners.len() >= MOST_LISTENERS {
        Some(format!("there are {MOST_LISTENERS} listeners already, and a session may have no more"))
    } else {
        None
    };
    if let Some(why) = why {
        tracing::info!(on = plain(&on.to_string()), "a listener was refused");
        session.queued.add(&why);
        reply.refuse(&format!("curfew: {why}"));
        return Ok(());
    }
    let opening = Note::about("listen").name("on", " on ", on.to_string().as_bytes()).done();
    let (info, tape) = begin(&context, cut, format!("-R {on}"), opening, Box::new(Silent)).await?;
    // Known before the target is asked: a connection may follow its answer at once.
    pool.expect(&on);
    match in_time(pool.listen(&on), cut).await {
        Some(Ok(chosen)) => {
            let settled = chosen.map_or_else(|| on.clone(), |port| with_port(&on, port));
            pool.forget(&on);
            pool.expect(&settled);
            tape.tell(&Note::about("listening").name("on", " on ", settled.to_string().as_bytes()).done());
            reply.accept(chosen);
            listeners.push(Listener { on: settled, context, info, tape });
        }
        refusal => {
            pool.forget(&on);
            if refusal.is_none() {
                // Should it come round to it yet.
                pool.stop_listening(vec![on.clone()]);
            }
            let why = format!("{} does not listen on {}", session.permit.target(), plain(&on.to_string()));
            session.queued.add(&why);
            reply.refuse(&format!("curfew: {why}"));
            session.recordings.seal(&info, tape.seal("refused")).await;
        }
    }
    Ok(())
}

/// Has the target stop one listener. Connections that came by it go on.
async fn cancel<G: Admit>(
    pool: &Pool<G>,
    listeners: &mut Vec<Listener<G>>,
    listen: Listen,
    cut: &mut watch::Receiver<Option<End>>,
) {
    let Some(at) = listeners.iter().position(|listener| listener.on == listen.on) else {
        return listen.reply.refuse("curfew: nobody listens there");
    };
    let Listener { on, context, info, tape } = listeners.swap_remove(at);
    pool.forget(&on);
    match in_time(pool.cancel(&on), cut).await {
        Some(true) => listen.reply.accept(None),
        _ => listen.reply.refuse("curfew: the target does not stop listening there"),
    }
    context.session.recordings.seal(&info, tape.seal("done")).instrument(context.span.clone()).await;
}

/// An answer of the target, unless it takes too long or the session ends.
async fn in_time<T>(answer: impl Future<Output = T>, cut: &mut watch::Receiver<Option<End>>) -> Option<T> {
    tokio::select! {
        biased;
        _ = ended(cut) => None,
        answer = tokio::time::timeout(TARGET_ANSWER, answer) => answer.ok(),
    }
}

fn with_port(on: &EndpointBuf, port: u32) -> EndpointBuf {
    match on {
        EndpointBuf::Tcp(host, _) => EndpointBuf::Tcp(host.clone(), port),
        EndpointBuf::Unix(_) => on.clone(),
    }
}

/// The transcript of a listener, through which itself nothing passes.
struct Silent;

impl Transcript for Silent {
    fn from_client(&mut self, _: bytes::Bytes) -> Step {
        Step::default()
    }

    fn from_target(&mut self, _: bytes::Bytes) -> Step {
        Step::default()
    }

    fn finish(&mut self) -> Vec<Note> {
        vec![Note::about("closed").done()]
    }
}
