//! A recording from its start to its seal.

use std::sync::Arc;

use bytes::Bytes;
use proptest::prelude::*;
use serde_json::json;

use crate::tests::{NAME, SAMPLE_OUTPUT, Studio, header, ms, read};
use crate::writer::Item;
use crate::{
    Cast, Completeness, Origin, Recording, RecordingError, Ticket, Verdict, What, find_unsealed, hex, raw_bytes,
    sha256, verify,
};

#[tokio::test]
async fn what_is_written_is_in_the_file_and_the_seal_tells_of_it() {
    let studio = Studio::new();
    let recording = studio.start().await;
    assert_eq!(recording.written(Ticket::default()).await.unwrap(), Ticket::default());
    let first = recording.output(ms(10), Bytes::from_static(b"hello\r\n"));
    recording.written(first).await.unwrap();
    assert!(studio.text().contains(r#"[0.010000,"o","hello\r\n"]"#), "{}", studio.text());
    assert_eq!(recording.written_up_to(), first);
    assert_eq!(find_unsealed(studio.folder.path()).unwrap(), [studio.path()]);

    recording.resize(ms(20), 120, 40);
    assert_eq!(recording.marker(ms(30), "warned"), recording.last());
    let sealed = recording.seal("exit 0", ms(40)).await.unwrap();

    let file = read(&studio.path());
    assert_eq!((sealed.path, sealed.bytes), (studio.path(), file.len() as u64));
    assert_eq!(sealed.sha256, hex(&sha256(&file)));
    assert_eq!((sealed.output_bytes, sealed.duration, sealed.state), (7, ms(40), Completeness::Complete));
    assert_eq!(sealed.lines, studio.text().lines().count() as u64);
    assert!(find_unsealed(studio.folder.path()).unwrap().is_empty());

    let Verdict::Intact(summary) = verify(&studio.path(), &[studio.key.public()]).unwrap() else {
        panic!("not intact")
    };
    assert_eq!((summary.sha256, summary.bytes, summary.lines), (sealed.sha256, sealed.bytes, sealed.lines));
    assert_eq!((summary.statement.end.as_str(), summary.statement.key), ("exit 0", studio.key.public().id()));
    let origin = summary.header.curfew.unwrap();
    assert_eq!((origin.format, origin.key, origin.user.as_str()), (1, studio.key.public().id(), "alice"));
}

#[tokio::test]
async fn many_chunks_in_flight_are_written_in_their_order() {
    let studio = Studio::new();
    let recording = studio.start().await;
    let mut sent = Vec::new();
    for number in 0..2_000u32 {
        recording.ready().await.unwrap();
        let chunk = format!("{number} — {}\r\n", "x".repeat(1000)).into_bytes();
        sent.extend_from_slice(&chunk);
        recording.output(ms(number.into()), chunk.into());
        if number % 100 == 0 {
            assert!(recording.written_up_to() <= recording.last());
        }
    }
    let last = recording.last();
    assert_eq!(recording.written(last).await.unwrap(), last);
    assert!(raw_bytes(&studio.path()).unwrap() == sent);
    recording.seal("exit 0", ms(9_000)).await.unwrap();
    assert!(raw_bytes(&studio.path()).unwrap() == sent);
}

#[tokio::test]
async fn a_held_back_character_is_on_disk_before_its_ticket_is() {
    let studio = Studio::new();
    let recording = studio.start().await;
    let ticket = recording.output(ms(1), Bytes::from_static(b"\xf0\x9f"));
    recording.written(ticket).await.unwrap();
    assert_eq!(raw_bytes(&studio.path()).unwrap(), b"\xf0\x9f");
    let ticket = recording.output(ms(2), Bytes::from_static(b"\x98\x80"));
    recording.written(ticket).await.unwrap();
    assert_eq!(raw_bytes(&studio.path()).unwrap(), "😀".as_bytes());
    let shown: Vec<_> = outputs(&studio);
    assert_eq!(shown, ["😀"]);
}

fn outputs(studio: &Studio) -> Vec<String> {
    let events = Cast::open(&studio.path()).unwrap().map(Result::unwrap);
    events.filter_map(|event| if let What::Output(text) = event.what { Some(text) } else { None }).collect()
}

#[tokio::test]
async fn dropping_a_recording_loses_nothing_and_seals_it_as_interrupted() {
    let studio = Studio::new();
    let recording = studio.start().await;
    let mut watcher = recording.live().follow();
    let chunk = Bytes::from(vec![b'x'; 300_000]);
    for at in 0..5 {
        recording.output(ms(at), chunk.clone());
    }
    drop(recording);
    while watcher.next().await.unwrap().is_some() {}
    assert_eq!(raw_bytes(&studio.path()).unwrap().len(), 5 * chunk.len());
    let Verdict::Intact(summary) = verify(&studio.path(), &[studio.key.public()]).unwrap() else {
        panic!("not intact")
    };
    assert_eq!(summary.statement.state, Completeness::Interrupted);
}

#[tokio::test]
async fn moments_never_go_back_even_where_the_caller_does() {
    let studio = Studio::new();
    let recording = studio.start().await;
    recording.output(ms(50), Bytes::from_static(b"a"));
    recording.output(ms(20), Bytes::from_static(b"b"));
    recording.seal("exit 0", ms(10)).await.unwrap();
    let moments: Vec<_> = Cast::open(&studio.path()).unwrap().map(|event| event.unwrap().at).collect();
    assert!(moments.is_sorted(), "{moments:?}");
}

#[tokio::test]
async fn a_note_says_the_same_in_words_and_in_fields_and_moves_no_cursor() {
    let studio = Studio::new();
    let recording = studio.start().await;
    let fields = json!({"op": "get", "path": "/tmp/\u{1b}[2J", "size": 3});
    recording.note(ms(5), "get /tmp/\u{1b}[2J 3 bytes", &fields);
    recording.seal("exit 0", ms(6)).await.unwrap();
    assert_eq!(outputs(&studio), ["get /tmp/\\u{1b}[2J 3 bytes\r\n"]);
    let events: Vec<_> = Cast::open(&studio.path()).unwrap().map(Result::unwrap).collect();
    let note = events.iter().find_map(|event| match &event.what {
        What::Other(code, data) if code == "n" => Some(serde_json::from_str::<serde_json::Value>(data).unwrap()),
        _ => None,
    });
    assert_eq!(note, Some(fields));
}

#[tokio::test]
async fn names_that_lead_elsewhere_or_are_taken_are_refused() {
    let studio = Studio::new();
    let start = |name: &'static str| Recording::start(studio.folder.path(), name, header(), Arc::clone(&studio.key));
    assert!(matches!(start("../a.cast").await, Err(RecordingError::Name(_))));
    let _first = start(NAME).await.unwrap();
    let error = start(NAME).await.unwrap_err();
    assert_eq!(std::io::Error::from(error).kind(), std::io::ErrorKind::AlreadyExists);
}

#[tokio::test]
async fn a_header_that_no_reader_would_take_is_not_written() {
    let studio = Studio::new();
    let mut header = header();
    header.curfew = Some(Origin { command: Some("\u{0}".repeat(3 << 20)), ..Origin::default() });
    let started = Recording::start(studio.folder.path(), NAME, header, Arc::clone(&studio.key)).await;
    assert!(started.unwrap_err().to_string().contains("longer than"));
}

#[test]
fn every_kind_of_line_is_in_the_sample() {
    let studio = Studio::new();
    let (_, file) = studio.sample();
    let codes: std::collections::BTreeSet<_> = file.split(|&byte| byte == b'\n').map(crate::tests::code_of).collect();
    for code in ["b", "g", "h", "header", "i", "k", "m", "n", "o", "r", "s"] {
        assert!(codes.contains(code), "no {code} in {codes:?}");
    }
    assert_eq!(raw_bytes(&studio.path()).unwrap(), SAMPLE_OUTPUT);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_exact_bytes_come_back_however_they_were_split(
        chunks in proptest::collection::vec((proptest::collection::vec(byte(), 0..12), any::<bool>(), any::<bool>()), 0..40),
    ) {
        let studio = Studio::new();
        let mut writer = studio.writer(NAME);
        let mut sent = Vec::new();
        for (chunk, typed, flush) in chunks {
            if typed {
                writer.encode(ms(1), &Item::Input(chunk.clone().into())).unwrap();
            }
            sent.extend_from_slice(&chunk);
            writer.encode(ms(1), &Item::Output(chunk.into())).unwrap();
            if flush {
                writer.flush(ms(1)).unwrap();
                prop_assert_eq!(&raw_bytes(&studio.path()).unwrap(), &sent);
            }
        }
        let sealed = writer.seal(ms(2), Completeness::Complete, "exit 0").unwrap();
        prop_assert_eq!(sealed.output_bytes, sent.len() as u64);
        prop_assert_eq!(outputs(&studio).concat(), String::from_utf8_lossy(&sent));
        prop_assert_eq!(raw_bytes(&studio.path()).unwrap(), sent);
        let intact = matches!(verify(&studio.path(), &[studio.key.public()]).unwrap(), Verdict::Intact(_));
        prop_assert!(intact);
    }
}

/// Bytes that are often parts of characters.
fn byte() -> impl Strategy<Value = u8> {
    prop_oneof![Just(0xe2), Just(0x82), Just(0xac), Just(0xf0), Just(0x9f), Just(b'"'), Just(0x1b), any::<u8>()]
}
