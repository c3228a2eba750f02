//! The listeners of a session on its target (`ssh -R`): decided, recorded, and gone with the session.

use std::sync::Arc;
use std::time::Duration;

use curfew_policy::endpoint::EndpointBuf;
use tokio::sync::{mpsc, watch};

use crate::clock::Clock;
use crate::deadline::{End, Lease};
use crate::gate::{ChannelInfo, Gate};
use crate::ssh::channel::{Talk, ended, seal};
use crate::ssh::forward::{begin, refused};
use crate::ssh::links::Links;
use crate::ssh::notice::plain;
use crate::ssh::notices::Undecided;
use crate::ssh::server::Listen;
use crate::ssh::tape::Tape;
use crate::ssh::transcript::{Note, Step, Transcript};

/// How many listeners a session may have at once.
pub const MOST_LISTENERS: usize = 32;

/// How long the target may take to answer. It is never waited for at the end.
const PATIENCE: Duration = Duration::from_secs(10);

/// A listener that the target has for us.
struct Listener<G> {
    /// Where, with the port that the target chose where the client left that to it.
    on: EndpointBuf,
    talk: Talk<G>,
    info: ChannelInfo,
    tape: Tape,
}

/// Keeps the listeners of a session, one wish after the other, until the session ends or its lease is in its grace. Says
/// why when the whole session has to end with it.
pub async fn tend<G: Gate>(
    links: Arc<Links<G>>,
    mut wishes: mpsc::UnboundedReceiver<(Talk<G>, Listen, Undecided)>,
    mut cut: watch::Receiver<Option<End>>,
    (mut lease, clock): (Lease, Clock),
) -> Option<End> {
    let mut listeners = Vec::new();
    let (why, end) = loop {
        let wish = tokio::select! {
            biased;
            end = ended(&mut cut) => break (end, None),
            () = lease.grace_begins(&clock) => break (End::Expired, None),
            wish = wishes.recv() => wish,
        };
        let Some((talk, listen, _undecided)) = wish else { break (End::Shutdown, None) };
        if listen.cancel {
            cancel(&links, &mut listeners, listen, &mut cut).await;
        } else if let Err(end) = add(&links, &mut listeners, talk, listen, &mut cut).await {
            let fatal = (end == End::RecordingFailed).then(|| end.clone());
            break (end, fatal);
        }
    };
    for listener in &listeners {
        links.forget(&listener.on);
    }
    links.stop_listening(listeners.iter().map(|listener| listener.on.clone()).collect());
    for Listener { talk, info, tape, .. } in listeners {
        seal(&talk, &info, tape, why.as_str()).await;
    }
    end
}

/// Asks the target for a listener, if the role has it.
async fn add<G: Gate>(
    links: &Links<G>,
    listeners: &mut Vec<Listener<G>>,
    talk: Talk<G>,
    listen: Listen,
    cut: &mut watch::Receiver<Option<End>>,
) -> Result<(), End> {
    let Listen { on, reply, .. } = listen;
    let role = talk.permit.role();
    let why = if !role.allows_listen(on.as_endpoint()) {
        Some(refused(role, "listening on", &on, &role.listen))
    } else if listeners.len() >= MOST_LISTENERS {
        Some(format!("there are {MOST_LISTENERS} listeners already, and a session may have no more"))
    } else {
        None
    };
    if let Some(why) = why {
        tracing::info!(session = %talk.session, on = plain(&on.to_string()), "a listener was refused");
        talk.notices.add(&why);
        reply.refuse(&format!("curfew: {why}"));
        return Ok(());
    }
    let opening = Note::about("listen").name("on", " on ", on.to_string().as_bytes()).done();
    let (info, tape) = begin(&talk, cut, format!("-R {on}"), opening, Box::new(Silent)).await?;
    // Known before the target is asked: a connection may follow its answer at once.
    links.expect(&on);
    match in_time(links.listen(&on), cut).await {
        Some(Ok(chosen)) => {
            let settled = chosen.map_or_else(|| on.clone(), |port| with_port(&on, port));
            links.forget(&on);
            links.expect(&settled);
            tape.tell(&Note::about("listening").name("on", " on ", settled.to_string().as_bytes()).done());
            reply.accept(chosen);
            listeners.push(Listener { on: settled, talk, info, tape });
        }
        refusal => {
            links.forget(&on);
            if refusal.is_none() {
                // Should it come round to it yet.
                links.stop_listening(vec![on.clone()]);
            }
            let why = format!("{} does not listen on {}", talk.permit.target(), plain(&on.to_string()));
            talk.notices.add(&why);
            reply.refuse(&format!("curfew: {why}"));
            seal(&talk, &info, tape, "refused").await;
        }
    }
    Ok(())
}

/// Has the target stop one listener. Connections that came by it go on.
async fn cancel<G: Gate>(
    links: &Links<G>,
    listeners: &mut Vec<Listener<G>>,
    listen: Listen,
    cut: &mut watch::Receiver<Option<End>>,
) {
    let Some(at) = listeners.iter().position(|listener| listener.on == listen.on) else {
        return listen.reply.refuse("curfew: nobody listens there");
    };
    let Listener { on, talk, info, tape } = listeners.swap_remove(at);
    links.forget(&on);
    match in_time(links.cancel(&on), cut).await {
        Some(true) => listen.reply.accept(None),
        _ => listen.reply.refuse("curfew: the target does not stop listening there"),
    }
    seal(&talk, &info, tape, "done").await;
}

/// An answer of the target, unless it takes too long or the session ends.
async fn in_time<T>(answer: impl Future<Output = T>, cut: &mut watch::Receiver<Option<End>>) -> Option<T> {
    tokio::select! {
        biased;
        _ = ended(cut) => None,
        answer = tokio::time::timeout(PATIENCE, answer) => answer.ok(),
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
