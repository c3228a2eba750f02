//! The demo's target host: an SSH server on a loopback port, with a real shell behind it.
//!
//! As sshd does, it serves each connection in a process of its own: what a connection started can then be told from
//! everything else by its parent, and the gateway's clean-up at a cut reaches exactly that.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use russh::keys::ssh_key::LineEnding;
use russh::keys::ssh_key::getrandom::SysRng;
use russh::keys::ssh_key::rand_core::UnwrapErr;
use russh::keys::{Algorithm, PrivateKey, PublicKey};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};
use tokio::task::{JoinHandle, JoinSet};

use super::connection::{self, DemoKeys};

/// What the target proves itself with.
const HOST_KEY: &str = "host_key";
/// Whose certificates it accepts.
const USER_CA: &str = "user_ca.pub";

/// A target that listens. Dropped, it hangs up on everybody.
#[derive(Debug)]
pub struct Target {
    /// Where it listens.
    pub address: SocketAddr,
    /// Its host key, as the configuration wants it: `ssh-ed25519 AAAA…`.
    pub host_key: String,
    accepting: JoinHandle<()>,
}

impl Target {
    /// Makes a host key in `folder`, which must exist, and listens on a free loopback port for whoever shows a
    /// certificate of `user_ca`.
    ///
    /// # Errors
    /// When the folder cannot be written to, or no port is to be had.
    pub async fn start(folder: &Path, user_ca: &PublicKey) -> io::Result<Self> {
        let key = PrivateKey::random(&mut UnwrapErr(SysRng), Algorithm::Ed25519).map_err(io::Error::other)?;
        key.write_openssh_file(folder.join(HOST_KEY), LineEnding::LF).map_err(io::Error::other)?;
        user_ca.write_openssh_file(folder.join(USER_CA)).map_err(io::Error::other)?;
        let host_key = key.public_key().to_openssh().map_err(io::Error::other)?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let accepting = tokio::spawn(accept(listener, std::env::current_exe()?, folder.to_owned()));
        Ok(Self { address, host_key, accepting })
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Hands every connection to a process of its own, which goes when this does.
async fn accept(listener: TcpListener, program: PathBuf, folder: PathBuf) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted.and_then(|(stream, _)| hand_over(&program, &folder, stream)) {
                Ok(mut child) => _ = connections.spawn(async move { child.wait().await }),
                Err(error) => eprintln!("demo target: {error}"),
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

fn hand_over(program: &Path, folder: &Path, stream: TcpStream) -> io::Result<Child> {
    let socket: OwnedFd = stream.into_std()?.into();
    Command::new(program)
        .args(["demo", "--target-connection"])
        .arg(folder)
        .stdin(socket)
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()
}

/// Serves the one connection that is this process's stdin, as [`Target`] arranges it.
///
/// # Errors
/// When the folder's keys cannot be read, or stdin is no socket.
pub async fn serve_stdin(folder: &Path) -> io::Result<()> {
    // Out of the terminal's session: Ctrl-C there is for the demo, which then ends this in order. It fails only
    // where this process leads a group already, and so is out of reach anyway.
    let _ = rustix::process::setsid();
    let socket = std::net::TcpStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    socket.set_nonblocking(true)?;
    let host_key = PrivateKey::read_openssh_file(folder.join(HOST_KEY)).map_err(io::Error::other)?;
    let user_ca = PublicKey::read_openssh_file(folder.join(USER_CA)).map_err(io::Error::other)?;
    connection::serve(TcpStream::from_std(socket)?, DemoKeys { host_key, user_ca }).await.map_err(io::Error::other)
}
