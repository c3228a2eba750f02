use std::sync::Arc;

use proptest::prelude::*;

use super::{Decision, Facts, Permit, decide};
use crate::grant::{Grant, GrantEnd};
use crate::id::GrantId;
use crate::refusal::Refusal;
use crate::role::Role;
use crate::target::{Protocol, TargetAuth};
use crate::tests::{at, grant, person, role, strings, target, tcp_target};

/// Alice on her way to `web1`, with these grants.
fn facts(login: Option<&str>, grants: Vec<(Grant, Role)>) -> Facts {
    Facts {
        person: person("alice", &[]),
        target: Arc::new(target("web1", &[])),
        login: login.map(str::to_owned),
        grants: grants.into_iter().map(|(grant, role)| (grant, Arc::new(role))).collect(),
    }
}

fn admin() -> Role {
    role("admin", &["root"])
}

fn permit(facts: &Facts, now: i64) -> Permit {
    match decide(facts, at(now)) {
        Decision::Allow(permit) => *permit,
        Decision::Refuse(refusal) => panic!("refused: {refusal}"),
    }
}

fn refusal(facts: &Facts, now: i64) -> Refusal {
    match decide(facts, at(now)) {
        Decision::Allow(permit) => panic!("allowed: {permit:?}"),
        Decision::Refuse(refusal) => refusal,
    }
}

#[test]
fn a_permit_holds_all_that_dialling_needs() {
    let permit = permit(&facts(Some("root"), vec![(grant(9), admin())]), 0);
    assert_eq!((permit.user(), permit.target(), permit.login()), ("alice", "web1", "root"));
    assert_eq!((permit.grant(), permit.expires_at()), (GrantId(9), at(3600)));
    assert_eq!(permit.address().to_string(), "10.0.0.5:22");
    assert_eq!(
        (permit.host_keys()[0].as_str(), permit.host_cas()),
        ("ssh-ed25519 AAAA", &["ssh-ed25519 BBBB".to_owned()][..])
    );
    assert_eq!((permit.protocol(), permit.auth()), (Protocol::Ssh, &TargetAuth::Certificate));
    assert_eq!(permit.role().name, "admin");
}

#[test]
fn a_grant_lets_in_from_its_start_until_its_end() {
    let facts = facts(None, vec![(grant(9), admin())]);
    for (now, code) in
        [(-1, Some("scheduled")), (0, None), (3599, None), (3600, Some("ended")), (99_999, Some("ended"))]
    {
        match (decide(&facts, at(now)), code) {
            (Decision::Allow(_), None) => {}
            (Decision::Refuse(refusal), Some(code)) => assert_eq!(refusal.code, code),
            (decision, _) => panic!("at {now}: {decision:?}"),
        }
    }
}

#[test]
fn nobody_gets_in_on_a_grant_that_is_not_for_this() {
    type Spoil = fn(&mut Facts, &mut Grant, &mut Role);
    let spoils: [(&str, Spoil); 10] = [
        ("of another user", |_, grant, _| grant.user = "bob".to_owned()),
        ("of a user whose name only looks alike", |_, grant, _| grant.user = "Alice".to_owned()),
        ("for another person", |facts, _, _| facts.person.name = "bob".to_owned()),
        ("for another target", |_, grant, _| grant.targets = strings(&["web2", "web", "web11"])),
        ("for no target", |_, grant, _| grant.targets.clear()),
        ("with another role than the one it was given for", |_, _, role| role.name = "look".to_owned()),
        ("with another login", |facts, _, _| facts.login = Some("oracle".to_owned())),
        ("with an empty login", |facts, _, _| facts.login = Some(String::new())),
        ("with a login that the role has lost", |_, grant, _| grant.login = Some("deploy".to_owned())),
        ("that was revoked", |_, grant, _| grant.ended = Some((at(1), GrantEnd::Revoked))),
    ];
    for (what, spoil) in spoils {
        let (mut facts, mut grant, mut role) = (facts(None, vec![]), grant(9), admin());
        spoil(&mut facts, &mut grant, &mut role);
        facts.grants = vec![(grant, Arc::new(role))];
        assert!(matches!(decide(&facts, at(10)), Decision::Refuse(_)), "a grant {what} let somebody in");
    }
}

#[test]
fn the_grant_that_ends_last_carries_the_session() {
    let ending = |id, seconds| Grant { expires_at: at(seconds), ..grant(id) };
    let all = || vec![(ending(7, 100), admin()), (ending(8, 300), admin()), (ending(9, 200), admin())];
    assert_eq!(permit(&facts(None, all()), 10).grant(), GrantId(8));
    let mut revoked = all();
    revoked[1].0.ended = Some((at(5), GrantEnd::Revoked));
    assert_eq!(permit(&facts(None, revoked), 10).grant(), GrantId(9));
    // Of two that end together the newer one, whatever their order.
    for (a, b) in [(3, 4), (4, 3)] {
        assert_eq!(
            permit(&facts(None, vec![(ending(a, 50), admin()), (ending(b, 50), admin())]), 0).grant(),
            GrantId(4)
        );
    }
}

#[test]
fn the_grant_that_ends_last_must_give_the_login() {
    let late = Grant { expires_at: at(9999), role: "look".to_owned(), ..grant(8) };
    let facts = facts(Some("root"), vec![(late, role("look", &["viewer"])), (grant(9), admin())]);
    assert_eq!(permit(&facts, 0).grant(), GrantId(9));
}

#[test]
fn without_a_typed_login_the_only_one_is_taken() {
    assert_eq!(permit(&facts(None, vec![(grant(9), admin())]), 0).login(), "root");
    let narrowed = Grant { login: Some("deploy".to_owned()), ..grant(9) };
    let several = role("admin", &["root", "deploy"]);
    assert_eq!(permit(&facts(None, vec![(narrowed, several)]), 0).login(), "deploy");
}

#[test]
fn a_tcp_target_knows_no_login() {
    for (login, logins) in [(None, &[][..]), (None, &["root", "deploy"][..]), (Some("root"), &["root"][..])] {
        let mut facts = facts(login, vec![(grant(9), role("admin", logins))]);
        facts.target = Arc::new(tcp_target("web1"));
        let permit = permit(&facts, 0);
        assert_eq!((permit.login(), permit.protocol()), ("", Protocol::Tcp));
    }
}

#[test]
fn a_refusal_says_the_most_useful_thing() {
    let several = || role("admin", &["root", "deploy"]);
    let scheduled = |id, start| Grant { starts_at: at(start), expires_at: at(start + 60), ..grant(id) };
    let ended = |id, end| Grant { starts_at: at(-9999), expires_at: at(end), ..grant(id) };
    let lost = Grant { login: Some("gone".to_owned()), ..grant(9) };
    for (login, grants, code, text) in [
        (
            None,
            vec![(grant(9), several())],
            "which-login",
            "g9 has several logins (deploy, root); say which: LOGIN@web1",
        ),
        (
            Some("x\n"),
            vec![(grant(9), several())],
            "wrong-login",
            "g9 lets you log in on web1 as deploy, root, not as `x\\n`",
        ),
        (None, vec![(lost, several())], "no-login", "the role of g9 has no login left for web1; ask for a new grant"),
        (
            None,
            vec![(scheduled(3, 900), admin()), (scheduled(4, 600), admin()), (ended(5, -60), admin())],
            "scheduled",
            "grant g4 on web1 begins at 2026-11-23T12:10:00.000Z",
        ),
        (
            None,
            vec![(ended(5, -60), admin()), (ended(6, -30), admin()), (ended(7, -90), admin())],
            "ended",
            "your grant g6 on web1 ended at 2026-11-23T11:59:30.000Z",
        ),
        (None, vec![], "no-grant", "you hold no grant for web1"),
        (None, vec![(Grant { user: "bob".to_owned(), ..grant(9) }, admin())], "no-grant", "you hold no grant for web1"),
    ] {
        let refusal = refusal(&facts(login, grants), 0);
        assert_eq!((refusal.code, refusal.public.as_str()), (code, text));
        assert!(refusal.audit.contains("alice") && !refusal.audit.contains('\n'), "{:?}", refusal.audit);
    }
}

fn arbitrary_grant() -> impl Strategy<Value = (Grant, Role)> {
    let pick = |list: &[&'static str]| proptest::sample::select(list.to_vec());
    let names = |list: &[&'static str]| proptest::sample::subsequence(list.to_vec(), 0..=list.len());
    (
        (
            0..9_i64,
            pick(&["alice", "bob"]),
            names(&["web1", "web2"]),
            pick(&["admin", "look"]),
            pick(&["admin", "look"]),
        ),
        (proptest::option::of(pick(&["root", "viewer"])), names(&["root", "viewer", "deploy"])),
        (-50..50_i64, 0..100_i64, proptest::bool::weighted(0.2)),
    )
        .prop_map(|((id, user, targets, of, configured), (login, logins), (start, length, ended))| {
            let grant = Grant {
                user: user.to_owned(),
                targets: strings(&targets),
                role: of.to_owned(),
                login: login.map(str::to_owned),
                starts_at: at(start),
                expires_at: at(start + length),
                ended: ended.then(|| (at(start), GrantEnd::Revoked)),
                ..grant(id)
            };
            (grant, role(configured, &logins))
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    /// Promise 1, whatever the store hands over: a permit is only made for one's own grant, active now, for this
    /// target, with a login that both the grant and its role give; and no other such grant ends later.
    #[test]
    fn a_permit_is_only_made_for_a_grant_that_gives_it(
        grants in proptest::collection::vec(arbitrary_grant(), 0..6),
        typed in proptest::option::of(proptest::sample::select(vec!["root", "viewer", "deploy", "nobody"])),
        tcp in any::<bool>(),
        now in -60..160_i64,
    ) {
        let mut facts = facts(typed, grants);
        if tcp {
            facts.target = Arc::new(tcp_target("web1"));
        }
        // What the grant gives here, written out again without a look at the code.
        let given = |(grant, role): &(Grant, Arc<Role>)| -> Vec<String> {
            let good = grant.user == "alice"
                && grant.ended.is_none()
                && grant.starts_at <= at(now)
                && at(now) < grant.expires_at
                && grant.targets.iter().any(|t| t == "web1")
                && grant.role == role.name;
            match (good, tcp) {
                (false, _) => vec![],
                (true, true) => vec![String::new()],
                (true, false) => {
                    let both = |l: &&String| grant.login.is_none() || grant.login.as_ref() == Some(*l);
                    role.logins.iter().filter(both).cloned().collect()
                }
            }
        };
        let usable = |pair: &(Grant, Arc<Role>)| {
            let logins = given(pair);
            if tcp { !logins.is_empty() } else { typed.map_or(logins.len() == 1, |t| logins.iter().any(|l| l == t)) }
        };
        match decide(&facts, at(now)) {
            Decision::Allow(permit) => {
                let carrying: Vec<_> = facts.grants.iter().filter(|p| p.0.id == permit.grant() && usable(p)).collect();
                prop_assert!(!carrying.is_empty());
                prop_assert!(carrying.iter().any(|p| given(p).iter().any(|l| l == permit.login())));
                prop_assert_eq!((permit.user(), permit.target()), ("alice", "web1"));
                if let (Some(typed), false) = (typed, tcp) {
                    prop_assert_eq!(permit.login(), typed);
                }
                let latest = facts.grants.iter().filter(|p| usable(p)).map(|p| p.0.expires_at).max();
                prop_assert_eq!(Some(permit.expires_at()), latest);
                prop_assert!(permit.expires_at() > at(now));
            }
            Decision::Refuse(refusal) => {
                prop_assert!(!facts.grants.iter().any(usable), "refused with {refusal:?}");
                let public = refusal.public;
                prop_assert!(!public.is_empty() && !public.contains(char::is_control), "{public:?}");
            }
        }
    }
}
