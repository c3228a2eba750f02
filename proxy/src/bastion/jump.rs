//! ProxyJump: on a channel to a target's name the bastion itself answers, with SSH inside SSH. So the inner connection is
//! decided, recorded and cut as one that came by the direct door.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

use crate::gate::{Authenticate, Gate};
use crate::gateway::Gateway;
use crate::lease::drain::Phase;
use crate::net::tunnel::Tunnel;
use crate::route::Route;
use crate::ssh::channel::refuse::refuse;
use crate::ssh::connection::{Authenticated, Direct, Passing, Proven};
use crate::ssh::say::messages::EXIT_REFUSED;
use crate::ssh::server::{ServerHandler, Visitor, server_for};
use crate::ssh::session;

/// How long the inner login may take. The person is proven already, but may be asked whether they trust the host key.
const INNER_LOGIN_GRACE: Duration = Duration::from_secs(120);

/// Answers for a target on a channel of somebody who is proven.
pub async fn serve<G: Gate>(passing: Passing<G>, direct: Direct) {
    let Passing { gateway, identity, from, .. } = passing;
    let Direct { opened, host: target, .. } = direct;
    opened.reply.accept().await;
    let tunnel = Tunnel::new(opened.channel.into_stream());
    let kill_switch = tunnel.kill_switch();
    let (handler, visitor) = ServerHandler::inside(Arc::clone(&gateway.gate), from, identity.clone());
    let Visitor { proven, opens, alive } = visitor;
    let Some(Proven { typed, client, handle, .. }) = prove(&gateway, &target, tunnel, handler, proven).await else {
        return;
    };
    match Route::inside(&typed, &target, |name| gateway.gate.is_target(name)) {
        Some(route) => {
            session::serve(Authenticated { gateway, identity, route, from, client, handle, opens, alive, kill_switch })
                .await
        }
        None => {
            let why = format!("this connection leads to {target} and to no other target; jump to that one by its name");
            refuse(opens, &why, EXIT_REFUSED).await;
        }
    }
}

/// Exchanges keys as the target, and waits until the client has logged in.
async fn prove<G: Authenticate, S>(
    gateway: &Gateway<G>,
    target: &str,
    tunnel: Tunnel<S>,
    handler: ServerHandler<G>,
    proven: oneshot::Receiver<Proven>,
) -> Option<Proven>
where
    Tunnel<S>: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let config = server_for(gateway, Some(target));
    let login = async {
        // The session loop runs on its own from here; it ends when the tunnel does.
        let _running = russh::server::run_stream(config, tunnel, handler).await.ok()?;
        proven.await.ok()
    };
    tokio::select! {
        biased;
        proven = login => proven,
        () = tokio::time::sleep(INNER_LOGIN_GRACE) => None,
        () = gateway.drain.reached(Phase::Closing) => None,
    }
}
