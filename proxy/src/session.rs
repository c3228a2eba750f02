//! The story of one connection to a target: authenticated → admitted → live → ended. One that is refused for want of a
//! grant may ask for it first: refused → asked → admitted.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use curfew_policy::refusal::Refusal;
use russh::Disconnect;
use russh::server::Handle;
use tokio::sync::{Semaphore, mpsc, watch};

use crate::alive::Alive;
use crate::breaker::Breaker;
use crate::deadline::End;
use crate::drain::Phase;
use crate::gate::{Admitted, Gate, Identity};
use crate::hub::Hub;
use crate::idle::Activity;
use crate::route::Route;
use crate::ssh::asking::{Ready, ask, tell};
use crate::ssh::channel::Talk;
use crate::ssh::channels::Channels;
use crate::ssh::forward::{Came, MOST_FORWARDS};
use crate::ssh::inward::Inward;
use crate::ssh::links::Links;
use crate::ssh::notice::{EXIT_CUT, EXIT_REFUSED, EXIT_UNREACHABLE, last_line};
use crate::ssh::notices::Notices;
use crate::ssh::refuse::refuse;
use crate::ssh::server::Open;

/// How long the channels may take to say goodbye before the socket is shut down whatever they do.
pub const FAREWELL: Duration = Duration::from_millis(250);

/// How long a client may take to be told of a cut that came before the target was reached.
const PARTING: Duration = Duration::from_millis(500);

/// A connection whose person is proven and wants to a target.
pub struct Authenticated<G> {
    /// The gateway.
    pub hub: Arc<Hub<G>>,
    /// Who it is.
    pub identity: Identity,
    /// Where to.
    pub route: Route,
    /// Where from.
    pub from: SocketAddr,
    /// What the client calls itself.
    pub client: String,
    /// The way to open channels to it, and to end the connection with a word.
    pub handle: Handle,
    /// The channels it opens; ends with the connection.
    pub opens: mpsc::UnboundedReceiver<Open>,
    /// The connection itself.
    pub alive: Alive,
    /// Shuts the client's socket down.
    pub breaker: Breaker,
}

/// Serves a connection to a target, from the decision to the end.
pub async fn serve<G: Gate>(mut connection: Authenticated<G>) {
    let hub = Arc::clone(&connection.hub);
    if hub.drain.phase() > Phase::Open {
        let refusal = Refusal::unavailable("draining", "the bastion is restarting; try again in a moment");
        return turn_away(connection, &refusal).await;
    }
    let admission = hub.gate.admit(&connection.identity, &connection.route, connection.from, &connection.client);
    match admission.await {
        Ok(admitted) => live(&mut connection, admitted, None).await,
        Err(refusal) if refusal.is_for_want_of_a_grant() => match ask(&mut connection, refusal).await {
            Ok((admitted, ready)) => live(&mut connection, *admitted, Some(ready)).await,
            Err(refusal) => turn_away(connection, &refusal).await,
        },
        Err(refusal) => turn_away(connection, &refusal).await,
    }
}

/// Refuses every channel, and at last the connection.
async fn turn_away<G: Gate>(connection: Authenticated<G>, refusal: &Refusal) {
    refuse(connection.opens, &refusal.public, EXIT_REFUSED).await;
    // Whoever is still there opened no channel that could have told them (`-N`).
    let leaving = leave(&connection.handle, &connection.alive, format!("curfew: {}", refusal.public));
    let _ = tokio::time::timeout(FAREWELL, leaving).await;
    connection.breaker.trip();
}

/// Ends a connection with a word, and waits until the client is gone.
async fn leave(handle: &Handle, alive: &Alive, line: String) {
    // A session loop that takes no more messages has ended, or is stuck.
    let _ = handle.disconnect(Disconnect::ByApplication, line, String::new()).await;
    alive.gone().await;
}

/// A session that was admitted: reaches the target, serves its channels, and ends it. Where its grant had to be asked
/// for, a channel is `ready` already.
async fn live<G: Gate>(connection: &mut Authenticated<G>, mut admitted: Admitted, ready: Option<Ready>) {
    let hub = Arc::clone(&connection.hub);
    let forwards = Arc::new(Semaphore::new(MOST_FORWARDS));
    let (came, on_came) = mpsc::unbounded_channel();
    let connecting = Links::connect(
        Arc::clone(&hub.gate),
        hub.clock.clone(),
        admitted.session,
        Arc::clone(&admitted.permit),
        admitted.lease.clone(),
        Inward::new(Arc::clone(&forwards), came),
    );
    let mut lease = admitted.lease.clone();
    let links = tokio::select! {
        biased;
        end = lease.shut(&hub.clock) => Err(end),
        () = hub.drain.reached(Phase::Closing) => Err(End::Shutdown),
        // A half-open dial goes when the client does.
        () = connection.alive.gone() => Err(End::Client),
        links = connecting => links.map_err(End::Unreachable),
    };
    let end = match links {
        Ok(links) => talk(connection, &mut admitted, Arc::new(links), (forwards, on_came), ready).await,
        Err(end) => {
            part(connection, &admitted, &end, ready).await;
            end
        }
    };
    connection.breaker.trip();
    hub.gate.ended(admitted.session, &end).await;
}

/// Tells whoever there is that the target was not reached, or that the session was cut on the way there.
async fn part<G: Gate>(connection: &mut Authenticated<G>, admitted: &Admitted, end: &End, ready: Option<Ready>) {
    let Some(line) = last_line(admitted.permit.grant(), admitted.session, end) else { return };
    let opens = std::mem::replace(&mut connection.opens, mpsc::unbounded_channel().1);
    let status = if end.is_cut() { EXIT_CUT } else { EXIT_UNREACHABLE };
    let why = line.trim_start_matches("curfew: ").to_owned();
    let telling = async {
        if let Some(ready) = ready {
            tell(&ready, &why, status).await;
        }
        refuse(opens, &why, status).await;
    };
    if end.is_cut() {
        // A client that is stopped does not hold up the end.
        let _ = tokio::time::timeout(PARTING, telling).await;
    } else {
        telling.await;
    }
    let leaving = leave(&connection.handle, &connection.alive, line);
    let _ = tokio::time::timeout(FAREWELL, leaving).await;
}

/// The live session.
async fn talk<G: Gate>(
    connection: &mut Authenticated<G>,
    admitted: &mut Admitted,
    links: Arc<Links<G>>,
    (forwards, mut came): (Arc<Semaphore>, mpsc::UnboundedReceiver<Came>),
    ready: Option<Ready>,
) -> End {
    let hub = Arc::clone(&connection.hub);
    let activity = Activity::new(hub.clock.clone());
    let max_idle = admitted.permit.role().max_idle;
    let (cut, on_cut) = watch::channel(None);
    let common = Talk {
        gate: Arc::clone(&hub.gate),
        clock: hub.clock.clone(),
        session: admitted.session,
        permit: Arc::clone(&admitted.permit),
        lease: admitted.lease.clone(),
        links: Arc::clone(&links),
        handle: connection.handle.clone(),
        forwards,
        notices: Notices::default(),
        cut: on_cut,
        farewells: Arc::clone(&hub.farewells),
        seals: Arc::clone(&hub.seals),
        activity: activity.clone(),
        number: 0,
        live: hub.drain.enter(),
    };
    let mut channels = Channels::new(common, hub.drain.clone());
    if let Some(ready) = ready {
        channels.resume(ready);
    }
    let end = loop {
        tokio::select! {
            biased;
            end = admitted.lease.over(&hub.clock) => break end,
            () = hub.drain.reached(Phase::Closing) => break End::Shutdown,
            () = activity.idle(max_idle) => break End::Idle,
            end = links.closed() => break end,
            Some(done) = channels.next_over() => match done {
                Ok(Some(end)) => break end,
                // In the grace of a lease, when the last of what ran has finished.
                Ok(None) if channels.none_is_left() => break End::Expired,
                Ok(None) => {}
                // A channel that fell over can no longer be trusted to have been recorded.
                Err(error) => {
                    tracing::error!(session = %admitted.session, %error, "a channel fell over");
                    break End::RecordingFailed;
                }
            },
            open = connection.opens.recv() => match open {
                None => break End::Client,
                Some(open) => channels.open(open),
            },
            Some(came) = came.recv() => channels.take(came),
        }
    };
    finish(connection, admitted, &links, channels, &cut, &end).await;
    end
}

/// Ends a live session: a last line on every channel, or where there is none with the connection itself,
/// both sockets closed, and the target's processes gone.
async fn finish<G: Gate>(
    connection: &Authenticated<G>,
    admitted: &Admitted,
    links: &Arc<Links<G>>,
    channels: Channels<G>,
    cut: &watch::Sender<Option<End>>,
    end: &End,
) {
    let farewells = &connection.hub.farewells;
    let farewell = farewells.begin();
    let has_session = channels.has_session();
    cut.send_replace(Some(end.clone()));
    let leaving = async {
        if has_session {
            // A client whose last channel is closed leaves by itself, which spares its person an error message, and one
            // that is slow the loss of its exit status.
            return connection.alive.gone().await;
        }
        let line = last_line(admitted.permit.grant(), admitted.session, end);
        let line = line.unwrap_or_else(|| "curfew: the target closed the connection".to_owned());
        leave(&connection.handle, &connection.alive, line).await;
    };
    let _ = tokio::time::timeout(FAREWELL, leaving).await;
    connection.breaker.trip();
    drop(farewell);
    // The channels go on to seal their recordings.
    channels.detach();
    if end.is_cut() {
        tracing::info!(session = %admitted.session, end = end.as_str(), "cut");
    }
    let _ = tokio::time::timeout(FAREWELL, farewells.over()).await;
    links.close(end.is_cut()).await;
}
