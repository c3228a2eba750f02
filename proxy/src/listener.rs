//! Where connections come in.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::drain::Phase;
use crate::gate::Gate;
use crate::hub::Hub;
use crate::route::Route;
use crate::session::{self, Authenticated};
use crate::ssh::console;
use crate::ssh::server::{Door, Open, Proven, Visitor};
use crate::wire::Wire;
use crate::workers::Workers;

/// How long a stranger may take to prove who they are.
pub const LOGIN_GRACE: Duration = Duration::from_secs(30);

/// Accepts connections until the gateway drains, and deals them to the workers.
pub async fn listen<G: Gate>(hub: Arc<Hub<G>>, listener: TcpListener, workers: Arc<Workers>) {
    loop {
        tokio::select! {
            biased;
            () = hub.drain.reached(Phase::Draining) => return,
            accepted = listener.accept() => match accepted.and_then(|(stream, from)| Ok((stream.into_std()?, from))) {
                Ok((stream, from)) => {
                    let hub = Arc::clone(&hub);
                    workers.spawn(move || async move {
                        match TcpStream::from_std(stream) {
                            Ok(stream) => connection(hub, stream, from).await,
                            Err(error) => tracing::warn!(%error, "a connection could not be taken over"),
                        }
                    });
                }
                Err(error) => breathe(&error).await,
            },
        }
    }
}

/// Out of file descriptors, or a client that left before it was accepted: neither ends the listener.
async fn breathe(error: &io::Error) {
    tracing::warn!(%error, "a connection could not be accepted");
    tokio::time::sleep(Duration::from_millis(50)).await;
}

/// One connection, from its first byte to its end.
async fn connection<G: Gate>(hub: Arc<Hub<G>>, stream: TcpStream, from: SocketAddr) {
    let _live = hub.drain.enter();
    let wire = Wire::new(stream);
    let breaker = wire.breaker();
    let (door, visitor) = Door::new(Arc::clone(&hub.gate), from);
    let config = hub.server.load_full();
    let Visitor { proven, mut opens, alive } = visitor;
    let login = async {
        // The session loop runs on its own from here; it ends when its socket does.
        let _running = russh::server::run_stream(config, wire, door).await?;
        proven.await.map_err(|_| russh::Error::Disconnect)
    };
    let proven = tokio::select! {
        proven = login => proven,
        () = tokio::time::sleep(LOGIN_GRACE) => {
            hub.gate.refused(from, "login-grace", "did not prove who they are in time");
            return;
        }
        () = hub.drain.reached(Phase::Closing) => return,
    };
    let Ok(Proven { identity, typed, client }) = proven else { return };
    match Route::parse(&typed, |name| hub.gate.is_target(name)) {
        Route::Bastion(called) => {
            let mut commands = JoinSet::new();
            loop {
                tokio::select! {
                    () = hub.drain.reached(Phase::Closing) => return,
                    open = opens.recv() => match open {
                        Some(Open::Session(opened)) => {
                            let gate = Arc::clone(&hub.gate);
                            commands.spawn(console::serve(gate, identity.clone(), called.clone(), from, opened));
                        }
                        None => return,
                    },
                    Some(_) = commands.join_next() => {}
                }
            }
        }
        route => session::serve(Authenticated { hub, identity, route, from, client, opens, alive, breaker }).await,
    }
}
