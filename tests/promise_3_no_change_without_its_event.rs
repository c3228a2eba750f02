//! Promise 3: every change of state has its event in the audit log, and the log shows when it was touched.

use serde_json::Value;

use crate::support::database::Database;
use crate::support::{Postgres, SOON, Stage, eventually, text, web1};

/// The stage of a working day: a request granted at once, one approved, one denied, sessions, a revocation.
fn day() -> Stage {
    let stage = Stage::new();
    stage.alice.granted("web1", "admin", "1h");
    stage.on_web1("true").run().ok();
    let approved = stage.alice.requested("web1 --role change --for 30m --reason INC-8");
    stage.bob.ask(&format!("approve {approved} --note fine")).ok();
    let denied = stage.alice.requested("web1 --role change --for 30m --reason INC-9");
    stage.bob.ask(&format!("deny {denied} --note no")).ok();
    let grant = text(&stage.alice.json(&format!("show {approved}"))["grant"]);
    stage.bob.ask(&format!("revoke {grant} --note enough")).ok();
    stage.gateway.ended_session();
    stage
}

fn events(stage: &Stage) -> Vec<Value> {
    stage.gateway.ctl_json("audit").as_array().expect("a list").clone()
}

#[test]
fn each_change_of_state_has_its_event_with_who_what_and_when() {
    let stage = day();
    let events = events(&stage);
    let of = |actor: &str, part: &str| {
        events.iter().any(|e| {
            e["actor"].as_str().is_some_and(|a| a.contains(actor))
                && e["action"].as_str().is_some_and(|a| a.contains(part))
        })
    };
    for (actor, action) in
        [("alice", "request"), ("bob", "approve"), ("bob", "den"), ("bob", "revoke"), ("alice", "session")]
    {
        assert!(of(actor, action), "no event of {actor} with `{action}`: {events:#?}");
    }
    for (n, event) in events.iter().enumerate() {
        assert_eq!(event["seq"].as_u64(), Some(n as u64 + events[0]["seq"].as_u64().unwrap()), "no gap: {event}");
        for field in ["at", "actor", "action", "subject", "detail", "prev", "hash"] {
            assert!(event.get(field).is_some(), "no `{field}`: {event}");
        }
        if n > 0 {
            assert_eq!(event["prev"], events[n - 1]["hash"], "each names the one before");
        }
    }
}

#[test]
fn a_change_that_has_several_events_has_them_all() {
    let stage = day();
    let of = |subject: &str| -> Vec<String> {
        let events = events(&stage);
        events.iter().filter(|e| e["subject"] == subject).map(|e| text(&e["action"])).collect()
    };
    assert_eq!(of("r1"), ["request.filed", "request.granted"], "granted at once");
    assert_eq!(of("r2"), ["request.filed", "request.approved", "request.granted"], "granted by its last approval");
    assert_eq!(of("r3"), ["request.filed", "request.denied"]);
}

#[test]
fn a_refused_connection_is_in_the_log_too() {
    let stage = Stage::new();
    stage.dave.on(&web1(), "true").run().expect(77);
    eventually(SOON, "the refusal is in the audit log", || {
        events(&stage).iter().any(|event| event.to_string().contains("dave") && event.to_string().contains("web1"))
    });
}

#[test]
fn an_untouched_log_verifies_while_the_gateway_runs_and_after() {
    let stage = day();
    stage.gateway.curfew(&["verify", "--audit"]).run().ok();
    stage.gateway.kill();
    stage.gateway.curfew(&["verify", "--audit"]).run().ok();
    stage.gateway.serve();
    stage.gateway.curfew(&["verify", "--audit"]).run().ok();
}

/// Stops the gateway, changes its database, and checks what `verify --audit` says.
#[track_caller]
fn tampered(change: impl FnOnce(&mut Database)) -> String {
    let stage = day();
    stage.gateway.kill();
    let mut database = stage.gateway.database();
    change(&mut database);
    database.close();
    let run = stage.gateway.curfew(&["verify", "--audit"]).run().expect(1);
    format!("{}{}", run.text(), run.stderr)
}

#[test]
fn an_edited_event_is_named() {
    for column in ["actor", "action", "subject", "detail", "at"] {
        let said = tampered(|db| db.run(&format!("UPDATE audit SET {column} = '\"x\"' WHERE seq = 4")));
        assert!(said.contains('4'), "{column}: {said}");
    }
}

#[test]
fn a_deleted_event_is_named() {
    let said = tampered(|db| db.run("DELETE FROM audit WHERE seq = 4"));
    assert!(said.contains('4') || said.contains('5'), "{said}");
}

#[test]
fn two_swapped_events_are_named() {
    let said = tampered(|db| {
        db.run("UPDATE audit SET seq = -1 WHERE seq = 3; UPDATE audit SET seq = 3 WHERE seq = 4; UPDATE audit SET seq = 4 WHERE seq = -1");
    });
    assert!(said.contains('3'), "{said}");
}

#[test]
fn a_cut_tail_is_noticed() {
    tampered(|db| {
        let last = db.number("SELECT MAX(seq) FROM audit");
        db.run(&format!("DELETE FROM audit WHERE seq > {}", last - 2));
    });
}

#[test]
fn the_last_event_alone_cut_is_noticed() {
    tampered(|db| db.run("DELETE FROM audit WHERE seq = (SELECT MAX(seq) FROM audit)"));
}

#[test]
fn an_old_copy_put_back_is_noticed() {
    if Postgres::is_asked_for() {
        eprintln!("skipped: the files of PostgreSQL are not put back one by one");
        return;
    }
    let stage = day();
    stage.gateway.kill();
    let database = stage.gateway.database_file();
    let folder = stage.gateway.path().join("copy");
    std::fs::create_dir(&folder).unwrap();
    let name = database.file_name().unwrap().to_str().unwrap().to_owned();
    let siblings = || {
        let files = std::fs::read_dir(stage.gateway.state_dir()).unwrap().flatten();
        files
            .filter(|e| e.file_name().to_str().is_some_and(|n| n.starts_with(&name)))
            .map(|e| e.path())
            .collect::<Vec<_>>()
    };
    for file in siblings() {
        std::fs::copy(&file, folder.join(file.file_name().unwrap())).unwrap();
    }
    stage.gateway.serve();
    stage.alice.granted("web1", "admin", "1h");
    stage.gateway.kill();
    for file in siblings() {
        std::fs::remove_file(file).unwrap();
    }
    for file in std::fs::read_dir(&folder).unwrap().flatten() {
        std::fs::copy(file.path(), stage.gateway.state_dir().join(file.file_name())).unwrap();
    }
    stage.gateway.curfew(&["verify", "--audit"]).run().expect(1);
}

#[test]
fn only_who_may_reads_the_log() {
    let stage = day();
    stage.dave.ask("audit").expect(1);
    let all = stage.sam.json("audit").as_array().map(Vec::len);
    assert!(all.is_some_and(|n| n >= 7), "{all:?}");
    let of_bob = stage.sam.json("audit --user bob").as_array().unwrap().clone();
    assert!(!of_bob.is_empty() && of_bob.iter().all(|event| event.to_string().contains("bob")), "{of_bob:?}");
    stage.sam.ask("audit --since 7d --target web1").ok();
}
