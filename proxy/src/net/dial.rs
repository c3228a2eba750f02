//! Reaching a target. It takes a permit, and uses the address inside it.

use std::io;
use std::time::Duration;

use curfew_policy::decide::Permit;
use curfew_policy::target::Protocol;
use tokio::net::TcpStream;

/// How long a target may take to accept a connection.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Connects to the permit's target.
///
/// # Errors
/// One line for the person: the target does not resolve, refuses, or does not answer in time.
pub async fn dial(permit: &Permit) -> Result<TcpStream, String> {
    let address = permit.address();
    let connecting = TcpStream::connect((address.host.as_str(), address.port));
    match tokio::time::timeout(CONNECT_TIMEOUT, connecting).await {
        Ok(Ok(stream)) => Ok(stream),
        Ok(Err(error)) => Err(format!("{} {}", permit.target(), explain(&error, permit.protocol()))),
        Err(_) => Err(format!("{} did not answer within {} s", permit.target(), CONNECT_TIMEOUT.as_secs())),
    }
}

fn explain(error: &io::Error, protocol: Protocol) -> &'static str {
    match (error.kind(), protocol) {
        (io::ErrorKind::ConnectionRefused, Protocol::Ssh) => "refused the connection; is its SSH server running?",
        (io::ErrorKind::ConnectionRefused, Protocol::Tcp) => "refused the connection; is its service running?",
        (io::ErrorKind::TimedOut, _) => "did not answer",
        (io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable, _) => "is not reachable from the bastion",
        _ => "could not be reached (its name may not resolve)",
    }
}
