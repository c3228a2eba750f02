use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;

use super::{Ask, Carried, LONGEST_TEXT, Missing, assess, has_lapsed, within};
use crate::id::RequestId;
use crate::pattern::Glob;
use crate::refusal::Refusal;
use crate::request::{Request, RequestState};
use crate::role::Role;
use crate::rule::Rule;
use crate::target::Target;
use crate::tests::{at, minutes, pattern, person, role, rule, strings, target, tcp_target};
use crate::time::after;
use crate::user::Person;

/// What alice the engineer asks for, unless a test says otherwise: `admin` on `web1` for half an hour.
struct Case {
    person: Person,
    targets: Vec<Target>,
    role: Role,
    login: Option<&'static str>,
    duration: Duration,
    reason: String,
}

impl Case {
    fn new() -> Self {
        Self {
            person: person("alice", &["engineers"]),
            targets: vec![target("web1", &[("env", "prod"), ("tier", "web")])],
            role: role("admin", &["root", "deploy"]),
            login: None,
            duration: minutes(30),
            reason: "INC-7 disk full".to_owned(),
        }
    }

    fn assess<'r>(&self, rules: &'r [Rule]) -> Result<Carried<'r>, Refusal> {
        let ask = Ask {
            person: &self.person,
            targets: self.targets.iter().collect(),
            role: &self.role,
            login: self.login,
            duration: self.duration,
            reason: &self.reason,
        };
        assess(&ask, rules)
    }

    fn refusal(&self, rules: &[Rule]) -> (&'static str, String) {
        let refusal = self.assess(rules).unwrap_err();
        (refusal.code, refusal.public)
    }
}

#[test]
fn what_no_rule_carries_is_refused_with_what_to_change() {
    let mut short = rule(0, &[]);
    short.reason = pattern(r"INC-\d+");
    let mut long = rule(2, &["leads"]);
    long.max_duration = minutes(240);
    long.reason = pattern("CHG");
    let rules = [short, long];
    let case = Case::new;
    let longest = "x".repeat(LONGEST_TEXT + 1);
    for (case, code, text) in [
        (Case { targets: vec![], ..case() }, "no-target", "say for which target"),
        (Case { duration: Duration::from_millis(999), ..case() }, "too-short", "the shortest access is 1s"),
        (Case { duration: Duration::ZERO, ..case() }, "too-short", "the shortest access is 1s"),
        (Case { reason: String::new(), ..case() }, "no-reason", "--reason TEXT"),
        (Case { reason: " \t\n".to_owned(), ..case() }, "no-reason", "--reason TEXT"),
        (Case { reason: longest, ..case() }, "long-reason", "longer than 1000 bytes"),
        (Case { login: Some("oracle"), ..case() }, "wrong-login", "has no login `oracle`; it has root, deploy"),
        (Case { login: Some(""), ..case() }, "wrong-login", "has no login ``"),
        (Case { login: Some("\u{1b}[2J"), ..case() }, "wrong-login", "`\\u{1b}[2J`"),
        (Case { role: role("look", &["viewer"]), ..case() }, "no-rule", "no rule lets you ask for role look on web1"),
        (Case { person: person("bob", &["sales"]), ..case() }, "no-rule", "`targets` lists"),
        (
            Case { role: role("admin", &[]), ..case() },
            "no-login",
            "role admin has no login, so it is of no use on web1",
        ),
        (
            Case { duration: minutes(241), ..case() },
            "too-long",
            "4h 1m is too long: role admin on web1 is given for at most 4h",
        ),
        (Case { reason: "because".to_owned(), ..case() }, "reason", "something like `INC-\\d+` or `CHG`"),
        (Case { duration: minutes(61), ..case() }, "reason", "something like `CHG`"),
    ] {
        let (got, public) = case.refusal(&rules);
        assert_eq!(got, code, "{public}");
        assert!(public.contains(text) && !public.contains('\n'), "{public:?}");
    }
    let none = Case { role: role("admin", &[]), targets: vec![tcp_target("db")], login: Some("x"), ..case() };
    assert!(none.refusal(&rules).1.ends_with("it has none"));
}

#[test]
fn a_role_without_login_will_do_for_tcp_targets() {
    let case = Case { role: role("admin", &[]), targets: vec![tcp_target("db")], ..Case::new() };
    assert!(case.assess(&[rule(0, &[])]).is_ok());
}

#[test]
fn the_longest_duration_is_allowed_to_the_second() {
    let rules = [rule(0, &[])];
    assert!(Case { duration: minutes(60), ..Case::new() }.assess(&rules).is_ok());
    assert!(Case { duration: minutes(60) + Duration::from_secs(1), ..Case::new() }.assess(&rules).is_err());
    assert!(Case { duration: Duration::from_secs(1), ..Case::new() }.assess(&rules).is_ok());
}

#[test]
fn every_target_needs_a_rule() {
    let mut web = rule(0, &[]);
    web.targets = vec![Glob::new("web*")];
    let case = Case { targets: vec![target("web1", &[]), target("db1", &[])], ..Case::new() };
    let (code, public) = case.refusal(&[web.clone()]);
    assert!(code == "no-rule" && public.contains("db1"), "{public}");
    assert!(case.assess(&[web, rule(1, &["leads"])]).is_ok());
}

#[test]
fn a_rule_without_approvals_grants_at_once_whatever_others_ask() {
    let rules = [rule(2, &["leads"]), rule(0, &[])];
    let carried = Case::new().assess(&rules).unwrap();
    assert_eq!(carried.needed(), 0);
    assert!(carried.enough(&[], "alice"));
    assert!(!carried.counts(&person("lea", &["leads"]), "alice"));
    assert!(carried.approver_groups().is_empty());
}

#[test]
fn a_rule_that_does_not_fit_helps_nobody() {
    let mut quick = rule(0, &[]);
    quick.max_duration = minutes(10);
    let rules = [quick, rule(1, &["leads"])];
    let carried = Case::new().assess(&rules).unwrap();
    assert_eq!(carried.needed(), 1);
    assert!(!carried.enough(&[], "alice"));
}

#[test]
fn nobody_approves_their_own_request_and_nobody_counts_twice() {
    let rules = [rule(2, &["leads"])];
    let carried = Case { person: person("alice", &["engineers", "leads"]), ..Case::new() }.assess(&rules).unwrap();
    let (alice, lea, leo) = (person("alice", &["leads"]), person("lea", &["leads"]), person("leo", &["leads"]));
    let eve = person("eve", &["engineers"]);
    assert!(!carried.counts(&alice, "alice") && carried.counts(&lea, "alice") && !carried.counts(&eve, "alice"));
    for (approvers, enough) in [
        (vec![], false),
        (vec![&lea], false),
        (vec![&lea, &lea], false),
        (vec![&lea, &alice], false),
        (vec![&lea, &eve], false),
        (vec![&lea, &leo], true),
        (vec![&alice, &lea, &eve, &leo], true),
    ] {
        assert_eq!(carried.enough(&approvers, "alice"), enough, "{approvers:?}");
    }
}

#[test]
fn approvals_without_approvers_can_never_be_had() {
    let rules = [rule(1, &[])];
    let carried = Case::new().assess(&rules).unwrap();
    assert!(!carried.enough(&[&person("lea", &["leads"])], "alice"));
}

#[test]
fn targets_with_different_rules_each_need_their_own_approval() {
    let (mut web, mut db) = (rule(1, &["leads"]), rule(1, &["dba"]));
    web.targets = vec![Glob::new("web*")];
    db.targets = vec![Glob::new("db*")];
    let rules = [web, db];
    let case = Case { targets: vec![target("web1", &[]), target("db1", &[])], ..Case::new() };
    let carried = case.assess(&rules).unwrap();
    let (lea, dan, both) = (person("lea", &["leads"]), person("dan", &["dba"]), person("bo", &["dba", "leads"]));
    assert!(!carried.enough(&[&lea], "alice") && !carried.enough(&[&dan], "alice"));
    assert!(carried.enough(&[&lea, &dan], "alice") && carried.enough(&[&both], "alice"));
    assert_eq!(carried.missing(&[&lea], "alice"), [Missing { count: 1, groups: &strings(&["dba"]) }]);
    assert_eq!(carried.approver_groups(), ["dba", "leads"]);
}

#[test]
fn any_rule_that_fits_a_target_will_do() {
    let rules = [rule(2, &["leads"]), rule(1, &["directors"])];
    let carried = Case::new().assess(&rules).unwrap();
    let (lea, leo, dora) = (person("lea", &["leads"]), person("leo", &["leads"]), person("dora", &["directors"]));
    assert_eq!(carried.needed(), 1);
    assert!(carried.enough(&[&dora], "alice") && carried.enough(&[&lea, &leo], "alice"));
    // Half of one rule and none of the other is neither.
    assert!(!carried.enough(&[&lea], "alice"));
}

#[test]
fn an_extension_is_carried_by_rules_that_allow_the_whole() {
    let mut long = rule(2, &["leads"]);
    long.max_duration = minutes(240);
    let rules = [rule(0, &[]), long];
    let carried = Case::new().assess(&rules).unwrap();
    let (now, up_to) = (at(0), |m| after(at(0), minutes(m)));
    assert_eq!(within(&carried, now, up_to(60)).unwrap().needed(), 0);
    // Past what is granted at once, the other rule decides, with its approvals.
    assert_eq!(within(&carried, now, up_to(61)).unwrap().needed(), 2);
    assert_eq!(within(&carried, now, up_to(240)).unwrap().needed(), 2);
    let refusal = within(&carried, now, after(up_to(240), Duration::from_millis(1))).unwrap_err();
    assert_eq!(refusal.code, "too-long");
    assert!(refusal.public.contains("longer than 4h from now"), "{refusal}");
    // It counts from now, not from when the grant began.
    assert!(within(&carried, up_to(200), up_to(440)).is_ok());
}

#[test]
fn a_request_lapses_after_a_day() {
    let request = Request {
        id: RequestId(1),
        state: RequestState::Pending,
        user: "alice".to_owned(),
        targets: vec!["web1".to_owned()],
        role: "admin".to_owned(),
        login: None,
        duration: minutes(30),
        reason: "INC-1".to_owned(),
        asked_at: at(0),
        starts_at: Some(after(at(0), minutes(3 * 24 * 60))),
        approvals: Vec::new(),
        needed: 1,
        grant: None,
        extends: false,
        decided: None,
    };
    assert!(!has_lapsed(&request, at(0)));
    assert!(!has_lapsed(&request, at(24 * 3600 - 1)));
    assert!(has_lapsed(&request, at(24 * 3600)));
}

fn arbitrary_rule() -> impl Strategy<Value = Rule> {
    let groups = proptest::sample::subsequence(vec!["engineers", "oncall"], 0..=2);
    let targets = proptest::sample::subsequence(vec!["web1", "web*", "db1"], 0..=2);
    let approvers = proptest::sample::subsequence(vec!["leads", "dba"], 0..=2);
    (groups, targets, approvers, any::<bool>(), 0..4_u32, 1..120_u64).prop_map(
        |(groups, targets, approvers, prod, approvals, max)| Rule {
            groups: strings(&groups),
            targets: targets.into_iter().map(Glob::new).collect(),
            labels: if prod { BTreeMap::from([("env".to_owned(), Glob::new("prod"))]) } else { BTreeMap::new() },
            roles: strings(&["admin"]),
            max_duration: minutes(max),
            reason: None,
            approvals,
            approvers: strings(&approvers),
        },
    )
}

fn arbitrary_approvers() -> impl Strategy<Value = Vec<Person>> {
    let groups = proptest::sample::subsequence(vec!["leads", "dba", "engineers"], 0..=3);
    let one = (proptest::sample::select(vec!["alice", "lea", "leo", "dan"]), groups)
        .prop_map(|(name, groups)| person(name, &groups));
    proptest::collection::vec(one, 0..6)
}

proptest! {
    /// Whatever the rules are, what counts as enough is backed by one rule for each target, written out here again.
    #[test]
    fn enough_means_a_rule_for_every_target(
        rules in proptest::collection::vec(arbitrary_rule(), 0..5),
        approvers in arbitrary_approvers(),
        length in 1..130_u64,
        two in any::<bool>(),
    ) {
        let mut targets = vec![target("web1", &[("env", "prod")])];
        if two {
            targets.push(target("db1", &[]));
        }
        let case = Case { duration: minutes(length), targets, ..Case::new() };
        let approvers: Vec<&Person> = approvers.iter().collect();
        let approved = |rule: &Rule| {
            let mut names: Vec<&str> = approvers
                .iter()
                .filter(|p| p.name != "alice" && rule.approvers.iter().any(|group| p.groups.contains(group)))
                .map(|p| p.name.as_str())
                .collect();
            names.sort_unstable();
            names.dedup();
            names.len() >= rule.approvals as usize
        };
        let fits = |rule: &&Rule, target: &Target| {
            rule.groups.contains(&"engineers".to_owned()) && rule.names(target) && minutes(length) <= rule.max_duration
        };
        let carried = case.targets.iter().all(|target| rules.iter().any(|rule| fits(&rule, target)));
        let expected = case.targets.iter().all(|target| rules.iter().any(|rule| fits(&rule, target) && approved(rule)));
        match case.assess(&rules) {
            Ok(found) => {
                prop_assert!(carried);
                prop_assert_eq!(found.enough(&approvers, "alice"), expected);
                prop_assert!(found.max_duration() >= minutes(length));
                prop_assert_eq!(found.enough(&[], "alice"), found.needed() == 0);
                if expected {
                    let counting = approvers.iter().filter(|p| found.counts(p, "alice")).count();
                    prop_assert!(counting >= found.needed() as usize);
                }
                let groups = found.approver_groups();
                prop_assert!(found.missing(&approvers, "alice").iter().all(|m| m.count > 0));
                prop_assert!(found.missing(&[], "alice").iter().flat_map(|m| m.groups).all(|g| groups.contains(&g.as_str())));
            }
            Err(_) => prop_assert!(!carried),
        }
    }
}
