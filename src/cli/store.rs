//! `curfew store`: what is done with a database as a whole.

use std::io::{IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;

use clap::Subcommand;

use crate::config::location::Location;
use crate::store::{Copied, copy};

/// What is done with a database.
#[derive(Debug, clap::Args)]
pub struct StoreArgs {
    #[command(subcommand)]
    command: StoreCommand,
}

#[derive(Debug, Subcommand)]
enum StoreCommand {
    /// Copy everything from one database to another that is empty, the chain of the audit log intact.
    #[command(
        after_help = "Stop the gateway first. A database is sqlite:PATH or postgres://USER@HOST/NAME; a password is taken from \
                      PGPASSFILE.\n\nExample:\n  curfew store copy --from sqlite:/var/lib/curfew/curfew.db --to postgres://curfew@db/curfew"
    )]
    Copy {
        /// The database to read.
        #[arg(long, value_name = "URL")]
        from: String,
        /// The empty database to write.
        #[arg(long, value_name = "URL")]
        to: String,
    },
}

/// Does it: 0 done, 1 not, 2 when what was typed makes no sense.
pub async fn run(args: StoreArgs) -> ExitCode {
    let StoreCommand::Copy { from, to } = args.command;
    let read = |option: &str, text: &str| {
        Location::parse(text, Path::new("")).map_err(|why| eprintln!("curfew: {option}: {why}"))
    };
    let (Ok(from), Ok(to)) = (read("--from", &from), read("--to", &to)) else { return ExitCode::from(2) };
    if from.has_password() || to.has_password() {
        eprintln!("curfew: anybody on this machine can read a password in an argument; PGPASSFILE is the place for it");
    }
    let mut bar = Bar::default();
    let copied = copy(&from, &to, &mut |table, done, total| bar.show(table, done, total)).await;
    bar.end();
    match copied {
        Ok(Copied { rows, records }) => {
            println!("copied {rows} rows; the audit log has {records} records, and its chain is intact");
            println!("next: name the new database in [store] database, start curfew, and run: curfew verify --audit");
            ExitCode::SUCCESS
        }
        Err(why) => {
            eprintln!("curfew: {why}");
            ExitCode::FAILURE
        }
    }
}

/// Shows the progress on stderr: a line a table, which moves on a terminal.
#[derive(Debug, Default)]
struct Bar {
    table: &'static str,
}

impl Bar {
    fn show(&mut self, table: &'static str, done: u64, total: u64) {
        let mut err = std::io::stderr().lock();
        // A terminal that is gone is no reason to stop.
        let _ = if std::io::stderr().is_terminal() {
            let fresh = if self.table.is_empty() || self.table == table { "\r" } else { "\n" };
            write!(err, "{fresh}{table}: {done} of {total}")
        } else if done == total {
            writeln!(err, "{table}: {total}")
        } else {
            Ok(())
        };
        self.table = table;
    }

    fn end(&self) {
        if !self.table.is_empty() && std::io::stderr().is_terminal() {
            eprintln!();
        }
    }
}
