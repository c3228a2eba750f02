//! Goodbyes come first: what else there is to do at the end of a session waits until nobody is being told goodbye.
//!
//! A thousand sessions may end at one deadline. Sealing a recording and cleaning up a target take longer than a last
//! line does, so they would hold up the last lines of the others.

use tokio::sync::watch;

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
mod tests {
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;

    #[test]
    fn what_comes_after_waits_for_the_last_goodbye() {
        let farewells = Farewells::default();
        let (first, second) = (farewells.begin(), farewells.begin());
        let mut over = pin!(farewells.over());
        let mut cx = Context::from_waker(Waker::noop());
        assert_eq!(over.as_mut().poll(&mut cx), Poll::Pending);
        drop(first);
        assert_eq!(over.as_mut().poll(&mut cx), Poll::Pending);
        drop(second);
        assert_eq!(over.as_mut().poll(&mut cx), Poll::Ready(()));
    }

    #[test]
    fn nothing_waits_where_nobody_says_goodbye() {
        let farewells = Farewells::default();
        assert_eq!(pin!(farewells.over()).poll(&mut Context::from_waker(Waker::noop())), Poll::Ready(()));
    }
}
