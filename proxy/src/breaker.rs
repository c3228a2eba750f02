//! A second hand on a socket, to shut it down whatever the task that owns it is doing.

use std::sync::Arc;

use rustix::net::{Shutdown, shutdown};
use tokio::net::TcpStream;

/// Ends a connection from outside: a session loop may be blocked in a write to a client that stopped reading, and a
/// deadline does not wait for it.
#[derive(Debug)]
pub struct Breaker(Arc<TcpStream>);

impl Breaker {
    /// A breaker for a socket.
    pub(crate) const fn new(socket: Arc<TcpStream>) -> Self {
        Self(socket)
    }

    /// Shuts both directions down: pending reads and writes return at once.
    pub fn trip(&self) {
        // An error here means that the connection is over already.
        let _ = shutdown(&*self.0, Shutdown::Both);
    }
}

impl Drop for Breaker {
    fn drop(&mut self) {
        self.trip();
    }
}
