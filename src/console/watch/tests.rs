//! `watch` and `replay`, with real recordings.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use curfew_policy::id::SessionId;
use curfew_proxy::gate::{Console, Output};
use curfew_proxy::lease::End;
use curfew_proxy::lease::drain::Drain;
use curfew_recorder::{Header, Origin, Recording, SealKey};
use tokio::sync::mpsc;

use crate::console::hints::Hints;
use crate::console::run::tests::Typist;
use crate::console::run::{ConsoleSetting, run};
use crate::live::recordings::{LiveChannel, LiveRecordings};
use crate::store::Recorded;
use crate::usecase::status::StatusSource;
use crate::usecase::tests::{Bench, HOUR};
use crate::usecase::{end_session, record};

/// alice is on web1.
async fn on_web1(bench: &Bench) -> SessionId {
    bench.granted(HOUR).await;
    bench.connect("alice", "web1").await.expect("she is let in").session
}

/// A channel of a session begins, as the gate would have it.
async fn begin(
    bench: &Bench,
    live_recordings: &LiveRecordings,
    session: SessionId,
    number: u32,
    kind: &'static str,
) -> Recording {
    let key = Arc::new(SealKey::ephemeral().expect("a key"));
    let header = Header::new((120, 40), 0, None, None, Origin::default());
    let name = format!("{session}-{number}.cast");
    let recording = Recording::start(&bench.dir.path().join("rec"), &name, header, key).await.expect("it starts");
    let path = recording.path().display().to_string();
    let row =
        Recorded { channel: number, kind: kind.into(), command: Some("top\u{7}".into()), path, bytes: 0, sealed: None };
    record::started(&bench.app, session, &row).await.expect("it is written down");
    let live = recording.live();
    live_recordings.begin(session, LiveChannel { number, kind, command: row.command, size: (120, 40), live });
    recording
}

/// What is on the screen of somebody who watches.
struct Watcher {
    pieces: mpsc::Receiver<Output>,
    seen: String,
}

impl Watcher {
    /// Waits until this is on the screen.
    async fn sees(&mut self, text: &str) {
        while !self.seen.contains(text) {
            match self.pieces.recv().await {
                Some(Output::Out(bytes) | Output::Err(bytes) | Output::Raw(bytes)) => {
                    self.seen.push_str(&String::from_utf8_lossy(&bytes));
                }
                None => panic!("the watching ended with {:?}", self.seen),
            }
        }
    }
}

/// A watcher, and the watching itself.
fn watch<'a>(
    bench: &'a Bench,
    live_recordings: &'a LiveRecordings,
    line: &'static str,
    pty: Option<(u32, u32)>,
) -> (Watcher, mpsc::Sender<Bytes>, impl Future<Output = u32> + 'a) {
    let (output, pieces) = mpsc::channel(1);
    let (keys, input) = mpsc::channel(1);
    let from = ([127, 0, 0, 1], 50022).into();
    let console = Console { command: line.into(), called: "eve".into(), from, pty, output, input };
    let watching = async move {
        let hints = Hints::ssh("bastion", 2222);
        let status = StatusSource::new(Drain::new(), []);
        run(
            ConsoleSetting { app: &bench.app, live_recordings, hints: &hints, status: &status },
            &bench.actor("eve"),
            console,
        )
        .await
    };
    (Watcher { pieces, seen: String::new() }, keys, Box::pin(watching))
}

#[tokio::test]
async fn a_watcher_sees_what_is_shown_and_the_end() {
    let (bench, live_recordings) = (Bench::new().await, LiveRecordings::default());
    let session = on_web1(&bench).await;
    let first = begin(&bench, &live_recordings, session, 1, "shell").await;
    first.output(Duration::ZERO, "before".into());
    let (mut eve, _keys, watching) = watch(&bench, &live_recordings, "watch s1", Some((80, 24)));
    let story = async {
        eve.sees("before").await;
        assert!(eve.seen.starts_with("-- channel 1 shell `top\\u{7}`, 120x40; yours is 80x24\n"), "{:?}", eve.seen);
        first.output(Duration::from_secs(1), "after".into());
        eve.sees("after").await;
        let second = begin(&bench, &live_recordings, session, 2, "exec").await;
        second.output(Duration::ZERO, "second".into());
        first.seal("client", Duration::from_secs(2)).await.expect("it is sealed");
        live_recordings.end(session, 1);
        eve.sees("second").await;
        second.seal("expired", Duration::from_secs(2)).await.expect("it is sealed");
        end_session::ended(&bench.app, session, &End::Expired).await;
        live_recordings.over(session);
        eve.sees("s1 has ended: expired\n").await;
    };
    let (status, ()) = tokio::join!(watching, Box::pin(story));
    assert_eq!(status, 0);
}

#[tokio::test]
async fn q_leaves_a_session_that_goes_on() {
    let (bench, live_recordings) = (Bench::new().await, LiveRecordings::default());
    let session = on_web1(&bench).await;
    let recording = begin(&bench, &live_recordings, session, 1, "shell").await;
    recording.output(Duration::ZERO, "shown".into());
    let (mut eve, keys, watching) = watch(&bench, &live_recordings, "watch s1", Some((80, 24)));
    let story = async {
        eve.sees("shown").await;
        keys.send("q".into()).await.expect("it is typed");
        eve.sees(crate::recordings::playback::TIDY).await;
    };
    let (status, ()) = tokio::join!(watching, story);
    assert_eq!(status, 0);
    assert!(bench.app.leases().is_live(session));
}

#[tokio::test]
async fn a_watcher_who_reads_nothing_delays_nobody() {
    let (bench, live_recordings) = (Bench::new().await, LiveRecordings::default());
    let session = on_web1(&bench).await;
    let recording = begin(&bench, &live_recordings, session, 1, "shell").await;
    // Nothing is taken from this watcher's line, which holds one piece.
    let (_eve, _keys, watching) = watch(&bench, &live_recordings, "watch s1", None);
    let work = async {
        for _ in 0..200 {
            recording.ready().await.expect("it goes on");
            recording.output(Duration::ZERO, Bytes::from(vec![b'x'; 64 << 10]));
        }
        recording.seal("client", Duration::ZERO).await.expect("it is sealed")
    };
    tokio::select! {
        status = watching => panic!("the watching ended with {status}"),
        sealed = work => assert_eq!(sealed.output_bytes, 200 * (64 << 10)),
    }
}

#[tokio::test]
async fn only_live_sessions_are_watched_and_only_by_those_who_may() {
    let bench = Bench::new().await;
    let session = on_web1(&bench).await;
    let came = Typist::new(&bench, "dave").types("watch s1").await;
    assert_eq!((came.status, came.err.as_str()), (1, "curfew: s1: not found\n"));
    end_session::ended(&bench.app, session, &End::Client).await;
    let came = Typist::new(&bench, "eve").types("watch s1").await;
    assert_eq!(
        (came.status, came.err.as_str()),
        (1, "curfew: s1 has ended; see it again with `ssh -p 2222 bastion replay s1`\n")
    );
}

#[tokio::test]
async fn a_pipe_gets_a_whole_session_byte_for_byte() {
    let (bench, live_recordings) = (Bench::new().await, LiveRecordings::default());
    let session = on_web1(&bench).await;
    let first = begin(&bench, &live_recordings, session, 1, "shell").await;
    first.output(Duration::ZERO, "one\r\n".into());
    first.output(Duration::from_secs(3600), "two\r\n".into());
    first.seal("client", Duration::from_secs(3600)).await.expect("it is sealed");
    let second = begin(&bench, &live_recordings, session, 2, "exec").await;
    let ticket = second.output(Duration::ZERO, "three".into());
    second.written(ticket).await.expect("it is written");
    let eve = Typist::new(&bench, "eve");
    let came = eve.types("replay s1").await;
    assert_eq!((came.status, came.out.as_str()), (0, "one\r\ntwo\r\nthree"));
    assert_eq!(came.err, "-- channel 1 shell `top\\u{7}`\n-- channel 2 exec `top\\u{7}`\n");
    assert!(eve.types("audit").await.out.contains("session.replayed"));
    std::fs::remove_file(bench.dir.path().join("rec/s1-1.cast")).expect("it is removed");
    let came = eve.types("replay s1").await;
    assert_eq!(came.status, 1);
    assert!(came.err.lines().count() == 2 && came.err.contains("s1-1.cast cannot be played: "), "{came:?}");
}

#[tokio::test]
async fn q_ends_a_replay_on_a_terminal() {
    let (bench, live_recordings) = (Bench::new().await, LiveRecordings::default());
    let session = on_web1(&bench).await;
    let recording = begin(&bench, &live_recordings, session, 1, "shell").await;
    recording.output(Duration::ZERO, "first".into());
    recording.output(Duration::from_secs(86_400), "a day later".into());
    recording.seal("client", Duration::from_secs(86_400)).await.expect("it is sealed");
    let (mut eve, keys, playing) = watch(&bench, &live_recordings, "replay s1 --speed 2", Some((80, 24)));
    let story = async {
        eve.sees("first").await;
        keys.send("q".into()).await.expect("it is typed");
        eve.sees(crate::recordings::playback::TIDY).await;
    };
    let (status, ()) = tokio::join!(playing, story);
    assert_eq!(status, 0);
    assert!(!eve.seen.contains("a day later"));
}
