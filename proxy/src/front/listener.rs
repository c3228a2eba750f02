//! Where connections come in.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustix::io::Errno;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tracing::{Instrument as _, error_span};

use crate::bastion;
use crate::front::workers::Workers;
use crate::gate::{Authenticate, Gate};
use crate::gateway::Gateway;
use crate::lease::drain::Phase;
use crate::limits::unauthenticated::{Guest, Stranger};
use crate::net::socket::Socket;
use crate::route::Route;
use crate::ssh::connection::{Arrived, Authenticated, Proven};
use crate::ssh::server::{ServerHandler, Visitor, server_for};
use crate::ssh::session;

/// How long a stranger may take to prove who they are.
pub const LOGIN_GRACE: Duration = Duration::from_secs(30);

/// How often it is said that nothing can be accepted.
const SAY_EVERY: Duration = Duration::from_secs(60);

/// Accepts connections until the gateway drains, and deals them to the workers.
pub async fn listen<G: Gate>(gateway: Arc<Gateway<G>>, listener: TcpListener, workers: Arc<Workers>) {
    let mut told: Option<Duration> = None;
    let mut last: u64 = 0;
    loop {
        tokio::select! {
            biased;
            () = gateway.drain.reached(Phase::Draining) => return,
            accepted = listener.accept() => match accepted.and_then(|(stream, from)| Ok((stream.into_std()?, from))) {
                Ok((stream, from)) => {
                    let Some(stranger) = gateway.strangers.enter(from.ip()) else {
                        gateway.gate.refused(from, "full", "there are as many sessions as there may be");
                        continue;
                    };
                    let gateway = Arc::clone(&gateway);
                    last += 1;
                    let span = error_span!("connection", number = last, %from);
                    workers.spawn(move || {
                        let serving = async move {
                            match TcpStream::from_std(stream) {
                                Ok(stream) => connection(gateway, stream, from, stranger).await,
                                Err(error) => tracing::warn!(%error, "a connection could not be taken over"),
                            }
                        };
                        serving.instrument(span)
                    });
                }
                Err(error) => {
                    let now = gateway.clock.now().mono;
                    if told.is_none_or(|told| now.saturating_sub(told) >= SAY_EVERY) {
                        tracing::warn!(%error, "connections cannot be accepted");
                        told = Some(now);
                    }
                    breathe(&gateway, &error).await;
                }
            },
        }
    }
}

/// Out of file descriptors, or a client that left before it was accepted: neither ends the listener.
async fn breathe<G>(gateway: &Gateway<G>, error: &io::Error) {
    if matches!(Errno::from_io_error(error), Some(Errno::MFILE | Errno::NFILE)) {
        gateway.strangers.make_room();
    }
    tokio::time::sleep(Duration::from_millis(50)).await;
}

/// One connection, from its first byte to its end.
async fn connection<G: Gate>(gateway: Arc<Gateway<G>>, stream: TcpStream, from: SocketAddr, stranger: Stranger) {
    let _live = gateway.drain.enter();
    let socket = Socket::new(stream);
    let kill_switch = socket.kill_switch();
    let (handler, visitor) = ServerHandler::new(Arc::clone(&gateway.gate), from, stranger.knock());
    let Visitor { proven, opens, alive } = visitor;
    let Some((proven, _guest)) = prove(&gateway, socket, from, stranger, handler, proven).await else { return };
    let Proven { identity, typed, client, handle } = proven;
    match Route::parse(&typed, |name| gateway.gate.is_target(name)) {
        Route::Bastion(called) => {
            bastion::serve(Arrived { gateway, identity, called, from, client, opens, alive }).await
        }
        route => {
            session::serve(Authenticated { gateway, identity, route, from, client, handle, opens, alive, kill_switch })
                .await;
        }
    }
}

/// Waits until a stranger has proven who it is; `None` when it has to go.
async fn prove<G: Authenticate>(
    gateway: &Gateway<G>,
    socket: Socket,
    from: SocketAddr,
    mut stranger: Stranger,
    handler: ServerHandler<G>,
    proven: oneshot::Receiver<Proven>,
) -> Option<(Proven, Guest)> {
    let config = server_for(gateway, None);
    let login = async {
        // The session loop runs on its own from here; it ends when its socket does.
        let running = russh::server::run_stream(config, socket, handler).await?;
        match proven.await {
            Ok(proven) => Ok(proven),
            // The handler is gone, and so the loop has ended: why?
            Err(_) => Err(running.await.err().unwrap_or(russh::Error::Disconnect)),
        }
    };
    tokio::select! {
        biased;
        proven = login => match proven {
            Ok(proven) => return Some((proven, stranger.proven())),
            Err(why) if !stranger.was_refused() => gateway.gate.refused(from, "left", &why.to_string()),
            // That no key of theirs was taken has been told.
            Err(_) => {}
        },
        () = stranger.sent_away() => gateway.gate.refused(from, "crowd", "made room for others: too many who prove nothing"),
        () = tokio::time::sleep(LOGIN_GRACE) => {
            gateway.gate.refused(from, "login-grace", "did not prove who they are in time");
            stranger.overslept();
        }
        () = gateway.drain.reached(Phase::Closing) => {}
    }
    None
}

#[cfg(test)]
mod tests;
