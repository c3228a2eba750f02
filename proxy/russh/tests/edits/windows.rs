//! Receive windows follow the readers, and no reader holds up another one.

use russh::{ChannelMsg, Limits};

use crate::support::raw::RawClient;
use crate::support::{Link, client_config, drain, pour, server_config, within};

const MIB: u64 = 1 << 20;

#[tokio::test]
async fn a_stalled_reader_on_the_server_holds_up_no_other_channel() {
    let mut link = Link::new().await;
    let (stalled, unread) = link.channel().await;
    let (_, stalled) = stalled.split();
    let flood = tokio::spawn(async move { pour(&stalled, 64 * MIB).await });

    let (near, far) = link.channel().await;
    let ((mut near_reader, near_writer), (mut far_reader, far_writer)) = (near.split(), far.split());
    within(30, "data, a request, its reply and the end on another channel", async {
        let ((), there, (), back) = tokio::join!(
            pour(&near_writer, 8 * MIB),
            drain(&mut far_reader),
            pour(&far_writer, 8 * MIB),
            drain(&mut near_reader)
        );
        assert_eq!((there, back), (8 * MIB, 8 * MIB));
        near_writer.exec(true, "true").await.unwrap();
        assert!(matches!(far_reader.wait().await, Some(ChannelMsg::Exec { want_reply: true, .. })));
        far_writer.reply(true).await.unwrap();
        assert!(matches!(near_reader.wait().await, Some(ChannelMsg::Success)));
        near_writer.close().await.unwrap();
        assert!(matches!(far_reader.wait().await, Some(ChannelMsg::Close)));
    })
    .await;

    assert!(!flood.is_finished(), "64 MiB went into a channel nobody reads");
    let (mut unread, _writer) = unread.split();
    assert_eq!(within(30, "the stalled stream, once it is read", drain(&mut unread)).await, 64 * MIB);
}

#[tokio::test]
async fn a_stalled_reader_on_the_client_holds_up_no_other_channel() {
    let mut link = Link::new().await;
    let (unread, stalled) = link.channel().await;
    let (_, stalled) = stalled.split();
    let flood = tokio::spawn(async move { pour(&stalled, 64 * MIB).await });

    let (near, far) = link.channel().await;
    let ((mut near_reader, near_writer), (mut far_reader, far_writer)) = (near.split(), far.split());
    within(30, "data on another channel", async {
        let ((), there, (), back) = tokio::join!(
            pour(&near_writer, 8 * MIB),
            drain(&mut far_reader),
            pour(&far_writer, 8 * MIB),
            drain(&mut near_reader)
        );
        assert_eq!((there, back), (8 * MIB, 8 * MIB));
    })
    .await;

    assert!(!flood.is_finished(), "64 MiB went into a channel nobody reads");
    let (mut unread, _writer) = unread.split();
    assert_eq!(within(30, "the stalled stream, once it is read", drain(&mut unread)).await, 64 * MIB);
}

#[tokio::test]
async fn a_dropped_reader_lets_the_peer_finish() {
    let mut link = Link::new().await;
    let (near, far) = link.channel().await;
    let ((near_reader, near_writer), (_far_reader, far_writer)) = (near.split(), far.split());
    near_writer.data_bytes("x").await.unwrap();
    drop(near_reader);
    within(30, "8 MiB to nobody", pour(&far_writer, 8 * MIB)).await;
}

#[tokio::test]
async fn more_data_than_the_window_is_a_protocol_error() {
    let mut peer = RawClient::authenticated().await;
    let (channel, window) = peer.open().await.unwrap();
    let _unread = peer.opened.recv().await.unwrap();
    let packet = vec![0; 32 << 10];
    for _ in 0..window as usize / packet.len() {
        peer.data(channel, &packet).await;
    }
    peer.data(channel, &[0]).await;
    let (code, words) = within(10, "the disconnect", peer.disconnect()).await;
    assert_eq!((code, words.as_str()), (2, "more data than the channel's window"));
}

#[tokio::test]
async fn too_many_unread_requests_are_a_protocol_error() {
    let mut peer = RawClient::authenticated().await;
    let (channel, _) = peer.open().await.unwrap();
    let _unread = peer.opened.recv().await.unwrap();
    for _ in 0..1026 {
        peer.request(channel, "window-change", false, &[0; 16]).await;
    }
    let (code, words) = within(10, "the disconnect", peer.disconnect()).await;
    assert_eq!((code, words.as_str()), (2, "too many unread messages on a channel"));
}

#[tokio::test]
async fn a_window_full_of_single_bytes_waits_in_few_messages_and_keeps_its_order() {
    const BYTES: u32 = 200_000;
    let mut peer = RawClient::authenticated().await;
    let (channel, _) = peer.open().await.unwrap();
    let mut unread = peer.opened.recv().await.unwrap();
    for position in 0..BYTES {
        peer.data(channel, &[(position % 251) as u8]).await;
    }
    peer.request(channel, "mark", false, &[]).await;
    let (mut messages, mut bytes) = (0, 0);
    // All of it has arrived before the first byte is read.
    assert_eq!(within(30, "an answer", peer.answer_to_global_request()).await, [82]);
    within(10, "the mark", async {
        loop {
            match unread.wait().await.unwrap() {
                ChannelMsg::Data { data } => {
                    for byte in &data[..] {
                        assert_eq!(*byte, (bytes % 251) as u8);
                        bytes += 1;
                    }
                    messages += 1;
                }
                ChannelMsg::Custom { name, .. } => break assert_eq!(name, "mark"),
                other => panic!("{other:?}"),
            }
        }
    })
    .await;
    assert_eq!(bytes, BYTES);
    assert!(messages < 1000, "{messages} messages");
}

#[tokio::test]
async fn bulk_both_ways_on_many_channels_survives_constant_rekeying() {
    let limits = || Limits { rekey_write_limit: 3 << 20, rekey_read_limit: 5 << 20, ..Limits::default() };
    let server = russh::server::Config { limits: limits(), window_size: 256 << 10, ..server_config() };
    let client = russh::client::Config { limits: limits(), window_size: 256 << 10, ..client_config() };
    let mut link = Link::with(server, client).await;
    let mut streams = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let (near, far) = link.channel().await;
        let ((mut near_reader, near_writer), (mut far_reader, far_writer)) = (near.split(), far.split());
        streams.spawn(async move { pour(&near_writer, 16 * MIB).await });
        streams.spawn(async move { pour(&far_writer, 16 * MIB).await });
        streams.spawn(async move { assert_eq!(drain(&mut near_reader).await, 16 * MIB) });
        streams.spawn(async move { assert_eq!(drain(&mut far_reader).await, 16 * MIB) });
    }
    within(60, "four streams each way", async {
        while let Some(stream) = streams.join_next().await {
            stream.unwrap();
        }
    })
    .await;
}
