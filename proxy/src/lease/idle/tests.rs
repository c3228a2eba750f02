use jiff::Timestamp;

use super::*;

#[tokio::test]
async fn a_session_is_idle_when_nothing_moved_for_the_whole_time() {
    let clock = Clock::manual(Timestamp::UNIX_EPOCH);
    let activity = Activity::new(clock.clone());
    let waiting = tokio::spawn({
        let activity = activity.clone();
        async move { activity.idle(Some(Duration::from_secs(60))).await }
    });
    tokio::task::yield_now().await;
    clock.advance(Duration::from_secs(59));
    activity.touch();
    clock.advance(Duration::from_secs(59));
    tokio::task::yield_now().await;
    assert!(!waiting.is_finished());
    clock.advance(Duration::from_secs(1));
    waiting.await.expect("idle at last");
}

#[tokio::test]
async fn a_session_is_not_idle_while_a_command_runs_and_then_for_the_whole_time() {
    let clock = Clock::manual(Timestamp::UNIX_EPOCH);
    let activity = Activity::new(clock.clone());
    let command = activity.run();
    let waiting = tokio::spawn({
        let activity = activity.clone();
        async move { activity.idle(Some(Duration::from_secs(60))).await }
    });
    for _ in 0..5 {
        tokio::task::yield_now().await;
        clock.advance(Duration::from_secs(61));
    }
    drop(command);
    for _ in 0..5 {
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        clock.advance(Duration::from_secs(11));
    }
    clock.advance(Duration::from_secs(5));
    waiting.await.expect("idle at last");
}
