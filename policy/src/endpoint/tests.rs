use proptest::prelude::*;

use super::{Endpoint, EndpointPattern};

fn allows(pattern: &str, endpoint: Endpoint<'_>) -> bool {
    pattern.parse::<EndpointPattern>().unwrap().allows(endpoint)
}

#[test]
fn hosts_and_ports_match_their_pattern() {
    for (pattern, host, port, expected) in [
        ("*:*", "anything", 1, true),
        ("*:*", "", 0, true),
        ("*:5432", "db", 5432, true),
        ("*:5432", "db", 5433, false),
        ("localhost:*", "localhost", 80, true),
        ("localhost:*", "LocalHost", 80, true),
        ("localhost:*", "localhost.example.com", 80, false),
        ("localhost:*", "127.0.0.1", 80, false),
        ("localhost:*", "", 80, false),
        ("localhost:*", "localhost", 0, true),
        ("localhost:80", "localhost", 0, false),
        ("localhost:80", "localhost", 65_616, false),
        ("*.internal:443", "a.b.internal", 443, true),
        ("*.internal:443", "internal", 443, false),
        ("[::1]:80", "::1", 80, true),
        ("[::1]:80", "0:0:0:0:0:0:0:1", 80, true),
        ("[0:0::1]:80", "::1", 80, true),
        ("[fd00:*]:80", "fd00::7", 80, true),
        ("10.0.0.*:22", "10.0.0.7", 22, true),
        ("10.0.0.*:22", "10.0.0.77", 22, true),
    ] {
        assert_eq!(allows(pattern, Endpoint::Tcp(host, port)), expected, "{pattern} {host:?}:{port}");
    }
}

#[test]
fn a_pattern_of_addresses_does_not_match_a_name_that_looks_like_one() {
    for (pattern, host) in [
        ("10.0.0.*:22", "10.0.0.example.com"),
        ("10.*:22", "10.1"),
        ("10.0.0.*:22", "10.0.0.0x7"),
        ("127.0.0.1:22", "127.1"),
        ("127.0.0.1:22", "2130706433"),
        ("[fd00:*]:22", "fd00:x"),
        ("*.7:22", "example.7"),
    ] {
        assert!(!allows(pattern, Endpoint::Tcp(host, 22)), "{pattern} {host}");
    }
}

#[test]
fn an_address_with_a_zone_is_no_name() {
    // The zone is an interface of the target's, and interfaces may be called anything.
    for host in ["fe80::1%db.internal", "::1%internal", "fe80::1%10.0.0.7"] {
        for pattern in ["*internal:80", "*.internal:80", "*1*internal:80", "10.0.0.*:80"] {
            assert!(!allows(pattern, Endpoint::Tcp(host, 80)), "{pattern} {host}");
        }
        assert!(allows("*:80", Endpoint::Tcp(host, 80)), "{host}");
    }
}

#[test]
fn what_a_target_may_read_otherwise_matches_nothing() {
    let long = format!("{}.internal", "a".repeat(250));
    for host in [
        "evil.com\0.internal",
        "evil.com\n.internal",
        "evil.com .internal",
        "evil。internal",
        "\u{202e}.internal",
        &long,
    ] {
        for pattern in ["*:*", "*.internal:80", "*internal:80"] {
            assert!(!allows(pattern, Endpoint::Tcp(host, 80)), "{pattern} {host:?}");
        }
    }
    for port in [65_536, 65_536 + 80, u32::MAX] {
        assert!(!allows("*:*", Endpoint::Tcp("db", port)), "{port}");
    }
    let long = format!("/run/{}", "a".repeat(255));
    for path in ["/run/docker.sock\0/app/x", "/run/app/\n", &long] {
        assert!(!allows("/run/*", Endpoint::Unix(path)), "{path:?}");
    }
}

#[test]
fn a_socket_path_does_not_climb_out_of_its_folder() {
    assert!(allows("/run/app/*", Endpoint::Unix("/run/app/a.sock")));
    assert!(allows("/run/app/*", Endpoint::Unix("/run/app/..a/b..")));
    for path in ["/run/app/../docker.sock", "/run/app/x/../../docker.sock", "/run/app/..", "run/app/x", "", "@abstract"]
    {
        assert!(!allows("/run/app/*", Endpoint::Unix(path)), "{path}");
    }
    assert!(!allows("/*", Endpoint::Unix("/run/../etc/x")));
}

#[test]
fn a_host_pattern_opens_no_socket_and_a_path_no_port() {
    assert!(!allows("*:*", Endpoint::Unix("/run/docker.sock")));
    assert!(!allows("/*", Endpoint::Tcp("/x", 1)));
}

#[test]
fn what_is_neither_is_refused() {
    for junk in [
        "",
        "host",
        ":22",
        "host:",
        "host:0",
        "host:65536",
        "host:+22",
        "host:2*",
        "::1:22",
        "[::1:22",
        "[]:22",
        "ho st:22",
        "host:22\n",
        "relative/path",
        "[::1]",
        "*",
    ] {
        assert!(junk.parse::<EndpointPattern>().is_err(), "{junk:?}");
    }
}

#[test]
fn patterns_and_endpoints_are_written_as_they_are_read() {
    for text in ["*:*", "localhost:80", "[::1]:80", "[fd00:*]:*", "/run/*"] {
        assert_eq!(text.parse::<EndpointPattern>().unwrap().to_string(), text);
    }
    assert_eq!(Endpoint::Tcp("::1", 80).to_string(), "[::1]:80");
    assert_eq!(Endpoint::Tcp("db", 80).to_string(), "db:80");
    assert_eq!(Endpoint::Unix("/x").to_string(), "/x");
}

proptest! {
    #[test]
    fn no_text_breaks_the_reader(text in "\\PC*|[a-z*.:0-9\\[\\]/]*", host in "\\PC*", port in any::<u32>()) {
        if let Ok(pattern) = text.parse::<EndpointPattern>() {
            prop_assert_eq!(&pattern.to_string().parse::<EndpointPattern>().unwrap(), &pattern);
            let _ = pattern.allows(Endpoint::Tcp(&host, port));
            let _ = pattern.allows(Endpoint::Unix(&host));
        }
    }
}
