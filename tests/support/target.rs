//! Targets: a real sshd of this machine, and others that misbehave.

use std::io::Write;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tempfile::TempDir;

use super::keys::{self, KeyPair};
use super::stage::login;
use super::wait::eventually;

const SSHD: &str = "/usr/sbin/sshd";

/// An OpenSSH server as a target. Each connection is one `sshd -i` of its own, so that the test sees every one of them.
pub struct Target {
    pub host_key: KeyPair,
    pub dir: TempDir,
    door: Door,
    sessions: Arc<Mutex<Vec<Child>>>,
}

impl Target {
    pub fn start() -> Self {
        let dir = tempfile::Builder::new().prefix("target").tempdir().expect("make a folder");
        if login() == "root" {
            // sshd's privilege separation folder, which a machine without a running sshd may lack.
            let _ = std::fs::create_dir_all("/run/sshd");
        }
        let host_key = keys::generate(dir.path(), "host_key", "ed25519");
        let sessions: Arc<Mutex<Vec<Child>>> = Arc::default();
        let config = dir.path().join("sshd_config");
        std::fs::write(&config, Self::config(&dir, &host_key)).expect("write sshd's configuration");
        std::fs::write(dir.path().join("ca.pub"), "").expect("write a file");
        // A home of its own: the start-up files of whoever runs the tests are not part of them.
        std::fs::create_dir(dir.path().join("home")).expect("make a folder");
        let kept = sessions.clone();
        let door = Door::open(None, move |stream| {
            if let Ok(child) = serve(stream, &config) {
                kept.lock().expect("not poisoned").push(child);
            }
        });
        Self { host_key, dir, door, sessions }
    }

    fn config(dir: &TempDir, host_key: &KeyPair) -> String {
        let dir = dir.path().display();
        format!(
            "HostKey {}\nTrustedUserCAKeys {dir}/ca.pub\nAuthorizedKeysFile {dir}/authorized_keys\n\
             UsePAM no\nStrictModes no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n\
             PermitRootLogin yes\nAcceptEnv *\nPrintMotd no\nPrintLastLog no\n\
             SetEnv HOME={dir}/home\nSubsystem sftp internal-sftp\nSubsystem echo /bin/cat\nLogLevel DEBUG1\n",
            host_key.path.display()
        )
    }

    /// Trusts certificates of this CA.
    pub fn trust(&self, user_ca: &str) {
        std::fs::write(self.dir.path().join("ca.pub"), format!("{user_ca}\n")).expect("write the CA's key");
    }

    /// Lets this key in.
    pub fn authorize(&self, key: &KeyPair) {
        std::fs::write(self.dir.path().join("authorized_keys"), format!("{}\n", key.public)).expect("write a key");
    }

    pub fn address(&self) -> SocketAddr {
        self.door.address
    }

    /// How many connections were made to it so far.
    pub fn connections(&self) -> usize {
        self.door.accepted.load(Ordering::SeqCst)
    }

    /// How many connections are open now.
    pub fn open_connections(&self) -> usize {
        let mut sessions = self.sessions.lock().expect("not poisoned");
        sessions.retain_mut(|child| matches!(child.try_wait(), Ok(None)));
        sessions.len()
    }

    #[track_caller]
    pub fn expect_quiet(&self, limit: Duration) {
        eventually(limit, "every connection to the target is closed", || self.open_connections() == 0);
    }

    /// What sshd logged, at its level DEBUG1.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }

    /// Shows another host key from now on.
    pub fn swap_host_key(&self) {
        let new = keys::generate(self.dir.path(), "other_host_key", "ed25519");
        std::fs::write(self.dir.path().join("sshd_config"), Self::config(&self.dir, &new)).expect("write");
    }

    /// Refuses new connections, and drops the open ones.
    pub fn stop(&self) {
        self.door.close();
        self.hang_up();
    }

    /// Drops the open connections.
    pub fn hang_up(&self) {
        for child in self.sessions.lock().expect("not poisoned").iter_mut() {
            let _ = child.kill();
        }
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        for mut child in self.sessions.lock().expect("not poisoned").drain(..) {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn serve(stream: TcpStream, config: &std::path::Path) -> std::io::Result<Child> {
    let other = stream.try_clone()?;
    Command::new(SSHD)
        .args(["-i", "-f"])
        .arg(config)
        .arg("-E")
        .arg(config.with_file_name("log"))
        .stdin(Stdio::from(OwnedFd::from(stream)))
        .stdout(Stdio::from(OwnedFd::from(other)))
        .stderr(Stdio::null())
        .spawn()
}

/// A target that only behaves badly.
pub struct Fake {
    pub host_key: KeyPair,
    door: Option<Door>,
    address: SocketAddr,
    _dir: TempDir,
    held: Arc<Mutex<Vec<TcpStream>>>,
    silent: Arc<AtomicUsize>,
}

impl Fake {
    /// Accepts, and never says a word.
    pub fn silent() -> Self {
        Self::with(|_| {})
    }

    /// Accepts, and sends what is no SSH.
    pub fn garbage() -> Self {
        Self::with(|mut stream| {
            let noise: Vec<u8> = (0..200_000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
            let _ = stream.write_all(&noise);
        })
    }

    /// Accepts, and sends a good greeting with garbage after it.
    pub fn garbage_after_greeting() -> Self {
        Self::with(|mut stream| {
            let _ = stream.write_all(b"SSH-2.0-OpenSSH_9.2\r\n");
            let _ = stream.write_all(&[0xff; 70_000]);
        })
    }

    /// Leads to a real target, and falls silent after so many of its bytes: in the greeting, while keys are exchanged, in
    /// the login, or later.
    pub fn silent_after(target: SocketAddr, bytes: u64) -> Self {
        let silent = Arc::new(AtomicUsize::new(0));
        let fallen = silent.clone();
        let mut fake = Self::with(move |stream| {
            let Ok(target) = TcpStream::connect(target) else { return };
            let (up, down) = ((stream.try_clone(), target.try_clone()), (target.try_clone(), stream.try_clone()));
            let fallen = fallen.clone();
            std::thread::spawn(move || {
                let _ = std::io::copy(&mut up.0?, &mut up.1?);
                target.shutdown(std::net::Shutdown::Both)
            });
            std::thread::spawn(move || {
                let passed = std::io::copy(&mut std::io::Read::take(down.0?, bytes), &mut down.1?)?;
                fallen.fetch_add(usize::from(passed == bytes), Ordering::SeqCst);
                std::io::Result::Ok(())
            });
        });
        fake.silent = silent;
        fake
    }

    /// How many of its connections have fallen silent.
    pub fn silent_connections(&self) -> usize {
        self.silent.load(Ordering::SeqCst)
    }

    /// Nobody listens there.
    pub fn refusing() -> Self {
        let mut fake = Self::with(|_| {});
        fake.door = None;
        fake
    }

    fn with(greet: impl Fn(&TcpStream) + Send + 'static) -> Self {
        let dir = tempfile::Builder::new().prefix("fake").tempdir().expect("make a folder");
        let host_key = keys::generate(dir.path(), "host_key", "ed25519");
        let held: Arc<Mutex<Vec<TcpStream>>> = Arc::default();
        let kept = held.clone();
        let door = Door::open(None, move |stream| {
            greet(&stream);
            kept.lock().expect("not poisoned").push(stream);
        });
        Self { host_key, address: door.address, door: Some(door), _dir: dir, held, silent: Arc::default() }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn connections(&self) -> usize {
        self.door.as_ref().map_or(0, |door| door.accepted.load(Ordering::SeqCst))
    }

    /// Whether every connection that was made to it is closed by its other end.
    pub fn all_left(&self) -> bool {
        let gone = |stream: &TcpStream| {
            let _ = stream.set_nonblocking(true);
            let mut buffer = [0; 4096];
            loop {
                match std::io::Read::read(&mut &*stream, &mut buffer) {
                    Ok(0) => return true,
                    Ok(_) => {}
                    Err(error) => return error.kind() != std::io::ErrorKind::WouldBlock,
                }
            }
        };
        self.held.lock().expect("not poisoned").iter().all(gone)
    }
}

/// A listener on a port of its own, gone when it is dropped.
struct Door {
    address: SocketAddr,
    accepted: Arc<AtomicUsize>,
    closed: Arc<AtomicBool>,
}

impl Door {
    fn open(address: Option<SocketAddr>, serve: impl Fn(TcpStream) + Send + 'static) -> Self {
        let address = address.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 0)));
        let listener = TcpListener::bind(address).expect("bind a target's port");
        let door = Self {
            address: listener.local_addr().expect("a bound port"),
            accepted: Arc::default(),
            closed: Arc::default(),
        };
        let (accepted, closed) = (door.accepted.clone(), door.closed.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if closed.load(Ordering::SeqCst) {
                    return;
                }
                if let Ok(stream) = stream {
                    accepted.fetch_add(1, Ordering::SeqCst);
                    serve(stream);
                }
            }
        });
        door
    }

    fn close(&self) {
        if !self.closed.swap(true, Ordering::SeqCst) {
            // Wakes the thread that accepts, which then lets go of the port.
            let _ = TcpStream::connect(self.address);
            eventually(Duration::from_secs(5), "the target's port is closed", || {
                TcpStream::connect(self.address).is_err()
            });
        }
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.close();
    }
}
