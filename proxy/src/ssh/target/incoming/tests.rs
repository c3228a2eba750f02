use super::*;

fn incoming() -> Incoming {
    Incoming::new(Arc::new(Semaphore::new(1)), mpsc::unbounded_channel().0)
}

fn tcp(host: &str, port: u32) -> EndpointBuf {
    EndpointBuf::Tcp(host.to_owned(), port)
}

#[test]
fn only_what_was_asked_for_is_expected() {
    let incoming = incoming();
    assert_eq!(incoming.listener(&tcp("localhost", 80)), None);
    incoming.expect(&tcp("localhost", 80));
    assert_eq!(incoming.listener(&tcp("localhost", 81)), None);
    assert_eq!(incoming.listener(&EndpointBuf::Unix("localhost".to_owned())), None);
    // A target that names what it bound means the same listener.
    assert_eq!(incoming.listener(&tcp("127.0.0.1", 80)), Some(tcp("localhost", 80)));
    incoming.forget(&tcp("localhost", 80));
    assert_eq!(incoming.listener(&tcp("localhost", 80)), None);
}

#[test]
fn of_two_listeners_on_a_port_the_one_named_is_meant() {
    let incoming = incoming();
    incoming.expect(&tcp("127.0.0.1", 80));
    incoming.expect(&tcp("::1", 80));
    assert_eq!(incoming.listener(&tcp("::1", 80)), Some(tcp("::1", 80)));
}

#[test]
fn a_socket_is_expected_by_its_exact_path() {
    let incoming = incoming();
    incoming.expect(&EndpointBuf::Unix("/run/a".to_owned()));
    assert_eq!(incoming.listener(&EndpointBuf::Unix("/run/b".to_owned())), None);
    assert!(incoming.listener(&EndpointBuf::Unix("/run/a".to_owned())).is_some());
}

#[test]
fn what_is_asked_for_on_one_connection_is_not_expected_on_another() {
    let (first, other) = (incoming(), incoming().another());
    first.expect(&tcp("localhost", 80));
    assert_eq!(other.listener(&tcp("localhost", 80)), None);
    let lent = first.lend_agent();
    assert_eq!(first.expected.agents.load(Ordering::SeqCst), 1);
    drop(lent);
    assert_eq!(first.expected.agents.load(Ordering::SeqCst), 0);
}
