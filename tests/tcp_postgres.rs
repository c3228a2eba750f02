//! A real PostgreSQL as a TCP target.

use std::net::{SocketAddr, TcpListener, TcpStream};

use crate::support::{Program, SOON, Stage, eventually};
use crate::tcp_target::orders_db;

#[test]
fn postgres_works_through_it_where_it_is_installed() {
    let Some(postgres) = Postgres::start() else {
        eprintln!("skipped: PostgreSQL is not installed");
        return;
    };
    let stage = Stage::with(|setup| orders_db(setup, postgres.address));
    stage.alice.granted("orders-db", "db", "1h");
    let folder = stage.alice.dir();
    let port = postgres.address.port();
    // Clients find a Unix socket of this name in a folder.
    let socket = folder.join(".s.PGSQL.5999");
    let spec = format!("{}:orders-db:{port}", socket.display());
    let _forward = stage.alice.ssh(&["-N", "-L", &spec, "bastion"]).start();
    eventually(SOON, "the forward listens", || socket.exists());
    let psql = Program::new("psql")
        .args([
            "-X",
            "-U",
            "postgres",
            "-p",
            "5999",
            "-Atc",
            "select sum(n) from generate_series(1,200000) n",
            "postgres",
        ])
        .arg("-h")
        .arg(folder);
    assert_eq!(psql.run().ok().text(), "20000100000\n");
}

/// A PostgreSQL server of this test.
struct Postgres {
    address: SocketAddr,
    _dir: tempfile::TempDir,
    child: std::process::Child,
}

impl Postgres {
    fn start() -> Option<Self> {
        let bin = std::fs::read_dir("/usr/lib/postgresql").ok()?.flatten().next()?.path().join("bin");
        let _ = std::process::Command::new("psql").arg("--version").output().ok()?;
        let dir = tempfile::tempdir().ok()?;
        let data = dir.path().join("data");
        let as_user = |program: &str| {
            // It does not run as root.
            let mut command = if crate::support::login() == "root" {
                let mut command = std::process::Command::new("setpriv");
                command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]).arg(bin.join(program));
                command
            } else {
                std::process::Command::new(bin.join(program))
            };
            command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
            command
        };
        if crate::support::login() == "root" {
            let _ = std::process::Command::new("chown").arg("postgres").arg(dir.path()).status();
        }
        let made = as_user("initdb").args(["-A", "trust", "-U", "postgres", "-D"]).arg(&data).status().ok()?;
        made.success().then_some(())?;
        let address = TcpListener::bind("127.0.0.1:0").ok()?.local_addr().ok()?;
        let child = as_user("postgres")
            .args(["-h", "127.0.0.1", "-p", &address.port().to_string(), "-k", ""])
            .arg("-D")
            .arg(&data)
            .spawn()
            .ok()?;
        let postgres = Self { address, _dir: dir, child };
        eventually(SOON, "PostgreSQL listens", || TcpStream::connect(address).is_ok());
        Some(postgres)
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
