//! A second hand on a connection, to end it whatever the task that owns it is doing.

use std::sync::Arc;

use rustix::net::{Shutdown, shutdown};
use tokio::net::TcpStream;

use crate::tunnel::Circuit;

/// Ends a connection from outside: a session loop may be blocked in a write to a client that stopped reading, and a
/// deadline does not wait for it.
#[derive(Debug)]
pub struct Breaker(On);

#[derive(Debug)]
enum On {
    Socket(Arc<TcpStream>),
    Tunnel(Arc<Circuit>),
}

impl Breaker {
    /// A breaker for a socket.
    pub(crate) const fn new(socket: Arc<TcpStream>) -> Self {
        Self(On::Socket(socket))
    }

    /// A breaker for a connection inside another one, which goes on.
    pub(crate) const fn inside(circuit: Arc<Circuit>) -> Self {
        Self(On::Tunnel(circuit))
    }

    /// Shuts both directions down: pending reads and writes return at once.
    pub fn trip(&self) {
        match &self.0 {
            // An error here means that the connection is over already.
            On::Socket(socket) => drop(shutdown(&**socket, Shutdown::Both)),
            On::Tunnel(circuit) => circuit.open(),
        }
    }
}

impl Drop for Breaker {
    fn drop(&mut self) {
        self.trip();
    }
}
