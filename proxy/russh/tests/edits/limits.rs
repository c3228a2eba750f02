//! What a client may ask of a server.

use russh::ChannelMsg;
use russh::server::Config;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::raw::{CHANNEL_OPEN_FAILURE, RawClient, uint32};
use crate::support::{server_config, within};

const RESOURCE_SHORTAGE: u32 = 4;

#[tokio::test]
async fn a_stranger_that_sends_too_much_is_hung_up_on() {
    let config = Config { max_unauthenticated_bytes: Some(64 << 10), ..server_config() };
    let mut peer = RawClient::kexed(config).await;
    // SSH_MSG_IGNORE, without end.
    let packet = [vec![2], vec![0; 1 << 10]].concat();
    within(10, "the end", async {
        let mut sent = 0;
        loop {
            let mut byte = [0];
            peer.send(&packet).await;
            sent += packet.len();
            assert!(sent < 16 << 20, "{sent} bytes went in");
            match peer.stream.try_read(&mut byte) {
                Err(wait) if wait.kind() == std::io::ErrorKind::WouldBlock => tokio::task::yield_now().await,
                _ => break,
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_stranger_that_sends_many_small_packets_is_hung_up_on() {
    let config = Config { max_unauthenticated_bytes: Some(64 << 10), ..server_config() };
    let mut peer = RawClient::kexed(config).await;
    // SSH_MSG_IGNORE with nothing in it: 16 bytes on the wire.
    for _ in 0..128 {
        peer.send(&[2, 0, 0, 0, 0]).await;
    }
    within(10, "the end", async { while peer.stream.read_u8().await.is_ok() {} }).await;
}

#[tokio::test]
async fn a_stranger_that_promises_a_large_packet_is_hung_up_on_before_it_comes() {
    let config = Config { max_unauthenticated_bytes: Some(64 << 10), ..server_config() };
    let mut peer = RawClient::kexed(config).await;
    let head = [&40_000_u32.to_be_bytes()[..], &[4; 28]].concat();
    peer.stream.write_all(&head).await.unwrap();
    within(10, "the end", async { while peer.stream.read_u8().await.is_ok() {} }).await;
}

#[tokio::test]
async fn a_client_that_is_authenticated_may_go_on() {
    let config = Config { max_unauthenticated_bytes: Some(64 << 10), ..server_config() };
    let mut peer = RawClient::kexed(config).await;
    peer.log_in().await;
    let packet = [vec![2], vec![0; 1 << 10]].concat();
    for _ in 0..256 {
        peer.send(&packet).await;
    }
    peer.send(&[vec![2], vec![0; 200 << 10]].concat()).await;
    assert_eq!(within(10, "an answer", peer.answer_to_global_request()).await, [82]);
}

#[tokio::test]
async fn one_channel_too_many_is_refused_until_another_one_closes() {
    let mut peer = RawClient::kexed(Config { max_channels: Some(3), ..server_config() }).await;
    peer.log_in().await;
    let mut open = Vec::new();
    for _ in 0..3 {
        open.push(within(10, "a channel", peer.open()).await.unwrap().0);
    }
    assert_eq!(within(10, "the refusal", peer.open()).await, Err(RESOURCE_SHORTAGE));
    let mut close = vec![97];
    close.extend(open[0].to_be_bytes());
    let mut first = within(10, "the first channel", peer.opened.recv()).await.unwrap();
    peer.send(&close).await;
    within(10, "its reader", async { assert!(matches!(first.wait().await, Some(ChannelMsg::Close))) }).await;
    first.close().await.unwrap();
    assert_eq!(within(10, "its close", peer.read()).await.unwrap()[0], 97);
    assert!(within(10, "a channel", peer.open()).await.is_ok());
}

#[tokio::test]
async fn channels_not_answered_yet_count_too() {
    let mut peer = RawClient::kexed(Config { max_channels: Some(3), ..server_config() }).await;
    peer.log_in().await;
    // The test's server leaves the first three unanswered.
    for _ in 0..4 {
        peer.ask_for_socket().await;
    }
    let answer = within(10, "the refusal of the fourth", peer.read()).await.unwrap();
    assert_eq!((answer[0], uint32(&answer, 5)), (CHANNEL_OPEN_FAILURE, RESOURCE_SHORTAGE));
}

#[tokio::test]
async fn a_client_that_was_told_to_go_and_stays_is_dropped() {
    let mut peer = RawClient::authenticated().await;
    let (channel, window) = peer.open().await.unwrap();
    let mut unread = peer.opened.recv().await.unwrap();
    for _ in 0..=window / (32 << 10) {
        peer.data(channel, &vec![0; 32 << 10]).await;
    }
    within(10, "the disconnect", peer.disconnect()).await;
    within(10, "the end of the session", async {
        while unread.wait().await.is_some() {}
        while peer.stream.read_u8().await.is_ok() {}
    })
    .await;
}
