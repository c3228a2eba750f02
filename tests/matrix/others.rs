//! Clients of other houses: Dropbear and PuTTY.

use std::path::PathBuf;

use super::door::{BIG, Door, ODD, Place, every_byte, host_key};
use crate::support::{Program, SOON, Stage, Terminal};

/// Where Debian has it. It starts itself for each hop, and looks for itself nowhere else than it was called.
const DBCLIENT: &str = "/usr/bin/dbclient";

/// Dropbear's own key for somebody, a stage where they hold `admin`, and the words that lead to its `web1`.
fn dropbear(door: &Door) -> (Stage, Vec<String>) {
    let key = door.near().join("id_dropbear");
    if !key.exists() {
        Program::new("dropbearkey").args(["-t", "ed25519", "-f"]).arg(&key).run().ok();
    }
    let shown = Program::new("dropbearkey").args(["-y", "-f"]).arg(&key).run().ok().text();
    let public = shown.lines().find(|line| line.starts_with("ssh-ed25519")).unwrap().to_owned();
    let stage = Stage::with(|setup| setup.user("erin", &[&public], &["oncall"]));
    // It looks for hosts without their ports, and knows no host certificates.
    std::fs::create_dir_all(door.near().join(".ssh")).unwrap();
    let known = ["web1", "127.0.0.1"].map(|name| format!("{name} {}\n", host_key(&stage)));
    std::fs::write(door.near().join(".ssh/known_hosts"), known.concat()).unwrap();
    // Its first `@` splits the name from the host, so a name with one goes by `-l`.
    let port = stage.gateway.address().port().to_string();
    let key = key.display().to_string();
    let direct = |name: &str| ["-p", &port, "-l", name, "-i", &key, "127.0.0.1"].map(str::to_owned).to_vec();
    let ask =
        Program::new("dbclient").args(direct("erin")).arg("request web1 --role admin --for 10m --reason dropbear");
    ask.env("HOME", door.near()).run().ok();
    let place = door.place_at(&stage);
    let words = match door.via_of(&stage, "erin") {
        // Several hops, as it writes them.
        Some(via) => {
            let hops = format!("{}@{}/{},{}@{}", via.user, via.host, via.port, place.user, place.host);
            vec!["-i".to_owned(), key, hops]
        }
        None => direct(&place.user),
    };
    (stage, words)
}

fn dbclient(door: &Door, words: Vec<String>) -> Program {
    Program::new(DBCLIENT).args(words).env("HOME", door.near())
}

pub fn dropbear_commands(door: &Door) {
    let (_stage, words) = dropbear(door);
    let run = dbclient(door, words).arg("cat; echo problem >&2; exit 3");
    let run = run.input(every_byte()).run().expect(3).says("problem");
    assert!(run.stdout == every_byte());
}

pub fn dropbear_terminal(door: &Door) {
    let (_stage, words) = dropbear(door);
    let home = format!("HOME={}", door.near().display());
    let words = [&[home, DBCLIENT.to_owned(), "-t".to_owned()], words.as_slice(), &[SIZES.to_owned()]];
    resized(&Terminal::start("env", &words.concat()));
}

/// Tells the size of the terminal, and once more when it has changed.
const SIZES: &str = "stty size; until stty size | grep -v '^24 80$'; do sleep 0.1; done";

/// The terminal of `SIZES` is resized. Nothing is typed: a client may send that before the new size.
fn resized(terminal: &Terminal) {
    terminal.wait_for("24 80", SOON);
    terminal.resize(132, 50);
    terminal.wait_for("50 132", SOON);
}

/// What `plink`, `pscp` and `psftp` share: the key in PuTTY's own form, the host key, and the way there.
fn putty(door: &Door) -> Vec<String> {
    let key = door.near().join("id.ppk");
    if !key.exists() {
        Program::new("puttygen").arg(door.key()).args(["-O", "private", "-o"]).arg(&key).run().ok();
    }
    let line = door.near().join("hostkey.pub");
    std::fs::write(&line, door.host_key()).unwrap();
    let print = Program::new("ssh-keygen").args(["-l", "-f"]).arg(&line).run().ok().text();
    let print = print.split(' ').nth(1).unwrap().to_owned();
    let key = key.display().to_string();
    let to = |place: &Place| {
        ["-batch", "-hostkey", &print, "-P", &place.port, "-i", &key, "-l", &place.user].map(str::to_owned).to_vec()
    };
    let place = door.place();
    let mut words = to(&place);
    if let Some(via) = door.via() {
        let through = format!("plink {} -nc {}:{} {}", to(&via).join(" "), place.host, place.port, via.host);
        words.extend(["-proxycmd".to_owned(), through]);
    }
    words
}

fn putty_program(name: &str, door: &Door) -> Program {
    Program::new(name).args(putty(door)).env("HOME", door.near())
}

fn psftp(door: &Door, batch: &str) -> String {
    let script = door.near().join("batch");
    std::fs::write(&script, batch).unwrap();
    putty_program("psftp", door).arg("-b").arg(&script).arg(door.place().host).run().ok().text()
}

pub fn putty_commands(door: &Door) {
    let run = putty_program("plink", door).args([&door.place().host, "cat; echo problem >&2; exit 3"]);
    let run = run.input(every_byte()).run().expect(3).says("problem");
    assert!(run.stdout == every_byte());
}

pub fn putty_files(door: &Door) {
    let (big, far, back) = (door.big(BIG), door.far().join("big"), door.near().join("back"));
    let there = format!("{}:{}", door.place().host, far.display());
    for mode in ["-sftp", "-scp"] {
        putty_program("pscp", door).args([mode, "-q"]).arg(&big).arg(&there).run().ok();
        putty_program("pscp", door).args([mode, "-q", &there]).arg(&back).run().ok();
        door.moved_and_told(BIG, &far, &back);
    }
    psftp(door, &format!("put {} {far}\nget {far} {}\n", big.display(), back.display(), far = far.display()));
    door.moved_and_told(BIG, &far, &back);
}

pub fn putty_listing(door: &Door) {
    let listed = psftp(door, &format!("ls {}/many\n", door.far().display()));
    assert_eq!(listed.lines().filter(|line| line.starts_with("-rw")).count(), 5000, "{listed}");
}

/// psftp leaves files out whose names this machine's terminal could not show; those it takes come back whole.
pub fn putty_names(door: &Door) {
    let (odd, back): (PathBuf, _) = (door.odd(), door.near().join("odd"));
    let _ = std::fs::remove_dir_all(&back);
    psftp(door, &format!("lcd {}\nget -r {}\n", door.near().display(), odd.display()));
    for name in ODD {
        assert_eq!(std::fs::read_to_string(back.join(name)).ok().as_deref(), Some(name), "{name:?}");
    }
}

pub fn putty_terminal(door: &Door) {
    let words = [&["-t".to_owned()], putty(door).as_slice(), &[door.place().host]].concat();
    let words = [words, vec![SIZES.to_owned()]].concat();
    resized(&Terminal::start("plink", &words));
}
