use super::{Address, Protocol};

#[test]
fn addresses_are_written_so_that_they_can_be_read() {
    let address = |host: &str| Address { host: host.to_owned(), port: 22 }.to_string();
    assert_eq!(address("db.internal"), "db.internal:22");
    assert_eq!(address("::1"), "[::1]:22");
    assert_eq!((Protocol::Ssh.to_string(), Protocol::Tcp.to_string()), ("ssh".to_owned(), "tcp".to_owned()));
}
