use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex, split};

use super::*;

#[tokio::test]
async fn a_read_and_a_write_that_wait_end_when_the_kill_switch_trips() {
    // Room for one byte: the write waits for a peer that never reads.
    let (near, far) = duplex(1);
    let tunnel = Tunnel::new(near);
    let kill_switch = tunnel.kill_switch();
    let (mut reading, mut writing) = split(tunnel);
    let reader = tokio::spawn(async move { reading.read(&mut [0; 8]).await });
    let writer = tokio::spawn(async move { writing.write_all(b"never read").await });
    tokio::task::yield_now().await;
    kill_switch.trip();
    assert_eq!(reader.await.unwrap().unwrap(), 0);
    assert_eq!(writer.await.unwrap().unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    drop(far);
}

#[tokio::test]
async fn until_then_bytes_pass_both_ways_and_a_dropped_kill_switch_ends_it() {
    let (near, mut far) = duplex(64);
    let mut tunnel = Tunnel::new(near);
    let kill_switch = tunnel.kill_switch();
    tunnel.write_all(b"there").await.unwrap();
    far.write_all(b"back").await.unwrap();
    let mut came = [0; 5];
    far.read_exact(&mut came).await.unwrap();
    assert_eq!(&came, b"there");
    tunnel.read_exact(&mut came[..4]).await.unwrap();
    assert_eq!(&came[..4], b"back");
    drop(kill_switch);
    assert_eq!(tunnel.read(&mut came).await.unwrap(), 0);
    assert!(tunnel.write(b"x").await.is_err());
}
