//! ProxyJump: on a channel to a target's name the bastion itself answers, with SSH inside SSH. So the inner connection is
//! decided, recorded and cut as one that came by the direct door.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

use crate::drain::Phase;
use crate::gate::Gate;
use crate::hub::Hub;
use crate::route::Route;
use crate::session::{self, Authenticated};
use crate::ssh::bastion::{Direct, Passing};
use crate::ssh::notice::EXIT_REFUSED;
use crate::ssh::refuse::refuse;
use crate::ssh::server::{Door, Proven, Visitor};
use crate::tunnel::Tunnel;

/// How long the inner login may take. The person is proven already, but may be asked whether they trust the host key.
const LOGIN_GRACE: Duration = Duration::from_secs(120);

/// Answers for a target on a channel of somebody who is proven.
pub async fn serve<G: Gate>(passing: Passing<G>, direct: Direct) {
    let Passing { hub, identity, from, .. } = passing;
    let Direct { opened, host: target, .. } = direct;
    opened.reply.accept().await;
    let tunnel = Tunnel::new(opened.channel.into_stream());
    let breaker = tunnel.breaker();
    let (door, visitor) = Door::inside(Arc::clone(&hub.gate), from, identity.clone());
    let Visitor { proven, opens, alive } = visitor;
    let Some(Proven { typed, client, handle, .. }) = prove(&hub, &target, tunnel, door, proven).await else { return };
    match Route::inside(&typed, &target, |name| hub.gate.is_target(name)) {
        Some(route) => {
            session::serve(Authenticated { hub, identity, route, from, client, handle, opens, alive, breaker }).await
        }
        None => {
            let why = format!("this connection leads to {target} and to no other target; jump to that one by its name");
            refuse(opens, &why, EXIT_REFUSED).await;
        }
    }
}

/// Exchanges keys as the target, and waits until the client has logged in.
async fn prove<G: Gate, S>(
    hub: &Hub<G>,
    target: &str,
    tunnel: Tunnel<S>,
    door: Door<G>,
    proven: oneshot::Receiver<Proven>,
) -> Option<Proven>
where
    Tunnel<S>: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let config = hub.server_for(Some(target));
    let login = async {
        // The session loop runs on its own from here; it ends when the tunnel does.
        let _running = russh::server::run_stream(config, tunnel, door).await.ok()?;
        proven.await.ok()
    };
    tokio::select! {
        biased;
        proven = login => proven,
        () = tokio::time::sleep(LOGIN_GRACE) => None,
        () = hub.drain.reached(Phase::Closing) => None,
    }
}
