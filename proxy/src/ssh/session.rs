//! The story of one connection to a target: authenticated → admitted → live → ended. Each state consumes the one before.
//! A connection that is refused for want of a grant may ask for it first: refused → asked → admitted.

use std::sync::Arc;
use std::time::Duration;

use curfew_policy::refusal::Refusal;
use russh::Disconnect;
use russh::server::Handle;
use tokio::sync::{Semaphore, mpsc, watch};
use tracing::Instrument as _;

use crate::gate::{Admit, Admitted, Converse};
use crate::lease::drain::Phase;
use crate::lease::farewells::SESSION_FAREWELL;
use crate::lease::idle::Activity;
use crate::lease::{End, Lease};
use crate::net::alive::Alive;
use crate::record::ending::Ending;
use crate::record::recording::Recordings;
use crate::ssh::asking::ask;
use crate::ssh::channel::context::SessionContext;
use crate::ssh::channel::forward::MOST_FORWARDS;
use crate::ssh::channel::ready::{Ready, tell};
use crate::ssh::channel::refuse::refuse;
use crate::ssh::channel::set::ChannelSet;
use crate::ssh::connection::Authenticated;
use crate::ssh::panic::unless_it_panics;
use crate::ssh::say::messages::{EXIT_CUT, EXIT_REFUSED, EXIT_UNREACHABLE, last_line};
use crate::ssh::say::queued::QueuedLines;
use crate::ssh::target::incoming::{Came, Incoming};
use crate::ssh::target::pool::Pool;

/// How long a client may take to be told of a cut that came before the target was reached.
const PARTING: Duration = Duration::from_millis(500);

/// Serves a connection to a target, from the decision to the end.
pub async fn serve<G: Admit + Converse>(mut connection: Authenticated<G>) {
    match admit(&mut connection).await {
        Ok((admitted, ready)) => {
            let span = admitted.span();
            admitted_session(connection, admitted, ready).instrument(span).await;
        }
        Err(refusal) => turn_away(connection, &refusal).await,
    }
}

/// An admitted session, to its end.
async fn admitted_session<G: Admit>(connection: Authenticated<G>, admitted: Admitted, ready: Option<Ready>) {
    let gateway = &connection.gateway;
    let ending = Ending::new(Arc::clone(&gateway.gate), admitted.session, &gateway.drain);
    let end = begin(connection, admitted, ready).await;
    ending.ended(&end).await;
}

/// Asks for a session. Where its grant had to be asked for, a channel is ready already.
async fn admit<G: Admit + Converse>(connection: &mut Authenticated<G>) -> Result<(Admitted, Option<Ready>), Refusal> {
    let gateway = &connection.gateway;
    if gateway.drain.phase() > Phase::Open {
        return Err(Refusal::unavailable("draining", "the bastion is restarting; try again in a moment"));
    }
    let admission = gateway.gate.admit(&connection.identity, &connection.route, connection.from, &connection.client);
    match admission.await {
        Ok(admitted) => Ok((admitted, None)),
        Err(refusal) if refusal.is_for_want_of_a_grant() => {
            let (admitted, ready) = ask(connection, refusal).await?;
            Ok((*admitted, Some(ready)))
        }
        Err(refusal) => Err(refusal),
    }
}

/// Refuses every channel, and at last the connection.
async fn turn_away<G>(connection: Authenticated<G>, refusal: &Refusal) {
    refuse(connection.opens, &refusal.public, EXIT_REFUSED).await;
    // Whoever is still there opened no channel that could have told them (`-N`).
    let leaving = leave(&connection.handle, &connection.alive, format!("curfew: {}", refusal.public));
    let _ = tokio::time::timeout(SESSION_FAREWELL, leaving).await;
}

/// Ends a connection with a word, and waits until the client is gone.
async fn leave(handle: &Handle, alive: &Alive, line: String) {
    // A session loop that takes no more messages has ended, or is stuck.
    let _ = handle.disconnect(Disconnect::ByApplication, line, String::new()).await;
    alive.gone().await;
}

/// A session that was admitted: reaches the target, and serves its channels until it has to end. The client's connection is
/// shut down when this is over.
async fn begin<G: Admit>(connection: Authenticated<G>, admitted: Admitted, ready: Option<Ready>) -> End {
    let gateway = Arc::clone(&connection.gateway);
    let forwards = Arc::new(Semaphore::new(MOST_FORWARDS));
    let (came, on_came) = mpsc::unbounded_channel();
    let connecting = Pool::connect(
        Arc::clone(&gateway.gate),
        gateway.clock.clone(),
        admitted.session,
        Arc::clone(&admitted.permit),
        admitted.lease.clone(),
        Incoming::new(Arc::clone(&forwards), came),
    );
    let mut lease = admitted.lease.clone();
    let reached = tokio::select! {
        biased;
        end = lease.shut(&gateway.clock) => Err(end),
        () = gateway.drain.reached(Phase::Closing) => Err(End::Shutdown),
        // A half-open dial goes when the client does.
        () = connection.alive.gone() => Err(End::Client),
        pool = connecting => pool.map_err(End::Unreachable),
    };
    match reached {
        Ok(pool) => {
            let mut live = LiveSession::new(connection, admitted, pool, forwards, on_came);
            if let Some(ready) = ready {
                live.channels.resume(ready);
            }
            // A panic ends the session, and in the same order as anything else does.
            let end = unless_it_panics(live.run()).await.unwrap_or(End::Interrupted);
            live.finish(&end).await;
            end
        }
        Err(end) => {
            part(connection, &admitted, &end, ready).await;
            end
        }
    }
}

/// Tells whoever there is that the target was not reached, or that the session was cut on the way there.
async fn part<G>(connection: Authenticated<G>, admitted: &Admitted, end: &End, ready: Option<Ready>) {
    let Some(line) = last_line(admitted.permit.grant(), admitted.session, end) else { return };
    let status = if end.is_cut() { EXIT_CUT } else { EXIT_UNREACHABLE };
    let why = line.trim_start_matches("curfew: ").to_owned();
    let telling = async {
        if let Some(ready) = ready {
            tell(&ready, &why, status).await;
        }
        refuse(connection.opens, &why, status).await;
    };
    if end.is_cut() {
        // A client that is stopped does not hold up the end.
        let _ = tokio::time::timeout(PARTING, telling).await;
    } else {
        telling.await;
    }
    let leaving = leave(&connection.handle, &connection.alive, line);
    let _ = tokio::time::timeout(SESSION_FAREWELL, leaving).await;
}

/// A live session.
struct LiveSession<G> {
    connection: Authenticated<G>,
    context: Arc<SessionContext<G>>,
    lease: Lease,
    channels: ChannelSet<G>,
    /// What the target opens towards the client.
    came: mpsc::UnboundedReceiver<Came>,
    /// Tells the channels of the end.
    cut: watch::Sender<Option<End>>,
}

impl<G: Admit> LiveSession<G> {
    fn new(
        connection: Authenticated<G>,
        admitted: Admitted,
        pool: Pool<G>,
        forwards: Arc<Semaphore>,
        came: mpsc::UnboundedReceiver<Came>,
    ) -> Self {
        let gateway = &connection.gateway;
        let Admitted { session, permit, lease } = admitted;
        let (cut, on_cut) = watch::channel(None);
        let (gate, seals) = (Arc::clone(&gateway.gate), Arc::clone(&gateway.seals));
        let context = Arc::new(SessionContext {
            id: session,
            recordings: Recordings::new(gate, session, Arc::clone(&permit), seals),
            permit,
            lease: lease.clone(),
            clock: gateway.clock.clone(),
            pool,
            handle: connection.handle.clone(),
            forwards,
            queued: QueuedLines::default(),
            cut: on_cut,
            farewells: Arc::clone(&gateway.farewells),
            activity: Activity::new(gateway.clock.clone()),
        });
        let channels = ChannelSet::new(Arc::clone(&context), gateway.drain.clone());
        Self { connection, context, lease, channels, came, cut }
    }

    /// Serves its channels until it has to end.
    async fn run(&mut self) -> End {
        let Self { connection, context, lease, channels, came, .. } = self;
        let gateway = &connection.gateway;
        let max_idle = context.permit.role().max_idle;
        loop {
            tokio::select! {
                biased;
                end = lease.over(&gateway.clock) => return end,
                () = gateway.drain.reached(Phase::Closing) => return End::Shutdown,
                () = context.activity.idle(max_idle) => return End::Idle,
                end = context.pool.closed() => return end,
                Some(done) = channels.next_over() => match done {
                    Ok(Some(end)) => return end,
                    // In the grace of a lease, when the last of what ran has finished.
                    Ok(None) if channels.none_is_left() => return End::Expired,
                    Ok(None) => {}
                    // A channel that fell over can no longer be trusted to have been recorded.
                    Err(error) => {
                        tracing::error!(%error, "a channel fell over");
                        return End::RecordingFailed;
                    }
                },
                open = connection.opens.recv() => match open {
                    None => return End::Client,
                    Some(open) => channels.open(open),
                },
                Some(came) = came.recv() => channels.take(came),
            }
        }
    }

    /// Ends it: a last line on every channel, or where there is none with the connection itself, both sockets closed, and
    /// the target's processes gone.
    async fn finish(self, end: &End) {
        let Self { connection, context, channels, cut, .. } = self;
        let farewells = &context.farewells;
        let farewell = farewells.begin();
        let has_session = channels.has_session();
        cut.send_replace(Some(end.clone()));
        let leaving = async {
            if has_session {
                // A client whose last channel is closed leaves by itself, which spares its person an error message, and
                // one that is slow the loss of its exit status.
                return connection.alive.gone().await;
            }
            let line = last_line(context.permit.grant(), context.id, end);
            let line = line.unwrap_or_else(|| "curfew: the target closed the connection".to_owned());
            leave(&connection.handle, &connection.alive, line).await;
        };
        let _ = tokio::time::timeout(SESSION_FAREWELL, leaving).await;
        connection.kill_switch.trip();
        drop(farewell);
        // The channels go on to seal their recordings.
        channels.detach();
        if end.is_cut() {
            tracing::info!(end = end.as_str(), "cut");
        }
        let _ = tokio::time::timeout(SESSION_FAREWELL, farewells.over()).await;
        context.pool.close(end.is_cut()).await;
    }
}
