//! A TCP service under a grant (`ssh -N -L 5432:orders-db:5432 bastion`). Each connection is a session of its own:
//! decided, logged with its bytes both ways, and cut when the lease is over.

mod log;
mod relay;

use std::net::SocketAddr;
use std::sync::Arc;

use curfew_policy::refusal::Refusal;
use russh::{ChannelOpenFailure, ChannelWriteHalf, server};
use tokio::net::TcpStream;
use tracing::Instrument as _;

use crate::gate::{Admit, Admitted, ChannelInfo, ChannelKind};
use crate::gateway::Gateway;
use crate::lease::drain::Phase;
use crate::lease::farewells::SESSION_FAREWELL;
use crate::lease::idle::Activity;
use crate::lease::{End, Lease};
use crate::net::alive::Alive;
use crate::net::dial::dial;
use crate::record::ending::Ending;
use crate::record::recording::Recordings;
use crate::route::Route;
use crate::ssh::connection::{Direct, Passing};
use crate::ssh::say::messages::last_line;
use crate::tcp::log::Log;
use crate::tcp::relay::{Counts, relay};

/// Serves one connection to a TCP service, from the decision to the end.
pub async fn serve<G: Admit>(passing: Passing<G>, direct: Direct) {
    let Passing { gateway, identity, from, client, alive } = passing;
    let _live = gateway.drain.enter();
    let admission = if gateway.drain.phase() > Phase::Open {
        Err(Refusal::unavailable("draining", "the bastion is restarting; try again in a moment"))
    } else {
        gateway.gate.admit(&identity, &Route::Service(direct.host.clone()), from, &client).await
    };
    match admission {
        Ok(admitted) => {
            let span = admitted.span();
            let session = async {
                let ending = Ending::new(Arc::clone(&gateway.gate), admitted.session, &gateway.drain);
                let end = live(&gateway, &admitted, direct, &alive, from).await;
                if end.is_cut() {
                    tracing::info!(end = end.as_str(), "cut");
                }
                ending.ended(&end).await;
            };
            session.instrument(span).await;
        }
        Err(refusal) => direct.opened.refuse(ChannelOpenFailure::AdministrativelyProhibited, &refusal.public).await,
    }
}

/// A session that was admitted: logged from before its first byte, reached, relayed, ended.
async fn live<G: Admit>(
    gateway: &Gateway<G>,
    admitted: &Admitted,
    direct: Direct,
    alive: &Alive,
    from: SocketAddr,
) -> End {
    let permit = &admitted.permit;
    let (gate, seals) = (Arc::clone(&gateway.gate), Arc::clone(&gateway.seals));
    let recordings = Recordings::new(gate, admitted.session, Arc::clone(permit), seals);
    let info = ChannelInfo {
        channel: 1,
        kind: ChannelKind::Forward,
        command: Some(format!("{}:{}", permit.target(), permit.address().port)),
        term: None,
        size: ChannelInfo::NO_TERMINAL,
    };
    let mut lease = admitted.lease.clone();
    let begun = tokio::select! {
        biased;
        end = over(gateway, &mut lease, alive) => Err(end),
        begun = recordings.begin(&info) => begun,
    };
    let log = match begun {
        Ok(recording) => Log::new(recording, gateway.clock.clone()),
        Err(end) => {
            turn_away(admitted, direct, &end).await;
            return end;
        }
    };
    log.asked(permit, from, &direct.origin);
    let counts = Counts::default();
    let reached = tokio::select! {
        biased;
        end = over(gateway, &mut lease, alive) => Err(end),
        () = log.failed() => Err(End::RecordingFailed),
        reached = dial(permit) => reached.map_err(End::Unreachable),
    };
    let end = match reached {
        Ok(socket) => carry(gateway, admitted, direct, socket, &log, &counts).await,
        Err(end) => {
            turn_away(admitted, direct, &end).await;
            end
        }
    };
    log.ended(&end, &counts);
    let _ = tokio::time::timeout(SESSION_FAREWELL, gateway.farewells.over()).await;
    recordings.seal(&info, log.seal(end.as_str())).await;
    end
}

/// Carries bytes until one side is done, or the session has to end.
async fn carry<G: Admit>(
    gateway: &Gateway<G>,
    admitted: &Admitted,
    direct: Direct,
    socket: TcpStream,
    log: &Log,
    counts: &Counts,
) -> End {
    let opened = direct.opened;
    opened.reply.accept().await;
    let (mut from_client, to_client) = opened.channel.split();
    let activity = Activity::new(gateway.clock.clone());
    let max_idle = admitted.permit.role().max_idle;
    let mut lease = admitted.lease.clone();
    let mut socket = socket;
    // When the connection to the bastion goes, the channel does, and so the relay ends.
    let end = tokio::select! {
        biased;
        end = lease.over(&gateway.clock) => end,
        () = gateway.drain.reached(Phase::Closing) => End::Shutdown,
        () = activity.idle(max_idle) => End::Idle,
        () = log.failed() => End::RecordingFailed,
        end = relay(&mut from_client, &to_client, &mut socket, &opened.gone, counts, &activity) => end,
    };
    drop(socket);
    close(to_client);
    end
}

/// Closes a channel. The client may have stopped reading, and nothing waits for that.
fn close(channel: ChannelWriteHalf<server::Msg>) {
    tokio::spawn(async move { channel.close().await });
}

/// Waits until a session that is not relayed yet has to end.
async fn over<G>(gateway: &Gateway<G>, lease: &mut Lease, alive: &Alive) -> End {
    tokio::select! {
        biased;
        end = lease.shut(&gateway.clock) => end,
        () = gateway.drain.reached(Phase::Closing) => End::Shutdown,
        // A half-open dial goes when the client does.
        () = alive.gone() => End::Client,
    }
}

/// Says why there will be no connection after all.
async fn turn_away(admitted: &Admitted, direct: Direct, end: &End) {
    let line = last_line(admitted.permit.grant(), admitted.session, end).unwrap_or_default();
    direct.opened.refuse(ChannelOpenFailure::ConnectFailed, line.trim_start_matches("curfew: ")).await;
}
