//! Commands from their bytes to their exit status, against a real database on a clock that is moved by hand.

use std::time::Duration;

use bytes::Bytes;
use curfew_proxy::gate::{Console, Output};
use curfew_proxy::lease::drain::Drain;
use serde_json::Value;
use tokio::sync::mpsc;

use crate::console::hints::Hints;
use crate::console::run::{ConsoleSetting, run};
use crate::live::recordings::LiveRecordings;
use crate::usecase::Actor;
use crate::usecase::status::StatusSource;
use crate::usecase::tests::Bench;

/// What came of a command.
#[derive(Debug, Clone)]
pub struct Came {
    pub status: u32,
    pub out: String,
    pub err: String,
}

/// Somebody at a terminal or in a script.
pub struct Typist<'a> {
    bench: &'a Bench,
    actor: Actor,
    called: String,
    pub pty: Option<(u32, u32)>,
    pub live_recordings: LiveRecordings,
}

impl<'a> Typist<'a> {
    pub fn new(bench: &'a Bench, name: &str) -> Self {
        let actor = if name == "operator" { Actor::Operator } else { bench.actor(name) };
        Self { bench, actor, called: name.to_owned(), pty: None, live_recordings: LiveRecordings::default() }
    }

    /// Types a command, and whatever comes through `keys` while it goes on.
    pub async fn types_with(&self, line: &str, keys: mpsc::Receiver<Bytes>) -> Came {
        let (output, mut pieces) = mpsc::channel(1);
        let console = Console {
            command: Bytes::copy_from_slice(line.as_bytes()),
            called: self.called.clone(),
            from: ([127, 0, 0, 1], 50022).into(),
            pty: self.pty,
            output,
            input: keys,
        };
        let hints = Hints::ssh("bastion", 2222);
        let status = StatusSource::new(Drain::new(), []);
        let setting = ConsoleSetting {
            app: &self.bench.app,
            live_recordings: &self.live_recordings,
            hints: &hints,
            status: &status,
        };
        let read = async {
            let (mut out, mut err) = (Vec::new(), Vec::new());
            while let Some(piece) = pieces.recv().await {
                match piece {
                    Output::Out(bytes) | Output::Raw(bytes) => out.extend_from_slice(&bytes),
                    Output::Err(bytes) => err.extend_from_slice(&bytes),
                }
            }
            (String::from_utf8(out).expect("text"), String::from_utf8(err).expect("text"))
        };
        let (status, (out, err)) = tokio::join!(run(setting, &self.actor, console), Box::pin(read));
        Came { status, out, err }
    }

    pub async fn types(&self, line: &str) -> Came {
        let (_keys, input) = mpsc::channel(1);
        self.types_with(line, input).await
    }

    /// Types a command that answers with JSON.
    pub async fn asks(&self, line: &str) -> Value {
        let came = self.types(&format!("{line} --json")).await;
        assert_eq!((came.status, came.err.as_str()), (0, ""), "{line}");
        assert_eq!(came.out.lines().count(), 1, "{line}");
        serde_json::from_str(&came.out).unwrap_or_else(|why| panic!("{line}: {why}"))
    }
}

const ASK: &str = "request web1 --role admin --for 30m --reason INC-7 it's full";

#[tokio::test]
async fn a_request_is_asked_approved_used_up_and_seen_by_every_command() {
    let bench = Bench::new().await;
    let [alice, bob, carol, eve] = ["alice", "bob", "carol", "eve"].map(|name| Typist::new(&bench, name));
    let asked = alice.types(ASK).await;
    assert_eq!(asked.status, 0, "{asked:?}");
    assert_eq!(
        asked.out,
        "r1 waits for leads: 0 of 2 approvals so far. They type\n  ssh -p 2222 bastion approve r1\n\
         You see how it stands with\n  ssh -p 2222 bastion show r1\n"
    );
    assert!(
        bob.types("").await.out.contains("  r1   alice wants admin on web1 for 30m\n       because: INC-7 it's full\n")
    );
    assert!(bob.types("approve r1").await.out.starts_with("r1 waits for leads: 1 of 2 approvals so far"));
    let granted = carol.types("approve r1 --for 15m --note the logs only").await;
    assert_eq!(
        granted.out,
        "r1 is granted: g1 gives alice admin on web1 until 04:15:00Z, 15m left\n  ssh -p 2222 root@web1@bastion\n"
    );
    assert!(alice.types("").await.out.contains("  g1   admin on web1 until 04:15:00Z, 15m left\n"));
    let request = alice.asks("show r1").await;
    assert_eq!(request["state"], "granted");
    assert_eq!(request["duration_s"], 900);
    assert_eq!(request["reason"], "INC-7 it's full");
    assert_eq!(request["approvals"][1]["note"], "the logs only");
    assert_eq!(alice.asks("grants").await[0]["expires_at"], "2026-11-23T04:15:00.000Z");
    assert_eq!(alice.asks("whoami").await["grants"][0]["id"], "g1");
    assert_eq!(alice.types("done g1").await.out, "g1 has ended, and every session under it\n");
    assert_eq!(alice.asks("show g1").await["ended_why"], "done");
    assert_eq!(eve.asks("audit --since 1h --user alice").await[0]["action"], "request.filed");
    assert!(eve.types("audit").await.out.contains("grant.done"));
    assert_eq!(
        alice.types("grants").await.out,
        "No grants.\nThe past: ssh -p 2222 bastion grants --all\n",
        "what is over is not listed"
    );
    assert_eq!(alice.asks("requests").await, serde_json::json!([]));
    assert_eq!(alice.asks("grants --all").await[0]["id"], "g1");
    assert_eq!(alice.asks("requests --mine --all").await[0]["id"], "r1");
}

#[tokio::test]
async fn every_command_answers_with_one_json_value() {
    let bench = Bench::new().await;
    let [alice, bob, eve] = ["alice", "bob", "eve"].map(|name| Typist::new(&bench, name));
    for line in [
        "",
        "whoami",
        "targets",
        "requests",
        "requests --all",
        "grants",
        "grants --all",
        "sessions",
        "sessions --live",
        "help",
        "help show",
        "version",
    ] {
        alice.asks(line).await;
    }
    let look = "request web1 --role look --for 30m --reason INC-7";
    assert_eq!(alice.asks(look).await["state"], "granted");
    assert_eq!(alice.asks(&format!("{look} --wait")).await["grant"], "g2");
    assert_eq!(alice.asks("extend g1 --for 10m --reason INC-7").await["state"], "granted");
    assert_eq!(eve.asks("revoke g1 --note no").await["ended_why"], "revoked");
    assert_eq!(alice.asks("done g2").await["state"], "ended");
    assert_eq!(alice.asks(ASK).await["waits_for"][0], "leads");
    assert_eq!(alice.asks("cancel r4").await["state"], "cancelled");
    alice.asks(ASK).await;
    assert_eq!(bob.asks("approve r5").await["approvals"][0]["by"], "bob");
    alice.asks(ASK).await;
    assert_eq!(bob.asks("deny r6 --note no").await["state"], "denied");
    assert!(!eve.asks("audit").await.as_array().expect("a list").is_empty());
}

#[tokio::test]
async fn what_is_mistyped_is_told_before_anything_is_looked_up() {
    let bench = Bench::new().await;
    bench.app.store().close().await;
    let alice = Typist::new(&bench, "alice");
    for line in ["aprove r1", "show", "request web1", "deny r1", "approve r1 --json --fro 5m"] {
        let came = alice.types(line).await;
        assert_eq!((came.status, came.out.as_str()), (2, ""), "{line}");
        assert!(
            came.err.starts_with("curfew: ") && came.err.contains("\n  for example: ssh -p 2222 bastion "),
            "{came:?}"
        );
    }
    let came = alice.types("grants --json").await;
    assert_eq!((came.status, came.out.as_str()), (1, ""));
    assert_eq!(came.err.lines().count(), 1, "{came:?}");
}

#[tokio::test]
async fn a_refusal_is_one_line_on_stderr_and_1() {
    let bench = Bench::new().await;
    let mallory = Typist::new(&bench, "mallory");
    Typist::new(&bench, "alice").types(ASK).await;
    for line in [
        "show r1",
        "show r99",
        "approve r1",
        "cancel r1",
        "done g1",
        "kill s1 --note x",
        "watch s1",
        "replay s1",
        "audit",
        ASK,
    ] {
        let came = mallory.types(line).await;
        assert_eq!((came.status, came.out.as_str()), (1, ""), "{line}");
        assert!(came.err.starts_with("curfew: ") && came.err.lines().count() == 1, "{came:?}");
    }
    assert_eq!(mallory.types("show r1").await.err, "curfew: r1: not found\n");
}

#[tokio::test]
async fn a_name_that_is_not_ones_own_matters_only_without_a_known_command() {
    let bench = Bench::new().await;
    let mut alice = Typist::new(&bench, "alice");
    alice.called = "wbe1".to_owned();
    for (line, status) in [("", 77), ("uptime", 77), ("--json", 77), ("whoami", 0), ("help", 0), ("show", 2)] {
        assert_eq!(alice.types(line).await.status, status, "{line}");
    }
    let came = alice.types("").await;
    assert_eq!(
        (came.out.as_str(), came.err.as_str()),
        (
            "",
            "curfew: no target `wbe1` that you may ask for; did you mean web1? (you are alice: ssh -p 2222 bastion whoami)\n"
        )
    );
    alice.called = "alice".to_owned();
    assert_eq!(alice.types("").await.status, 0);
    assert_eq!(alice.types("uptime").await.status, 2);
    assert_eq!(Typist::new(&bench, "operator").types("").await.status, 0);
}

#[tokio::test]
async fn colours_are_for_terminals() {
    let bench = Bench::new().await;
    let mut alice = Typist::new(&bench, "alice");
    assert!(!alice.types("").await.out.contains('\u{1b}'));
    alice.pty = Some((80, 24));
    assert!(alice.types("").await.out.starts_with("\u{1b}[1malice\u{1b}[0m"));
}

/// Moves the clock on until the work is done.
async fn while_time_passes<T>(bench: &Bench, work: impl Future<Output = T>) -> T {
    let tick = async {
        loop {
            bench.clock.advance(Duration::from_millis(250));
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::select! {
        done = work => done,
        () = tick => unreachable!("time goes on for ever"),
    }
}

/// Waits for the first request to be filed.
async fn filed(bob: &Typist<'_>) {
    while bob.types("show r1").await.status != 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test]
async fn waiting_ends_with_the_decision_and_only_a_grant_is_0() {
    for (decision, status, out, err) in [
        ("approve r1", 0, "r1 is granted: g1 gives alice", ""),
        ("deny r1 --note use web2", 1, "", "curfew: r1 was denied by carol: use web2\n"),
    ] {
        let bench = Bench::new().await;
        let [alice, bob, carol] = ["alice", "bob", "carol"].map(|name| Typist::new(&bench, name));
        let decide = async {
            filed(&bob).await;
            assert_eq!(bob.types("approve r1").await.status, 0);
            assert_eq!(carol.types(decision).await.status, 0);
        };
        let line = format!("{ASK} --wait");
        let (came, ()) = while_time_passes(&bench, async { tokio::join!(alice.types(&line), decide) }).await;
        assert_eq!((came.status, came.err.as_str()), (status, err), "{came:?}");
        assert!(came.out.contains(out), "{came:?}");
    }
}

#[tokio::test]
async fn waiting_for_json_says_nothing_until_it_is_granted() {
    let bench = Bench::new().await;
    let [alice, bob, carol] = ["alice", "bob", "carol"].map(|name| Typist::new(&bench, name));
    let decide = async {
        filed(&bob).await;
        bob.types("approve r1").await;
        carol.types("approve r1").await;
    };
    let line = format!("{ASK} --wait");
    let (view, ()) = while_time_passes(&bench, async { tokio::join!(alice.asks(&line), decide) }).await;
    assert_eq!(view["grant"], "g1");
}

#[tokio::test]
async fn ctrl_c_stops_the_waiting_and_the_request_stays() {
    let bench = Bench::new().await;
    let (mut alice, bob) = (Typist::new(&bench, "alice"), Typist::new(&bench, "bob"));
    alice.pty = Some((80, 24));
    let (keys, input) = mpsc::channel(1);
    let interrupt = async {
        filed(&bob).await;
        bob.types("approve r1").await;
        keys.send(Bytes::from_static(b"\x03")).await.expect("it is typed");
    };
    let line = format!("{ASK} --wait");
    let (came, ()) = while_time_passes(&bench, async { tokio::join!(alice.types_with(&line, input), interrupt) }).await;
    assert_eq!(came.status, 1);
    assert!(came.out.contains("\r\u{1b}[Kr1 has 0 of 2 approvals, waited 0s; Ctrl-C stops waiting"), "{came:?}");
    assert!(came.err.starts_with("curfew: r1 stays pending; see how it stands with `ssh -p 2222 bastion show r1`"));
    assert_eq!(alice.asks("show r1").await["state"], "pending");
}

#[tokio::test]
async fn a_person_who_is_gone_ends_the_command_and_the_request_stays() {
    let bench = Bench::new().await;
    let (alice, bob) = (Typist::new(&bench, "alice"), Typist::new(&bench, "bob"));
    let (_keys, input) = mpsc::channel(1);
    {
        let waiting = alice.types_with("request web1 --role admin --for 1h --reason INC-7 --wait", input);
        tokio::select! {
            came = waiting => panic!("nobody decided: {came:?}"),
            () = filed(&bob) => {}
        }
    }
    assert_eq!(alice.asks("show r1").await["state"], "pending");
}

#[tokio::test]
async fn the_operator_sees_all_and_asks_for_nothing() {
    let bench = Bench::new().await;
    let operator = Typist::new(&bench, "operator");
    Typist::new(&bench, "alice").types(ASK).await;
    assert_eq!(operator.asks("requests").await[0]["id"], "r1");
    let page = operator.types("").await.out;
    assert!(page.contains(" deny r1 --note TEXT\n") && !page.contains(" approve r1\n"), "{page}");
    assert_eq!(operator.types("deny r1 --note not today").await.out, "r1 of alice is denied\n");
    assert_eq!(operator.types(ASK).await.status, 1);
}

#[tokio::test]
async fn the_status_is_for_the_operator_alone() {
    let bench = Bench::new().await;
    let came = Typist::new(&bench, "operator").types("status --json").await;
    let status: Value = serde_json::from_str(&came.out).expect("JSON");
    assert_eq!((came.status, &status["state"], &status["sessions"]), (0, &"open".into(), &0.into()));
    assert_eq!((&status["ready"], &status["database"]), (&true.into(), &"ok".into()));
    bench.granted(crate::usecase::tests::HOUR).await;
    bench.connect("alice", "web1").await.expect("she is let in");
    let came = Typist::new(&bench, "operator").types("status").await;
    assert!(came.out.starts_with("open, ready; database: ok\n1 sessions, 0 recordings,"), "{}", came.out);
    bench.app.store().close().await;
    let came = Typist::new(&bench, "operator").types("status --json").await;
    let status: Value = serde_json::from_str(&came.out).expect("JSON");
    assert_eq!((came.status, &status["ready"]), (0, &false.into()), "{status}");
    assert_ne!(status["database"], "ok");
    let came = Typist::new(&bench, "alice").types("status").await;
    assert_eq!((came.status, came.out.as_str()), (1, ""));
    assert!(came.err.contains("curfew ctl status"), "{}", came.err);
}

#[tokio::test]
async fn a_long_audit_log_comes_whole_and_in_order() {
    let bench = Bench::new().await;
    let dave = Typist::new(&bench, "dave");
    for number in 1..=300 {
        for line in ["request web2 --role admin --for 1h --reason INC-7: disk full", &format!("cancel r{number}")] {
            let came = dave.types(line).await;
            assert_eq!(came.status, 0, "{}", came.err);
        }
    }
    let eve = Typist::new(&bench, "eve");
    let events: Vec<Value> = serde_json::from_str(&eve.types("audit --user dave --json").await.out).expect("JSON");
    assert_eq!(events.len(), 600);
    assert!(events.is_sorted_by_key(|event| event["seq"].as_i64()));
    let text = eve.types("audit --user dave --limit 10000").await.out;
    assert_eq!(text.lines().count(), 601, "one line each, and one of headings");
    assert_eq!(eve.types("audit --user nobody --json").await.out, "[]\n");
    assert_eq!(eve.types("audit --user nobody").await.out, "Nothing happened that fits.\n");
}

#[tokio::test]
async fn a_list_that_goes_on_says_in_its_last_line_what_to_type() {
    let bench = Bench::new().await;
    let [dave, bob, eve] = ["dave", "bob", "eve"].map(|name| Typist::new(&bench, name));
    for number in 1..=25 {
        let asked = dave.types("request web2 --role admin --for 1h --reason INC-7: disk full").await;
        assert_eq!(asked.status, 0, "{asked:?}");
        dave.types(&format!("cancel r{number}")).await;
    }
    let last = |came: Came| came.out.lines().next_back().unwrap_or_default().to_owned();
    let said = "5 older ones are left out; more: ssh -p 2222 bastion requests --all --before r6";
    assert_eq!(last(dave.types("requests --all --mine").await), said.replace("--all", "--mine --all"));
    assert_eq!(last(eve.types("requests --all").await), said);
    assert_eq!(last(bob.types("requests --all").await), said.replace("5 older", "older"), "the rules were not asked");
    let line = "requests --all --user dave --target web2 --since 1h 30m --limit 24";
    let said = format!("1 older one is left out; more: ssh -p 2222 bastion {line} --before r2");
    let came = eve.types(line).await;
    assert_eq!(
        (last(came.clone()), came.out.lines().count()),
        (said, 26),
        "headings, 24 requests, and what is left out"
    );
    let rest = eve.types("requests --all --before r6").await.out;
    assert_eq!((rest.lines().count(), rest.contains("left out")), (6, false), "{rest}");
    assert_eq!(eve.asks("requests --all --limit 3").await.as_array().map(Vec::len), Some(3));
    assert_eq!(eve.asks("requests --all").await.as_array().map(Vec::len), Some(25), "a program sees no last line");
    let log = eve.types("audit").await.out;
    assert_eq!(log.lines().count(), 22, "{log}");
    assert!(log.ends_with("32 older ones are left out; more: ssh -p 2222 bastion audit --before 33\n"), "{log}");
    let older = eve.types("audit --before 33 --limit 1").await.out;
    assert_eq!(older.lines().nth(1).and_then(|line| line.split(' ').next()), Some("32"), "{older}");
}
