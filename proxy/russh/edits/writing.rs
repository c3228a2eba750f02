//! A session goes on reading while its peer takes no data.
//!
//! russh writes out all it has before it reads the next packet. Two ends that do so block each other for ever once both
//! sockets are full, and until a peer reads again nothing of what it says is heard. Here the loop writes what the stream
//! takes at once, and waits for the stream next to everything else it waits for. What waits to be written is bounded:
//! from `OUTPUT_ROOM` on the loop takes no more of its own side's messages, from `OUTPUT_LIMIT` on it reads no more.

use crate::edit::Edit;

const RESUME: &str = "a write that was interrupted goes on where it stopped";
const ON_THE_SIDE: &str = "what the stream does not take at once goes out while the loop goes on";
const LAST_WORDS: &str = "what is still to be written goes out before the end, if the peer takes it in time";

pub const EDITS: &[Edit] = &[
    Edit {
        file: "sshbuffer.rs",
        why: RESUME,
        find: "    packet_buffer: Vec<u8>,
    write_buffer: SSHBuffer,
}",
        put: "    packet_buffer: Vec<u8>,
    write_buffer: SSHBuffer,
    /// Bytes at the front of `write_buffer` that are written already.
    written: usize,
}",
    },
    Edit {
        file: "sshbuffer.rs",
        why: RESUME,
        find: "            packet_buffer: Vec::new(),
            write_buffer: SSHBuffer::new(),
        }",
        put: "            packet_buffer: Vec::new(),
            write_buffer: SSHBuffer::new(),
            written: 0,
        }",
    },
    Edit {
        file: "sshbuffer.rs",
        why: RESUME,
        find: "    pub async fn flush_into<W: AsyncWrite + Unpin>(&mut self, w: &mut W) -> std::io::Result<()> {
        if !self.write_buffer.buffer.is_empty() {
            w.write_all(&self.write_buffer.buffer).await?;
            w.flush().await?;
            self.write_buffer.buffer.clear();
        }
        Ok(())
    }",
        put: "    /// Bytes that wait to be written.
    pub fn waiting(&self) -> usize {
        self.write_buffer.buffer.len() - self.written
    }

    /// Writes what waits. Cancel safe: the next call goes on where this one stopped.
    pub async fn flush_into<W: AsyncWrite + Unpin>(&mut self, w: &mut W) -> std::io::Result<()> {
        while self.waiting() > 0 {
            match w.write(&self.write_buffer.buffer[self.written..]).await? {
                0 => return Err(std::io::ErrorKind::WriteZero.into()),
                written => self.written += written,
            }
            // More may be added before all is out: give the front back once it is the larger part.
            if self.written > self.waiting() && self.waiting() > 0 {
                self.write_buffer.buffer.drain(..self.written);
                self.written = 0;
            }
        }
        if self.written > 0 {
            w.flush().await?;
            self.write_buffer.buffer.clear();
            self.written = 0;
        }
        Ok(())
    }",
    },
    Edit {
        file: "session.rs",
        why: "a full output holds back our own side's messages, as a used-up window does",
        find: "        self.encrypted
            .as_ref()
            .is_some_and(Encrypted::has_any_pending_data)
    }",
        put: "        self.packet_writer.waiting() >= crate::OUTPUT_ROOM
            || self.encrypted
            .as_ref()
            .is_some_and(Encrypted::has_any_pending_data)
    }

    /// Whether there is room for what the next packet may have us say.
    pub(crate) fn may_read(&self) -> bool {
        self.packet_writer.waiting() < crate::OUTPUT_LIMIT
    }

    /// Writes out what is left, for a peer that still takes it.
    pub(crate) async fn say_last_words<W: tokio::io::AsyncWrite + Unpin>(&mut self, stream: &mut W) {
        let _ = tokio::time::timeout(crate::LINGER, self.packet_writer.flush_into(stream)).await;
    }",
    },
    Edit {
        file: "lib_inner.rs",
        why: ON_THE_SIDE,
        find: "    tokio::select! {
        r = writer.flush_into(stream) => Ok(r?),
        _ = inactivity_timer => {
            debug!(\"timeout while writing\");
            Err(Error::InactivityTimeout)
        }
    }
}",
        put: "    // The session's loop waits for the stream, and for the timer, next to all else.
    match futures::FutureExt::now_or_never(writer.flush_into(stream)) {
        Some(written) => Ok(written?),
        None => Ok(()),
    }
}

/// Output that waits for the stream before the loop stops taking messages of its own side.
pub(crate) const OUTPUT_ROOM: usize = 256 << 10;
/// Output that waits for the stream before the loop stops reading.
pub(crate) const OUTPUT_LIMIT: usize = 1 << 20;",
    },
    // Server role.
    Edit {
        file: "server/session.rs",
        why: ON_THE_SIDE,
        find: "                r = &mut reading => {
                    let (stream_read,",
        put: "                written = self.common.packet_writer.flush_into(&mut stream_write), if self.common.packet_writer.waiting() > 0 => {
                    map_err!(written)?;
                }
                r = &mut reading, if self.common.may_read() => {
                    let (stream_read,",
    },
    Edit {
        file: "server/session.rs",
        why: LAST_WORDS,
        find: "        map_err!(stream_write.shutdown().await)?;",
        put: "        self.common.say_last_words(&mut stream_write).await;
        map_err!(stream_write.shutdown().await)?;",
    },
    // Client role.
    Edit {
        file: "client/mod.rs",
        why: ON_THE_SIDE,
        find: "                r = &mut reading => {
                    let (stream_read,",
        put: "                written = self.common.packet_writer.flush_into(stream_write), if self.common.packet_writer.waiting() > 0 => {
                    map_err!(written)?;
                }
                r = &mut reading, if self.common.may_read() => {
                    let (stream_read,",
    },
    Edit {
        file: "client/mod.rs",
        why: LAST_WORDS,
        find: "        map_err!(stream_write.shutdown().await)?;",
        put: "        self.common.say_last_words(&mut stream_write).await;
        map_err!(stream_write.shutdown().await)?;",
    },
];
