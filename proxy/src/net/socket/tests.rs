use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;

async fn pair() -> (Socket, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    (Socket::new(stream), listener.accept().await.unwrap().0)
}

#[tokio::test]
async fn bytes_come_whole_in_order_however_they_are_taken_and_then_the_end() {
    let (mut near, mut far) = pair().await;
    let sent: Vec<u8> = (0..3 * BUFFER + 7).map(|n| (n / 3) as u8).collect();
    let writing = tokio::spawn({
        let sent = sent.clone();
        async move { far.write_all(&sent).await.unwrap() }
    });
    let mut came = Vec::new();
    let mut piece = vec![0; 5000];
    for size in [1, 4, 0, 5000, 3].into_iter().cycle() {
        if came.len() + size > sent.len() {
            break;
        }
        near.read_exact(&mut piece[..size]).await.unwrap();
        came.extend_from_slice(&piece[..size]);
    }
    near.read_to_end(&mut came).await.unwrap();
    writing.await.unwrap();
    assert!(came == sent);
}

#[tokio::test]
async fn who_waits_for_bytes_holds_no_buffer() {
    let (mut near, mut far) = pair().await;
    far.write_all(b"a packet").await.unwrap();
    let mut piece = [0; 8];
    near.read_exact(&mut piece[..3]).await.unwrap();
    assert!(near.rest.is_some());
    near.read_exact(&mut piece[3..]).await.unwrap();
    assert_eq!(&piece, b"a packet");
    let waiting = futures_now(near.read_u8());
    assert!(waiting.is_none());
    assert!(near.rest.is_none());
}

/// What a future gives at its first poll.
fn futures_now<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut future = std::pin::pin!(future);
    match future.as_mut().poll(&mut Context::from_waker(std::task::Waker::noop())) {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}
