//! Global requests may be answered later, and their replies leave in the order of the requests.

use crate::support::{Link, within};

#[tokio::test]
async fn replies_leave_in_the_order_of_the_requests_and_the_loop_goes_on_meanwhile() {
    let Link { client, mut opened, .. } = Link::new().await;
    let rest = async {
        let refused = client.tcpip_forward("refused", 1).await;
        (refused, client.tcpip_forward("never", 2).await)
    };
    let go_on = async {
        client.channel_open_session().await.unwrap();
        opened.recv().await.unwrap();
        client.tcpip_forward("now", 3).await
    };
    let all = async { tokio::join!(client.tcpip_forward("later", 0), rest, go_on) };
    let (later, (refused, never), now) = within(10, "every reply", all).await;
    assert_eq!(later.unwrap(), 7, "the first reply is the first request's");
    assert!(refused.is_err() && never.is_err());
    now.unwrap();
}
