//! Conversations against a real database, on a clock that is moved by hand.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use curfew_policy::refusal::Refusal;
use curfew_policy::start::Start;
use curfew_proxy::gate::{Asking, Output};
use tokio::sync::{mpsc, watch};

use super::turns::MOST_EACH;
use super::{Setting, Turns, ask};
use crate::console::hints::Hints;
use crate::usecase::offer::Place;
use crate::usecase::reload::reload;
use crate::usecase::tests::{Bench, MINUTE, rulebook};

/// Somebody at a target's door.
struct Visit {
    /// What they type; dropped, nothing more comes.
    keys: mpsc::Sender<Bytes>,
    input: mpsc::Receiver<Bytes>,
    terminal: bool,
    answers: Vec<(String, String)>,
    place: Place,
    turns: Turns,
    /// How many pieces of output came.
    heard: Arc<AtomicUsize>,
}

/// What came of it.
struct Came {
    said: String,
    end: Result<(), Refusal>,
}

impl Visit {
    fn of(place: &str) -> Self {
        let (keys, input) = mpsc::channel(16);
        let place = match place.split_once('@') {
            Some((login, target)) => Place { target: target.into(), login: Some(login.into()) },
            None => Place { target: place.into(), login: None },
        };
        Self { keys, input, terminal: true, answers: Vec::new(), place, turns: Turns::default(), heard: Arc::default() }
    }

    fn script(place: &str, answers: &[(&str, &str)]) -> Self {
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Self { terminal: false, answers: answers.iter().map(own).collect(), ..Self::of(place) }
    }

    fn typing(self, text: &'static str) -> Self {
        self.keys.try_send(Bytes::from_static(text.as_bytes())).expect("room for it");
        self
    }

    async fn by(self, bench: &Bench, name: &str) -> Came {
        let Self { keys, input, terminal, answers, place, turns, heard } = self;
        let (output, mut pieces) = mpsc::channel(1);
        let (_size, screen) = watch::channel((60, 24));
        let asking = Asking {
            refusal: Refusal::new("no-grant", "the door's own words"),
            start: Start::Shell,
            answers,
            terminal: terminal.then_some(screen),
            output,
            input,
        };
        let hints = Hints::ssh("bastion", 2222);
        let setting = Setting { desk: &bench.desk, hints: &hints, turns: &turns };
        let actor = bench.actor(name);
        let read = async {
            let mut said = Vec::new();
            while let Some(Output::Out(bytes) | Output::Raw(bytes) | Output::Err(bytes)) = pieces.recv().await {
                said.extend_from_slice(&bytes);
                heard.fetch_add(1, Ordering::SeqCst);
            }
            String::from_utf8(said).expect("text")
        };
        let (end, said) = tokio::join!(ask(setting, &actor, place, asking), Box::pin(read));
        drop(keys);
        Came { said, end }
    }
}

/// The clock goes on, a minute at a time, for ever.
async fn time_goes_by(bench: &Bench) {
    loop {
        bench.clock.step(MINUTE, MINUTE);
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

impl Came {
    #[track_caller]
    fn refused(&self) -> (&'static str, &str) {
        let refusal = self.end.as_ref().expect_err("not let in");
        (refusal.code, &refusal.public)
    }
}

#[tokio::test]
async fn what_may_be_asked_for_is_shown_rule_by_rule() {
    let bench = Bench::new().await;
    let came = Visit::of("web1").typing("\x03").by(&bench, "alice").await;
    assert_eq!(came.refused(), ("not-asked", "nothing was asked for"));
    let plain = came.said.replace("\u{1b}[1m", "").replace("\u{1b}[0m", "");
    assert_eq!(
        plain.lines().take(3).collect::<Vec<_>>(),
        [
            "You hold no grant for web1, and may ask for one. Ctrl-C leaves.",
            "  1  look   up to 1h  granted at once; the reason must contain INC-\\d+",
            "  2  admin  up to 4h  2 approvals of leads; the reason must contain INC-\\d+",
        ]
    );
}

#[tokio::test]
async fn only_roles_with_the_login_that_was_typed_are_offered() {
    let bench = Bench::new().await;
    let came = Visit::of("viewer@web1").typing("\r\x03").by(&bench, "alice").await;
    assert!(came.said.contains("look") && !came.said.contains("admin"), "{}", came.said);
    let came = Visit::of("nobody@web1").by(&bench, "alice").await;
    assert_eq!(came.refused(), ("no-grant", "the door's own words"));
}

#[tokio::test]
async fn what_needs_nobody_is_granted_at_once() {
    let bench = Bench::new().await;
    let came = Visit::of("viewer@web1").typing("10m\rINC-3\r").by(&bench, "alice").await;
    assert!(
        came.end.is_ok() && came.said.contains("r1 is granted: g1 until 2026-11-23T04:10:00.000Z"),
        "{}",
        came.said
    );
}

#[tokio::test]
async fn who_lost_the_right_to_ask_while_they_thought_gets_nothing() {
    let bench = Bench::new().await;
    let visit = Visit::of("viewer@web1").typing("10m\r");
    let keys = visit.keys.clone();
    let demoted = async {
        let mut rules = rulebook();
        rules.people.get_mut("alice").expect("alice").groups.clear();
        reload(&bench.desk, rules).await.expect("reloaded");
        keys.send(Bytes::from_static(b"INC-3\r")).await.expect("sent");
        drop(keys);
    };
    let (came, ()) = tokio::join!(Box::pin(visit.by(&bench, "alice")), demoted);
    assert!(came.end.is_err(), "{}", came.said);
    assert!(bench.log().await.iter().all(|line| !line.contains("granted")), "{:?}", bench.log().await);
}

#[tokio::test]
async fn an_answer_that_never_comes_ends_it() {
    let bench = Bench::new().await;
    let came = tokio::select! {
        came = Box::pin(Visit::of("web1").by(&bench, "alice")) => came,
        () = time_goes_by(&bench) => unreachable!("for ever"),
    };
    assert_eq!(came.refused().0, "not-asked");
}

#[tokio::test]
async fn a_script_needs_its_answers_and_they_are_checked() {
    let bench = Bench::new().await;
    for (answers, code) in [
        (&[("CURFEW_FOR", "10m")][..], "no-grant"),
        (&[("CURFEW_REASON", " ")], "no-grant"),
        (&[("CURFEW_REASON", "INC-1")], "which-role"),
        (&[("CURFEW_REASON", "INC-1"), ("CURFEW_ROLE", "root")], "unknown-role"),
        (&[("CURFEW_REASON", "INC-1"), ("CURFEW_ROLE", "look"), ("CURFEW_FOR", "0s")], "duration"),
        (&[("CURFEW_REASON", "INC-1\u{1b}[2J"), ("CURFEW_ROLE", "look")], "reason"),
        (&[("CURFEW_REASON", "because"), ("CURFEW_ROLE", "look")], "reason"),
        (&[("CURFEW_REASON", "INC-1"), ("CURFEW_ROLE", "look"), ("CURFEW_FOR", "2h")], "too-long"),
    ] {
        let came = Visit::script("web1", answers).by(&bench, "alice").await;
        assert_eq!(came.refused().0, code, "{answers:?}");
        assert_eq!(came.said, "", "{answers:?}");
    }
    let answers = [("CURFEW_REASON", "INC-1"), ("CURFEW_ROLE", "look")];
    let came = Visit::script("web1", &answers).by(&bench, "alice").await;
    assert!(came.end.is_ok(), "{:?}", came.end);
    assert_eq!(
        came.said, "curfew: r1 is granted: g1 until 2026-11-23T04:30:00.000Z\n",
        "half an hour, where none is said"
    );
}

#[tokio::test]
async fn scripts_that_come_at_once_file_one_request() {
    let bench = Bench::new().await;
    let answers = [("CURFEW_REASON", "INC-1"), ("CURFEW_ROLE", "admin")];
    let (turns, heard) = (Turns::default(), Arc::new(AtomicUsize::new(0)));
    let visit = || {
        let visit = Visit { turns: turns.clone(), heard: Arc::clone(&heard), ..Visit::script("web1", &answers) };
        Box::pin(visit.by(&bench, "alice"))
    };
    let denied = async {
        while heard.load(Ordering::SeqCst) < 3 {
            tokio::task::yield_now().await;
        }
        let id = "r1".parse().expect("an id");
        crate::usecase::deny::deny(&bench.desk, &bench.actor("bob"), id, "no").await.expect("denied");
        time_goes_by(&bench).await;
    };
    let (a, b, c) = tokio::select! {
        all = async { tokio::join!(visit(), visit(), visit()) } => all,
        () = denied => unreachable!("time goes by for ever"),
    };
    for came in [a, b, c] {
        assert_eq!(came.refused(), ("not-granted", "r1 was denied by bob: no"), "{}", came.said);
    }
}

#[tokio::test]
async fn so_many_wait_for_one_person_and_no_more() {
    let bench = Bench::new().await;
    let turns = Turns::default();
    let _all: Vec<_> = (0..MOST_EACH).map(|_| turns.enter("alice")).collect();
    let visit = Visit { turns: turns.clone(), ..Visit::of("web1") };
    assert_eq!(visit.by(&bench, "alice").await.refused().0, "too-many-waiting");
}
