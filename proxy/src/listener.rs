//! Where connections come in.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustix::io::Errno;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

use crate::drain::Phase;
use crate::gate::Gate;
use crate::hub::Hub;
use crate::route::Route;
use crate::session::{self, Authenticated};
use crate::ssh::bastion::{self, Arrived};
use crate::ssh::server::{Door, Proven, Visitor};
use crate::strangers::{Guest, Stranger};
use crate::wire::Wire;
use crate::workers::Workers;

/// How long a stranger may take to prove who they are.
pub const LOGIN_GRACE: Duration = Duration::from_secs(30);

/// How often it is said that nothing can be accepted.
const SAY_EVERY: Duration = Duration::from_secs(60);

/// Accepts connections until the gateway drains, and deals them to the workers.
pub async fn listen<G: Gate>(hub: Arc<Hub<G>>, listener: TcpListener, workers: Arc<Workers>) {
    let mut told: Option<Duration> = None;
    loop {
        tokio::select! {
            biased;
            () = hub.drain.reached(Phase::Draining) => return,
            accepted = listener.accept() => match accepted.and_then(|(stream, from)| Ok((stream.into_std()?, from))) {
                Ok((stream, from)) => {
                    let Some(stranger) = hub.strangers.enter(from.ip()) else {
                        hub.gate.refused(from, "full", "there are as many sessions as there may be");
                        continue;
                    };
                    let hub = Arc::clone(&hub);
                    workers.spawn(move || async move {
                        match TcpStream::from_std(stream) {
                            Ok(stream) => connection(hub, stream, from, stranger).await,
                            Err(error) => tracing::warn!(%error, "a connection could not be taken over"),
                        }
                    });
                }
                Err(error) => {
                    let now = hub.clock.now().mono;
                    if told.is_none_or(|told| now.saturating_sub(told) >= SAY_EVERY) {
                        tracing::warn!(%error, "connections cannot be accepted");
                        told = Some(now);
                    }
                    breathe(&hub, &error).await;
                }
            },
        }
    }
}

/// Out of file descriptors, or a client that left before it was accepted: neither ends the listener.
async fn breathe<G>(hub: &Hub<G>, error: &io::Error) {
    if matches!(Errno::from_io_error(error), Some(Errno::MFILE | Errno::NFILE)) {
        hub.strangers.make_room();
    }
    tokio::time::sleep(Duration::from_millis(50)).await;
}

/// One connection, from its first byte to its end.
async fn connection<G: Gate>(hub: Arc<Hub<G>>, stream: TcpStream, from: SocketAddr, stranger: Stranger) {
    let _live = hub.drain.enter();
    let wire = Wire::new(stream);
    let breaker = wire.breaker();
    let (door, visitor) = Door::new(Arc::clone(&hub.gate), from, stranger.knock());
    let Visitor { proven, opens, alive } = visitor;
    let Some((proven, _guest)) = prove(&hub, wire, from, stranger, door, proven).await else { return };
    let Proven { identity, typed, client, handle } = proven;
    match Route::parse(&typed, |name| hub.gate.is_target(name)) {
        Route::Bastion(called) => bastion::serve(Arrived { hub, identity, called, from, client, opens, alive }).await,
        route => {
            session::serve(Authenticated { hub, identity, route, from, client, handle, opens, alive, breaker }).await;
        }
    }
}

/// Waits until a stranger has proven who it is; `None` when it has to go.
async fn prove<G: Gate>(
    hub: &Hub<G>,
    wire: Wire,
    from: SocketAddr,
    mut stranger: Stranger,
    door: Door<G>,
    proven: oneshot::Receiver<Proven>,
) -> Option<(Proven, Guest)> {
    let config = hub.server_for(None);
    let login = async {
        // The session loop runs on its own from here; it ends when its socket does.
        let running = russh::server::run_stream(config, wire, door).await?;
        match proven.await {
            Ok(proven) => Ok(proven),
            // The door is gone, and so the loop has ended: why?
            Err(_) => Err(running.await.err().unwrap_or(russh::Error::Disconnect)),
        }
    };
    tokio::select! {
        biased;
        proven = login => match proven {
            Ok(proven) => return Some((proven, stranger.proven())),
            Err(why) if !stranger.was_refused() => hub.gate.refused(from, "left", &why.to_string()),
            // That no key of theirs was taken has been told.
            Err(_) => {}
        },
        () = stranger.sent_away() => hub.gate.refused(from, "crowd", "made room for others: too many who prove nothing"),
        () = tokio::time::sleep(LOGIN_GRACE) => {
            hub.gate.refused(from, "login-grace", "did not prove who they are in time");
            stranger.overslept();
        }
        () = hub.drain.reached(Phase::Closing) => {}
    }
    None
}
