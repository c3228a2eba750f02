//! A connection that was refused for want of a grant, and may ask for one.
//!
//! Its first channel with somebody at it, or with the answers in its environment, talks to the product until the request
//! is granted, and then goes on as what it was opened for. The other channels of the connection wait behind it, unread.
//! Nothing is dialled meanwhile: the way to the target is the [`Admitted`] that comes of it.

use std::sync::Arc;
use std::time::Duration;

use curfew_policy::refusal::Refusal;
use russh::{ChannelMsg, ChannelReadHalf, ChannelWriteHalf, server};
use tokio::sync::{mpsc, watch};

use crate::gate::{Admit, Admitted, Asking, Converse};
use crate::lease::drain::Phase;
use crate::ssh::channel::ready::{Ready, tell};
use crate::ssh::channel::refuse::{SILENCE, refuse_one};
use crate::ssh::channel::requests::{Allowed, Asked, gather, wants_reply};
use crate::ssh::connection::{Authenticated, Open, Opened};
use crate::ssh::say::messages::EXIT_REFUSED;
use crate::ssh::say::print::{INPUT_QUEUE, OUTPUT_QUEUE, print};

/// The environment variables that answer what would be asked. They are for Curfew, and no target sees them.
pub const ANSWERS: &str = "CURFEW_";

/// How long it may take until there is a channel that asks.
const ASKING_TIME: Duration = Duration::from_secs(10);

/// The longest that anybody waits here: a request lapses before.
const LONGEST_WAIT: Duration = Duration::from_secs(25 * 60 * 60);

/// Lets the first channel that can ask for what was refused. When that is granted, the connection is admitted, and the
/// channel is ready to go on.
///
/// # Errors
/// Why not, which that channel has been told; the others have not.
pub async fn ask<G: Admit + Converse>(
    connection: &mut Authenticated<G>,
    refusal: Refusal,
) -> Result<(Box<Admitted>, Ready), Refusal> {
    let mut before = Vec::new();
    let Some(mut ready) = who_asks(connection, &refusal, &mut before).await else {
        refuse_all(before, &refusal).await;
        return Err(refusal);
    };
    let gateway = Arc::clone(&connection.gateway);
    if std::mem::take(&mut ready.asked.want_reply) {
        // Some clients show nothing before that, and whether it can start will be seen when it does.
        let _ = ready.to_client.reply(true).await;
    }
    let restarting = || Refusal::new("draining", "the bastion is restarting; what you asked for stands: connect again");
    let granted = tokio::select! {
        biased;
        () = gateway.drain.reached(Phase::Draining) => Err(restarting()),
        () = connection.alive.gone() => Err(left()),
        said = tokio::time::timeout(LONGEST_WAIT, converse(connection, refusal, &mut ready)) => said.unwrap_or_else(|_| Err(left())),
    };
    let admitted = match granted {
        Ok(()) => {
            gateway.gate.admit(&connection.identity, &connection.route, connection.from, &connection.client).await
        }
        Err(refusal) => Err(refusal),
    };
    match admitted {
        Ok(admitted) => {
            ready.before = before;
            Ok((Box::new(admitted), ready))
        }
        Err(refusal) => {
            refuse_all(before, &refusal).await;
            tell(&ready, &refusal.public, EXIT_REFUSED).await;
            Err(refusal)
        }
    }
}

async fn refuse_all(opens: Vec<Open>, refusal: &Refusal) {
    for open in opens {
        refuse_one(open, &refusal.public, EXIT_REFUSED).await;
    }
}

/// The first channel that can ask; those before it are told what there is to tell, and forwards and listeners kept.
async fn who_asks<G>(connection: &mut Authenticated<G>, refusal: &Refusal, before: &mut Vec<Open>) -> Option<Ready> {
    let look = async {
        // Whoever opens no channel (`ssh -N`) is not asked anything.
        let mut next = tokio::time::timeout(SILENCE, connection.opens.recv()).await.ok().flatten();
        loop {
            match next? {
                Open::Session(opened) => match gathered(opened).await {
                    Some(ready) if ready.can_ask() => return Some(ready),
                    Some(ready) => tell(&ready, &refusal.public, EXIT_REFUSED).await,
                    None => {}
                },
                other => before.push(other),
            }
            next = connection.opens.recv().await;
        }
    };
    tokio::time::timeout(ASKING_TIME, look).await.ok().flatten()
}

async fn gathered(opened: Opened) -> Option<Ready> {
    let Opened { mut channel, reply, gone } = opened;
    reply.accept().await;
    // What of this its role does not have is known, and left out, when there is a role.
    let allowed = Allowed { terminal: true, env: &|_| true, agent: true };
    let Some(asked) = gather(&mut channel, allowed).await else {
        let _ = channel.close().await;
        return None;
    };
    let (from_client, to_client) = channel.split();
    Some(Ready { asked, from_client, to_client, gone, before: Vec::new() })
}

impl Ready {
    fn can_ask(&self) -> bool {
        self.asked.terminal.is_some() || !self.answers().is_empty()
    }

    fn answers(&self) -> Vec<(String, String)> {
        self.asked.env.iter().filter(|(name, _)| name.starts_with(ANSWERS)).cloned().collect()
    }
}

/// The conversation between the product and whoever is at the channel.
async fn converse<G: Converse>(
    connection: &Authenticated<G>,
    refusal: Refusal,
    ready: &mut Ready,
) -> Result<(), Refusal> {
    let (output, printed) = mpsc::channel(OUTPUT_QUEUE);
    let (typed, input) = mpsc::channel(INPUT_QUEUE);
    let size = ready.asked.terminal.as_ref().map(|terminal| terminal.size);
    let (resized, screen) = watch::channel(size.unwrap_or_default());
    let asking = Asking {
        refusal,
        start: ready.asked.start.clone(),
        answers: ready.answers(),
        terminal: size.is_some().then_some(screen),
        output,
        input,
    };
    let pty = size.is_some();
    let gate = connection.gateway.gate.as_ref();
    let Ready { asked, from_client, to_client, gone, .. } = ready;
    let talk = async {
        let ask = gate.ask(&connection.identity, &connection.route, asking);
        tokio::join!(ask, print(printed, to_client, pty)).0
    };
    tokio::select! {
        biased;
        said = talk => said,
        () = listen(from_client, to_client, asked, typed, resized), if pty => Err(left()),
        // Without a terminal nobody is asked anything, and what comes is for the target: it is left where it is.
        () = gone.notified(), if !pty => Err(left()),
    }
}

/// Passes on what is typed, and notes how large the terminal is by now. Ends when the client closes the channel.
async fn listen(
    from_client: &mut ChannelReadHalf,
    to_client: &ChannelWriteHalf<server::Msg>,
    asked: &mut Asked,
    typed: mpsc::Sender<bytes::Bytes>,
    resized: watch::Sender<(u32, u32)>,
) {
    let mut typed = Some(typed);
    while let Some(message) = from_client.wait().await {
        match message {
            ChannelMsg::Data { data } => {
                // What is not read in time is not an answer.
                let _ = typed.as_ref().map(|typed| typed.try_send(data));
            }
            ChannelMsg::Eof => {
                typed = None;
                asked.ended = true;
            }
            ChannelMsg::WindowChange { col_width, row_height, pix_width, pix_height } => {
                if let Some(terminal) = &mut asked.terminal {
                    terminal.size = (col_width, row_height);
                    terminal.pixels = (pix_width, pix_height);
                    resized.send_replace(terminal.size);
                }
            }
            ChannelMsg::Close => return,
            other => {
                if wants_reply(&other) {
                    let _ = to_client.reply(false).await;
                }
            }
        }
    }
}

/// Nobody is there to be told.
fn left() -> Refusal {
    Refusal::new("left", "nobody waits any more")
}
