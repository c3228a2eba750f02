//! A session goes on reading while its peer takes no data.

use russh::ChannelMsg;

use crate::support::raw::{CHANNEL_DATA, RawClient};
use crate::support::{Link, client_config, drain, pour, server_config, within};

const MIB: u64 = 1 << 20;

#[tokio::test]
async fn two_ends_with_full_streams_do_not_block_each_other() {
    // A stream that holds next to nothing is full all the time.
    let (near, far) = tokio::io::duplex(4 << 10);
    let mut link = Link::over(near, far, server_config(), client_config()).await;
    let (near, far) = link.channel().await;
    let ((mut near_reader, near_writer), (mut far_reader, far_writer)) = (near.split(), far.split());
    within(60, "both directions at once", async {
        let ((), there, (), back) = tokio::join!(
            pour(&near_writer, 16 * MIB),
            drain(&mut far_reader),
            pour(&far_writer, 16 * MIB),
            drain(&mut near_reader)
        );
        assert_eq!((there, back), (16 * MIB, 16 * MIB));
    })
    .await;
}

#[tokio::test]
async fn a_client_that_reads_nothing_is_still_heard() {
    let mut peer = RawClient::authenticated().await;
    let (channel, _) = peer.open().await.unwrap();
    let (mut reader, writer) = peer.opened.recv().await.unwrap().split();
    // A window larger than what the sockets hold, so that the server is stuck in the middle of a write.
    let mut adjust = vec![93];
    adjust.extend(channel.to_be_bytes());
    adjust.extend((64_u32 << 20).to_be_bytes());
    peer.send(&adjust).await;
    let flood = tokio::spawn(async move { writer.data_bytes(vec![0; 32 << 20]).await });
    // The first packet is out; nothing is read from here on.
    assert_eq!(within(10, "the first data", peer.read()).await.unwrap()[0], CHANNEL_DATA);
    for round in 0..100 {
        peer.request(channel, "window-change", false, &[0; 16]).await;
        let heard = within(10, "a request", reader.wait()).await;
        assert!(matches!(heard, Some(ChannelMsg::WindowChange { .. })), "round {round}: {heard:?}");
        tokio::task::yield_now().await;
    }
    assert!(!flood.is_finished());
}
