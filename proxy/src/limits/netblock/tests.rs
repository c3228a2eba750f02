use super::*;

fn source(address: &str) -> Netblock {
    Netblock::source(address.parse().unwrap())
}

#[test]
fn an_ipv4_address_is_a_source_and_its_24_bits_are_the_neighbours() {
    assert_eq!(source("192.0.2.7").to_string(), "192.0.2.7");
    assert_ne!(source("192.0.2.7"), source("192.0.2.8"));
    assert_eq!(source("192.0.2.7").neighbours(), source("192.0.2.250").neighbours());
    assert_eq!(source("192.0.2.7").neighbours().to_string(), "192.0.2.0/24");
    assert_ne!(source("192.0.2.7").neighbours(), source("192.0.3.7").neighbours());
}

#[test]
fn an_ipv6_host_is_one_source_whatever_address_of_its_net_it_takes() {
    assert_eq!(source("2001:db8:1:2::1"), source("2001:db8:1:2:ffff:ffff:ffff:ffff"));
    assert_eq!(source("2001:db8:1:2::1").to_string(), "2001:db8:1:2::/64");
    assert_ne!(source("2001:db8:1:2::1"), source("2001:db8:1:3::1"));
    assert_eq!(source("2001:db8:1:2::1").neighbours(), source("2001:db8:1:ffff::1").neighbours());
    assert_ne!(source("2001:db8:1:2::1").neighbours(), source("2001:db8:2:2::1").neighbours());
}

#[test]
fn an_ipv4_address_in_ipv6_clothes_is_the_ipv4_address() {
    assert_eq!(source("::ffff:192.0.2.7"), source("192.0.2.7"));
    assert_eq!(source("::ffff:192.0.2.7").neighbours(), source("192.0.2.1").neighbours());
}
