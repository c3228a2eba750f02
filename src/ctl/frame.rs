//! What passes over the socket: frames of one byte for the kind, four for the length (big-endian), and the body.
//!
//! | kind | from | body |
//! | --- | --- | --- |
//! | `A` | client | what is asked, as JSON: [`Ask`] |
//! | `I` | client | what was typed meanwhile |
//! | `O` | gateway | a piece of stdout |
//! | `E` | gateway | a piece of stderr |
//! | `X` | gateway | the exit status (four bytes, big-endian); nothing follows |

use std::io;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// The longest body, in bytes.
const LONGEST: usize = 64 * 1024;

/// What the operator asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Ask {
    /// The command, its words quoted.
    pub command: String,
    /// The configuration file as the operator typed it, for the commands that the answer suggests.
    pub config: String,
    /// The terminal's columns and rows, where there is one.
    pub terminal: Option<(u32, u32)>,
}

/// One frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Frame {
    Ask(Ask),
    Input(Bytes),
    Out(Bytes),
    Err(Bytes),
    Exit(u32),
}

impl Frame {
    fn body(&self) -> io::Result<(u8, Bytes)> {
        Ok(match self {
            Self::Ask(ask) => (b'A', serde_json::to_vec(ask)?.into()),
            Self::Input(bytes) => (b'I', bytes.clone()),
            Self::Out(bytes) => (b'O', bytes.clone()),
            Self::Err(bytes) => (b'E', bytes.clone()),
            Self::Exit(status) => (b'X', status.to_be_bytes().to_vec().into()),
        })
    }

    fn from_body(kind: u8, body: Bytes) -> io::Result<Self> {
        Ok(match kind {
            b'A' => Self::Ask(serde_json::from_slice(&body)?),
            b'I' => Self::Input(body),
            b'O' => Self::Out(body),
            b'E' => Self::Err(body),
            b'X' => Self::Exit(u32::from_be_bytes(body.as_ref().try_into().map_err(|_| odd("an exit status"))?)),
            _ => return Err(odd("a kind of frame")),
        })
    }
}

/// Reads a frame; `None` when the other side is gone.
pub(super) async fn read(from: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<Frame>> {
    let kind = match from.read_u8().await {
        Ok(kind) => kind,
        Err(why) if why.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(why) => return Err(why),
    };
    let length = usize::try_from(from.read_u32().await?).map_err(|_| odd("a length"))?;
    if length > LONGEST {
        return Err(odd("a length"));
    }
    let mut body = vec![0; length];
    from.read_exact(&mut body).await?;
    Frame::from_body(kind, body.into()).map(Some)
}

/// Writes a frame.
pub(super) async fn write(to: &mut (impl AsyncWrite + Unpin), frame: &Frame) -> io::Result<()> {
    let (kind, body) = frame.body()?;
    let length = u32::try_from(body.len()).ok().filter(|_| body.len() <= LONGEST).ok_or_else(|| odd("a length"))?;
    to.write_u8(kind).await?;
    to.write_u32(length).await?;
    to.write_all(&body).await?;
    to.flush().await
}

fn odd(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("{what} that is none: are both sides of one version?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn frames_arrive_as_they_were_sent() {
        let ask = Ask { command: "show r1".into(), config: "c.toml".into(), terminal: Some((80, 24)) };
        let frames = [
            Frame::Ask(ask),
            Frame::Input(Bytes::from_static(b"\x03")),
            Frame::Out(Bytes::from(vec![7; LONGEST])),
            Frame::Err(Bytes::new()),
            Frame::Exit(77),
        ];
        let mut wire = Vec::new();
        for frame in &frames {
            write(&mut wire, frame).await.expect("it is written");
        }
        let mut wire = wire.as_slice();
        for frame in frames {
            assert_eq!(read(&mut wire).await.expect("it is read"), Some(frame));
        }
        assert_eq!(read(&mut wire).await.expect("the end is seen"), None);
    }

    #[tokio::test]
    async fn garbage_is_an_error_and_reserves_no_memory() {
        for wire in
            [&b"GET / HTTP/1.1\r\n"[..], b"O\xff\xff\xff\xff", b"X\0\0\0\x01x", b"A\0\0\0\x02{]", b"O\0\0\0\x09x"]
        {
            assert!(read(&mut &*wire).await.is_err(), "{wire:?}");
        }
        assert!(write(&mut Vec::new(), &Frame::Out(vec![0; LONGEST + 1].into())).await.is_err());
    }
}
