//! A connection to the bastion itself: console commands, and ways to targets inside the connection.

mod console;
mod jump;

use std::sync::Arc;

use curfew_policy::endpoint::EndpointBuf;
use curfew_policy::target::Protocol;
use russh::ChannelOpenFailure;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tracing::Instrument as _;

use crate::gate::Gate;
use crate::lease::drain::Phase;
use crate::ssh::connection::{Arrived, Direct, Forwarded, Open, Passing};
use crate::tcp;

/// How many SSH connections may run inside one. Each is a key exchange, and a connection to a target.
const MOST_JUMPS: usize = 32;

/// The longest host name that is looked at, in bytes (RFC 1035 §2.3.4). Names of targets are shorter.
const LONGEST_HOST: usize = 255;

/// Serves a connection to the bastion until it ends.
pub async fn serve<G: Gate>(mut arrived: Arrived<G>) {
    let gateway = Arc::clone(&arrived.gateway);
    let jumps = Arc::new(Semaphore::new(MOST_JUMPS));
    let (mut commands, mut ways) = (JoinSet::new(), JoinSet::new());
    loop {
        tokio::select! {
            () = gateway.drain.reached(Phase::Closing) => break,
            open = arrived.opens.recv() => match open {
                Some(Open::Session(opened)) => {
                    let (gate, identity, called) = (Arc::clone(&gateway.gate), arrived.identity.clone(), arrived.called.clone());
                    let command = console::serve(gate, identity, called, arrived.from, opened);
                    commands.spawn(command.in_current_span());
                }
                Some(Open::Forward(Forwarded { opened, to: EndpointBuf::Tcp(host, port), from: origin })) => {
                    let direct = Direct { opened, host, port, origin };
                    ways.spawn(pass(arrived.passing(), direct, Arc::clone(&jumps)).in_current_span());
                }
                Some(Open::Forward(Forwarded { opened, to: EndpointBuf::Unix(_), .. })) => {
                    let why = "the bastion has no sockets to lead to; forward through a target: LOGIN@TARGET@BASTION";
                    opened.refuse(ChannelOpenFailure::AdministrativelyProhibited, why).await;
                }
                Some(Open::Listen(listen)) => listen.refuse("the bastion itself listens for nobody"),
                None => break,
            },
            Some(_) = commands.join_next() => {}
            Some(_) = ways.join_next() => {}
        }
    }
    // The sessions inside end with the connection or the gateway. Each says goodbye and is seen to its end.
    while ways.join_next().await.is_some() {}
}

/// One channel that leads onwards, from its opening to its end.
async fn pass<G: Gate>(passing: Passing<G>, direct: Direct, jumps: Arc<Semaphore>) {
    let prohibited = ChannelOpenFailure::AdministrativelyProhibited;
    if direct.host.len() > LONGEST_HOST {
        return direct.opened.refuse(prohibited, "no target has so long a name").await;
    }
    let Passing { gateway, identity, from, .. } = &passing;
    match gateway.gate.reach(identity, &direct.host, direct.port, *from).await {
        Err(refusal) => direct.opened.refuse(prohibited, &refusal.public).await,
        Ok(Protocol::Tcp) => tcp::serve(passing, direct).await,
        Ok(Protocol::Ssh) => match jumps.try_acquire() {
            Ok(_turn) => jump::serve(passing, direct).await,
            Err(_) => {
                let why = format!("{MOST_JUMPS} connections run inside this one already; open another one");
                direct.opened.refuse(ChannelOpenFailure::ResourceShortage, &why).await;
            }
        },
    }
}
