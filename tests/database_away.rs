//! PostgreSQL stops, dies or stands still while sessions live: they keep their deadlines and their bytes, nobody new comes
//! in, and once the database is back nothing needs a restart.

use std::time::Duration;

use serde_json::Value;

use crate::support::process::Running;
use crate::support::{Gateway, Postgres, SOON, Stage, Stopwatch, Terminal, eventually, text, wall};

/// How long after its deadline a session may end on a busy machine.
const LATE: Duration = Duration::from_secs(3);

/// How long a person may wait for a line that says no.
const REFUSED: Duration = Duration::from_secs(15);

/// How long a keystroke may take to come back on a busy machine.
const ECHO: Duration = Duration::from_secs(2);

/// A gateway with a database server of its own, and a live shell under a long grant.
struct Scene {
    stage: Stage,
    terminal: Terminal,
    echoes: u32,
}

impl Scene {
    fn begin() -> Option<Self> {
        let Some(postgres) = Postgres::own() else {
            Postgres::skipped();
            return None;
        };
        let database = postgres.url();
        let stage = Stage::on(Some(postgres), |setup| {
            setup.store(&database);
            let silent = setup.targets[0].address;
            let key = setup.targets[0].host_key.clone();
            setup.target("web2", silent, &key, "");
        });
        stage.alice.granted("web1", "admin", "1h");
        let terminal = stage.alice.terminal(&["-tt", "web1@bastion"]);
        terminal.type_in("echo re''ady\r");
        terminal.wait_for("ready", SOON);
        Some(Self { stage, terminal, echoes: 0 })
    }

    fn postgres(&mut self) -> &mut Postgres {
        self.stage.gateway.postgres()
    }

    /// A shell under a grant that ends in a few seconds, and the moment of its end.
    fn short(&self) -> (Terminal, jiff::Timestamp, String) {
        let grant = self.stage.alice.granted("web2", "admin", "7s");
        let terminal = self.stage.alice.terminal(&["-tt", "web2@bastion"]);
        terminal.type_in("echo re''ady\r");
        terminal.wait_for("ready", SOON);
        let shown = self.stage.alice.json(&format!("show {grant}"));
        (terminal, text(&shown["expires_at"]).parse().expect("a moment"), grant)
    }

    /// The long shell still answers at once.
    #[track_caller]
    fn echoes(&mut self) {
        for _ in 0..5 {
            self.echoes += 1;
            let watch = Stopwatch::start();
            self.terminal.type_in(format!("echo e''cho{}.\r", self.echoes));
            self.terminal.wait_for(&format!("echo{}.", self.echoes), SOON);
            assert!(watch.elapsed() < ECHO, "a keystroke took {:?}", watch.elapsed());
        }
    }

    /// New sessions and commands, while there is no database.
    fn come(&self) -> [Running; 2] {
        [self.stage.on_web1("true").start(), self.stage.alice.asking("requests").start()]
    }

    #[track_caller]
    fn expect_refused(&self, [mut session, mut command]: [Running; 2]) {
        let run = session.wait(REFUSED).expect(77);
        assert_eq!(run.stderr.trim().lines().count(), 1, "{run:?}");
        assert!(run.stderr.contains("database does not answer"), "{run:?}");
        assert!(!run.stderr.contains("sqlx") && !run.stderr.contains("postgres"), "no error chain: {run:?}");
        let run = command.wait(REFUSED).expect(1);
        assert!(run.stderr.contains("database does not answer"), "{run:?}");
    }

    /// The gateway is as it was, with everything written down that happened meanwhile, and without a restart.
    #[track_caller]
    fn expect_back(&mut self, over: &str) {
        let gateway = &self.stage.gateway;
        eventually(SOON, "sessions begin again", || self.stage.on_web1("true").run().code == Some(0));
        let of_it = |session: &Value| session["grant"] == over;
        let ended = |session: &Value| session["ended_at"].is_string() && session["ended_why"] == "expired";
        eventually(SOON, "the end is written down", || gateway.sessions().iter().filter(|s| of_it(s)).all(ended));
        assert_eq!(gateway.ctl_json(&format!("show {over}"))["state"], "ended");
        self.echoes();
        self.terminal.type_in("exit\r");
        self.terminal.wait(SOON);
        let gateway = &self.stage.gateway;
        eventually(SOON, "all ends are written down", || gateway.sessions().iter().all(|s| s["ended_at"].is_string()));
        for session in gateway.sessions() {
            if session["recordings"].as_array().is_some_and(|list| !list.is_empty()) {
                gateway.sealed_recordings(&text(&session["id"]));
            }
        }
        gateway.curfew(&["verify", "--audit"]).run().ok();
        assert_eq!(gateway.audit("gateway.started").len(), 1, "no restart");
        assert_eq!(gateway.audit("gap").len(), 0);
    }

    /// The whole story, from the moment that the database goes to the one at which it is back.
    #[track_caller]
    fn tell(self, gone: fn(&mut Postgres), back: fn(&mut Postgres)) {
        self.tell_for(Duration::ZERO, gone, back);
    }

    /// The same, where the database is away for at least so long.
    #[track_caller]
    fn tell_for(mut self, away: Duration, gone: fn(&mut Postgres), back: fn(&mut Postgres)) {
        let (mut short, ends, grant) = self.short();
        assert!(wall() < ends, "the test came too late to see anything");
        let recorded = recorded(&self.stage.gateway);
        let watch = Stopwatch::start();
        gone(self.postgres());
        let coming = self.come();
        self.echoes();
        assert_eq!(short.wait(SOON), Some(124), "{}", short.screen());
        let late = wall().duration_since(ends);
        assert!(late >= jiff::SignedDuration::ZERO, "cut before its time, by {late:?}");
        assert!(late < jiff::SignedDuration::try_from(LATE).unwrap(), "late by {late:?}");
        self.expect_refused(coming);
        self.echoes();
        eventually(SOON, "the recording goes on", || recorded < self::recorded(&self.stage.gateway));
        eventually(away + SOON, "the database has been away for long enough", || watch.elapsed() >= away);
        self.echoes();
        back(self.postgres());
        self.expect_back(&grant);
    }
}

/// How many bytes all recordings have.
fn recorded(gateway: &Gateway) -> u64 {
    gateway.cast_files().iter().filter_map(|path| std::fs::metadata(path).ok()).map(|file| file.len()).sum()
}

#[test]
fn a_database_that_is_stopped_stops_no_session_and_no_deadline() {
    let Some(scene) = Scene::begin() else { return };
    scene.tell(Postgres::stop, Postgres::start_again);
}

#[test]
fn a_database_that_dies_stops_no_session_and_no_deadline() {
    let Some(scene) = Scene::begin() else { return };
    scene.tell(Postgres::kill9, Postgres::start_again);
}

#[test]
fn a_database_that_stands_still_stops_no_session_and_no_deadline() {
    let Some(scene) = Scene::begin() else { return };
    scene.tell(Postgres::freeze, Postgres::thaw);
}

#[test]
fn a_database_that_stands_still_and_then_dies_loses_nothing_that_was_said_to_be_done() {
    let Some(scene) = Scene::begin() else { return };
    // Longer than every wait of the gateway for the database.
    scene.tell_for(Duration::from_secs(15), Postgres::freeze, |postgres| {
        postgres.kill9();
        postgres.start_again();
    });
}

#[test]
fn the_operator_is_told_that_the_gateway_is_not_ready_and_why() {
    let Some(mut scene) = Scene::begin() else { return };
    let ready = scene.stage.gateway.ctl_json("status");
    assert_eq!((&ready["ready"], &ready["database"]), (&Value::Bool(true), &Value::from("ok")), "{ready}");
    for (gone, back) in [
        (Postgres::stop as fn(&mut Postgres), Postgres::start_again as fn(&mut Postgres)),
        (Postgres::freeze, Postgres::thaw),
    ] {
        gone(scene.postgres());
        let status = scene.stage.gateway.curfew(&["ctl", "status", "--json"]).limit(REFUSED).run().json();
        assert_eq!(status["ready"], false, "{status}");
        assert!(status["database"].as_str().is_some_and(|why| !why.is_empty() && why != "ok"), "{status}");
        back(scene.postgres());
        eventually(SOON, "it is ready again", || scene.stage.gateway.ctl_json("status")["ready"] == true);
    }
}

#[test]
fn shutting_down_without_a_database_takes_no_longer_than_a_few_seconds() {
    for gone in [Postgres::stop as fn(&mut Postgres), Postgres::freeze] {
        let Some(mut scene) = Scene::begin() else { return };
        scene.stage.gateway.edit(|toml| toml.replace("[ssh]\n", "[ssh]\ndrain = \"1s\"\n"));
        scene.stage.gateway.reload();
        scene.stage.gateway.log_has("the configuration was reloaded");
        gone(scene.postgres());
        scene.stage.gateway.signal(rustix::process::Signal::TERM);
        scene.stage.gateway.wait(SOON + SOON);
    }
}

#[test]
fn a_second_curfew_on_the_same_database_does_not_start_and_says_why() {
    let Some(mut scene) = Scene::begin() else { return };
    let password = scene.postgres().password().to_owned();
    // The same file elsewhere: another state folder, another port.
    let other = Gateway::keeping(None, &std::fs::read_to_string(scene.stage.gateway.config_path()).unwrap());
    let refuses = || {
        let run = other.curfew(&["serve"]).limit(SOON).run().expect(1);
        let line = run.stderr.lines().last().unwrap_or_default().to_owned();
        assert!(line.contains("another curfew is running") && line.contains("stop it first"), "{run:?}");
        assert!(!run.stderr.contains(&password), "{run:?}");
    };
    refuses();
    scene.postgres().stop();
    scene.postgres().start_again();
    let held = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'";
    let postgres = scene.postgres();
    eventually(SOON, "the lock is taken again", || postgres.psql(held).as_deref() == Ok("1"));
    refuses();
    scene.stage.on_web1("true").run().ok();
}
