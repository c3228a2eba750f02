//! The way to a PostgreSQL server, on which a test can lose what goes over it, from a COMMIT on.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

use super::wait::Stopwatch;

/// The query as the driver sends it: a simple query of PostgreSQL's protocol, `Q` and its length before it.
const COMMIT: &[u8] = b"Q\0\0\0\x0bCOMMIT\0";

/// What becomes of a COMMIT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// The connection breaks before the COMMIT arrives.
    Before,
    /// The server has answered it, and the connection breaks before the answer arrives.
    After,
    /// It arrives, and from then on nothing arrives anywhere, on any connection.
    HoleAfter,
    /// From the COMMIT on nothing arrives anywhere, on any connection.
    HoleBefore,
}

/// Carries connections to a server.
pub struct Cable {
    pub address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// What becomes of the next COMMIT.
    armed: Option<Loss>,
    /// Nothing arrives.
    hole: bool,
    /// Since when something is lost.
    lost: Option<Stopwatch>,
}

impl Cable {
    /// Listens on a port of its own, and carries what comes there to this address.
    pub fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("listen somewhere");
        let (address, shared) = (listener.local_addr().expect("an address"), Arc::<Shared>::default());
        let for_all = Arc::clone(&shared);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let shared = Arc::clone(&for_all);
                std::thread::spawn(move || carry(&client, server, &shared));
            }
        });
        Self { address, shared }
    }

    /// Has something become of the next COMMIT.
    pub fn lose(&self, loss: Loss) {
        let mut state = self.shared.lock();
        state.armed = Some(loss);
        state.lost = None;
    }

    /// Has nothing arrive anywhere, from now on.
    pub fn open_hole(&self) {
        let mut state = self.shared.lock();
        state.hole = true;
        state.lost = Some(Stopwatch::start());
    }

    /// What has not arrived arrives now.
    pub fn close_hole(&self) {
        self.shared.lock().hole = false;
        self.shared.changed.notify_all();
    }

    /// Waits until a COMMIT, or its answer, was lost. Gives the time since then.
    #[track_caller]
    pub fn lost(&self, limit: Duration) -> Stopwatch {
        let state = self.shared.lock();
        let waited = self.shared.changed.wait_timeout_while(state, limit, |state| state.lost.is_none());
        let (state, _) = waited.expect("not poisoned");
        state.lost.unwrap_or_else(|| panic!("no COMMIT came within {limit:?}"))
    }
}

impl Drop for Cable {
    fn drop(&mut self) {
        self.close_hole();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("not poisoned")
    }

    /// Something was lost.
    fn lose(&self, mut state: MutexGuard<'_, State>) {
        state.lost = Some(Stopwatch::start());
        drop(state);
        self.changed.notify_all();
    }

    /// Waits until what is sent arrives.
    fn arrive(&self) {
        let state = self.lock();
        drop(self.changed.wait_while(state, |state| state.hole).expect("not poisoned"));
    }
}

/// Carries one connection until either end closes it.
fn carry(client: &TcpStream, server: SocketAddr, shared: &Arc<Shared>) {
    let Ok(server) = TcpStream::connect(server) else { return };
    let swallow = Arc::new(Mutex::new(false));
    std::thread::scope(|scope| {
        scope.spawn(|| answers(&server, client, shared, &swallow));
        questions(client, &server, shared, &swallow);
        // Only after what was on its way has arrived.
        let _ = server.shutdown(Shutdown::Write);
    });
}

/// Carries what the client sends.
fn questions(mut client: &TcpStream, mut server: &TcpStream, shared: &Shared, swallow: &Mutex<bool>) {
    let mut buffer = [0; 64 * 1024];
    while let Ok(n) = client.read(&mut buffer) {
        if n == 0 {
            return;
        }
        let bytes = &buffer[..n];
        if bytes.windows(COMMIT.len()).any(|window| window == COMMIT) {
            let mut state = shared.lock();
            match state.armed.take() {
                None => {}
                Some(Loss::Before) => {
                    shared.lose(state);
                    return close(client, server);
                }
                Some(Loss::After) => *swallow.lock().expect("not poisoned") = true,
                Some(loss) => {
                    state.hole = true;
                    shared.lose(state);
                    if loss == Loss::HoleAfter && server.write_all(bytes).is_err() {
                        return;
                    }
                    if loss == Loss::HoleAfter {
                        continue;
                    }
                }
            }
        }
        shared.arrive();
        if server.write_all(bytes).is_err() {
            return;
        }
    }
}

/// Carries what the server answers.
fn answers(mut server: &TcpStream, mut client: &TcpStream, shared: &Shared, swallow: &Mutex<bool>) {
    let mut buffer = [0; 64 * 1024];
    while let Ok(n) = server.read(&mut buffer) {
        if n == 0 {
            break;
        }
        if *swallow.lock().expect("not poisoned") {
            shared.lose(shared.lock());
            return close(client, server);
        }
        shared.arrive();
        if client.write_all(&buffer[..n]).is_err() {
            break;
        }
    }
    shared.arrive();
    close(client, server);
}

fn close(client: &TcpStream, server: &TcpStream) {
    let _ = client.shutdown(Shutdown::Both);
    let _ = server.shutdown(Shutdown::Both);
}
