//! `ssh root@web1@bastion` and `ssh web1@bastion`: who may go where, and what they read when they may not.

use crate::support::{SOON, Stage, Target, eventually, login, text};

#[test]
fn a_granted_engineer_runs_a_command_with_login_and_target() {
    let stage = Stage::granted();
    let run = stage.on_web1("echo hello").run().ok();
    assert_eq!(run.text(), "hello\n");
    assert_eq!(run.stderr, "");
    assert_eq!(stage.web1.connections(), 1);
}

#[test]
fn a_target_alone_is_enough_where_the_role_has_one_login() {
    let stage = Stage::granted();
    let run = stage.alice.on("web1", "id -un").run().ok();
    assert_eq!(run.text().trim(), login());
}

#[test]
fn a_target_alone_is_refused_where_the_role_has_several_logins_and_names_them() {
    let stage = Stage::new();
    let request = stage.alice.requested("web1 --role break-glass --for 30m --reason INC-2");
    stage.bob.ask(&format!("approve {request}")).ok();
    stage.carol.ask(&format!("approve {request}")).ok();
    stage.alice.on("web1", "true").run().expect(77).says("somebody-else");
    stage.on_web1("true").run().ok();
}

#[test]
fn without_a_grant_the_answer_is_77_and_one_line_with_the_request_to_type() {
    let stage = Stage::new();
    let run = stage.on_web1("true").run().expect(77).says("request web1");
    assert_eq!(run.stdout, b"");
    assert_eq!(run.stderr.trim_end().lines().count(), 1, "one line: {}", run.stderr);
}

#[test]
fn the_request_in_a_refusal_can_be_typed_as_it_is() {
    let stage = Stage::new();
    let refusal = stage.on_web1("true").run().expect(77).stderr;
    let start = refusal.find("request web1").expect("a request to type");
    let mut typed = refusal[start..].trim_end().trim_end_matches(['`', '\'', '"', '.', ')']).to_owned();
    for (placeholder, value) in [("TEXT", "INC-3"), ("INC-…", "INC-3")] {
        typed = typed.replace(placeholder, value);
    }
    stage.alice.ask(&typed).ok();
}

#[test]
fn a_login_that_the_role_does_not_name_is_refused() {
    let stage = Stage::granted();
    stage.alice.on("postgres@web1", "true").run().expect(77).says("postgres");
    assert_eq!(stage.web1.connections(), 0);
}

#[test]
fn a_grant_for_one_target_opens_no_other() {
    let web2 = Target::start();
    let stage = Stage::with(|setup| setup.target("web2", web2.address(), &web2.host_key.bare(), ""));
    stage.alice.granted("web1", "admin", "1h");
    stage.alice.on("web2", "true").run().expect(77);
    assert_eq!(web2.connections(), 0);
}

#[test]
fn one_request_may_name_several_targets() {
    let web2 = Target::start();
    let stage = Stage::with(|setup| setup.target("web2", web2.address(), &web2.host_key.bare(), ""));
    web2.trust(&stage.gateway.trust().user_ca);
    stage.alice.json("request web1 web2 --role admin --for 1h --reason both");
    assert_eq!(stage.alice.on("web1", "echo one").run().ok().text(), "one\n");
    assert_eq!(stage.alice.on("web2", "echo two").run().ok().text(), "two\n");
}

#[test]
fn a_target_with_a_key_file_is_reached_with_that_key() {
    let web2 = Target::start();
    let key = crate::support::keys::generate(web2.dir.path(), "curfew_key", "ed25519");
    web2.authorize(&key);
    let auth = format!("auth = {{ key_file = \"{}\" }}", key.path.display());
    let stage = Stage::with(|setup| setup.target("web2", web2.address(), &web2.host_key.bare(), &auth));
    stage.alice.granted("web2", "admin", "1h");
    assert_eq!(stage.alice.on("web2", "echo by key").run().ok().text(), "by key\n");
}

#[test]
fn the_certificate_for_a_target_is_made_for_the_session_and_the_login_alone() {
    let stage = Stage::granted();
    stage.on_web1("true").run().ok();
    let log = stage.web1.log();
    let accepted = log.lines().find(|line| line.contains("Accepted certificate")).unwrap_or_else(|| panic!("{log}"));
    assert!(accepted.contains("alice"), "the certificate's id names the person: {accepted}");
}

#[test]
fn a_session_tells_who_where_and_how_it_ended() {
    let stage = Stage::new();
    let grant = stage.alice.granted("web1", "admin", "1h");
    stage.on_web1("true").run().ok();
    let session = stage.gateway.ended_session();
    assert_eq!(session["grant"], grant.as_str());
    assert_eq!(session["user"], "alice");
    assert_eq!(session["target"], "web1");
    assert_eq!(session["login"], login());
    assert_eq!(session["protocol"], "ssh");
    assert!(text(&session["client"]).contains("127.0.0.1"), "{session}");
    assert_eq!(session["recordings"].as_array().map(Vec::len), Some(1));
}

#[test]
fn nothing_is_left_open_when_sessions_end() {
    let stage = Stage::granted();
    stage.on_web1("true").run().ok();
    stage.web1.expect_quiet(SOON);
    let before = stage.gateway.open_files();
    for _ in 0..10 {
        stage.on_web1("true").run().ok();
    }
    stage.web1.expect_quiet(SOON);
    stage.gateway.expect_open_files(before + 2);
    eventually(SOON, "no session is live", || {
        stage.gateway.ctl_json("sessions --live").as_array().is_some_and(Vec::is_empty)
    });
}
