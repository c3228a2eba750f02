//! `ssh -J bastion root@web1`: the bastion answers for the target, and what holds at the direct door holds here.

use std::io::Write as _;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::Signal;

use crate::support::{
    Client, Outcome, Program, SOON, Stage, Target, Terminal, eventually, login, own_sleep, processes, text, web1,
};

/// A grant long enough to connect under it, and short enough to wait for its end.
const SHORT: &str = "8s";

/// How long after its deadline the last trace of a session may go on a busy machine.
const LATE: Duration = Duration::from_secs(3);

/// What an inner client needs: the bastion's keys for whatever host it is told.
fn trusting(stage: &Stage) -> String {
    format!("-oUserKnownHostsFile={}", stage.gateway.known_hosts().display())
}

/// `ssh -J bastion WORDS` by somebody.
fn jumping(stage: &Stage, who: &Client, words: &[&str]) -> Program {
    who.ssh(&["-J", "bastion", &trusting(stage)]).args(words)
}

/// `ssh -J bastion LOGIN@TARGET COMMAND` by Alice.
fn jump(stage: &Stage, to: &str, command: &str) -> Program {
    jumping(stage, &stage.alice, &[&format!("{}@{to}", login()), command])
}

/// `ssh -W HOST:PORT bastion` by Alice, with what the client says of a refusal.
fn tunnel(stage: &Stage, to: &str) -> Outcome {
    stage.alice.ssh(&["-oLogLevel=INFO", "-W", to, "bastion"]).run()
}

fn terminal(stage: &Stage, words: &[&str]) -> Terminal {
    let trusting = trusting(stage);
    let mut all = vec!["-tt", "-J", "bastion", &trusting];
    all.extend(words);
    stage.alice.terminal(&all)
}

#[test]
fn a_command_runs_on_the_target_and_is_recorded_as_at_the_direct_door() {
    let stage = Stage::new();
    let grant = stage.alice.granted("web1", "admin", "1h");
    let run = jump(&stage, "web1", "echo hello; exit 7").run().expect(7);
    assert_eq!((run.text().as_str(), run.stderr.as_str()), ("hello\n", ""));
    assert_eq!(stage.web1.connections(), 1);
    let session = stage.gateway.ended_session();
    assert_eq!(session["grant"], grant.as_str());
    assert_eq!((session["user"].as_str(), session["target"].as_str()), (Some("alice"), Some("web1")));
    assert_eq!((session["login"].as_str(), session["ended_why"].as_str()), (Some(login().as_str()), Some("client")));
    assert!(text(&session["client"]).contains("127.0.0.1"), "{session}");
    let recording = stage.gateway.sealed_recordings(&text(&session["id"])).remove(0);
    assert!(std::fs::read_to_string(recording).unwrap().contains("hello"));
}

#[test]
fn the_login_may_name_the_target_again_and_no_other() {
    let web2 = Target::start();
    let stage = Stage::with(|setup| setup.target("web2", web2.address(), &web2.host_key.bare(), ""));
    web2.trust(&stage.gateway.trust().user_ca);
    stage.alice.granted("web1", "admin", "1h");
    jumping(&stage, &stage.alice, &["-l", &web1(), "web1", "echo hello"]).run().ok();
    let other = format!("{}@web2", login());
    jumping(&stage, &stage.alice, &["-l", &other, "web1", "true"]).run().expect(77).says("leads to web1");
    assert_eq!(web2.connections(), 0);
}

#[test]
fn port_22_the_targets_own_and_the_bastions_lead_to_the_target_and_no_other_does() {
    let stage = Stage::granted();
    let (own, bastion) = (stage.web1.address().port().to_string(), stage.gateway.address().port().to_string());
    let to = web1();
    for port in ["22", &own, &bastion] {
        jumping(&stage, &stage.alice, &["-p", port, &to, "true"]).run().ok();
    }
    let said = tunnel(&stage, "web1:80").expect(255).stderr;
    assert!(said.contains("web1 is an SSH server") && said.contains("-L 80:localhost:80"), "{said}");
}

#[test]
fn without_a_grant_the_answer_is_77_and_one_line_with_the_request_to_type() {
    let stage = Stage::new();
    let run = jump(&stage, "web1", "true").run().expect(77).says("request web1");
    assert_eq!(run.stderr.trim_end().lines().count(), 1, "{}", run.stderr);
    assert_eq!(stage.web1.connections(), 0);
}

#[test]
fn a_login_that_the_role_does_not_name_is_refused() {
    let stage = Stage::granted();
    jumping(&stage, &stage.alice, &["postgres@web1", "true"]).run().expect(77).says("postgres");
    assert_eq!(stage.web1.connections(), 0);
}

#[test]
fn a_role_means_the_same_as_at_the_direct_door() {
    let stage = Stage::new();
    stage.alice.granted("web1", "look", "1h");
    assert_eq!(jump(&stage, "web1", "echo hello").run().ok().text(), "hello\n");
    jump(&stage, "web1", "id").run().expect(77).says("role look");
}

#[test]
fn only_the_exact_name_of_a_target_leads_anywhere() {
    let stage = Stage::granted();
    let address = stage.web1.address();
    let port = address.port();
    let hosts = [
        "127.0.0.1",
        "127.1",
        "0x7f.1",
        "0x7f000001",
        "2130706433",
        "017700000001",
        "127.0.0.1.",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "localhost",
        "WEB1",
        "web1.",
        "web",
        "web1.local",
        "web1%00",
        "bastion",
        "10.0.0.5",
        "*",
        "web1 ",
        "../web1",
    ];
    for host in hosts {
        for port in [port, 22] {
            let run = stage.alice.ssh(&["-oLogLevel=INFO", "-W", &format!("{host}:{port}"), "bastion"]).run();
            assert_eq!(run.code, Some(255), "{host}: {run:?}");
            assert!(run.stderr.contains("curfew: ") && run.stdout.is_empty(), "{host}: {run:?}");
        }
    }
    assert_eq!(stage.web1.connections(), 0);
    assert!(tunnel(&stage, &address.to_string()).stderr.contains("by its name"));
    assert!(tunnel(&stage, "web1.:22").stderr.contains("did you mean web1?"));
    let refused = stage.gateway.audit("session.refused");
    assert!(refused.iter().any(|event| event["subject"] == "127.0.0.1"), "{refused:?}");
}

#[test]
fn who_may_not_ask_for_a_target_does_not_learn_that_it_is_there() {
    let stage = Stage::new();
    let said = |host: &str| {
        let run = stage.dave.ssh(&["-oLogLevel=INFO", "-W", &format!("{host}:22"), "bastion"]).run().expect(255);
        run.stderr.replace(host, "HOST")
    };
    assert_eq!(said("web1"), said("rex9"));
}

#[test]
fn jumping_twice_through_the_bastion_leads_nowhere() {
    let stage = Stage::granted();
    let address = stage.gateway.address();
    let twice = format!("bastion,{}", address);
    let run = stage.alice.ssh(&["-J", &twice, &trusting(&stage), &web1(), "true"]).run();
    assert_eq!(run.code, Some(255), "{run:?}");
    assert_eq!(stage.web1.connections(), 0);
}

#[test]
fn from_a_session_inside_no_channel_leads_back_into_the_bastion() {
    let web2 = Target::start();
    let stage = Stage::with(|setup| setup.target("web2", web2.address(), &web2.host_key.bare(), ""));
    web2.trust(&stage.gateway.trust().user_ca);
    stage.alice.granted("web1", "look", "1h");
    stage.alice.granted("web2", "admin", "1h");
    // web1 is the second hop; the third would be web2, which a session on web1 does not lead to.
    let first = web1();
    let run = jumping(&stage, &stage.alice, &["-W", "web2:22", &first]).run();
    assert_eq!(run.code, Some(255), "{run:?}");
    assert_eq!(web2.connections(), 0);
}

#[test]
fn at_the_end_of_the_grant_it_exits_124_with_a_line_and_the_outer_connection_lives_on() {
    let stage = Stage::new();
    let grant = stage.alice.granted("web1", "admin", SHORT);
    let sleep = own_sleep();
    let socket = stage.alice.dir().join("outer").display().to_string();
    let mut outer = stage.alice.ssh(&["-N", "-M", "-S", &socket, "bastion"]).start();
    let through = format!("-oProxyCommand=ssh -F {} -S {socket} -W %h:%p bastion", stage.alice.config().display());
    eventually(SOON, "the master is ready", || {
        stage.alice.ssh(&["-S", &socket, "-O", "check", "bastion"]).run().code == Some(0)
    });
    let run =
        stage.alice.ssh(&[&through, &trusting(&stage), &web1(), &format!("echo begun; exec sleep {sleep}")]).run();
    let run = run.expect(124).says(&grant);
    assert_eq!(run.text(), "begun\n");
    stage.web1.expect_quiet(LATE);
    eventually(LATE, "the process on the target is gone", || processes(&["sleep", &sleep]).is_empty());
    assert_eq!(stage.gateway.ended_session()["ended_why"], "expired");
    assert!(outer.is_running());
    stage.alice.ssh(&["-S", &socket, "bastion", "whoami"]).run().ok();
}

#[test]
fn a_shell_is_cut_at_a_revocation_with_its_reason() {
    let stage = Stage::new();
    let grant = stage.alice.granted("web1", "admin", "1h");
    let mut terminal = terminal(&stage, &[&web1()]);
    terminal.type_in("echo re''ady\r");
    terminal.wait_for("ready", SOON);
    stage.sam.ask(&format!("revoke {grant} --note over and out")).ok();
    assert_eq!(terminal.wait(SOON), Some(124));
    let screen = terminal.screen();
    assert!(screen.contains(&grant) && screen.contains("over and out"), "{screen}");
    stage.web1.expect_quiet(LATE);
}

#[test]
fn a_client_that_stopped_reading_holds_nothing_up() {
    let stage = Stage::new();
    let grant = stage.alice.granted("web1", "admin", "1h");
    let sleep = own_sleep();
    let command = format!("sleep {sleep} & cat /dev/zero");
    let to = web1();
    // Nobody reads this pipe: the inner client stops, its proxy stops, and the outer connection with them.
    let (reader, writer) = std::io::pipe().unwrap();
    let run = jumping(&stage, &stage.alice, &[&to, &command]).raw(Stdio::null(), writer);
    eventually(SOON, "it runs", || !processes(&["sleep", &sleep]).is_empty());
    stage.sam.ask(&format!("revoke {grant} --note stalled")).ok();
    stage.web1.expect_quiet(LATE);
    eventually(LATE, "the process on the target is gone", || processes(&["sleep", &sleep]).is_empty());
    assert_eq!(stage.gateway.ended_session()["ended_why"], "revoked");
    drop((run, reader));
}

#[test]
fn a_stopped_outer_client_holds_nothing_up() {
    let stage = Stage::new();
    let grant = stage.alice.granted("web1", "admin", "1h");
    let sleep = own_sleep();
    let socket = stage.alice.dir().join("outer").display().to_string();
    let outer = stage.alice.ssh(&["-N", "-M", "-S", &socket, "bastion"]).start();
    eventually(SOON, "the master is ready", || {
        stage.alice.ssh(&["-S", &socket, "-O", "check", "bastion"]).run().code == Some(0)
    });
    let through = format!("-oProxyCommand=ssh -F {} -S {socket} -W %h:%p bastion", stage.alice.config().display());
    let (to, command) = (web1(), format!("sleep {sleep} & cat /dev/zero"));
    let run = stage.alice.ssh(&[&through, &trusting(&stage), &to, &command]).raw(Stdio::null(), Stdio::null());
    eventually(SOON, "it runs", || !processes(&["sleep", &sleep]).is_empty());
    outer.signal(Signal::STOP);
    stage.sam.ask(&format!("revoke {grant} --note stalled")).ok();
    stage.web1.expect_quiet(LATE);
    eventually(LATE, "the process on the target is gone", || processes(&["sleep", &sleep]).is_empty());
    assert_eq!(stage.gateway.ended_session()["ended_why"], "revoked");
    drop((run, outer));
}

#[test]
fn bytes_pass_unchanged_both_ways() {
    let stage = Stage::granted();
    let bytes: Vec<u8> = (0..3_000_000_u32).map(|n| (n ^ (n >> 8) ^ (n >> 16)) as u8).collect();
    let run = jump(&stage, "web1", "cat").input(bytes.clone()).run().ok();
    assert!(run.stdout == bytes, "{} of {} bytes", run.stdout.len(), bytes.len());
}

#[test]
fn the_host_key_of_the_target_is_certified_by_the_host_ca() {
    let stage = Stage::granted();
    let ca = stage.gateway.trust().printed;
    let ca = ca.lines().find_map(|line| line.strip_prefix("@cert-authority * ")).expect("a line of the CA").to_owned();
    let known = stage.alice.dir().join("only_ca");
    let with = |pattern: &str| {
        std::fs::write(&known, format!("@cert-authority {pattern} {ca}\n")).unwrap();
        let known = format!("-oUserKnownHostsFile={}", known.display());
        let words =
            ["-J", "bastion", &known, "-oHostKeyAlgorithms=ssh-ed25519-cert-v01@openssh.com", &web1(), "echo in"];
        stage.alice.ssh(&words).run()
    };
    assert_eq!(with("web1").ok().text(), "in\n");
    with("web2").expect(255);
    // The certificate is for the name alone.
    std::fs::write(&known, format!("@cert-authority other {ca}\n")).unwrap();
    let known = format!("-oUserKnownHostsFile={}", known.display());
    let run = stage.alice.ssh(&["-J", "bastion", &known, "-oHostKeyAlias=other", &web1(), "echo in"]).run();
    run.expect(255);
}

#[test]
fn the_block_that_curfew_ca_prints_works_as_it_is() {
    let stage = Stage::granted();
    let printed = stage.gateway.trust().printed;
    let begin = printed.find("Host bastion").expect("a block for ssh_config");
    let block: String =
        printed[begin..].lines().take_while(|line| !line.is_empty()).map(|line| format!("{line}\n")).collect();
    let file = stage.alice.dir().join("pasted");
    // What the person knows already, and the port of this test, stand before it: the first value counts.
    let known = stage.gateway.known_hosts();
    let include =
        format!("Include {}\nHost *\n  UserKnownHostsFile {}\n", stage.alice.config().display(), known.display());
    std::fs::write(&file, include + &block).unwrap();
    let run = Program::new("ssh").arg("-F").arg(&file).args([web1().as_str(), "echo pasted"]).run().ok();
    assert_eq!(run.text(), "pasted\n");
}

#[test]
fn so_many_connections_run_inside_one_and_no_more() {
    let stage = Stage::granted();
    let socket = stage.alice.dir().join("outer").display().to_string();
    let _outer = stage.alice.ssh(&["-N", "-M", "-S", &socket, "bastion"]).start();
    eventually(SOON, "the master is ready", || {
        stage.alice.ssh(&["-S", &socket, "-O", "check", "bastion"]).run().code == Some(0)
    });
    let open = || stage.alice.ssh(&["-S", &socket, "-W", "web1:22", "bastion"]).start();
    let inside: Vec<_> = (0..32).map(|_| open()).collect();
    for one in &inside {
        one.stdout.wait_for("SSH-2.0-Curfew", SOON);
    }
    let mut further = open();
    assert_eq!(further.wait(SOON).stdout, b"");
    drop(inside);
    eventually(SOON, "there is room again", || {
        let mut one = open();
        let _ = one.stdin.as_mut().map(|stdin| stdin.write_all(b"bye\r\n"));
        one.wait(SOON).text().contains("SSH-2.0-Curfew")
    });
}

#[test]
fn the_bastions_own_names_are_certified_where_they_are_configured() {
    let stage = Stage::with(|setup| setup.ssh = "names = [\"Bastion.example.com\", \"127.0.0.1\"]".to_owned());
    let printed = stage.gateway.trust().printed;
    assert!(printed.contains("HostName bastion.example.com"), "{printed}");
    let ca = printed.lines().find(|line| line.starts_with("@cert-authority * ")).expect("a line of the CA");
    let known = stage.alice.dir().join("only_ca");
    std::fs::write(&known, format!("{ca}\n")).unwrap();
    let known = format!("-oUserKnownHostsFile={}", known.display());
    stage.alice.ssh(&[&known, "bastion", "whoami"]).run().ok();
    stage.alice.ssh(&[&known, "-oHostKeyAlias=bastion.example.com", "bastion", "whoami"]).run().ok();
    stage.alice.ssh(&[&known, "-oHostKeyAlias=web1", "bastion", "whoami"]).run().expect(255);
}

#[test]
fn a_session_inside_ends_with_the_connection_around_it() {
    let stage = Stage::granted();
    let sleep = own_sleep();
    let socket = stage.alice.dir().join("outer").display().to_string();
    let outer = stage.alice.ssh(&["-N", "-M", "-S", &socket, "bastion"]).start();
    eventually(SOON, "the master is ready", || {
        stage.alice.ssh(&["-S", &socket, "-O", "check", "bastion"]).run().code == Some(0)
    });
    let through = format!("-oProxyCommand=ssh -F {} -S {socket} -W %h:%p bastion", stage.alice.config().display());
    let words = [through.as_str(), &trusting(&stage), &web1(), &format!("sleep {sleep}")].map(str::to_owned);
    let run = stage.alice.ssh(&words.each_ref().map(String::as_str)).start();
    eventually(SOON, "it runs", || !processes(&["sleep", &sleep]).is_empty());
    outer.signal(Signal::KILL);
    stage.web1.expect_quiet(SOON);
    assert_eq!(stage.gateway.ended_session()["ended_why"], "client");
    drop(run);
}

#[test]
fn a_bastion_that_goes_down_says_so_inside() {
    let stage = Stage::with(|setup| setup.ssh = "drain = \"1s\"".to_owned());
    let grant = stage.alice.granted("web1", "admin", "1h");
    let sleep = own_sleep();
    let mut run = jump(&stage, "web1", &format!("sleep {sleep}")).start();
    eventually(SOON, "it runs", || !processes(&["sleep", &sleep]).is_empty());
    stage.gateway.signal(Signal::TERM);
    run.wait(SOON).expect(124).says(&grant).says("restarting");
    assert_eq!(stage.gateway.wait(SOON), Some(0));
    stage.web1.expect_quiet(LATE);
}

#[test]
fn a_connection_whose_key_is_taken_away_leads_nowhere_new() {
    let stage = Stage::granted();
    let other = Client::new("other");
    let socket = stage.alice.dir().join("outer").display().to_string();
    let _outer = stage.alice.ssh(&["-N", "-M", "-S", &socket, "bastion"]).start();
    let through = || stage.alice.ssh(&["-S", &socket, "-W", "web1:22", "bastion"]).input("bye\r\n").run();
    eventually(SOON, "the master is ready, and leads to web1", || through().text().contains("SSH-2.0-Curfew"));
    stage.gateway.edit(|toml| toml.replace(&stage.alice.key.public, &other.key.public));
    stage.gateway.reload();
    eventually(SOON, "it leads nowhere", || through().stdout.is_empty());
}
