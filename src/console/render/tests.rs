//! The pages with fixed data, letter by letter.

mod hostile;

use std::collections::BTreeMap;
use std::sync::Arc;

use curfew_policy::role::{AtExpiry, Role, SftpAccess};
use curfew_policy::target::{Address, Protocol, Target, TargetAuth};
use jiff::Timestamp;
use serde_json::json;

use super::*;
use crate::console::hints::Hints;
use crate::usecase::view::{
    AnyView, ApprovalView, EventView, GrantView, RecordingView, RequestView, SessionView, TargetView, WhoamiView,
};

pub fn now() -> Timestamp {
    "2026-11-23T05:36:00Z".parse().expect("a time")
}

pub fn rules() -> Rulebook {
    let target = |name: &str, protocol, port| {
        let address = Address { host: "10.0.0.5".into(), port };
        let auth = TargetAuth::Certificate;
        let target = Target {
            name: name.into(),
            protocol,
            address,
            host_keys: Vec::new(),
            host_cas: Vec::new(),
            labels: BTreeMap::new(),
            auth,
        };
        (name.to_owned(), Arc::new(target))
    };
    let role = |name: &str, logins: &[&str]| {
        let role = Role {
            name: name.into(),
            logins: logins.iter().map(|login| (*login).to_owned()).collect(),
            shell: true,
            exec: Vec::new(),
            sftp: SftpAccess::None,
            sftp_roots: Vec::new(),
            forward: Vec::new(),
            listen: Vec::new(),
            agent: false,
            env: Vec::new(),
            max_idle: None,
            max_sessions: None,
            at_expiry: AtExpiry::Cut,
            record_input: false,
        };
        (name.to_owned(), Arc::new(role))
    };
    Rulebook {
        targets: [target("web1", Protocol::Ssh, 22), target("orders-db", Protocol::Tcp, 5432)].into(),
        roles: [role("admin", &["root"]), role("look", &["viewer", "syslog"])].into(),
        ..Rulebook::default()
    }
}

pub fn request() -> RequestView {
    RequestView {
        id: "r12".into(),
        state: "pending".into(),
        user: "bob".into(),
        targets: vec!["web1".into()],
        role: "admin".into(),
        login: None,
        duration_s: 1800,
        reason: "INC-42 disk full".into(),
        starts_at: None,
        approvals: vec![ApprovalView {
            by: "carol".into(),
            at: "2026-11-23T05:35:00.000Z".into(),
            note: Some("fine".into()),
        }],
        needed: 2,
        grant: None,
        extends: false,
        asked_at: "2026-11-23T05:33:00.000Z".into(),
        decided: None,
    }
}

pub fn grant() -> GrantView {
    GrantView {
        id: "g9".into(),
        request: "r12".into(),
        state: "active".into(),
        user: "alice".into(),
        targets: vec!["web1".into(), "orders-db".into()],
        role: "admin".into(),
        login: None,
        starts_at: "2026-11-23T05:35:59.120Z".into(),
        expires_at: "2026-11-23T06:05:59.120Z".into(),
        grace_s: None,
        ended_at: None,
        ended_why: None,
        note: None,
    }
}

fn ended_grant() -> GrantView {
    GrantView {
        id: "g4".into(),
        state: "ended".into(),
        ended_at: Some("2026-11-22T05:00:00.000Z".into()),
        ended_why: Some("revoked".into()),
        note: Some("wrong host".into()),
        ..grant()
    }
}

pub fn session() -> SessionView {
    SessionView {
        id: "s345".into(),
        grant: "g9".into(),
        user: "alice".into(),
        target: "web1".into(),
        login: "root".into(),
        protocol: "ssh".into(),
        client: "10.1.2.3:50514".into(),
        started_at: "2026-11-23T05:36:00.000Z".into(),
        ended_at: None,
        ended_why: None,
        recordings: vec![RecordingView {
            path: "/var/lib/curfew/recordings/s345-1.cast".into(),
            kind: "exec".into(),
            bytes: 0,
            sealed: false,
            channel: 1,
            command: Some("uptime".into()),
        }],
        role: "admin".into(),
        client_version: "OpenSSH_9.2".into(),
    }
}

fn whoami() -> WhoamiView {
    WhoamiView {
        user: "alice".into(),
        groups: vec!["engineers".into(), "leads".into()],
        may: vec!["watch".into()],
        grants: vec![
            grant(),
            GrantView {
                id: "g10".into(),
                state: "scheduled".into(),
                starts_at: "2026-12-01T22:00:00.000Z".into(),
                ..grant()
            },
        ],
        pending: vec![
            RequestView {
                id: "r13".into(),
                user: "alice".into(),
                role: "look".into(),
                login: Some("viewer".into()),
                approvals: Vec::new(),
                needed: 1,
                ..request()
            },
            request(),
        ],
    }
}

fn plain(write: impl Fn(&Sheet<'_>) -> String) -> String {
    let (rules, hints) = (rules(), Hints::ssh("bastion", 2222));
    write(&Sheet { screen: Screen::plain(now()), hints: &hints, rules: &rules })
}

#[test]
fn the_page_says_what_one_holds_what_waits_and_what_to_type() {
    assert_eq!(
        plain(|sheet| page(sheet, &whoami())),
        "\
alice · engineers, leads · may watch

You hold
  g9   admin on web1, orders-db until 06:05:59Z, 30m left
       ssh -p 2222 root@web1@bastion
       ssh -p 2222 -N -L 5432:orders-db:5432 bastion
  g10  admin on web1, orders-db from 2026-12-01 22:00:00Z

You asked for
  r13  look (viewer) on web1 for 30m: 0 of 1 approval

Your decision is waited for
  r12  bob wants admin on web1 for 30m
       because: INC-42 disk full
       ssh -p 2222 bastion approve r12
       ssh -p 2222 bastion deny r12 --note TEXT

Next
  ssh -p 2222 bastion targets  what you may ask for
  ssh -p 2222 bastion help     how to ask, with examples
"
    );
}

#[test]
fn the_page_of_somebody_new_leads_to_the_first_request() {
    let nobody =
        WhoamiView { grants: Vec::new(), pending: Vec::new(), groups: Vec::new(), may: Vec::new(), ..whoami() };
    assert_eq!(
        plain(|sheet| page(sheet, &nobody)),
        "\
alice

You hold no access now.

Next
  ssh -p 2222 bastion targets  what you may ask for
  ssh -p 2222 bastion help     how to ask, with examples
"
    );
}

#[test]
fn a_long_page_ends() {
    let many = WhoamiView { grants: vec![ended_grant(); 10], pending: vec![request(); 1000], ..whoami() };
    let page = plain(|sheet| page(sheet, &many));
    assert!(page.contains("  … and 2 more: grants\n") && page.contains("  … and 992 more: requests --pending\n"));
}

#[test]
fn the_tables_line_up() {
    let labels = [("env".to_owned(), "prod".to_owned())].into();
    let target =
        TargetView { name: "web1".into(), protocol: "ssh".into(), labels, roles: vec!["look".into(), "admin".into()] };
    assert_eq!(
        plain(|sheet| targets(sheet, std::slice::from_ref(&target))),
        "\
TARGET  PROTOCOL  ROLES        LABELS
web1    ssh       look, admin  env=prod

Ask for one:
  ssh -p 2222 bastion request web1 --role look --for 30m --reason TEXT
"
    );
    assert_eq!(
        plain(|sheet| requests(sheet, &[request()])),
        "\
ID   STATE    USER  ROLE   TARGETS  FOR  YES  ASKED      REASON
r12  pending  bob   admin  web1     30m  1/2  05:33:00Z  INC-42 disk full
"
    );
    assert_eq!(
        plain(|sheet| grants(sheet, &[ended_grant(), grant()])),
        "\
ID  STATE   USER   ROLE   TARGETS         UNTIL
g4  ended   alice  admin  web1,orders-db  revoked at 2026-11-22 05:00:00Z
g9  active  alice  admin  web1,orders-db  06:05:59Z, 30m left
"
    );
    assert_eq!(
        plain(|sheet| sessions(sheet, &[session()])),
        "\
ID    GRANT  USER   TARGET     FROM            STARTED    ENDED
s345  g9     alice  root@web1  10.1.2.3:50514  05:36:00Z  live
"
    );
}

#[test]
fn the_audit_log_says_its_details_in_one_line() {
    let event = EventView {
        seq: 7,
        at: "2026-11-23T05:36:00.000Z".into(),
        actor: "alice".into(),
        action: "request.filed".into(),
        subject: "r12".into(),
        detail: json!({"user": "alice", "targets": ["web1", "web2"], "needed": 2, "login": null, "approved_by": [], "reason": "a b"}),
        prev: "0".into(),
        hash: "1".into(),
    };
    assert_eq!(
        plain(|sheet| audit(sheet, std::slice::from_ref(&event), true)),
        "\
SEQ  AT         ACTOR  ACTION         SUBJECT  DETAIL
7    05:36:00Z  alice  request.filed  r12      needed=2 reason=\"a b\" targets=web1,web2 user=alice
"
    );
}

#[test]
fn show_tells_everything() {
    assert_eq!(
        plain(|sheet| show(sheet, &AnyView::Request(request()))),
        "\
r12 pending, 1 of 2 approvals
  user      bob
  targets   web1
  role      admin
  for       30m
  reason    INC-42 disk full
  asked     05:33:00Z, 3m ago
  approved  carol, 05:35:00Z: fine
"
    );
    assert_eq!(
        plain(|sheet| show(sheet, &AnyView::Grant(ended_grant()))),
        "\
g4 ended: revoked
  user     alice
  targets  web1, orders-db
  role     admin
  request  r12
  from     05:35:59Z
  until    06:05:59Z
  ended    2026-11-22 05:00:00Z, 1d 1h ago
  note     wrong host
"
    );
    assert_eq!(
        plain(|sheet| show(sheet, &AnyView::Session(session()))),
        "\
s345 active
  user       alice
  target     root@web1
  role       admin
  grant      g9
  from       10.1.2.3:50514 OpenSSH_9.2
  started    05:36:00Z, 0s ago
  recording  1 exec `uptime`, open: /var/lib/curfew/recordings/s345-1.cast
  ssh -p 2222 bastion watch s345
"
    );
}

#[test]
fn an_answer_says_what_came_of_it_and_what_to_type() {
    assert_eq!(
        plain(|sheet| asked(sheet, &request(), &[], Some(&GrantView { role: "look".into(), ..grant() }))),
        "\
r12 is granted: g9 gives alice look on web1, orders-db until 06:05:59Z, 30m left
  ssh -p 2222 viewer@web1@bastion
  ssh -p 2222 syslog@web1@bastion
  ssh -p 2222 -N -L 5432:orders-db:5432 bastion
"
    );
    assert_eq!(
        plain(|sheet| asked(sheet, &request(), &["leads".to_owned(), "security".to_owned()], None)),
        "\
r12 waits for leads or security: 1 of 2 approvals so far. They type
  ssh -p 2222 bastion approve r12
You see how it stands with
  ssh -p 2222 bastion show r12
"
    );
    let longer = RequestView { extends: true, ..request() };
    assert_eq!(
        plain(|sheet| asked(sheet, &longer, &[], Some(&grant()))),
        "r12 is granted: g9 now ends at 06:05:59Z, 30m left\n"
    );
    let word = ApprovalView { by: "carol".into(), at: String::new(), note: Some("use web2".into()) };
    let denied = RequestView { state: "denied".into(), decided: Some(word), ..request() };
    assert_eq!(not_granted(&denied), "r12 was denied by carol: use web2");
    assert_eq!(still_waiting(&request(), 75), "r12 has 1 of 2 approvals, waited 1m 15s; Ctrl-C stops waiting");
    assert_eq!(
        plain(|sheet| killed(sheet, &session())),
        "\
s345 of alice is killed. To end its grant too, type
  ssh -p 2222 bastion revoke g9 --note TEXT
"
    );
}
