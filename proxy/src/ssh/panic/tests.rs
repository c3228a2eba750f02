use super::*;

#[tokio::test]
async fn what_ends_gives_what_it_gave() {
    assert_eq!(unless_it_panics(async { 7 }).await, Some(7));
}

#[tokio::test]
async fn what_panics_gives_nothing_also_after_it_waited() {
    let falls = async {
        tokio::task::yield_now().await;
        panic!("a test falls over, as it should");
    };
    assert_eq!(unless_it_panics(falls).await, None::<()>);
}
