//! The demo, exactly as it tells people to type it, and the example configuration that comes with it.

use std::path::{Path, PathBuf};

use rustix::process::Signal;

use crate::support::{Client, Gateway, Program, SOON, Terminal, eventually, processes};

/// A demo that runs, and what it said.
struct Demo {
    process: crate::support::process::Running,
    said: String,
    _home: tempfile::TempDir,
}

impl Demo {
    fn start(grant: &str) -> Self {
        // A home without a profile, which may do anything and take its time.
        let home = tempfile::tempdir().expect("make a folder");
        let demo = Gateway::bare(&["demo", "--grant", grant]).env("HOME", home.path()).env("SHELL", "/bin/bash");
        let process = demo.start();
        process.stdout.wait_for("Ctrl-C here ends the demo", SOON);
        let said = process.stdout.text();
        Self { process, said, _home: home }
    }

    /// The command of a step, as it is printed.
    fn step(&self, number: usize) -> &str {
        let heading = format!("\n  {number}. ");
        let step = self.said.split(&heading).nth(1).expect("the step is printed");
        step.lines().nth(1).expect("a command follows").trim()
    }

    fn paste(&self, number: usize) -> Program {
        Program::new("sh").args(["-c", self.step(number)])
    }

    fn folder(&self) -> PathBuf {
        let config = self.said.split_whitespace().find(|word| word.ends_with("curfew.toml")).expect("it is named");
        Path::new(config).parent().expect("a folder").to_owned()
    }

    /// Ends it, and checks that it cleaned up.
    fn end(mut self, signal: Signal) {
        let folder = self.folder();
        assert!(folder.is_dir());
        self.process.signal(signal);
        self.process.wait(SOON).ok();
        assert!(!folder.exists(), "{} is gone", folder.display());
    }
}

#[test]
fn every_command_that_the_demo_prints_works_as_printed() {
    let demo = Demo::start("12s");
    assert!(demo.paste(1).run().ok().text().contains("alice"));
    demo.paste(2).run().ok();
    demo.paste(3).run().ok();
    let mut terminal = Terminal::start("sh", &["-c".to_owned(), demo.step(4).to_owned()]);
    terminal.wait_for("This is web1", SOON);
    terminal.type_in("echo six times seven is $((6 * 7)); sleep 4321 &\n");
    terminal.wait_for("six times seven is 42", SOON);
    assert_eq!(terminal.wait(SOON), Some(124));
    terminal.wait_for("expired", SOON);
    eventually(SOON, "what she left running is gone", || processes(&["sleep", "4321"]).is_empty());
    let mut replay = Terminal::start("sh", &["-c".to_owned(), demo.step(5).to_owned()]);
    replay.wait_for("six times seven is 42", SOON);
    assert_eq!(replay.wait(SOON), Some(0));
    let audit = demo.paste(6).run().ok().text();
    for action in ["request.filed", "request.approved", "session.started", "grant.expired", "recording.sealed"] {
        assert!(audit.contains(action), "{action} is in {audit}");
    }
    demo.paste(7).run().ok();
    demo.paste(8).run().ok();
    demo.end(Signal::INT);
}

#[test]
fn the_demo_cleans_up_after_itself_in_the_middle_of_a_session() {
    for signal in [Signal::TERM, Signal::HUP] {
        let demo = Demo::start("60s");
        demo.paste(2).run().ok();
        demo.paste(3).run().ok();
        let terminal = Terminal::start("sh", &["-c".to_owned(), demo.step(4).to_owned()]);
        terminal.wait_for("This is web1", SOON);
        terminal.type_in("sleep 4322 &\n");
        eventually(SOON, "it runs", || !processes(&["sleep", "4322"]).is_empty());
        demo.end(signal);
        eventually(SOON, "what ran in it is gone", || processes(&["sleep", "4322"]).is_empty());
    }
}

#[test]
fn the_demos_folder_is_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let demo = Demo::start("60s");
    let mode = std::fs::metadata(demo.folder()).expect("it is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    demo.end(Signal::TERM);
}

#[test]
fn the_example_configuration_is_right_but_for_its_keys() {
    let mut toml = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/curfew.example.toml"))
        .expect("read the example");
    let bare = Gateway::prepare(&toml).curfew(&["check"]).run().expect(2);
    let faults = bare.stderr.lines().filter(|line| !line.trim().is_empty()).count();
    let clients: Vec<Client> = (0..6).map(|_| Client::new("someone")).collect();
    let placeholders = toml.matches("-EXAMPLE").count();
    assert_eq!((placeholders, faults), (6, 6), "only the placeholders are wrong: {bare:?}");
    for client in &clients {
        let start = toml.find("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI-").expect("a placeholder");
        let end = start + toml[start..].find('"').expect("its end");
        toml.replace_range(start..end, &client.key.bare());
    }
    let checked = Gateway::prepare(&toml).curfew(&["check"]).run().ok();
    assert_eq!(checked.stderr, "", "no warnings either");
}
