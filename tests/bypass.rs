//! Ways past a role that somebody tries first, with a client that sends what OpenSSH's does not.

use std::path::{Path, PathBuf};

use russh::Channel;
use russh::client::Msg;

use crate::support::{SOON, Stage, Target, Wire, login, web1};

/// Alice with the role `look` on `web1` (`echo *` and `tail *`, files for reading), and a connection of hers; and the
/// file that a command makes that got through.
fn looking() -> (Stage, Wire, PathBuf) {
    let stage = Stage::new();
    stage.alice.granted("web1", "look", "1h");
    let wire = connected(&stage);
    let owned = stage.web1.dir.path().join("owned");
    (stage, wire, owned)
}

#[track_caller]
fn connected(stage: &Stage) -> Wire {
    let mut wire = Wire::open(&stage.gateway);
    assert!(wire.prove(&web1(), &stage.alice).unwrap());
    wire
}

/// Waits for the end of a channel on which nothing may have run.
#[track_caller]
fn refused(wire: &Wire, channel: Channel<Msg>, owned: &Path, what: &str) {
    let ended = wire.ended(channel);
    assert_eq!((ended.status, ended.output.as_str()), (Some(77), ""), "{what:?}: {ended:?}");
    assert!(!owned.exists(), "{what:?} ran");
}

#[test]
fn no_command_slips_past_the_patterns_of_a_role() {
    let (stage, wire, owned) = looking();
    let touch = format!("touch {}", owned.display());
    let commands = [
        touch.clone(),
        String::new(),
        " ".to_owned(),
        format!("echo a\n{touch}"),
        format!("echo a\r{touch}"),
        format!("echo a\r\n{touch}"),
        format!("echo a;{touch}"),
        format!("echo a&&{touch}"),
        format!("echo a||{touch}"),
        format!("echo a&{touch}"),
        format!("echo a|{touch}"),
        format!("echo $({touch})"),
        format!("echo `{touch}`"),
        format!("echo \"$({touch})\""),
        format!("echo '$({touch})'"),
        format!("echo <({touch})"),
        format!("echo ${{IFS:-$({touch})}}"),
        format!("echo a >{}", owned.display()),
        format!("echo a\0;{touch}"),
        format!("echo a\u{b}{touch}"),
        format!("echo a\u{c};{touch}"),
        format!("echo a\x1b;{touch}"),
        format!("{touch} echo a"),
        format!("{touch};echo a"),
        format!("{touch}\necho a"),
        " echo a".to_owned(),
        "\techo a".to_owned(),
        "echo\ta".to_owned(),
        "echo".to_owned(),
        "Echo a".to_owned(),
        "FOO=bar echo a".to_owned(),
        "LD_PRELOAD=/tmp/x.so echo a".to_owned(),
        "/bin/echo a".to_owned(),
        "./echo a".to_owned(),
        "\\echo a".to_owned(),
        "'echo' a".to_owned(),
        "-- echo a".to_owned(),
        "command echo a".to_owned(),
        "env echo a".to_owned(),
        // With a Cyrillic `е`, a letter of full width, a soft hyphen, and a space that is none.
        "\u{435}cho a".to_owned(),
        "\u{ff45}cho a".to_owned(),
        "ec\u{ad}ho a".to_owned(),
        "echo\u{a0}a".to_owned(),
    ];
    for command in &commands {
        refused(&wire, wire.exec(command), &owned, command);
    }
    assert!(!stage.web1.log().contains("Starting session"), "nothing was begun on the target");
    // What only looks like an operator is text, for the shell too.
    for (command, output) in [
        (format!("echo a\u{ff1b}{touch}"), format!("a\u{ff1b}{touch}\n")),
        (format!("echo a\u{37e}{touch}"), format!("a\u{37e}{touch}\n")),
        ("echo a\tb".to_owned(), "a b\n".to_owned()),
    ] {
        let ended = wire.ended(wire.exec(&command));
        assert_eq!((ended.status, ended.output), (Some(0), output), "{command:?}");
    }
    assert!(!owned.exists());
}

#[test]
fn nothing_starts_on_a_channel_after_a_refused_start() {
    let (stage, wire, owned) = looking();
    let touch = format!("touch {}", owned.display());
    for another in ["shell", "exec", "subsystem"] {
        let channel = wire.exec(&touch);
        // The channel may be closed already, which is as good.
        let _ = wire.wait(async {
            match another {
                "shell" => channel.request_shell(true).await,
                "exec" => channel.exec(true, "echo allowed").await,
                _ => channel.request_subsystem(true, "sftp").await,
            }
        });
        refused(&wire, channel, &owned, another);
    }
    assert!(!stage.web1.log().contains("Starting session"), "nothing was begun on the target");
    assert_eq!(wire.ended(wire.exec("echo on")).output, "on\n", "the connection goes on");
}

#[test]
fn what_is_asked_of_a_channel_that_runs_is_refused_and_it_goes_on() {
    let (stage, wire, owned) = looking();
    let file = stage.web1.dir.path().join("followed");
    std::fs::write(&file, "first\n").unwrap();
    let mut channel = wire.exec(&format!("tail -f {}", file.display()));
    wire.wait_for(&mut channel, "first\n");
    let touch = format!("touch {}", owned.display());
    for request in ["exec", "allowed exec", "shell", "subsystem", "pty", "env", "agent", "x11"] {
        wire.wait(async {
            match request {
                "exec" => channel.exec(true, touch.as_str()).await,
                "allowed exec" => channel.exec(true, "echo second").await,
                "shell" => channel.request_shell(true).await,
                "subsystem" => channel.request_subsystem(true, "sftp").await,
                "pty" => channel.request_pty(true, "xterm", 80, 24, 0, 0, &[]).await,
                "env" => channel.set_env(true, "LANG", "C").await,
                "agent" => channel.agent_forward(true).await,
                _ => channel.request_x11(true, false, "MIT-MAGIC-COOKIE-1", "00", 0).await,
            }
        })
        .unwrap();
        assert!(!wire.answer(&mut channel), "{request}");
    }
    std::fs::write(&file, "first\nmore\n").unwrap();
    wire.wait_for(&mut channel, "more\n");
    assert!(!owned.exists());
}

#[test]
fn of_two_commands_sent_at_once_on_a_channel_the_first_counts() {
    let (_stage, wire, owned) = looking();
    let touch = format!("touch {}", owned.display());
    let channel = wire.channel();
    wire.start(&channel, "echo first").unwrap();
    let _ = wire.start(&channel, &touch);
    assert_eq!(wire.ended(channel).output, "first\n");
    let channel = wire.channel();
    wire.start(&channel, &touch).unwrap();
    let _ = wire.start(&channel, "echo first");
    refused(&wire, channel, &owned, "the first was not allowed");
}

#[test]
fn a_subsystem_has_its_exact_name() {
    let (stage, wire, owned) = looking();
    for name in [
        "internal-sftp",
        "sftp -x",
        "sftp ",
        " sftp",
        "SFTP",
        "sftp\0",
        "sftp\n",
        "sftp-server",
        "/usr/lib/openssh/sftp-server",
        "netconf",
        "echo",
        "",
    ] {
        let channel = wire.channel();
        wire.wait(channel.request_subsystem(true, name)).unwrap();
        refused(&wire, channel, &owned, name);
    }
    assert!(!stage.web1.log().contains("subsystem request"), "the target was asked for none");
}

#[test]
fn a_terminal_makes_no_shell_of_a_command() {
    let (_stage, wire, owned) = looking();
    for start in [None, Some("bash"), Some("/bin/sh -i"), Some("echo a; bash"), Some("exec bash"), Some("-bash")] {
        let mut channel = wire.channel();
        wire.wait(channel.request_pty(true, "xterm", 80, 24, 0, 0, &[])).unwrap();
        assert!(wire.answer(&mut channel), "a terminal is there for commands that are allowed");
        match start {
            None => wire.wait(channel.request_shell(true)).unwrap(),
            Some(command) => wire.start(&channel, command).unwrap(),
        }
        let ended = wire.ended(channel);
        assert_eq!(ended.status, Some(77), "{start:?}: {ended:?}");
        assert!(!owned.exists());
    }
}

#[test]
fn no_variable_reaches_the_target_that_the_role_does_not_name() {
    let (stage, wire, _) = looking();
    let mut channel = wire.channel();
    for name in [
        "LD_PRELOAD",
        "LD_LIBRARY_PATH",
        "BASH_ENV",
        "ENV",
        "PATH",
        "IFS",
        "PS4",
        "SHELLOPTS",
        "PYTHONSTARTUP",
        "SSH_AUTH_SOCK",
        "lang",
        "LANGUAGE",
        " LANG",
        "LANG ",
        "LC_*",
        "LC_ALL=x",
        "LC_ALL\0",
        "LC_ALL\nLD_PRELOAD",
        "BASH_FUNC_LC_x%%",
        "LC_x()",
        "",
    ] {
        wire.wait(channel.set_env(true, name, "/tmp/hostile")).unwrap();
        assert!(!wire.answer(&mut channel), "{name:?}");
    }
    wire.wait(channel.set_env(true, "LC_TIME", "C")).unwrap();
    assert!(wire.answer(&mut channel));
    wire.start(&channel, "echo on").unwrap();
    assert_eq!(wire.ended(channel).output, "on\n");
    assert!(!stage.web1.log().contains("hostile"));
}

#[test]
fn the_agent_asked_for_twice_is_lent_or_refused_twice() {
    let stage = Stage::new();
    for (role, lent) in [("look", false), ("admin", true)] {
        stage.alice.granted("web1", role, "1h");
        let wire = connected(&stage);
        let mut channel = wire.channel();
        for _ in 0..2 {
            wire.wait(channel.agent_forward(true)).unwrap();
            assert_eq!(wire.answer(&mut channel), lent, "{role}");
        }
        wire.start(&channel, "echo on").unwrap();
        assert_eq!(wire.ended(channel).output, "on\n");
    }
}

#[test]
fn a_second_at_sign_leads_to_no_other_target_and_no_other_login() {
    let web2 = Target::start();
    let stage = Stage::with(|setup| setup.target("web2", web2.address(), &web2.host_key.bare(), ""));
    web2.trust(&stage.gateway.trust().user_ca);
    stage.alice.granted("web1", "admin", "1h");
    let (login, known) = (login(), format!("-oUserKnownHostsFile={}", stage.gateway.known_hosts().display()));
    for name in [format!("{login}@web1@web2"), format!("{login}@web2@web1"), "web1@web2".to_owned(), "@web1".to_owned()]
    {
        stage.alice.ssh(&["-l", &name, "bastion", "true"]).limit(SOON).run().expect(77);
        let run = stage.alice.ssh(&["-J", "bastion", &known, "-l", &name, "web1", "true"]).limit(SOON).run();
        assert_eq!(run.code, Some(77), "{name}: {run:?}");
    }
    assert_eq!((stage.web1.connections(), web2.connections()), (0, 0));
}

#[test]
fn the_bastion_by_its_own_name_is_no_second_hop() {
    let stage = Stage::granted();
    let known = format!("-oUserKnownHostsFile={}", stage.gateway.known_hosts().display());
    let outer = stage.gateway.address();
    for hops in [format!("bastion,{outer}"), format!("{0}@bastion,{0}@{outer}", stage.alice.name)] {
        let run = stage.alice.ssh(&["-J", &hops, &known, &web1(), "true"]).limit(SOON).run();
        assert_eq!(run.code, Some(255), "{hops}: {run:?}");
    }
    for host in ["bastion", "localhost", "::1", "[::1]", "fe80::1%lo", "127.0.0.1%lo", "0", "0.0.0.0", "BASTION."] {
        let to = if host.contains(':') && !host.starts_with('[') {
            format!("[{host}]:{}", outer.port())
        } else {
            format!("{host}:{}", outer.port())
        };
        let run = stage.alice.ssh(&["-oLogLevel=INFO", "-W", &to, "bastion"]).limit(SOON).run();
        assert_eq!((run.code, run.stdout.len()), (Some(255), 0), "{host}: {run:?}");
    }
    assert_eq!(stage.web1.connections(), 0);
}
