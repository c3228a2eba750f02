//! A recording from its start to its seal.

use std::time::Duration;

use bytes::Bytes;

use super::support::Studio;
use crate::{State, Ticket, find_unsealed, hex, sha256};

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

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
    recording.marker(ms(30), "warned");
    let sealed = recording.seal("exit 0", ms(40)).await.unwrap();

    let file = std::fs::read(studio.path()).unwrap();
    assert_eq!((sealed.path, sealed.bytes), (studio.path(), file.len() as u64));
    assert_eq!(sealed.sha256, hex(&sha256(&file)));
    assert_eq!((sealed.output_bytes, sealed.duration, sealed.state), (7, ms(40), State::Complete));
    assert_eq!(sealed.lines, studio.text().lines().count() as u64);
    assert!(find_unsealed(studio.folder.path()).unwrap().is_empty());
}
