//! Channels that close let go of everyone who waits for them.

use crate::edit::Edit;

const CLOSED: &str = "a writer that waits for a window which will never open again must end with its channel";
const ANSWERED: &str =
    "a channel we closed first ends for its reader when the peer's CHANNEL_CLOSE comes, and is forgotten";
const LAST_WORD: &str = "OpenSSH closes a multiplexed channel when both directions have ended, and still waits for the exit \
    status: so who reads the channel answers the close, after it";
const LATE: &str = "a channel whose opener gave up waiting has nobody to use it: close it";
const WORDS: &str = "whoever opens a channel learns the peer's own code and words for refusing it";

pub const EDITS: &[Edit] = &[
    Edit {
        file: "channels/mod.rs",
        why: CLOSED,
        find: "    value: Arc<Mutex<u32>>,
    notifier: Arc<Notify>,
}",
        put: "    value: Arc<Mutex<u32>>,
    notifier: Arc<Notify>,
    closed: Arc<std::sync::atomic::AtomicBool>,
}",
    },
    Edit {
        file: "channels/mod.rs",
        why: CLOSED,
        find: "            value: Arc::new(Mutex::new(initial)),
            notifier,
        }
    }
",
        put: "            value: Arc::new(Mutex::new(initial)),
            notifier,
            closed: Arc::default(),
        }
    }

    /// The window will not open again.
    pub(crate) fn close(&self) {
        self.closed.store(true, std::sync::atomic::Ordering::Release);
        self.notifier.notify_waiters();
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(std::sync::atomic::Ordering::Acquire)
    }
",
    },
    Edit {
        file: "channels/mod.rs",
        why: CLOSED,
        find: "            let mut window_size = self.window_size.value.lock().await;
            let writable = (self.max_packet_size as usize)",
        put: "            // Made before the look at `closed`, so that a close in between is not missed.
            let closing = self.window_size.notifier.notified();
            if self.window_size.is_closed() {
                return Err(Error::SendError);
            }
            let mut window_size = self.window_size.value.lock().await;
            let writable = (self.max_packet_size as usize)",
    },
    Edit {
        file: "channels/mod.rs",
        why: CLOSED,
        find: "            let notified = self.window_size.notifier.notified();
            drop(window_size);
            notified.await;",
        put: "            drop(window_size);
            closing.await;",
    },
    Edit {
        file: "channels/channel_ref.rs",
        why: CLOSED,
        find: "impl std::ops::Deref for ChannelRef {",
        put: "impl Drop for ChannelRef {
    fn drop(&mut self) {
        self.window_size.close();
    }
}

impl std::ops::Deref for ChannelRef {",
    },
    // Server role.
    Edit {
        file: "server/encrypted.rs",
        why: LAST_WORD,
        find: "                if !self.common.is_established_channel(channel_num) {
                    return Ok(());
                }
                if let Some(ref mut enc) = self.common.encrypted {
                    // Reply with CHANNEL_CLOSE per RFC 4254 Section 5.3.
                    enc.close(channel_num)?;
                }
                // Forward the close to the channel before removing it, so that
                // consumers waiting on `Channel::wait()` receive an explicit
                // `ChannelMsg::Close` instead of just seeing `None`.
                if let Some(chan) = self.channels.get(&channel_num) {
                    chan.send(ChannelMsg::Close).await.unwrap_or(())
                }
                self.channels.remove(&channel_num);",
        put: "                if !self.common.is_established_channel(channel_num) {
                    let closed_by_us = self.common.encrypted.as_ref().is_some_and(|enc| !enc.channels.contains_key(&channel_num));
                    if closed_by_us && let Some(chan) = self.channels.remove(&channel_num) {
                        let _ = chan.send(ChannelMsg::Close).await;
                    }
                    return Ok(());
                }
                // The reader answers it, once it has sent the exit status. Where nobody reads, we do.
                let read = match self.channels.get(&channel_num) {
                    Some(chan) => {
                        chan.window_size().close();
                        chan.send(ChannelMsg::Close).await.is_ok()
                    }
                    None => false,
                };
                if !read {
                    if let Some(ref mut enc) = self.common.encrypted {
                        enc.close(channel_num)?;
                    }
                    self.channels.remove(&channel_num);
                }",
    },
    Edit {
        file: "server/session.rs",
        why: LAST_WORD,
        find: "    pub fn close(&mut self, channel: ChannelId) -> Result<(), Error> {
",
        put: "    pub fn close(&mut self, channel: ChannelId) -> Result<(), Error> {
        // The client closed it before us: nothing more comes for it.
        if self.channels.get(&channel).is_some_and(|chan| chan.window_size().is_closed()) {
            self.channels.remove(&channel);
        }
",
    },
    Edit {
        file: "server/encrypted.rs",
        why: LATE,
        find: "                        .await
                        .unwrap_or(());
                } else {
                    error!(\"no channel for id {local_id:?}\");",
        put: "                        .await
                        .or_else(|_| self.common.encrypted.as_mut().map_or(Ok(()), |enc| enc.close(local_id)))?;
                } else {
                    error!(\"no channel for id {local_id:?}\");",
    },
    // Client role.
    Edit {
        file: "client/encrypted.rs",
        why: ANSWERED,
        find: "                if !self.common.is_established_channel(channel_num) {
                    return Ok(());
                }
                if let Some(ref mut enc) = self.common.encrypted {
                    // The CHANNEL_CLOSE message must be sent",
        put: "                if !self.common.is_established_channel(channel_num) {
                    let closed_by_us = self.common.encrypted.as_ref().is_some_and(|enc| !enc.channels.contains_key(&channel_num));
                    if closed_by_us && let Some(chan) = self.channels.remove(&channel_num) {
                        let _ = chan.send(ChannelMsg::Close).await;
                    }
                    return Ok(());
                }
                if let Some(ref mut enc) = self.common.encrypted {
                    // The CHANNEL_CLOSE message must be sent",
    },
    Edit {
        file: "client/encrypted.rs",
        why: LATE,
        find: "                        .await
                        .unwrap_or(());
                } else {
                    error!(\"no channel for id {local_id:?}\");",
        put: "                        .await
                        .or_else(|_| self.common.encrypted.as_mut().map_or(Ok(()), |enc| enc.close(local_id)))?;
                } else {
                    error!(\"no channel for id {local_id:?}\");",
    },
    Edit {
        file: "client/encrypted.rs",
        why: WORDS,
        find: "                        .send(ChannelMsg::OpenFailure(reason_code.clone()))",
        put: "                        .send(ChannelMsg::OpenFailure(ChannelOpenFailure::Other {
                            code: reason_code.code(),
                            reason: descr.clone(),
                        }))",
    },
    Edit {
        file: "server/encrypted.rs",
        why: WORDS,
        find: "                        .send(ChannelMsg::OpenFailure(reason))
                        .await
                        .map_err(|_| crate::Error::SendError)?;",
        put: "                        .send(ChannelMsg::OpenFailure(ChannelOpenFailure::Other {
                            code: reason.code(),
                            reason: description,
                        }))
                        .await
                        // An opener that gave up is no fault of the session.
                        .unwrap_or(());",
    },
];
