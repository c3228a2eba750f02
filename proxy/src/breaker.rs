//! A second handle on a socket, to shut it down whatever the task that owns it is doing.

use std::io;
use std::net::{Shutdown, TcpStream as StdStream};

use tokio::net::TcpStream;

/// Ends a connection from outside: a session loop may be blocked in a write to a client that stopped reading, and a
/// deadline does not wait for it.
#[derive(Debug)]
pub struct Breaker(StdStream);

impl Breaker {
    /// Takes a duplicate of the socket, and gives the stream back.
    ///
    /// # Errors
    /// When the process is out of file descriptors.
    pub fn new(stream: TcpStream) -> io::Result<(TcpStream, Self)> {
        let stream = stream.into_std()?;
        let duplicate = stream.try_clone()?;
        Ok((TcpStream::from_std(stream)?, Self(duplicate)))
    }

    /// Shuts both directions down: pending reads and writes return at once.
    pub fn trip(&self) {
        // An error here means that the socket is closed already.
        let _ = self.0.shutdown(Shutdown::Both);
    }
}

impl Drop for Breaker {
    fn drop(&mut self) {
        self.trip();
    }
}
