//! A real PostgreSQL as a TCP target.

use crate::support::{Postgres, Program, SOON, Stage, eventually};
use crate::tcp_target::orders_db;

#[test]
fn postgres_works_through_it_where_it_is_installed() {
    let Some(postgres) = Postgres::start() else {
        return Postgres::skipped();
    };
    let stage = Stage::with(|setup| orders_db(setup, postgres.address()));
    stage.alice.granted("orders-db", "db", "1h");
    let folder = stage.alice.dir();
    let port = postgres.address().port();
    // Clients find a Unix socket of this name in a folder.
    let socket = folder.join(".s.PGSQL.5999");
    let spec = format!("{}:orders-db:{port}", socket.display());
    let _forward = stage.alice.ssh(&["-N", "-L", &spec, "bastion"]).start();
    eventually(SOON, "the forward listens", || socket.exists());
    let psql = Program::new("psql")
        .args([
            "-X",
            "-U",
            postgres.user(),
            "-p",
            "5999",
            "-Atc",
            "select sum(n) from generate_series(1,200000) n",
            postgres.database(),
        ])
        .env("PGPASSWORD", postgres.password())
        .arg("-h")
        .arg(folder);
    assert_eq!(psql.run().ok().text(), "20000100000\n");
}
