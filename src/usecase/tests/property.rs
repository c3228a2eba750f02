//! Whatever people do in whatever order, some things always hold.

use std::collections::{BTreeMap, HashMap};

use curfew_policy::grant::GrantState;
use curfew_policy::time::until;
use curfew_proxy::lease::{End, Standing};
use proptest::prelude::*;

use super::*;
use crate::serve::sweep;
use crate::store::Filed;
use crate::usecase::{
    approve::approve, cancel::cancel, deny::deny, done::done, end_session, extend::extend, revoke::revoke,
};

const PEOPLE: [&str; 6] = ["alice", "bob", "carol", "dave", "eve", "mallory"];

#[derive(Debug, Clone)]
enum Step {
    Ask { who: usize, target: usize, role: usize, minutes: u64, at: Option<u64> },
    Approve { who: usize, id: i64, shorten: Option<u64> },
    Deny { who: usize, id: i64 },
    Cancel { who: usize, id: i64 },
    Extend { who: usize, id: i64, minutes: u64 },
    Done { who: usize, id: i64 },
    Revoke { who: usize, id: i64 },
    Connect { who: usize, target: usize },
    HangUp,
    Pass { minutes: u64 },
    Sweep,
    Crash,
}

fn step() -> impl Strategy<Value = Step> {
    let who = 0..PEOPLE.len();
    let id = 1..6_i64;
    prop_oneof![
        4 => (who.clone(), 0..3_usize, 0..2_usize, 1..300_u64, prop::option::weighted(0.2, 1..100_u64))
            .prop_map(|(who, target, role, minutes, at)| Step::Ask { who, target, role, minutes, at }),
        6 => (who.clone(), id.clone(), prop::option::weighted(0.3, 1..300_u64))
            .prop_map(|(who, id, shorten)| Step::Approve { who, id, shorten }),
        1 => (who.clone(), id.clone()).prop_map(|(who, id)| Step::Deny { who, id }),
        1 => (who.clone(), id.clone()).prop_map(|(who, id)| Step::Cancel { who, id }),
        3 => (who.clone(), id.clone(), 1..200_u64).prop_map(|(who, id, minutes)| Step::Extend { who, id, minutes }),
        1 => (who.clone(), id.clone()).prop_map(|(who, id)| Step::Done { who, id }),
        1 => (who.clone(), id).prop_map(|(who, id)| Step::Revoke { who, id }),
        4 => (who, 0..3_usize).prop_map(|(who, target)| Step::Connect { who, target }),
        1 => Just(Step::HangUp),
        3 => (1..120_u64).prop_map(|minutes| Step::Pass { minutes }),
        2 => Just(Step::Sweep),
        1 => Just(Step::Crash),
    ]
}

/// The sessions that somebody holds, and the furthest end each grant may have by the rules.
#[derive(Default)]
struct Held {
    sessions: Vec<Admitted>,
    ends: HashMap<GrantId, jiff::Timestamp>,
}

async fn take(bench: Bench, held: &mut Held, step: Step) -> Bench {
    let actor = |who: usize| bench.actor(PEOPLE[who]);
    let app = &bench.app;
    match step {
        Step::Ask { who, target, role, minutes, at } => {
            let mut wish = wish(["web1", "web2", "vault"][target], ["look", "admin"][role], MINUTE * minutes as u32);
            wish.at = at.map(|minutes| curfew_policy::time::after(bench.clock.wall(), MINUTE * minutes as u32));
            let _ = file(app, &actor(who), wish).await;
        }
        Step::Approve { who, id, shorten } => {
            let shorten = shorten.map(|minutes| MINUTE * minutes as u32);
            let _ = approve(app, &actor(who), RequestId(id), shorten, None).await;
        }
        Step::Deny { who, id } => drop(deny(app, &actor(who), RequestId(id), "no").await),
        Step::Cancel { who, id } => drop(cancel(app, &actor(who), RequestId(id)).await),
        Step::Extend { who, id, minutes } => {
            let _ = extend(app, &actor(who), GrantId(id), MINUTE * minutes as u32, "INC-8").await;
        }
        Step::Done { who, id } => drop(done(app, &actor(who), GrantId(id)).await),
        Step::Revoke { who, id } => drop(revoke(app, &actor(who), GrantId(id), "no").await),
        Step::Connect { who, target } => {
            held.sessions.extend(bench.connect(PEOPLE[who], ["web1", "web2", "vault"][target]).await);
        }
        Step::HangUp => {
            if let Some(admitted) = held.sessions.pop() {
                end_session::ended(app, admitted.session, &End::Client).await;
            }
        }
        Step::Pass { minutes } => bench.clock.advance(MINUTE * minutes as u32),
        Step::Sweep => drop(sweep::once(app).await.unwrap()),
        Step::Crash => {
            held.sessions.clear();
            return bench.crash().await;
        }
    }
    bench
}

/// What holds after every step.
async fn check_step(bench: &Bench, held: &mut Held) {
    let now = bench.clock.wall();
    let longest = |role: &str| if role == "look" { HOUR } else { 4 * HOUR };
    for grant in bench.grants().await {
        // A grant is never given, nor moved, to end later than the rule's longest from that moment (or from its start).
        let end = held.ends.entry(grant.id).or_insert(jiff::Timestamp::MIN);
        if *end != grant.expires_at {
            assert!(until(now.max(grant.starts_at), grant.expires_at) <= longest(&grant.role), "{grant:?} at {now}");
            *end = grant.expires_at;
        }
        let live = held.sessions.iter().filter(|admitted| admitted.permit.grant() == grant.id);
        for admitted in live {
            let runs = matches!(admitted.lease.standing(), Standing::Until(end) if !end.is_over(bench.clock.now()));
            assert_eq!(runs, grant.state(now) == GrantState::Active, "{grant:?}");
        }
    }
}

/// What holds at the end, between the tables and the log.
async fn check_end(bench: &Bench) {
    let (requests, grants, sessions) = (bench.requests().await, bench.grants().await, bench.sessions().await);
    for filed in requests.iter().filter(|filed| filed.request.state.as_str() == "granted") {
        enough(filed);
    }
    let mut said: BTreeMap<String, usize> = BTreeMap::new();
    for record in bench.records().await {
        *said.entry(record.action).or_default() += 1;
    }
    let said = |action: &str| said.get(action).copied().unwrap_or(0);
    let of = |state: &str| requests.iter().filter(|filed| filed.request.state.as_str() == state).count();
    let ended = |why: &str| grants.iter().filter(|g| g.ended.is_some_and(|(_, w)| w.as_str() == why)).count();
    assert_eq!(said("request.filed"), requests.len());
    assert_eq!(said("request.approved"), requests.iter().map(|filed| filed.request.approvals.len()).sum::<usize>());
    for state in ["granted", "denied", "cancelled", "lapsed"] {
        assert_eq!(said(&format!("request.{state}")), of(state), "{state}");
    }
    for why in ["expired", "unused", "revoked", "done"] {
        assert_eq!(said(&format!("grant.{why}")), ended(why), "{why}");
    }
    assert_eq!(said("grant.extended") + grants.len(), of("granted"));
    assert_eq!(said("session.started"), sessions.len());
    assert_eq!(said("session.ended"), sessions.iter().filter(|session| session.ended.is_some()).count());
}

/// No grant with fewer approvals than its rule asks, and none of the wrong people.
fn enough(filed: &Filed) {
    let request = &filed.request;
    let mut leads: Vec<&str> = request.approvals.iter().map(|approval| approval.by.as_str()).collect();
    leads.sort_unstable();
    leads.dedup();
    assert!(leads.iter().all(|by| ["bob", "carol"].contains(by) && *by != request.user), "{request:?}");
    assert!(leads.len() >= if request.role == "look" { 0 } else { 2 }, "{request:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn whatever_people_do_the_rules_hold_and_the_log_has_it_all(steps in prop::collection::vec(step(), 1..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut bench = Bench::new().await;
            let mut held = Held::default();
            for step in steps {
                bench = take(bench, &mut held, step).await;
                check_step(&bench, &mut held).await;
            }
            check_end(&bench).await;
            bench.app.store().close().await;
            assert!(matches!(bench.verify().await, Verdict::Intact { .. }));
        });
    }
}
