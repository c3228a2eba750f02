//! Goodbyes come first: what else there is to do at the end of a session waits until nobody is being told goodbye.
//!
//! A thousand sessions may end at one deadline. Sealing a recording and cleaning up a target take longer than a last
//! line does, so they would hold up the last lines of the others.

use std::time::Duration;

use tokio::sync::watch;

/// How long the channels of a session may take to say goodbye before its socket is shut down whatever they do.
pub const SESSION_FAREWELL: Duration = Duration::from_millis(250);

/// How long the last line of one channel may take to reach a client that is slow to read.
pub const CHANNEL_FAREWELL: Duration = Duration::from_millis(150);

/// How long what a client sent before it closed a channel may take to reach a target that is slow to read.
pub const LAST_INPUT: Duration = Duration::from_secs(5);

/// The sessions that are being told goodbye at the moment.
#[derive(Debug, Default)]
pub struct Farewells(watch::Sender<usize>);

/// One session that is being told goodbye, until it is dropped.
#[derive(Debug)]
pub struct Farewell<'a>(&'a Farewells);

impl Farewells {
    /// Begins one.
    pub fn begin(&self) -> Farewell<'_> {
        self.0.send_modify(|saying| *saying += 1);
        Farewell(self)
    }

    /// Waits until nobody is being told goodbye.
    pub async fn over(&self) {
        // The sender lives in `self`, so this ends only when there is none.
        let _ = self.0.subscribe().wait_for(|saying| *saying == 0).await;
    }
}

impl Drop for Farewell<'_> {
    fn drop(&mut self) {
        self.0.0.send_if_modified(|saying| {
            *saying = saying.saturating_sub(1);
            *saying == 0
        });
    }
}

#[cfg(test)]
mod tests;
