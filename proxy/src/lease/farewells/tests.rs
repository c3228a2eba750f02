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
