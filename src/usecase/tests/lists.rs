//! Lists of a bastion with a long past: filters and pages find everything, once.

use sqlx::{AssertSqlSafe, Executor};

use super::*;
use crate::usecase::list::{self, Page, Which};
use crate::usecase::view::RequestView;
use crate::usecase::{audit, cancel::cancel, done::done};

/// Runs SQL behind Curfew's back for each number, a thousand rows a statement. `rows` writes the tables and rows.
async fn history(bench: &Bench, numbers: std::ops::Range<i64>, tables: &[(&str, &dyn Fn(i64) -> String)]) {
    let mut intruder = bench.place.intruder().await;
    let numbers: Vec<i64> = numbers.collect();
    intruder.execute("BEGIN").await.unwrap();
    for piece in numbers.chunks(1000) {
        for (table, row) in tables {
            let rows: Vec<String> = piece.iter().map(|number| row(*number)).collect();
            let text = format!("INSERT INTO {table} VALUES {}", rows.join(", "));
            intruder.execute(AssertSqlSafe(text)).await.unwrap();
        }
    }
    intruder.execute("COMMIT").await.unwrap();
}

/// Requests of dave for web2 that were denied long ago.
async fn past_requests(bench: &Bench, numbers: std::ops::Range<i64>) {
    let at = bench.clock.wall().as_millisecond();
    let request =
        |n| format!("({n}, 'denied', 'dave', 'nothing', 60000, 60000, 'INC-1', {at}, 1, 0, 'bob', {at}, 'no')");
    let target = |n| format!("({n}, 0, 'web2')");
    let columns = "requests (id, state, person, role, asked_ms, duration_ms, reason, asked_at, needed, extends,
                   decided_by, decided_at, decided_note)";
    history(bench, numbers, &[(columns, &request), ("request_targets (request, position, target)", &target)]).await;
}

fn most() -> ListFilter {
    ListFilter { limit: 10_000, ..ListFilter::default() }
}

fn of_user(user: &str) -> ListFilter {
    ListFilter { user: Some(user.into()), ..ListFilter::default() }
}

fn about(target: &str) -> ListFilter {
    ListFilter { target: Some(target.into()), ..ListFilter::default() }
}

async fn requests(bench: &Bench, who: &str, which: Which, filter: ListFilter) -> Page<RequestView> {
    list::requests(&bench.app, &bench.actor(who), which, filter).await.unwrap()
}

fn ids(page: &Page<RequestView>) -> Vec<&str> {
    page.items.iter().map(|request| request.id.as_str()).collect()
}

/// The numbers of the events that fit, and where older ones begin.
async fn events(bench: &Bench, filter: ListFilter) -> (Vec<i64>, Option<String>) {
    let mut pages = audit::audit(&bench.app, &bench.actor("eve"), filter).await.unwrap();
    let mut numbers = Vec::new();
    loop {
        let page = pages.more().await.unwrap();
        if page.is_empty() {
            return (numbers, pages.next);
        }
        numbers.extend(page.into_iter().map(|event| event.seq));
    }
}

#[tokio::test]
async fn an_event_is_found_by_its_user_and_target_behind_twelve_thousand_newer_ones() {
    let bench = Bench::new().await;
    bench.ask(HOUR).await;
    let event = |n| format!("({n}, '2026-11-23T04:00:00.000Z', 'dave', 'x', 'web2', '{{}}', '', '', 'curfew', 1)");
    let name = |n| format!("('user', 'dave', {n}, 'curfew', 1), ('target', 'web2', {n}, 'curfew', 1)");
    let tables: [(&str, &dyn Fn(i64) -> String); 2] = [
        ("audit (seq, at, actor, action, subject, detail, prev, hash, gateway, incarnation)", &event),
        ("audit_names (kind, name, seq, gateway, incarnation)", &name),
    ];
    history(&bench, 4..12_004, &tables).await;
    assert_eq!(events(&bench, of_user("alice")).await, (vec![3], None));
    assert_eq!(events(&bench, about("web1")).await, (vec![3], None));
    let both = ListFilter { target: Some("web1".into()), ..of_user("alice") };
    assert_eq!(events(&bench, both).await, (vec![3], None));
    let neither = ListFilter { target: Some("web1".into()), ..of_user("dave") };
    assert_eq!(events(&bench, neither).await, (vec![], None));
    assert_eq!(events(&bench, ListFilter::default()).await, ((11_984..12_004).collect(), Some("11984".into())));
    let pages = audit::audit(&bench.app, &bench.actor("eve"), ListFilter::default()).await.unwrap();
    assert_eq!(pages.left_out, None, "too many to be worth counting");
    let all = ListFilter { limit: 10_000, ..of_user("dave") };
    let (newest, next) = events(&bench, all.clone()).await;
    assert_eq!((newest.len(), newest.first(), next.as_deref()), (10_000, Some(&2004), Some("2004")));
    let rest = events(&bench, ListFilter { before: Some(2004), ..all }).await;
    assert_eq!(rest, ((4..2004).collect(), None));
}

#[tokio::test]
async fn a_request_is_found_by_its_user_and_target_behind_twelve_thousand_newer_ones() {
    let bench = Bench::new().await;
    let asked = bench.ask(HOUR).await;
    cancel(&bench.app, &bench.actor("alice"), id(&asked)).await.unwrap();
    past_requests(&bench, 2..12_002).await;
    for filter in [of_user("alice"), about("web1")] {
        assert_eq!(ids(&requests(&bench, "eve", Which::All, filter.clone()).await), ["r1"]);
        assert_eq!(ids(&requests(&bench, "bob", Which::All, filter.clone()).await), ["r1"], "who could have approved");
        assert_eq!(ids(&requests(&bench, "dave", Which::All, filter).await), [""; 0]);
    }
    assert_eq!(ids(&requests(&bench, "alice", Which::AllMine, ListFilter::default()).await), ["r1"]);
    assert_eq!(ids(&requests(&bench, "alice", Which::All, ListFilter::default()).await), ["r1"]);
    let all = requests(&bench, "eve", Which::All, most()).await;
    assert_eq!((all.items.len(), all.next.as_deref(), all.left_out), (10_000, Some("r2002"), Some(2001)));
}

#[tokio::test]
async fn an_approver_sees_the_few_that_are_theirs_among_many_and_a_page_of_them_is_full() {
    let bench = Bench::new().await;
    let mut theirs = Vec::new();
    for _ in 0..6 {
        let asked = bench.ask(HOUR).await;
        theirs.push(asked.request.id.clone());
        cancel(&bench.app, &bench.actor("alice"), id(&asked)).await.unwrap();
        let first = id(&asked).0 + 1;
        past_requests(&bench, first..first + 700).await;
        let counter = format!("UPDATE counters SET last = {} WHERE name = 'requests'", first + 699);
        bench.place.intruder().await.execute(AssertSqlSafe(counter)).await.unwrap();
    }
    let page = ListFilter { limit: 4, ..ListFilter::default() };
    let newest = requests(&bench, "bob", Which::All, page.clone()).await;
    assert_eq!(ids(&newest), theirs[2..]);
    assert_eq!((newest.next.as_deref(), newest.left_out), (Some(theirs[2].as_str()), None));
    let before = theirs[2].parse::<RequestId>().unwrap().0;
    let rest = requests(&bench, "bob", Which::All, ListFilter { before: Some(before), ..page }).await;
    assert_eq!((ids(&rest), rest.next.is_none()), (theirs[..2].iter().map(String::as_str).collect(), true));
    assert_eq!(ids(&requests(&bench, "bob", Which::Usual, ListFilter::default()).await), [""; 0]);
}

#[tokio::test]
async fn pages_show_everything_once_and_newest_last() {
    let bench = Bench::new().await;
    for _ in 0..7 {
        let grant = bench.granted(HOUR).await;
        bench.connect("alice", "web1").await.unwrap();
        done(&bench.app, &bench.actor("alice"), grant).await.unwrap();
    }
    // By their own owner, by an approver whom the rules let see them, and by duty.
    for who in ["alice", "bob", "eve"] {
        let (mut seen, mut filter) = (Vec::new(), ListFilter { limit: 3, ..ListFilter::default() });
        loop {
            let page = list::grants(&bench.app, &bench.actor(who), true, filter.clone()).await.unwrap();
            seen.splice(0..0, page.items.into_iter().map(|grant| grant.id));
            let Some(next) = page.next else { break };
            filter.before = Some(next.parse::<GrantId>().unwrap().0);
        }
        assert_eq!(seen, ["g1", "g2", "g3", "g4", "g5", "g6", "g7"], "{who}");
    }
    let (mut seen, mut filter) = (Vec::new(), ListFilter { limit: 2, ..about("web1") });
    loop {
        let page = list::sessions(&bench.app, &bench.actor("alice"), true, filter.clone()).await.unwrap();
        assert_eq!(page.left_out.is_some(), page.next.is_some());
        seen.splice(0..0, page.items.into_iter().map(|session| session.id));
        let Some(next) = page.next else { break };
        filter.before = Some(next.parse::<SessionId>().unwrap().0);
    }
    assert_eq!(seen, ["s1", "s2", "s3", "s4", "s5", "s6", "s7"]);
    let mut filter = ListFilter { limit: 5, ..of_user("alice") };
    let (whole, _) = events(&bench, ListFilter { limit: 10_000, ..filter.clone() }).await;
    let mut seen = Vec::new();
    loop {
        let (page, next) = events(&bench, filter.clone()).await;
        seen.splice(0..0, page);
        let Some(next) = next else { break };
        filter.before = Some(next.parse().unwrap());
    }
    assert_eq!(seen, whole);
}

#[tokio::test]
async fn since_takes_its_moment_in_and_until_leaves_it_out() {
    let bench = Bench::new().await;
    let mut moments = Vec::new();
    for _ in 0..3 {
        moments.push(bench.clock.wall());
        bench.granted(4 * HOUR).await;
        bench.connect("alice", "web1").await.unwrap();
        bench.clock.advance(MINUTE);
    }
    let window = ListFilter { since: Some(moments[1]), until: Some(moments[2]), ..ListFilter::default() };
    let eve = bench.actor("eve");
    assert_eq!(ids(&requests(&bench, "eve", Which::All, window.clone()).await), ["r2"]);
    let grants = list::grants(&bench.app, &eve, false, window.clone()).await.unwrap();
    assert_eq!(grants.items.iter().map(|grant| grant.id.as_str()).collect::<Vec<_>>(), ["g2"]);
    let sessions = list::sessions(&bench.app, &eve, false, window.clone()).await.unwrap();
    assert_eq!(sessions.items.iter().map(|session| session.id.as_str()).collect::<Vec<_>>(), ["s2"]);
    let of_the_minute = bench.records().await.into_iter().filter(|record| {
        let at = record.at.parse::<jiff::Timestamp>().unwrap();
        at >= moments[1] && at < moments[2]
    });
    assert_eq!(events(&bench, window).await.0, of_the_minute.map(|record| record.seq).collect::<Vec<_>>());
    let nothing = ListFilter { since: Some(bench.clock.wall()), ..ListFilter::default() };
    assert_eq!(ids(&requests(&bench, "eve", Which::All, nothing.clone()).await), [""; 0]);
    assert_eq!(events(&bench, nothing).await, (vec![], None));
    let from_the_first = ListFilter { since: Some(moments[0]), ..ListFilter::default() };
    assert_eq!(ids(&requests(&bench, "eve", Which::All, from_the_first).await), ["r1", "r2", "r3"]);
}

#[tokio::test]
async fn without_all_a_list_shows_what_waits_is_scheduled_or_active() {
    let bench = Bench::new().await;
    let over = bench.granted(HOUR).await;
    bench.connect("alice", "web1").await.unwrap();
    done(&bench.app, &bench.actor("alice"), over).await.unwrap();
    let short = bench.granted(MINUTE).await;
    bench.clock.advance(MINUTE);
    bench.granted(4 * HOUR).await;
    let later = Wish { at: Some(bench.clock.wall() + 2 * HOUR), ..wish("web1", "look", HOUR) };
    file(&bench.app, &bench.actor("alice"), later).await.unwrap();
    bench.ask(HOUR).await;
    assert_eq!(ids(&requests(&bench, "alice", Which::Usual, ListFilter::default()).await), ["r3", "r4", "r5"]);
    assert_eq!(ids(&requests(&bench, "alice", Which::Mine, ListFilter::default()).await), ["r3", "r4", "r5"]);
    assert_eq!(ids(&requests(&bench, "eve", Which::Usual, ListFilter::default()).await), ["r3", "r4", "r5"]);
    assert_eq!(ids(&requests(&bench, "bob", Which::Usual, ListFilter::default()).await), ["r5"]);
    assert_eq!(ids(&requests(&bench, "alice", Which::Usual, about("web2")).await), [""; 0]);
    let grants = list::grants(&bench.app, &bench.actor("alice"), false, about("web1")).await.unwrap();
    assert_eq!(grants.items.iter().map(|grant| grant.id.as_str()).collect::<Vec<_>>(), ["g3", "g4"]);
    assert_eq!((short.to_string(), grants.next), ("g2".to_owned(), None), "whose time is up, before any sweep");
    let sessions = async |all| {
        list::sessions(&bench.app, &bench.actor("alice"), all, ListFilter::default()).await.unwrap().items.len()
    };
    crate::serve::sweep::once(&bench.app).await.unwrap();
    crate::usecase::end_session::ended(&bench.app, SessionId(1), &curfew_proxy::lease::End::Client).await;
    assert_eq!((sessions(false).await, sessions(true).await), (0, 1));
    bench.clock.advance(25 * HOUR);
    assert_eq!(ids(&requests(&bench, "alice", Which::Usual, ListFilter::default()).await), [""; 0], "it has lapsed");
    assert_eq!(ids(&requests(&bench, "eve", Which::Pending, ListFilter::default()).await), [""; 0]);
}
