//! A relay of large streams grows by little: alone in its process, so that the growth is its own.

mod support;

use support::{Link, drain, peak_memory, pour, relay, within};

const MIB: u64 = 1 << 20;
/// What a stream may cost on its way through: far less than the stream.
const MAY_GROW: u64 = 64 * MIB;

/// `ssh host cat < big`: both directions at once, through a server and a client as in a gateway.
#[tokio::test]
async fn a_large_stream_comes_back_whole_through_a_relay_that_stays_small() {
    let mut outer = Link::new().await;
    let mut inner = Link::new().await;
    let (user, gate_down) = outer.channel().await;
    let (gate_up, target) = inner.channel().await;
    let ((down_reader, down_writer), (up_reader, up_writer)) = (gate_down.split(), gate_up.split());
    tokio::spawn(relay(down_reader, up_writer));
    tokio::spawn(relay(up_reader, down_writer));
    let (target_reader, target_writer) = target.split();
    tokio::spawn(relay(target_reader, target_writer));

    let before = peak_memory();
    let (mut reader, writer) = user.split();
    let ((), back) =
        within(120, "256 MiB there and back", async { tokio::join!(pour(&writer, 256 * MIB), drain(&mut reader)) })
            .await;
    assert_eq!(back, 256 * MIB);
    let grown = peak_memory() - before;
    assert!(grown < MAY_GROW, "grew by {} MiB", grown / MIB);
}
