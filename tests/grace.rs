//! A role with `at_expiry = "grace …"`: when its grant expires nothing new opens, and what runs may finish.

use std::time::Duration;

use crate::forwards::tunnel;
use crate::support::process::Running;
use crate::support::service::{closes, dial, free_port, is_free, ping};
use crate::support::{Master, Program, SOON, Service, Stage, Wire, eventually, processes, text, wall, web1};

/// How long after its deadline the last trace of a session may go on a busy machine.
const LATE: Duration = Duration::from_secs(3);

/// A stage where Alice holds a role with this grace for six seconds; the grant's id, and when it expires.
fn grace(span: &str) -> (Stage, String, jiff::Timestamp) {
    let stage = Stage::with(|setup| {
        let graceful = format!("[roles.admin]\nat_expiry = \"grace {span}\"");
        setup.policy = setup.policy.replace("[roles.admin]", &graceful);
    });
    let grant = stage.alice.granted("web1", "admin", "6s");
    let ends = text(&stage.alice.json(&format!("show {grant}"))["expires_at"]).parse().unwrap();
    (stage, grant, ends)
}

/// A command that begins, and goes on until it is typed at.
fn begun(stage: &Stage) -> Running {
    let run = stage.on_web1("echo begun; read line; echo $line; exit 7").start();
    eventually(SOON, "it runs", || run.stdout.text() == "begun\n");
    run
}

/// `ssh -J bastion LOGIN@web1 COMMAND` by Alice.
fn jump(stage: &Stage, command: &str) -> Program {
    let known = format!("-oUserKnownHostsFile={}", stage.gateway.known_hosts().display());
    stage.alice.ssh(&["-J", "bastion", &known, &web1(), command])
}

fn expired(stage: &Stage, grant: &str) {
    eventually(SOON, "the grant expires", || stage.alice.json(&format!("show {grant}"))["state"] == "ended");
}

#[test]
fn what_runs_at_the_end_may_finish_and_the_session_ends_with_it() {
    let (stage, grant, ends) = grace("1m");
    let mut run = begun(&stage);
    expired(&stage, &grant);
    run.type_in("well\n");
    let run = run.wait(SOON).expect(7);
    assert_eq!((run.text().as_str(), run.stderr.as_str()), ("begun\nwell\n", ""));
    stage.web1.expect_quiet(LATE);
    assert!(wall() >= ends, "in its grace");
    stage.gateway.ended_session();
    let shown = stage.alice.json(&format!("show {grant}"));
    assert_eq!((shown["ended_why"].as_str(), shown["grace_s"].as_u64()), (Some("expired"), Some(60)));
}

#[test]
fn what_still_runs_when_the_grace_is_over_is_cut() {
    let (stage, grant, ends) = grace("3s");
    let run = stage.on_web1("echo begun; exec sleep 1000.77").run().expect(124).says(&format!("{grant} expired"));
    let after = wall().duration_since(ends);
    assert!(after >= jiff::SignedDuration::from_secs(3), "cut in its grace: {after:?}");
    assert!(after < jiff::SignedDuration::from_secs(6), "late: {after:?}");
    assert_eq!(run.text(), "begun\n");
    stage.web1.expect_quiet(LATE);
    assert!(processes(&["sleep", "1000.77"]).is_empty());
    assert_eq!(stage.gateway.ended_session()["ended_why"], "expired");
}

#[test]
fn a_connection_with_nothing_running_ends_on_time() {
    let (stage, _, ends) = grace("1m");
    let (service, there, back) = (Service::echo(), free_port(), free_port());
    let (forward, listen) = (format!("{there}:{}", service.address), format!("{back}:{}", service.address));
    let mut idle = tunnel(&stage, &["-L", &forward, "-R", &listen]);
    let mut stream = dial(there);
    ping(&mut stream, "a forward that is over by then");
    drop(stream);
    idle.wait(SOON);
    let after = wall().duration_since(ends);
    assert!(after >= jiff::SignedDuration::ZERO && after < jiff::SignedDuration::from_secs(3), "{after:?}");
    eventually(LATE, "nobody listens on the target", || is_free(back));
    stage.web1.expect_quiet(LATE);
    assert_eq!(stage.gateway.ended_session()["ended_why"], "expired");
}

#[test]
fn in_a_grace_nothing_new_opens_on_the_connection() {
    let (stage, grant, _) = grace("1m");
    let (service, there, back) = (Service::echo(), free_port(), free_port());
    let master = Master::open(&stage.alice, &web1());
    for (way, spec) in [("-L", format!("{there}:{}", service.address)), ("-R", format!("{back}:{}", service.address))] {
        master.forward(way, &spec);
    }
    let mut run = master.run("echo begun; read line; echo $line; exit 7").start();
    eventually(SOON, "it runs", || run.stdout.text() == "begun\n");
    let mut stream = dial(there);
    ping(&mut stream, "out");
    let mut inward = dial(back);
    ping(&mut inward, "in");
    expired(&stage, &grant);

    let refused = format!("{grant} expired; what runs may finish, and nothing new opens");
    master.run("echo more").run().expect(77).says(&refused);
    assert!(closes(&mut dial(there)), "a new forward is refused");
    eventually(LATE, "nobody listens on the target", || is_free(back));
    assert_eq!(service.connections(), 2);
    stage.on_web1("true").run().expect(77).says(&grant);
    jump(&stage, "true").run().expect(77).says(&grant);

    // What was open goes on.
    ping(&mut stream, "still");
    ping(&mut inward, "here");
    run.type_in("well\n");
    run.wait(SOON).expect(7);
    assert_eq!(stage.gateway.sessions().iter().filter(|session| session["ended_at"].is_null()).count(), 1);
    drop((stream, inward));
    stage.web1.expect_quiet(LATE);
}

#[test]
fn a_channel_that_has_not_said_what_it_runs_does_not_run_it_in_a_grace() {
    let (stage, grant, _) = grace("1m");
    let mut wire = Wire::open(&stage.gateway);
    assert!(wire.prove(&web1(), &stage.alice).unwrap());
    let mut running = wire.exec("echo begun; exec sleep 60");
    wire.wait_for(&mut running, "begun");
    let kept_back = wire.channel();
    expired(&stage, &grant);
    let _ = wire.start(&kept_back, "echo ran");
    let ended = wire.ended(kept_back);
    assert_eq!((ended.output.as_str(), ended.status), ("", Some(77)), "{ended:?}");
}

#[test]
fn a_revocation_in_a_grace_cuts_at_once() {
    let (stage, grant, _) = grace("1m");
    let mut run = begun(&stage);
    expired(&stage, &grant);
    let said = stage.gateway.ctl(&format!("revoke {grant} --note enough")).ok();
    assert!(said.text().contains(&format!("{grant} had expired; what still ran under it ends now")), "{said:?}");
    run.wait(LATE).expect(124).says("revoked by operator (enough)");
    stage.web1.expect_quiet(LATE);
    assert_eq!(stage.gateway.ended_session()["ended_why"], "revoked");
    assert_eq!(stage.gateway.audit("grant.grace-ended").len(), 1);
}

#[test]
fn a_kill_in_a_grace_cuts_at_once() {
    let (stage, grant, _) = grace("1m");
    let mut run = begun(&stage);
    expired(&stage, &grant);
    let session = text(&stage.gateway.sessions()[0]["id"]);
    stage.gateway.ctl(&format!("kill {session} --note enough")).ok();
    run.wait(LATE).expect(124);
    stage.web1.expect_quiet(LATE);
}

#[test]
fn a_terminal_is_told_when_its_grace_begins_and_a_full_screen_program_by_its_title() {
    let (stage, grant, _) = grace("1m");
    let shell = stage.alice.terminal(&["-tt", "web1@bastion", "echo ready; exec sleep 100"]);
    let full = "printf '\\033[?1049h'; echo ready; exec sleep 100";
    let full = stage.alice.terminal(&["-tt", "web1@bastion", full]);
    shell.wait_for("ready", SOON);
    full.wait_for("ready", SOON);
    shell.wait_for(&format!("curfew: {grant} expired; what runs is cut in 1m, nothing new opens"), SOON);
    full.wait_for(&format!("\x1b]2;curfew: {grant} expired; what runs is cut in 1m\x07"), SOON);
}

#[test]
fn a_session_through_the_bastion_has_the_same_grace() {
    let (stage, grant, _) = grace("1m");
    let command = "echo begun; read line; echo $line; exit 7";
    let mut run = jump(&stage, command).start();
    eventually(SOON, "it runs", || run.stdout.text() == "begun\n");
    expired(&stage, &grant);
    run.type_in("well\n");
    run.wait(SOON).expect(7);
    stage.web1.expect_quiet(LATE);
}

#[test]
fn a_connection_to_a_service_goes_on_in_its_grace_and_no_other_begins() {
    let service = Service::echo();
    let stage = Stage::with(|setup| {
        crate::tcp_target::orders_db(setup, service.address);
        setup.policy = setup.policy.replace("[roles.db]", "[roles.db]\nat_expiry = \"grace 6s\"");
    });
    let grant = stage.alice.granted("orders-db", "db", "5s");
    let ends: jiff::Timestamp = text(&stage.alice.json(&format!("show {grant}"))["expires_at"]).parse().unwrap();
    let port = free_port();
    let _ssh = stage.alice.ssh(&["-N", "-L", &format!("{port}:orders-db:{}", service.port()), "bastion"]).start();
    let mut stream = dial(port);
    ping(&mut stream, "before");
    expired(&stage, &grant);
    ping(&mut stream, "in its grace");
    assert!(closes(&mut dial(port)), "no other begins");
    assert_eq!(service.connections(), 1);
    assert!(closes(&mut stream), "and at last it is cut");
    assert!(wall().duration_since(ends) >= jiff::SignedDuration::from_secs(6), "not in its grace");
    assert_eq!(stage.gateway.ended_session()["ended_why"], "expired");
}
