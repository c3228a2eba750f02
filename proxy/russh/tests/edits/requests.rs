//! Requests reach the channel's reader as they came, and are answered in order by whoever reads them.

use russh::{ChannelMsg, Sig};

use crate::support::raw::{RawClient, string};
use crate::support::{Link, within};

#[tokio::test]
async fn pipelined_requests_are_answered_later_and_in_order() {
    let mut link = Link::new().await;
    let (mut near, mut far) = link.channel().await;
    near.request_pty(true, "xterm", 80, 24, 0, 0, &[]).await.unwrap();
    near.set_env(false, "LANG", "C").await.unwrap();
    near.agent_forward(true).await.unwrap();
    near.request_shell(true).await.unwrap();

    within(10, "all requests, before any answer", async {
        assert!(matches!(far.wait().await, Some(ChannelMsg::RequestPty { want_reply: true, .. })));
        assert!(matches!(far.wait().await, Some(ChannelMsg::SetEnv { want_reply: false, .. })));
        assert!(matches!(far.wait().await, Some(ChannelMsg::AgentForward { want_reply: true })));
        assert!(matches!(far.wait().await, Some(ChannelMsg::RequestShell { want_reply: true })));
        far.reply(true).await.unwrap();
        far.reply(false).await.unwrap();
        far.reply(true).await.unwrap();
        far.data_bytes("welcome").await.unwrap();
        far.reply(true).await.unwrap();
        far.exit_signal(Sig::TERM, false, "", "").await.unwrap();
    })
    .await;

    within(10, "the answers", async {
        assert!(matches!(near.wait().await, Some(ChannelMsg::Success)));
        assert!(matches!(near.wait().await, Some(ChannelMsg::Failure)));
        assert!(matches!(near.wait().await, Some(ChannelMsg::Success)));
        assert!(matches!(near.wait().await, Some(ChannelMsg::Data { data }) if data == "welcome"));
        // The fourth reply answered nothing, so it was not sent.
        assert!(matches!(near.wait().await, Some(ChannelMsg::ExitSignal { signal_name: Sig::TERM, .. })));
    })
    .await;
}

#[tokio::test]
async fn requests_russh_does_not_know_pass_in_both_directions() {
    let mut link = Link::new().await;
    let (mut near, mut far) = link.channel().await;
    within(10, "break and its answer", async {
        near.custom_request(true, "break", 500_u32.to_be_bytes().to_vec()).await.unwrap();
        match far.wait().await.unwrap() {
            ChannelMsg::Custom { name, want_reply, data } => {
                assert_eq!((name.as_str(), want_reply, &data[..]), ("break", true, &500_u32.to_be_bytes()[..]));
            }
            other => panic!("{other:?}"),
        }
        far.reply(true).await.unwrap();
        assert!(matches!(near.wait().await, Some(ChannelMsg::Success)));
    })
    .await;
    within(10, "eow, and a question from the server", async {
        far.custom_request(false, "eow@openssh.com", "").await.unwrap();
        far.custom_request(true, "what@example.com", "?").await.unwrap();
        assert!(matches!(near.wait().await, Some(ChannelMsg::Custom { want_reply: false, .. })));
        assert!(matches!(near.wait().await, Some(ChannelMsg::Custom { want_reply: true, .. })));
        near.reply(false).await.unwrap();
        assert!(matches!(far.wait().await, Some(ChannelMsg::Failure)));
    })
    .await;
}

#[tokio::test]
async fn a_request_nobody_reads_is_failed_and_a_keepalive_is_answered() {
    let mut link = Link::new().await;
    let (mut near, far) = link.channel().await;
    drop(far.split().0);
    within(10, "the failure", async {
        near.custom_request(true, "break", "").await.unwrap();
        assert!(matches!(near.wait().await, Some(ChannelMsg::Failure)));
    })
    .await;

    let (_near, mut far) = link.channel().await;
    within(10, "the keepalive's answer", async {
        far.custom_request(true, "keepalive@openssh.com", "").await.unwrap();
        assert!(matches!(far.wait().await, Some(ChannelMsg::Success)));
        link.client.send_ping().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn commands_and_variables_arrive_byte_for_byte() {
    let mut link = Link::new().await;
    let (near, mut far) = link.channel().await;
    let command: Vec<u8> = (0..=255).collect();
    near.exec(true, command.clone()).await.unwrap();
    match within(10, "the command", far.wait()).await.unwrap() {
        ChannelMsg::Exec { command: received, .. } => assert_eq!(received, command),
        other => panic!("{other:?}"),
    }

    let mut peer = RawClient::authenticated().await;
    let (channel, _) = peer.open().await.unwrap();
    let mut far = peer.opened.recv().await.unwrap();
    let mut variable = Vec::new();
    string(&mut variable, b"LC_NAME");
    string(&mut variable, b"caf\xe9");
    peer.request(channel, "env", true, &variable).await;
    match within(10, "the variable", far.wait()).await.unwrap() {
        ChannelMsg::Custom { name, want_reply: true, data } => {
            assert_eq!((name.as_str(), &data[..]), ("env", &variable[..]))
        }
        other => panic!("{other:?}"),
    }
}
