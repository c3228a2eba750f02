//! A second hand on a connection, to end it whatever the task that owns it is doing.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Waker};

use rustix::net::{Shutdown, shutdown};
use tokio::net::TcpStream;

/// Ends a connection from outside: a session loop may be blocked in a write to a client that stopped reading, and a
/// deadline does not wait for it.
#[derive(Debug)]
pub struct KillSwitch(Severed);

#[derive(Debug)]
enum Severed {
    Socket(Arc<TcpStream>),
    Tunnel(Arc<Circuit>),
}

impl KillSwitch {
    /// A kill switch for a socket.
    pub(crate) const fn new(socket: Arc<TcpStream>) -> Self {
        Self(Severed::Socket(socket))
    }

    /// A kill switch for a connection inside another one, which goes on.
    pub(crate) const fn inside(circuit: Arc<Circuit>) -> Self {
        Self(Severed::Tunnel(circuit))
    }

    /// Shuts both directions down: pending reads and writes return at once.
    pub fn trip(&self) {
        match &self.0 {
            // An error here means that the connection is over already.
            Severed::Socket(socket) => drop(shutdown(&**socket, Shutdown::Both)),
            Severed::Tunnel(circuit) => circuit.open(),
        }
    }
}

impl Drop for KillSwitch {
    fn drop(&mut self) {
        self.trip();
    }
}

/// What a tunnel and its kill switch share.
#[derive(Debug, Default)]
pub(crate) struct Circuit(Mutex<CircuitState>);

#[derive(Debug, Default)]
pub(super) struct CircuitState {
    open: bool,
    pub(super) reader: Option<Waker>,
    pub(super) writer: Option<Waker>,
}

impl Circuit {
    /// Opens it: nothing flows any more.
    pub(crate) fn open(&self) {
        let mut state = self.state();
        state.open = true;
        let waiting = [state.reader.take(), state.writer.take()];
        drop(state);
        for waker in waiting.into_iter().flatten() {
            waker.wake();
        }
    }

    /// Whether it is open; else who is to be woken when it is.
    pub(super) fn is_open(&self, cx: &Context<'_>, side: impl FnOnce(&mut CircuitState) -> &mut Option<Waker>) -> bool {
        let mut state = self.state();
        if state.open {
            return true;
        }
        let waiting = side(&mut state);
        if !waiting.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            *waiting = Some(cx.waker().clone());
        }
        false
    }

    fn state(&self) -> MutexGuard<'_, CircuitState> {
        // Nothing in here panics half-way through a change.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
