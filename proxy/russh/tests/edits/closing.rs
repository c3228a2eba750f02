//! A channel that closes lets go of its reader and its writers; one that is refused says why.

use futures::FutureExt;
use russh::{ChannelMsg, ChannelOpenFailure, Error};

use crate::support::raw::{CHANNEL_OPEN_FAILURE, RawClient, string, uint32};
use crate::support::{Link, within};

const CHANNEL_CLOSE: u8 = 97;
const CHANNEL_REQUEST: u8 = 98;

/// More than any window of these tests.
const MUCH: usize = 8 << 20;

#[tokio::test]
async fn a_writer_that_waits_for_the_window_ends_with_its_channel() {
    let mut link = Link::new().await;
    let (near, far) = link.channel().await;
    let (_near_reader, near_writer) = near.split();
    let writing = tokio::spawn(async move { near_writer.data_bytes(vec![0; MUCH]).await });
    far.close().await.unwrap();
    let ended = within(10, "the writer of the client", writing).await.unwrap();
    assert!(matches!(ended, Err(Error::SendError)), "{ended:?}");

    let (near, far) = link.channel().await;
    let (_far_reader, far_writer) = far.split();
    let writing = tokio::spawn(async move { far_writer.data_bytes(vec![0; MUCH]).await });
    near.close().await.unwrap();
    let ended = within(10, "the writer of the server", writing).await.unwrap();
    assert!(matches!(ended, Err(Error::SendError)), "{ended:?}");
}

#[tokio::test]
async fn a_writer_that_waits_for_the_window_ends_with_its_connection() {
    let mut link = Link::new().await;
    let (near, _far) = link.channel().await;
    let (_near_reader, near_writer) = near.split();
    let writing = tokio::spawn(async move { near_writer.data_bytes(vec![0; MUCH]).await });
    link.server.disconnect(russh::Disconnect::ByApplication, "enough".into(), String::new()).await.unwrap();
    assert!(within(10, "the writer", writing).await.unwrap().is_err());
}

#[tokio::test]
async fn a_channel_we_closed_ends_for_its_reader_once_the_peer_agrees() {
    let mut link = Link::new().await;
    let (mut near, mut far) = link.channel().await;
    near.close().await.unwrap();
    within(10, "both ends", async {
        assert!(matches!(far.wait().await, Some(ChannelMsg::Close)));
        far.close().await.unwrap();
        assert!(far.wait().await.is_none());
        assert!(matches!(near.wait().await, Some(ChannelMsg::Close)));
        assert!(near.wait().await.is_none());
    })
    .await;

    let (mut near, mut far) = link.channel().await;
    far.close().await.unwrap();
    within(10, "both ends", async {
        assert!(matches!(near.wait().await, Some(ChannelMsg::Close)));
        assert!(near.wait().await.is_none());
        assert!(matches!(far.wait().await, Some(ChannelMsg::Close)));
        assert!(far.wait().await.is_none());
    })
    .await;
}

#[tokio::test]
async fn a_client_that_closed_its_channel_still_gets_the_exit_status() {
    let mut peer = RawClient::authenticated().await;
    let (channel, _) = peer.open().await.unwrap();
    let mut far = within(10, "the channel", peer.opened.recv()).await.unwrap();
    let mut close = vec![CHANNEL_CLOSE];
    close.extend(channel.to_be_bytes());
    peer.send(&close).await;
    within(10, "its close", async { assert!(matches!(far.wait().await, Some(ChannelMsg::Close))) }).await;
    far.exit_status(3).await.unwrap();
    far.close().await.unwrap();
    assert!(far.wait().await.is_none());
    let status = within(10, "the status", peer.read()).await.unwrap();
    assert_eq!((status[0], &status[9..20], uint32(&status, 21)), (CHANNEL_REQUEST, &b"exit-status"[..], 3));
    assert_eq!(within(10, "the close", peer.read()).await.unwrap()[0], CHANNEL_CLOSE);
}

#[tokio::test]
async fn a_close_that_nobody_reads_is_answered() {
    let mut link = Link::new().await;
    let (mut near, far) = link.channel().await;
    drop(far);
    near.close().await.unwrap();
    within(10, "the answer", async { assert!(matches!(near.wait().await, Some(ChannelMsg::Close))) }).await;
}

#[tokio::test]
async fn a_refused_channel_says_why_in_the_peers_words() {
    let link = Link::new().await;
    // The test's server has no handler for this kind: it is refused by the drop of the reply handle.
    let refused = link.client.channel_open_direct_tcpip("localhost", 1, "localhost", 2).await;
    let words = "Administratively prohibited".to_owned();
    match refused {
        Err(Error::ChannelOpenFailure(reason)) => {
            assert_eq!(reason, ChannelOpenFailure::Other { code: 1, reason: words });
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_unknown_kind_of_channel_is_refused_once() {
    let mut peer = RawClient::authenticated().await;
    let mut open = vec![90];
    string(&mut open, b"tun@openssh.com");
    for field in [7_u32, 1 << 20, 32 << 10] {
        open.extend(field.to_be_bytes());
    }
    peer.send(&open).await;
    let answer = within(10, "the refusal", peer.read()).await.unwrap();
    assert_eq!((answer[0], uint32(&answer, 5)), (CHANNEL_OPEN_FAILURE, 3));
    assert_eq!(within(10, "what comes next", peer.answer_to_global_request()).await, [82]);
}

#[tokio::test]
async fn a_channel_whose_opener_gave_up_is_closed() {
    let mut link = Link::new().await;
    // One poll sends the request; the answer finds nobody.
    assert!(link.client.channel_open_session().now_or_never().is_none());
    let mut far = within(10, "the channel", link.opened.recv()).await.unwrap();
    assert!(matches!(within(10, "its end", far.wait()).await, Some(ChannelMsg::Close)));
}
