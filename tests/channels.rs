//! What an SSH channel carries: commands, shells, terminals, subsystems, exit status, half close.

use russh::Sig;

use crate::support::wire::Ended;
use crate::support::{Master, SOON, Stage, Wire, eventually, login, web1};

#[test]
fn the_exit_status_of_a_command_is_the_clients_own() {
    let stage = Stage::granted();
    for code in [0, 1, 2, 77, 124, 255] {
        stage.on_web1(&format!("exit {code}")).run().expect(code);
    }
}

#[test]
fn a_command_killed_by_a_signal_ends_as_with_plain_ssh() {
    let stage = Stage::granted();
    // OpenSSH's client has 255 for an exit-signal (RFC 4254 §6.10).
    stage.on_web1("kill -KILL $$").run().expect(255);
}

#[test]
fn stderr_comes_on_stderr() {
    let stage = Stage::granted();
    let run = stage.on_web1("echo out; echo err >&2").run().ok();
    assert_eq!((run.text().as_str(), run.stderr.as_str()), ("out\n", "err\n"));
}

#[test]
fn a_command_sees_the_end_of_stdin_and_answers_after_it() {
    let stage = Stage::granted();
    assert_eq!(stage.on_web1("tac").input("1\n2\n3\n").run().ok().text(), "3\n2\n1\n");
    assert_eq!(stage.on_web1("sort; echo done >&2").input("b\na\n").run().ok().text(), "a\nb\n");
}

#[test]
fn a_command_that_closes_its_output_first_still_reads_all_input() {
    let stage = Stage::granted();
    let run = stage.on_web1("exec >&-; wc -c >&2").input(vec![b'x'; 300_000]).run().ok();
    assert_eq!(run.stderr.trim(), "300000");
}

#[test]
fn every_byte_value_passes_unchanged_in_both_directions() {
    let stage = Stage::granted();
    let bytes: Vec<u8> = (0..=255).cycle().take(256 * 1024).collect();
    let run = stage.on_web1("cat").input(bytes.clone()).run().ok();
    assert!(run.stdout == bytes, "{} bytes came back", run.stdout.len());
    let run = stage.on_web1("cat >&2").input("caf\u{e9} \u{2603}".as_bytes()).run().ok();
    assert_eq!(run.stderr, "café ☃");
}

#[test]
fn a_command_arrives_byte_for_byte() {
    let stage = Stage::granted();
    let command = "printf '%s|' 'a  b' \"$((1+1))\" '`' \"\\\\\" 'é☃' '*'";
    assert_eq!(stage.on_web1(command).run().ok().text(), "a  b|2|`|\\|é☃|*|");
}

#[test]
fn a_shell_without_a_terminal_reads_its_script_from_stdin() {
    let stage = Stage::granted();
    let run = stage.alice.ssh(&["-T", "web1@bastion"]).input("echo from the script\nexit 4\n").run().expect(4);
    assert!(run.text().contains("from the script"), "{run:?}");
}

#[test]
fn a_shell_on_a_terminal_is_typed_at() {
    let stage = Stage::granted();
    let mut terminal = stage.alice.terminal(&["-tt", "web1@bastion"]);
    terminal.type_in("echo $((40+2))is-the-answer\r");
    terminal.wait_for("42is-the-answer", SOON);
    terminal.type_in("exit 6\r");
    assert_eq!(terminal.wait(SOON), Some(6));
}

#[test]
fn a_terminal_has_its_type_size_and_modes() {
    let stage = Stage::granted();
    let mut terminal =
        stage.alice.terminal(&["-tt", "web1@bastion", "echo \"<$TERM>\"; stty size; stty -a; echo end of modes"]);
    terminal.wait_for("end of modes", SOON);
    let screen = terminal.screen();
    assert!(screen.contains("<xterm-256color>"), "{screen}");
    assert!(screen.contains("24 80"), "{screen}");
    assert!(screen.contains("intr = ^C") && screen.contains(" icanon") && screen.contains(" echo"), "{screen}");
    assert_eq!(terminal.wait(SOON), Some(0));
}

#[test]
fn the_modes_of_the_clients_terminal_arrive() {
    let stage = Stage::granted();
    let setting = "stty intr ^G erase ^H -ixon; exec ssh \"$@\"";
    let config = stage.alice.config().display().to_string();
    let words = ["-c", setting, "sh", "-F", &config, "-tt", "web1@bastion", "stty -a; echo end of modes"];
    let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
    let mut terminal = crate::support::Terminal::start("sh", &words);
    terminal.wait_for("end of modes", SOON);
    let screen = terminal.screen();
    assert!(screen.contains("intr = ^G") && screen.contains("erase = ^H") && screen.contains("-ixon"), "{screen}");
    assert_eq!(terminal.wait(SOON), Some(0));
}

#[test]
fn a_resized_window_is_resized_on_the_target() {
    let stage = Stage::granted();
    let command = "trap 'stty size' WINCH; echo ready; while :; do sleep 0.05; done";
    let terminal = stage.alice.terminal(&["-tt", "web1@bastion", command]);
    terminal.wait_for("ready", SOON);
    terminal.resize(132, 50);
    terminal.wait_for("50 132", SOON);
    terminal.resize(61, 17);
    terminal.wait_for("17 61", SOON);
}

#[test]
fn control_c_interrupts_the_program_on_the_target() {
    let stage = Stage::granted();
    let mut terminal = stage.alice.terminal(&[
        "-tt",
        "web1@bastion",
        "trap 'echo caught; exit 9' INT; echo ready; while :; do sleep 0.05; done",
    ]);
    terminal.wait_for("ready", SOON);
    terminal.type_in(b"\x03");
    terminal.wait_for("caught", SOON);
    assert_eq!(terminal.wait(SOON), Some(9));
}

#[test]
fn a_break_reaches_the_target() {
    let stage = Stage::granted();
    let mut terminal = stage.alice.terminal(&["-tt", "web1@bastion", "echo ready; cat"]);
    terminal.wait_for("ready", SOON);
    terminal.type_in(b"\r~B");
    eventually(SOON, "sshd was asked for a break", || stage.web1.log().contains("break"));
    terminal.type_in(b"still here\r\x04");
    terminal.wait_for("still here", SOON);
    terminal.type_in(b"\x04");
    assert_eq!(terminal.wait(SOON), Some(0));
}

#[test]
fn an_exit_signal_arrives_as_one() {
    let stage = Stage::granted();
    let mut wire = Wire::open(&stage.gateway);
    assert!(wire.prove("web1", &stage.alice).unwrap());
    let ended = wire.ended(wire.exec("echo so far; kill -TERM $$"));
    assert_eq!(ended, Ended { output: "so far\n".to_owned(), status: None, signal: Some("TERM".to_owned()) });
}

#[test]
fn a_signal_reaches_the_target() {
    let stage = Stage::granted();
    let mut wire = Wire::open(&stage.gateway);
    assert!(wire.prove("web1", &stage.alice).unwrap());
    let mut channel =
        wire.exec("trap 'echo caught; exit 9' TERM; echo ready; for n in $(seq 400); do sleep 0.05; done");
    wire.wait_for(&mut channel, "ready");
    wire.signal(&channel, Sig::TERM);
    if login() == "root" {
        // OpenSSH hands no signals to root's processes: it is enough that it was asked.
        eventually(SOON, "sshd was asked", || stage.web1.log().contains("request signal"));
    } else {
        assert_eq!(wire.ended(channel).status, Some(9));
    }
}

#[test]
fn environment_passes_where_the_role_allows_it() {
    let stage = Stage::granted();
    let words =
        ["-o", "SetEnv=TEST_COLOUR=blue SECRET_COLOUR=red", "web1@bastion", "echo \"<$TEST_COLOUR$SECRET_COLOUR>\""];
    assert_eq!(stage.alice.ssh(&words).run().ok().text(), "<blue>\n");
    let log = stage.web1.log();
    assert!(!log.contains("SECRET_COLOUR"), "what the role does not name never reaches the target: {log}");
}

#[test]
fn another_subsystem_than_sftp_needs_its_own_permission() {
    let stage = Stage::granted();
    let run = stage.alice.ssh(&["-s", "web1@bastion", "echo"]).input("through").run();
    // The role has `exec = ["*"]` and a shell: a subsystem is a program on the target as well.
    assert!(run.code == Some(0) && run.text() == "through" || run.code == Some(77), "{run:?}");
}

#[test]
fn a_subsystem_that_the_target_lacks_fails_as_with_plain_ssh() {
    let stage = Stage::granted();
    let run = stage.alice.ssh(&["-s", "web1@bastion", "no-such-subsystem"]).run();
    assert!(run.code != Some(0), "{run:?}");
}

#[test]
fn twenty_channels_share_one_connection() {
    let stage = Stage::granted();
    let master = Master::open(&stage.alice, &web1());
    let mut channels: Vec<_> = (0..20).map(|n| master.run(&format!("cat; echo {n}; exit {n}")).start()).collect();
    for (n, channel) in channels.iter_mut().enumerate() {
        channel.type_in(format!("line of {n}\n"));
        channel.stdout.wait_for(&format!("line of {n}\n"), SOON);
    }
    for (n, channel) in channels.iter_mut().enumerate() {
        channel.stdin = None;
        let run = channel.wait(SOON).expect(i32::try_from(n).unwrap());
        assert_eq!(run.text(), format!("line of {n}\n{n}\n"));
    }
    // sshd runs ten sessions on a connection, unless its configuration says otherwise.
    assert_eq!(stage.web1.connections(), 3, "eight channels go over a connection to the target");
    master.run("echo after all").run().ok();
}

#[test]
fn the_channels_of_a_connection_end_on_their_own() {
    let stage = Stage::granted();
    let master = Master::open(&stage.alice, &web1());
    let mut long = master.run("cat").start();
    for code in 0..5 {
        master.run(&format!("exit {code}")).run().expect(code);
    }
    long.type_in("still open\n");
    long.stdout.wait_for("still open", SOON);
}

#[test]
fn what_the_role_does_not_name_is_off() {
    let stage = Stage::new();
    stage.alice.granted("web1", "look", "1h");
    stage.on_web1("echo allowed").run().ok();
    stage.on_web1("id").run().expect(77).says("id");
    stage.on_web1("echo a; id").run().expect(77);
    stage.on_web1("echo $(id)").run().expect(77);
    let run = stage.alice.ssh(&["-T", "web1@bastion"]).input("id\n").run().expect(77);
    assert_eq!(run.stdout, b"");
}
