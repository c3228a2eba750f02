use tokio::sync::oneshot;

use super::*;

#[tokio::test]
async fn what_a_connection_spawned_is_seen_to_its_end_after_the_connection_is_over() {
    let workers = Workers::start(1).unwrap();
    let (over, on_over) = oneshot::channel();
    let (go_on, on_go_on) = oneshot::channel::<()>();
    let (sealed, on_sealed) = oneshot::channel();
    workers.spawn(move || async move {
        tokio::spawn(async move {
            on_go_on.await.unwrap();
            // The thread has all it needs to end.
            for _ in 0..100 {
                tokio::task::yield_now().await;
            }
            sealed.send("sealed").unwrap();
        });
        over.send(()).unwrap();
    });
    on_over.await.unwrap();
    drop(workers);
    go_on.send(()).unwrap();
    assert_eq!(on_sealed.await, Ok("sealed"));
}
