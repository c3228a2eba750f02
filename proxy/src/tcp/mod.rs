//! A TCP service under a grant (`ssh -N -L 5432:orders-db:5432 bastion`). Each connection is a session of its own:
//! decided, logged with its bytes both ways, and cut when the lease is over.

mod log;
mod relay;

use std::net::SocketAddr;

use curfew_policy::refusal::Refusal;
use russh::{ChannelOpenFailure, ChannelWriteHalf, server};
use tokio::net::TcpStream;

use crate::alive::Alive;
use crate::deadline::{End, Lease};
use crate::dial::dial;
use crate::drain::Phase;
use crate::gate::{Admitted, ChannelInfo, Gate, Kind};
use crate::hub::Hub;
use crate::idle::Activity;
use crate::route::Route;
use crate::session;
use crate::ssh::bastion::{Direct, Passing};
use crate::ssh::channel::record;
use crate::ssh::notice::last_line;
use log::Log;
use relay::{Counts, relay};

/// A recording says a size, also where there is no terminal.
const NO_TERMINAL: (u32, u32) = (80, 24);

/// Serves one connection to a TCP service, from the decision to the end.
pub async fn serve<G: Gate>(passing: Passing<G>, direct: Direct) {
    let Passing { hub, identity, from, client, alive } = passing;
    let _live = hub.drain.enter();
    let admission = if hub.drain.phase() > Phase::Open {
        Err(Refusal::unavailable("draining", "the bastion is restarting; try again in a moment"))
    } else {
        hub.gate.admit(&identity, &Route::Service(direct.host.clone()), from, &client).await
    };
    match admission {
        Ok(admitted) => {
            let end = live(&hub, &admitted, direct, &alive, from).await;
            if end.is_cut() {
                tracing::info!(session = %admitted.session, end = end.as_str(), "cut");
            }
            hub.gate.ended(admitted.session, &end).await;
        }
        Err(refusal) => direct.opened.refuse(ChannelOpenFailure::AdministrativelyProhibited, &refusal.public).await,
    }
}

/// A session that was admitted: logged from before its first byte, reached, relayed, ended.
async fn live<G: Gate>(hub: &Hub<G>, admitted: &Admitted, direct: Direct, alive: &Alive, from: SocketAddr) -> End {
    let (session, permit) = (admitted.session, &admitted.permit);
    let info = ChannelInfo {
        channel: 1,
        kind: Kind::Forward,
        command: Some(format!("{}:{}", permit.target(), permit.address().port)),
        term: None,
        size: NO_TERMINAL,
    };
    let mut lease = admitted.lease.clone();
    let begun = tokio::select! {
        biased;
        end = over(hub, &mut lease, alive) => Err(end),
        begun = record(&hub.gate, session, permit, &info) => begun.map_err(|error| {
            tracing::error!(%session, %error, "a recording could not be begun");
            End::RecordingFailed
        }),
    };
    let log = match begun {
        Ok(recording) => Log::new(recording, hub.clock.clone()),
        Err(end) => {
            turn_away(admitted, direct, &end).await;
            return end;
        }
    };
    log.asked(permit, from, &direct.origin);
    let counts = Counts::default();
    let reached = tokio::select! {
        biased;
        end = over(hub, &mut lease, alive) => Err(end),
        () = log.failed() => Err(End::RecordingFailed),
        reached = dial(permit) => reached.map_err(End::Unreachable),
    };
    let end = match reached {
        Ok(socket) => carry(hub, admitted, direct, socket, &log, &counts).await,
        Err(end) => {
            turn_away(admitted, direct, &end).await;
            end
        }
    };
    log.ended(&end, &counts);
    let _ = tokio::time::timeout(session::FAREWELL, hub.farewells.over()).await;
    // It is never closed; without a turn it is sealed all the same.
    let _turn = hub.seals.acquire().await;
    match log.seal(end.as_str()).await {
        Ok(sealed) => hub.gate.sealed(session, &info, sealed).await,
        Err(error) => tracing::error!(%session, %error, "a recording could not be sealed"),
    }
    end
}

/// Carries bytes until one side is done, or the session has to end.
async fn carry<G: Gate>(
    hub: &Hub<G>,
    admitted: &Admitted,
    direct: Direct,
    socket: TcpStream,
    log: &Log,
    counts: &Counts,
) -> End {
    let opened = direct.opened;
    opened.reply.accept().await;
    let (mut from_client, to_client) = opened.channel.split();
    let activity = Activity::new(hub.clock.clone());
    let max_idle = admitted.permit.role().max_idle;
    let mut lease = admitted.lease.clone();
    let mut socket = socket;
    // When the connection to the bastion goes, the channel does, and so the relay ends.
    let end = tokio::select! {
        biased;
        end = lease.over(&hub.clock) => end,
        () = hub.drain.reached(Phase::Closing) => End::Shutdown,
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
async fn over<G>(hub: &Hub<G>, lease: &mut Lease, alive: &Alive) -> End {
    tokio::select! {
        biased;
        end = lease.shut(&hub.clock) => end,
        () = hub.drain.reached(Phase::Closing) => End::Shutdown,
        // A half-open dial goes when the client does.
        () = alive.gone() => End::Client,
    }
}

/// Says why there will be no connection after all.
async fn turn_away(admitted: &Admitted, direct: Direct, end: &End) {
    let line = last_line(admitted.permit.grant(), admitted.session, end).unwrap_or_default();
    direct.opened.refuse(ChannelOpenFailure::ConnectFailed, line.trim_start_matches("curfew: ")).await;
}
