//! What a connection onwards from the bastion's own door leads to.

use super::*;
use crate::usecase::reach::reach;
use crate::usecase::reload::reload;

/// Where the bastion of these tests listens.
const DOOR: u16 = 2222;

/// A bench whose rulebook knows a TCP service, which those on call may ask for.
async fn bench() -> Bench {
    let bench = Bench::new().await;
    reload(&bench.app, with_service()).await.unwrap();
    bench
}

fn with_service() -> Rulebook {
    let mut rules = rulebook();
    let address = Address { host: "10.0.0.9".into(), port: 5432 };
    let db = Target { protocol: Protocol::Tcp, address, ..target("orders-db", "prod") };
    rules.targets.insert(db.name.clone(), Arc::new(db));
    rules.roles.insert("db".into(), Arc::new(Role { logins: Vec::new(), shell: false, ..role("db", "") }));
    rules.rules.push(rule("oncall", "orders-db", "db", HOUR, 0));
    rules
}

async fn reached(bench: &Bench, user: &str, host: &str, port: u32) -> Outcome<Protocol> {
    reach(&bench.app, caller(user, host), port, DOOR).await
}

#[tokio::test]
async fn a_targets_name_and_port_lead_to_it_with_or_without_a_grant() {
    let bench = bench().await;
    for port in [22, 2222] {
        assert_eq!(reached(&bench, "alice", "web1", port).await.unwrap(), Protocol::Ssh, "{port}");
    }
    assert_eq!(reached(&bench, "alice", "orders-db", 5432).await.unwrap(), Protocol::Tcp);
}

#[tokio::test]
async fn anything_else_leads_nowhere_and_is_in_the_audit_log() {
    let bench = bench().await;
    for (host, port, why) in [
        ("10.0.0.5", 22, "by-address"),
        ("0x0a000005", 22, "by-address"),
        ("::1", 22, "by-address"),
        ("WEB1", 22, "unknown-target"),
        ("web1.", 22, "unknown-target"),
        ("localhost", 22, "unknown-target"),
        ("", 22, "unknown-target"),
        ("web1", 80, "wrong-port"),
        ("web1", 22 + (1 << 16), "wrong-port"),
        ("orders-db", 22, "wrong-port"),
        ("orders-db", 5432 + (1 << 16), "wrong-port"),
    ] {
        assert_eq!(code(reached(&bench, "alice", host, port).await), why, "{host}:{port}");
    }
    assert_eq!(code(reached(&bench, "nobody", "web1", 22).await), "unknown-user");
    assert!(bench.log().await.iter().any(|line| line == "alice session.refused 10.0.0.5"));
}

#[tokio::test]
async fn who_has_no_rule_and_no_grant_learns_nothing_of_a_target() {
    let bench = bench().await;
    let of = |host: &'static str| {
        let bench = &bench;
        async move { said(reached(bench, "mallory", host, 22).await).replace(host, "HOST") }
    };
    assert_eq!(of("web1").await, of("host9").await);
    assert_eq!(said(reached(&bench, "mallory", "orders-db", 1).await).replace("orders-db", "HOST"), of("host9").await);
}

#[tokio::test]
async fn a_grant_of_earlier_still_leads_to_its_target() {
    let bench = bench().await;
    bench.granted(HOUR).await;
    let mut rules = with_service();
    rules.rules.clear();
    reload(&bench.app, rules).await.unwrap();
    assert_eq!(reached(&bench, "alice", "web1", 22).await.unwrap(), Protocol::Ssh);
    assert_eq!(code(reached(&bench, "dave", "web1", 22).await), "unknown-target");
}

#[tokio::test]
async fn a_service_is_admitted_as_one_and_not_by_the_ssh_door() {
    let bench = bench().await;
    let as_service = |user: &str| Caller { protocol: Protocol::Tcp, ..caller(user, "orders-db") };
    assert!(said(admit(&bench.app, as_service("alice")).await).contains("request orders-db --role db --for 30m"));
    file(&bench.app, &bench.actor("alice"), wish("orders-db", "db", HOUR)).await.unwrap();
    let admitted = admit(&bench.app, as_service("alice")).await.unwrap();
    assert_eq!((admitted.permit.login(), admitted.permit.protocol()), ("", Protocol::Tcp));
    let way = "orders-db is a TCP service: ssh -N -L 5432:orders-db:5432 bastion";
    assert_eq!(said(bench.connect("alice", "orders-db").await), way);
    assert_eq!(said(reached(&bench, "alice", "orders-db", 22).await), way);
    let as_service = Caller { protocol: Protocol::Tcp, ..caller("alice", "web1") };
    assert_eq!(code(admit(&bench.app, as_service).await), "wrong-way");
}
