//! OpenSSH itself. A gigabyte in both directions is in `flow`.

use std::io::Read;
use std::process::Stdio;

use super::door::{BIG, Door, ODD, every_byte};
use crate::support::{Master, Program, SOON};

fn sftp(door: &Door, batch: &str) -> String {
    Program::new("sftp").args(["-F", &door.config(), "-b", "-", door.host]).input(batch).run().ok().text()
}

pub fn commands(door: &Door) {
    let run = door.ssh(&["cat; echo problem >&2; exit 3"]).input(every_byte()).run().expect(3);
    assert!(run.stdout == every_byte());
    assert_eq!(run.stderr, "problem\n");
}

/// OpenSSH's client has 255 for an exit-signal.
pub fn signals(door: &Door) {
    door.ssh(&["kill -TERM $$"]).run().expect(255);
}

pub fn files(door: &Door) {
    let (big, far, back) = (door.big(BIG), door.far().join("big"), door.near().join("back"));
    sftp(door, &format!("put -p {} {far}\nget {far} {}\n", big.display(), back.display(), far = far.display()));
    door.moved_and_told(BIG, &far, &back);
    for mode in ["-s", "-O"] {
        let there = format!("{}:{}", door.host, far.display());
        let scp =
            |from: &str, to: &str| Program::new("scp").args([mode, "-p", "-F", &door.config(), from, to]).run().ok();
        scp(&big.display().to_string(), &there);
        scp(&there, &back.display().to_string());
        door.moved_and_told(BIG, &far, &back);
        copied_tree(door, mode);
    }
}

fn copied_tree(door: &Door, mode: &str) {
    let tree = door.near().join(format!("tree{mode}"));
    std::fs::create_dir_all(tree.join("deep/er")).unwrap();
    std::fs::write(tree.join("deep/er/leaf"), "leaf").unwrap();
    let there = format!("{}:{}/", door.host, door.far().display());
    Program::new("scp").args([mode, "-r", "-F", &door.config()]).arg(&tree).arg(there).run().ok();
    assert_eq!(std::fs::read_to_string(door.far().join(format!("tree{mode}/deep/er/leaf"))).unwrap(), "leaf");
    let gone = format!("{}:/no/such/file", door.host);
    Program::new("scp").args([mode, "-F", &door.config(), &gone]).arg(door.near().join("none")).run().expect(1);
}

pub fn listing(door: &Door) {
    let listed = sftp(door, &format!("ls -1 {}/many\nls -l {0}/many\n", door.far().display()));
    assert_eq!(listed.lines().filter(|line| line.contains("/many/")).count(), 10_000);
}

pub fn names(door: &Door) {
    let (odd, back) = (door.odd(), door.near().join("odd"));
    let _ = std::fs::remove_dir_all(&back);
    sftp(door, &format!("get -r {} {}\n", odd.display(), back.display()));
    for name in ODD {
        assert_eq!(std::fs::read_to_string(back.join(name)).unwrap(), name);
    }
    sftp(door, &format!("put -r {} {}/again\n", back.display(), door.far().display()));
    for name in ODD {
        assert_eq!(std::fs::read_to_string(door.far().join("again").join(name)).unwrap(), name);
    }
    std::fs::remove_dir_all(door.far().join("again")).unwrap();
}

pub fn terminal(door: &Door) {
    let terminal = door.stage.alice.terminal(&["-tt", door.host, "stty size; read x; stty size"]);
    terminal.wait_for("24 80", SOON);
    terminal.resize(132, 50);
    // The resize and what is typed after it go in order.
    terminal.type_in("\r");
    terminal.wait_for("50 132", SOON);
}

pub fn channels(door: &Door) {
    let target = door.host.strip_suffix("@bastion").unwrap_or(door.host);
    let master = Master::open(&door.stage.alice, target);
    let mut stalled = master.run("cat /dev/zero").raw(Stdio::null(), Stdio::piped());
    // It flows, and then nobody reads it any more.
    stalled.0.stdout.as_mut().unwrap().read_exact(&mut vec![0; 1 << 20]).unwrap();
    let others: Vec<_> = (0..19).map(|n| master.run(&format!("head -c 300000 /dev/zero; echo {n}")).start()).collect();
    for (n, mut other) in others.into_iter().enumerate() {
        let run = other.wait(SOON).ok();
        assert_eq!(run.stdout.len(), 300_000 + format!("{n}\n").len());
    }
}
