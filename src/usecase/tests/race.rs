//! Two things at the same moment.

use curfew_proxy::lease::{End, Standing};

use super::*;
use crate::usecase::{cancel::cancel, end_session, reload::reload, revoke::revoke};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_thousand_revocations_racing_a_connect_leave_no_session_running() {
    let bench = Bench::new().await;
    let (mut admitted_first, mut refused) = (0, 0);
    for round in 0..1000_u32 {
        let asked = file(&bench.app, &bench.actor("alice"), wish("web1", "look", HOUR)).await.unwrap();
        let grant: GrantId = asked.request.grant.unwrap().parse().unwrap();
        let (app, eve) = (bench.app.clone(), bench.actor("eve"));
        let revoked = tokio::spawn(async move {
            // Either side gets its head start in turn.
            for _ in 0..round % 8 {
                tokio::task::yield_now().await;
            }
            revoke(&app, &eve, grant, "race").await
        });
        let app = bench.app.clone();
        let connected = tokio::spawn(async move {
            for _ in 0..(round / 8) % 8 {
                tokio::task::yield_now().await;
            }
            admit(&app, caller("alice", "web1")).await
        });
        revoked.await.unwrap().unwrap();
        match connected.await.unwrap() {
            Ok(admitted) => {
                admitted_first += 1;
                assert!(matches!(admitted.lease.standing(), Standing::Over(End::Revoked { .. })), "round {round}");
                end_session::ended(&bench.app, admitted.session, &End::Client).await;
            }
            Err(fault) => {
                refused += 1;
                assert_eq!(fault.code(), "ended", "round {round}");
            }
        }
    }
    assert!(bench.app.leases().live().is_empty());
    assert_eq!(admitted_first + refused, 1000);
    assert!(admitted_first > 0 && refused > 0, "a race that one side always wins is none: {admitted_first}/{refused}");
    bench.app.store().close().await;
    assert!(matches!(bench.verify().await, Verdict::Intact { .. }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn approvals_at_the_same_moment_make_one_grant() {
    let bench = Bench::new().await;
    for _ in 0..50 {
        let asked = bench.ask(HOUR).await;
        let (bob, carol, again) =
            tokio::join!(bench.approve(&asked, "bob"), bench.approve(&asked, "carol"), bench.approve(&asked, "bob"));
        let granted = [&bob, &carol, &again].into_iter().flatten().filter(|asked| asked.request.state == "granted");
        assert_eq!(granted.count(), 1);
        assert_eq!([bob, carol, again].into_iter().filter(Result::is_err).count(), 1, "bob's second yes");
    }
    let most = ListFilter { limit: 100, ..ListFilter::default() };
    let grants = crate::usecase::list::grants(&bench.app, &bench.actor("alice"), true, most).await.unwrap().items;
    assert_eq!(grants.len(), 50);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_cancel_racing_the_last_approval_ends_one_way() {
    let bench = Bench::new().await;
    for _ in 0..20 {
        let asked = bench.ask(HOUR).await;
        bench.approve(&asked, "bob").await.unwrap();
        let alice = bench.actor("alice");
        let (carol, cancelled) = tokio::join!(bench.approve(&asked, "carol"), cancel(&bench.app, &alice, id(&asked)));
        assert!(carol.is_ok() != cancelled.is_ok());
    }
    let grants = bench.grants().await.len();
    let granted = bench.requests().await.iter().filter(|filed| filed.request.state.as_str() == "granted").count();
    assert_eq!(grants, granted);
}

#[tokio::test]
async fn a_reload_while_somebody_is_on_the_way_in_leaves_no_session_with_what_is_gone() {
    let bench = Bench::new().await;
    // For two targets, so that the grant outlives the one that goes.
    let both = Wish { targets: vec!["web1".into(), "web2".into()], ..wish("web1", "look", HOUR) };
    file(&bench.app, &bench.actor("alice"), both).await.unwrap();
    let busy = bench.app.store().begin().await.unwrap();
    let app = bench.app.clone();
    let connecting = tokio::spawn(async move { admit(&app, caller("alice", "web2")).await });
    in_line().await;
    let mut rules = rulebook();
    rules.targets.remove("web2");
    let app = bench.app.clone();
    let reloading = tokio::spawn(async move { reload(&app, rules).await });
    in_line().await;
    drop(busy);
    reloading.await.unwrap().unwrap();
    if let Ok(admitted) = connecting.await.unwrap() {
        panic!("it leads to a target that is gone, and its lease is {:?}", admitted.lease.standing());
    }
    assert!(bench.app.leases().live().is_empty());
    bench.connect("alice", "web1").await.unwrap();
}

/// Lets what was begun come to where it waits for the database.
async fn in_line() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}
