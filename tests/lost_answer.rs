//! A commit whose answer is lost on the way: what follows from the commit follows, and nobody is told what is not so.

use std::time::Duration;

use serde_json::Value;

use crate::support::cable::{Cable, Loss};
use crate::support::process::Running;
use crate::support::{Gateway, Postgres, SOON, Stage, Terminal, eventually, text};

/// How long a session may go on after the answer to its revocation was lost.
const AT_ONCE: Duration = Duration::from_millis(1500);

/// How long a person may wait for a line.
const ANSWERED: Duration = Duration::from_secs(12);

/// A gateway whose way to the database can be cut, with a live shell of Alice's.
struct Scene {
    stage: Stage,
    cable: Cable,
    terminal: Terminal,
    grant: String,
}

/// Who revokes.
#[derive(Debug, Clone, Copy)]
enum By {
    /// `ssh bastion revoke` by Sam.
    Sam,
    /// `curfew ctl revoke`.
    Operator,
}

impl Scene {
    fn begin() -> Option<Self> {
        let Some(postgres) = Postgres::start() else {
            Postgres::skipped();
            return None;
        };
        let cable = Cable::to(postgres.address());
        let database = format!(
            "postgres://{}:{}@{}/{}?sslmode=disable",
            postgres.user(),
            postgres.password(),
            cable.address,
            postgres.database()
        );
        let stage = Stage::on(Some(postgres), |setup| setup.store(&database));
        let grant = stage.alice.granted("web1", "admin", "1h");
        let terminal = stage.alice.terminal(&["-tt", "web1@bastion"]);
        terminal.type_in("echo re''ady\r");
        terminal.wait_for("ready", SOON);
        // Nothing else is to be committed when the next COMMIT is lost.
        let recorded = |session: &Value| session["recordings"].as_array().is_some_and(|list| !list.is_empty());
        eventually(SOON, "the recording is written down", || stage.gateway.sessions().iter().all(recorded));
        Some(Self { stage, cable, terminal, grant })
    }

    fn gateway(&self) -> &Gateway {
        &self.stage.gateway
    }

    /// Begins to revoke the grant.
    fn revoke(&self, by: By) -> Running {
        let command = format!("revoke {} --note stolen", self.grant);
        match by {
            By::Sam => self.stage.sam.asking(&command).start(),
            By::Operator => self.gateway().curfew(&["ctl"]).args(command.split(' ')).start(),
        }
    }

    /// Waits for the end of the shell, and says how long after the loss it came.
    #[track_caller]
    fn cut(&mut self) {
        let since = self.cable.lost(SOON);
        let code = self.terminal.wait(SOON);
        let took = since.elapsed();
        assert_eq!(code, Some(124), "{}", self.terminal.screen());
        assert!(took < AT_ONCE, "the session went on for {took:?}");
    }

    /// Checks that the grant is revoked, the session over, and the log whole, without a restart.
    #[track_caller]
    fn expect_revoked(&self) {
        let show = format!("show {}", self.grant);
        let ended = || self.gateway().ctl(&format!("{show} --json"));
        eventually(SOON, "the grant is revoked", || {
            let shown = ended();
            shown.code == Some(0) && shown.json()["ended_why"] == "revoked"
        });
        self.expect_cut();
        self.stage.on_web1("true").run().expect(77);
        self.expect_whole();
    }

    /// Waits until the end of the shell is written down.
    #[track_caller]
    fn expect_cut(&self) {
        let cut = || {
            let shown = self.gateway().ctl("show s1 --json");
            shown.code == Some(0) && shown.json()["ended_why"] == "revoked"
        };
        eventually(SOON, "the end of the session is written down", cut);
    }

    #[track_caller]
    fn expect_whole(&self) {
        self.gateway().curfew(&["verify", "--audit"]).run().ok();
        let next = self.stage.alice.granted("web1", "admin", "1h");
        self.stage.on_web1("true").run().ok();
        assert_eq!(text(&self.gateway().ctl_json(&format!("show {next}"))["state"]), "active");
        self.gateway().curfew(&["verify", "--audit"]).run().ok();
        assert_eq!(self.gateway().audit("gap").len(), 0);
    }
}

#[test]
fn a_revocation_whose_answer_is_lost_cuts_the_session_and_says_that_it_was_done() {
    for by in [By::Sam, By::Operator] {
        let Some(mut scene) = Scene::begin() else { return };
        scene.cable.lose(Loss::After);
        let mut revoke = scene.revoke(by);
        scene.cut();
        revoke.wait(ANSWERED).ok();
        assert_eq!(scene.gateway().audit("revoke").len(), 1, "{by:?}");
        scene.expect_revoked();
    }
}

#[test]
fn a_revocation_that_never_arrives_changes_nothing_and_says_so() {
    for by in [By::Sam, By::Operator] {
        let Some(mut scene) = Scene::begin() else { return };
        scene.cable.lose(Loss::Before);
        let mut revoke = scene.revoke(by);
        let run = revoke.wait(ANSWERED).expect(1);
        assert_eq!(run.stderr.trim().lines().count(), 1, "{run:?}");
        assert!(run.stderr.contains("database") && run.stderr.contains("try again"), "{run:?}");
        scene.terminal.type_in("echo go''es on\r");
        scene.terminal.wait_for("goes on", SOON);
        scene.expect_whole();
        scene.revoke(by).wait(ANSWERED).ok();
        assert_eq!(scene.terminal.wait(SOON), Some(124));
    }
}

#[track_caller]
fn in_a_black_hole(loss: Loss, by: By, hold: Duration) -> Option<Scene> {
    let mut scene = Scene::begin()?;
    scene.cable.lose(loss);
    let mut revoke = scene.revoke(by);
    scene.cut();
    let run = revoke.wait(ANSWERED).expect(1);
    assert_eq!(run.stderr.trim().lines().count(), 1, "{run:?}");
    assert!(run.stderr.contains("database") && run.stderr.contains("try again"), "{run:?}");
    let since = scene.cable.lost(SOON);
    eventually(hold + SOON, "the hole is as old as it shall be", || since.elapsed() >= hold);
    scene.cable.close_hole();
    Some(scene)
}

#[test]
fn a_revocation_that_falls_into_a_black_hole_cuts_the_session_and_shows_once_the_database_is_back() {
    let Some(scene) = in_a_black_hole(Loss::HoleAfter, By::Sam, Duration::ZERO) else { return };
    scene.expect_revoked();
}

#[test]
fn a_revocation_that_waits_in_a_black_hole_comes_late_or_never_and_the_log_is_whole() {
    // Longer than PostgreSQL waits for the rest of a transaction.
    for hold in [Duration::ZERO, Duration::from_secs(12)] {
        let Some(scene) = in_a_black_hole(Loss::HoleBefore, By::Operator, hold) else { return };
        scene.expect_cut();
        // It may have come too late for the database. Then the grant is as good as before, until it is revoked again.
        if scene.gateway().ctl_json(&format!("show {}", scene.grant))["ended_why"].is_null() {
            eventually(SOON, "the grant lets in", || scene.stage.on_web1("true").run().code == Some(0));
            eventually(SOON, "it is revoked", || scene.revoke(By::Operator).wait(SOON).code == Some(0));
        }
        scene.expect_revoked();
    }
}
