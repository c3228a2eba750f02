//! A service behind a target: what forwards lead to, and where they come from.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::{SOON, eventually_some};

/// A service of this machine, which lives as long as the tests do.
pub struct Service {
    pub address: SocketAddr,
    accepted: Arc<AtomicUsize>,
}

impl Service {
    /// Sends back what it gets, and closes after the end of that.
    pub fn echo() -> Self {
        Self::with(|stream| drop(copy(stream.try_clone(), stream)))
    }

    /// Reads to the end, and then says how many bytes that were.
    pub fn counting() -> Self {
        Self::with(|mut stream| {
            let read = std::io::copy(&mut stream, &mut std::io::sink()).unwrap_or_default();
            let _ = write!(stream, "{read}");
        })
    }

    /// Speaks first, and then waits for a line.
    pub fn greeting() -> Self {
        Self::with(|mut stream| {
            let _ = stream.write_all(b"hello\n");
            let _ = stream.read(&mut [0; 64]);
        })
    }

    /// Never reads, never writes, and never closes.
    pub fn stalled() -> Self {
        Self::with(|stream| {
            std::mem::forget(stream);
        })
    }

    fn with(serve: impl Fn(TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("bind a service's port");
        let address = listener.local_addr().expect("a bound port");
        let accepted = Arc::new(AtomicUsize::new(0));
        let (count, serve) = (accepted.clone(), Arc::new(serve));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                count.fetch_add(1, Ordering::SeqCst);
                let serve = serve.clone();
                std::thread::spawn(move || serve(stream));
            }
        });
        Self { address, accepted }
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// How many connections came.
    pub fn connections(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }
}

/// An echo on a Unix socket, which lives as long as the tests do.
pub fn unix_echo(path: &Path) {
    let listener = UnixListener::bind(path).expect("bind a socket");
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || drop(copy(stream.try_clone(), stream)));
        }
    });
}

fn copy(from: std::io::Result<impl Read>, mut to: impl Write) -> std::io::Result<u64> {
    std::io::copy(&mut from?, &mut to)
}

/// A port that is free at the moment.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").expect("bind a port").local_addr().expect("a bound port").port()
}

/// Connects, once somebody listens.
#[track_caller]
pub fn dial(port: u16) -> TcpStream {
    let stream = eventually_some(SOON, "somebody listens", || TcpStream::connect(("127.0.0.1", port)).ok());
    stream.set_read_timeout(Some(SOON)).expect("set a limit");
    stream
}

/// Whether nobody listens there.
pub fn is_free(port: u16) -> bool {
    TcpStream::connect(("127.0.0.1", port)).is_err()
}

/// Sends a text and reads as much back.
#[track_caller]
pub fn ping(stream: &mut (impl Read + Write), text: &str) {
    stream.write_all(text.as_bytes()).expect("write");
    let mut back = vec![0; text.len()];
    stream.read_exact(&mut back).expect("an echo");
    assert_eq!(String::from_utf8_lossy(&back), text);
}

/// Whether the other end closes a connection within the usual limit.
pub fn closes(stream: &mut TcpStream) -> bool {
    let mut buffer = [0; 4096];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return true,
            Ok(_) => {}
            Err(error) => {
                return !matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut);
            }
        }
    }
}
