//! `ssh root@web1@bastion` without a grant becomes a request: asked for on the terminal or by the environment, waited
//! for, and gone on with in the same session once it is approved.

use rustix::process::Signal;
use serde_json::Value;

use crate::support::{
    Client, Master, Outcome, Program, SOON, Stage, Terminal, eventually, eventually_some, login, text, web1,
};

/// `ssh -tt LOGIN@web1@bastion`, as far as the first question.
fn at_the_form(client: &Client) -> Terminal {
    let terminal = client.terminal(&["-tt", &format!("{}@bastion", web1())]);
    terminal.wait_for("may ask for one", SOON);
    terminal
}

/// Asks for `change` on a terminal, as far as the wait.
fn waiting(stage: &Stage) -> (Terminal, String) {
    let terminal = at_the_form(&stage.alice);
    for (question, answer) in [("Role: ", "change"), ("For how long", "20m"), ("Reason: ", "INC-7 disk full")] {
        terminal.wait_for(question, SOON);
        terminal.type_in(format!("{answer}\r"));
    }
    terminal.wait_for("waits for leads", SOON);
    let id = the_request(stage);
    (terminal, id)
}

/// Waits for the shell on the target. What is typed before is not for it.
fn at_the_prompt(terminal: &Terminal) {
    let prompt = || terminal.screen().rsplit_once("is granted").is_some_and(|(_, after)| after.contains(['$', '#']));
    eventually(SOON, "the shell is there", prompt);
}

/// The id of the one request there is.
fn the_request(stage: &Stage) -> String {
    let all = eventually_some(SOON, "there is a request", || {
        let Value::Array(all) = stage.gateway.ctl_json("requests --all") else { return None };
        (!all.is_empty()).then_some(all)
    });
    assert_eq!(all.len(), 1, "{all:?}");
    text(&all[0]["id"])
}

fn request(stage: &Stage, id: &str) -> Value {
    stage.gateway.ctl_json(&format!("show {id}"))
}

/// `ssh` with these variables and this command on web1.
fn scripted(client: &Client, variables: &str, command: &str) -> Program {
    client.ssh(&["-o", &format!("SetEnv={variables}"), &format!("{}@bastion", web1()), command])
}

#[test]
fn a_refused_terminal_asks_waits_and_goes_on_in_the_same_session() {
    let stage = Stage::new();
    let mut terminal = at_the_form(&stage.alice);
    terminal.wait_for("granted at once", SOON);
    assert!(!terminal.screen().contains("look"), "a role without a shell is of no use here: {}", terminal.screen());
    terminal.wait_for("Role: ", SOON);
    terminal.type_in("2\r");
    terminal.wait_for("For how long, up to 1h [30m]: ", SOON);
    terminal.type_in("\r");
    terminal.wait_for("Reason: ", SOON);
    terminal.type_in("INC-7 disc\x7fk full\r");
    terminal.wait_for("waits for leads: 0 of 1 approval", SOON);
    let id = the_request(&stage);
    let asked = request(&stage, &id);
    assert_eq!((&asked["role"], &asked["duration_s"]), (&Value::from("change"), &Value::from(1800)), "{asked}");
    assert_eq!((&asked["reason"], &asked["login"]), (&Value::from("INC-7 disk full"), &Value::from(login())));
    terminal.resize(101, 41);
    assert_eq!(stage.web1.connections(), 0, "nothing is dialled before it is granted");
    stage.bob.ask(&format!("approve {id}")).ok();
    at_the_prompt(&terminal);
    terminal.type_in("stty size; echo term=$TERM; exit 5\r");
    terminal.wait_for("41 101", SOON);
    terminal.wait_for("term=xterm-256color", SOON);
    assert_eq!(terminal.wait(SOON), Some(5));
    let session = stage.gateway.ended_session();
    assert_eq!(session["grant"], request(&stage, &id)["grant"]);
    let cast = std::fs::read_to_string(&stage.gateway.sealed_recordings(&text(&session["id"]))[0]).unwrap();
    assert!(cast.contains("41 101"), "the session is recorded: {cast}");
}

#[test]
fn what_needs_nobody_connects_at_once() {
    let stage = Stage::new();
    let mut terminal = at_the_form(&stage.alice);
    terminal.type_in("admin\r10m\rjust looking\r");
    at_the_prompt(&terminal);
    terminal.type_in("echo here=$((20+3)); exit\r");
    terminal.wait_for("here=23", SOON);
    assert_eq!(terminal.wait(SOON), Some(0));
}

#[test]
fn a_role_that_is_the_only_one_is_not_asked_for() {
    let stage = Stage::new();
    // Bob may ask for `break-glass` too, but that has several logins and he named none.
    let terminal = stage.bob.terminal(&["-tt", "web1@bastion"]);
    terminal.wait_for("For how long", SOON);
    assert!(!terminal.screen().contains("Role: "), "{}", terminal.screen());
}

#[test]
fn wrong_answers_are_told_and_asked_again_and_not_for_ever() {
    let stage = Stage::new();
    let mut terminal = at_the_form(&stage.alice);
    terminal.type_in("root\r");
    terminal.wait_for("`root` is no role that you may ask for here", SOON);
    terminal.type_in("2\r9 lives\r");
    terminal.wait_for("is not a duration", SOON);
    terminal.type_in("9h\rINC-7\r");
    terminal.wait_for("9h is too long", SOON);
    terminal.type_in("30m\r");
    terminal.wait_for("waits for leads", SOON);
    assert_eq!(request(&stage, &the_request(&stage))["reason"], "INC-7");
    drop(terminal);

    let stage = Stage::new();
    terminal = at_the_form(&stage.alice);
    terminal.type_in("no\r".repeat(20));
    terminal.wait_for("too many answers were wrong", SOON);
    assert_eq!(terminal.wait(SOON), Some(77));
    assert_eq!(stage.gateway.ctl_json("requests --all"), serde_json::json!([]));
}

#[test]
fn nothing_that_is_typed_or_pasted_steers_a_terminal() {
    let stage = Stage::new();
    let terminal = at_the_form(&stage.alice);
    terminal.type_in("2\r\r");
    terminal.wait_for("Reason: ", SOON);
    terminal.type_in(b"INC-8 \x1b[2J\x1b]0;title\x07\x1b[Ax\xff\xfe\x00\x0e\xe2\x80\xae \xe2\x98\x83\r");
    terminal.wait_for("waits for leads", SOON);
    let asked = request(&stage, &the_request(&stage));
    assert_eq!(asked["reason"], "INC-8 0;titlex ☃");
    assert!(!terminal.screen().contains("\u{1b}[2J"), "{:?}", terminal.screen());
    let long = "x".repeat(5000);
    drop(terminal);
    stage.alice.ask(&format!("cancel {}", text(&asked["id"]))).ok();
    let terminal = at_the_form(&stage.alice);
    terminal.type_in(format!("2\r\rINC-9 {long}\r"));
    terminal.wait_for("waits for leads", SOON);
    let Value::Array(all) = stage.gateway.ctl_json("requests --pending") else { panic!() };
    assert_eq!(text(&all[0]["reason"]).len(), 1000, "a reason has its limit");
}

#[test]
fn ctrl_c_leaves_it_pending_or_cancels_it_as_the_person_says() {
    for (key, state) in [("n", "pending"), ("c", "cancelled")] {
        let stage = Stage::new();
        let (mut terminal, id) = waiting(&stage);
        terminal.type_in("\x03");
        terminal.wait_for(&format!("c cancels {id}"), SOON);
        terminal.type_in(key);
        assert_eq!(terminal.wait(SOON), Some(77), "{}", terminal.screen());
        assert_eq!(request(&stage, &id)["state"], state, "{}", terminal.screen());
        assert_eq!(stage.web1.connections(), 0);
    }
}

#[test]
fn ctrl_c_before_there_is_a_request_asks_for_nothing() {
    let stage = Stage::new();
    for end in ["\x03", "\x04", "2\r\x03", "2\r\rINC-1\x03"] {
        let mut terminal = at_the_form(&stage.alice);
        terminal.type_in(end);
        terminal.wait_for("nothing was asked for", SOON);
        assert_eq!(terminal.wait(SOON), Some(77));
    }
    assert_eq!(stage.gateway.ctl_json("requests --all"), serde_json::json!([]));
}

#[test]
fn a_denial_is_told_with_its_note() {
    let stage = Stage::new();
    let (mut terminal, id) = waiting(&stage);
    stage.bob.ask(&format!("deny {id} --note not today")).ok();
    terminal.wait_for("was denied by bob: not today", SOON);
    assert_eq!(terminal.wait(SOON), Some(77));
    assert_eq!(stage.web1.connections(), 0);
}

#[test]
fn who_may_ask_for_nothing_reads_one_line() {
    let stage = Stage::new();
    for target in ["web1", "nosuch"] {
        let mut terminal = stage.dave.terminal(&["-tt", &format!("root@{target}@bastion")]);
        assert_eq!(terminal.wait(SOON), Some(77));
        assert_eq!(terminal.screen().trim().lines().count(), 1, "{}", terminal.screen());
    }
    // A login that none of alice's roles has.
    let mut terminal = stage.alice.terminal(&["-tt", "postgres@web1@bastion"]);
    assert_eq!(terminal.wait(SOON), Some(77));
    assert!(terminal.screen().contains("you hold no grant"), "{}", terminal.screen());
}

#[test]
fn a_request_that_waits_already_is_waited_for_and_not_filed_twice() {
    let stage = Stage::new();
    let (terminal, id) = waiting(&stage);
    drop(terminal);
    let second = stage.alice.terminal(&["-tt", &format!("{}@bastion", web1())]);
    second.wait_for(&format!("{id} (change on web1) waits for leads"), SOON);
    let third = scripted(&stage.alice, "CURFEW_REASON=INC-9 CURFEW_ROLE=change", "echo third").start();
    third.stderr.wait_for(&id, SOON);
    assert_eq!(the_request(&stage), id);
    stage.bob.ask(&format!("approve {id}")).ok();
    at_the_prompt(&second);
    second.type_in("echo second=$((1+1))\r");
    second.wait_for("second=2", SOON);
    third.stdout.wait_for("third", SOON);
}

#[test]
fn a_script_has_its_answers_in_the_environment_and_keeps_its_input() {
    let stage = Stage::new();
    let input: Vec<u8> = (0..=255).cycle().take(3_000_000).collect();
    let variables = r#""CURFEW_REASON=INC-9 by a script" CURFEW_FOR=10m CURFEW_ROLE=change TEST_X=1"#;
    let command = "env | grep -c ^CURFEW >&2; cat; exit 3";
    let (near, gateway) = (scripted(&stage.alice, variables, command).input(input.clone()), &stage.gateway);
    let run: Outcome = std::thread::scope(|scope| {
        let run = scope.spawn(|| near.run());
        let id = the_request(&stage);
        let asked = gateway.ctl_json(&format!("show {id}"));
        assert_eq!((&asked["reason"], &asked["duration_s"]), (&"INC-9 by a script".into(), &600.into()), "{asked}");
        assert_eq!(stage.web1.connections(), 0);
        stage.bob.ask(&format!("approve {id}")).ok();
        run.join().unwrap()
    });
    let run = run.expect(3).says("waits for leads").says("is granted");
    assert!(run.stdout == input, "every byte that was sent while it waited is there");
    assert!(run.stderr.trim_end().ends_with('0'), "no variable of Curfew's reaches a target: {}", run.stderr);
}

#[test]
fn a_script_that_is_not_granted_ends_with_77() {
    let stage = Stage::new();
    let ask = |variables: &str| scripted(&stage.alice, variables, "true");
    ask("CURFEW_FOR=10m").run().expect(77).says("request web1");
    ask("CURFEW_REASON=INC-1").run().expect(77).says("CURFEW_ROLE=admin or change or break-glass");
    ask("CURFEW_REASON=INC-1 CURFEW_ROLE=root").run().expect(77).says("no role that you may ask for");
    ask("CURFEW_REASON=INC-1 CURFEW_ROLE=change CURFEW_FOR=soon").run().expect(77).says("not a duration");
    ask("CURFEW_REASON=INC-1 CURFEW_ROLE=change CURFEW_FOR=9h").run().expect(77).says("too long");
    ask("CURFEW_REASON=because CURFEW_ROLE=change").run().expect(77).says("must contain");
    let waiting = ask("CURFEW_REASON=INC-1 CURFEW_ROLE=change").start();
    let id = the_request(&stage);
    stage.bob.ask(&format!("deny {id} --note no")).ok();
    let mut waiting = waiting;
    waiting.wait(SOON).expect(77).says("was denied by bob: no");
    assert_eq!(stage.web1.connections(), 0);
}

#[test]
fn the_variables_may_be_sent_as_well_as_set() {
    let stage = Stage::new();
    let run = stage.alice.ssh(&["-o", "SendEnv=CURFEW_*", &format!("{}@bastion", web1()), "env"]);
    let run = run.env("CURFEW_REASON", "looking").env("CURFEW_ROLE", "admin").run().ok();
    assert!(!run.text().contains("CURFEW_"), "{}", run.text());
    // Nor does one of a session that had its grant before.
    let run = scripted(&stage.alice, "CURFEW_REASON=x TEST_X=kept", "env").run().ok();
    assert!(!run.text().contains("CURFEW_") && run.text().contains("TEST_X=kept"), "{}", run.text());
}

#[test]
fn channels_of_a_connection_that_waits_wait_with_it() {
    let stage = Stage::new();
    let master = Master::open(&stage.alice, &web1());
    let terminal = master.terminal("echo first=$((1+1)); cat");
    terminal.wait_for("Role: ", SOON);
    terminal.type_in("change\r\rINC-3\r");
    terminal.wait_for("waits for leads", SOON);
    let mut second = master.run("echo second").start();
    let id = the_request(&stage);
    stage.bob.ask(&format!("approve {id}")).ok();
    terminal.wait_for("first=2", SOON);
    assert_eq!(second.wait(SOON).ok().text(), "second\n");
}

#[test]
fn who_waits_leaves_when_the_bastion_restarts_and_the_request_stays() {
    let stage = Stage::new();
    let (mut terminal, id) = waiting(&stage);
    stage.gateway.signal(Signal::TERM);
    terminal.wait_for("the bastion is restarting", SOON);
    assert_eq!(terminal.wait(SOON), Some(77));
    assert_eq!(stage.gateway.wait(SOON), Some(0), "nobody who waits holds it up");
    stage.gateway.serve();
    assert_eq!(request(&stage, &id)["state"], "pending");
}

#[test]
fn a_key_that_is_taken_away_while_it_waits_opens_nothing() {
    let stage = Stage::new();
    let (mut terminal, id) = waiting(&stage);
    let other = Client::new("alice");
    let (old, new) = (stage.alice.key.public.clone(), other.key.public.clone());
    stage.gateway.edit(|toml| toml.replace(&old, &new));
    stage.gateway.reload();
    other.meet(&stage.gateway);
    eventually(SOON, "the new key is known", || other.ask("whoami").code == Some(0));
    stage.bob.ask(&format!("approve {id}")).ok();
    terminal.wait_for("no longer yours", SOON);
    assert_eq!(terminal.wait(SOON), Some(77));
    assert_eq!(stage.web1.connections(), 0);
}

#[test]
fn a_client_that_goes_away_while_it_waits_leaves_nothing_but_the_request() {
    let stage = Stage::new();
    stage.alice.ask("whoami").ok();
    let before = stage.gateway.open_files();
    let (terminal, id) = waiting(&stage);
    drop(terminal);
    let mut script = scripted(&stage.alice, "CURFEW_REASON=INC-9 CURFEW_ROLE=change", "true").start();
    script.stderr.wait_for(&id, SOON);
    script.signal(Signal::KILL);
    script.wait(SOON);
    stage.gateway.expect_open_files(before + 2);
    assert_eq!(request(&stage, &id)["state"], "pending");
    stage.bob.ask(&format!("approve {id}")).ok();
    assert_eq!(stage.web1.connections(), 0, "nobody was there to go on");
}
