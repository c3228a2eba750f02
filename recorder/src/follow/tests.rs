//! Watching a recording while it is made.

use bytes::Bytes;

use crate::tests::{Studio, ms};
use crate::{Event, Follower, What};

/// The outputs that come next, until there are this many bytes of them.
async fn seen(watcher: &mut Follower, bytes: usize) -> String {
    let mut text = String::new();
    while text.len() < bytes {
        let Some(events) = watcher.next().await.unwrap() else { break };
        for event in events {
            if let Event { what: What::Output(piece), .. } = event {
                text.push_str(&piece);
            }
        }
    }
    text
}

#[tokio::test]
async fn a_watcher_sees_what_was_what_comes_and_the_end() {
    let studio = Studio::new();
    let recording = studio.start().await;
    let ticket = recording.output(ms(1), Bytes::from_static(b"before "));
    recording.written(ticket).await.unwrap();
    let live = recording.live();
    let mut watcher = live.follow();
    assert_eq!(seen(&mut watcher, 7).await, "before ");
    recording.output(ms(2), Bytes::from_static(b"after"));
    assert_eq!(seen(&mut watcher, 5).await, "after");
    recording.seal("exit 0", ms(3)).await.unwrap();
    while watcher.next().await.unwrap().is_some() {}
    assert_eq!(seen(&mut live.follow(), usize::MAX).await, "before after");
}

#[tokio::test]
async fn a_watcher_who_comes_late_may_begin_near_the_end() {
    let studio = Studio::new();
    let recording = studio.start().await;
    for number in 0..100 {
        recording.output(ms(number), Bytes::from(format!("line {number}\r\n")));
    }
    recording.written(recording.last()).await.unwrap();
    let mut watcher = recording.live().follow_recent(600);
    recording.seal("exit 0", ms(200)).await.unwrap();
    let text = seen(&mut watcher, usize::MAX).await;
    assert!(text.starts_with("line ") && text.ends_with("line 99\r\n"), "{text}");
    assert!(text.lines().count() < 50);
}

#[tokio::test]
async fn a_watcher_who_never_reads_delays_nobody() {
    let studio = Studio::new();
    let recording = studio.start().await;
    let mut idle = recording.live().follow();
    let chunk = Bytes::from(vec![b'x'; 1 << 20]);
    for at in 0..20 {
        let ticket = recording.output(ms(at), chunk.clone());
        recording.written(ticket).await.unwrap();
    }
    recording.seal("exit 0", ms(30)).await.unwrap();
    assert_eq!(seen(&mut idle, usize::MAX).await.len(), 20 << 20);
}
