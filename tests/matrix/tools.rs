//! Programs that move files and run commands over OpenSSH's `ssh`: they take its configuration.

use std::path::Path;
use std::time::Duration;

use super::door::{BIG, Door, ODD, sample};
use crate::support::{Outcome, Program, SOON, eventually};

/// The content of the odd files in a folder is their names.
#[track_caller]
fn all_odd(folder: &Path) {
    for name in ODD {
        assert_eq!(std::fs::read_to_string(folder.join(name)).unwrap(), name);
    }
}

/// A new folder of Alice's.
fn fresh(door: &Door, name: &str) -> std::path::PathBuf {
    let folder = door.near().join(name);
    let _ = std::fs::remove_dir_all(&folder);
    folder
}

fn rsync(door: &Door, from: &str, to: &str) {
    let ssh = format!("ssh -F {}", door.config());
    Program::new("rsync").args(["-a", "--checksum", "-e", &ssh, from, to]).run().ok();
}

fn there(door: &Door, path: &Path) -> String {
    format!("{}:{}", door.host, path.display())
}

pub fn rsync_files(door: &Door) {
    let (big, far, back) = (door.big(BIG), door.far().join("big"), door.near().join("back"));
    rsync(door, &big.display().to_string(), &there(door, &far));
    rsync(door, &there(door, &far), &back.display().to_string());
    door.moved(BIG, &far, &back);
}

pub fn rsync_listing(door: &Door) {
    let back = fresh(door, "many");
    rsync(door, &there(door, &door.far().join("many")), &format!("{}/", door.near().display()));
    assert_eq!(std::fs::read_dir(back).unwrap().count(), 5000);
}

pub fn rsync_names(door: &Door) {
    use std::os::unix::ffi::OsStrExt;
    let (odd, back) = (door.odd(), fresh(door, "odd"));
    let not_text = std::ffi::OsStr::from_bytes(b"\xff\xfe");
    std::fs::write(odd.join(not_text), "bytes").unwrap();
    rsync(door, &there(door, &odd), &format!("{}/", door.near().display()));
    all_odd(&back);
    assert_eq!(std::fs::read_to_string(back.join(not_text)).unwrap(), "bytes");
    rsync(door, &back.display().to_string(), &there(door, &door.far().join("again")));
    all_odd(&door.far().join("again/odd"));
}

pub fn git_files(door: &Door) {
    let (near, far) = (fresh(door, "clone"), door.far().join("repo.git"));
    let ssh = format!("ssh -F {}", door.config());
    let git = |words: &[&str]| {
        Program::new("git")
            .args(["-c", "user.name=alice", "-c", "user.email=alice@example.com", "-c", "init.defaultBranch=main"])
            .args(words)
            .env("GIT_SSH_COMMAND", &ssh)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .run()
            .ok()
    };
    let (near, remote) = (near.display().to_string(), there(door, &far));
    git(&["init", "--bare", &far.display().to_string()]);
    git(&["clone", &remote, &near]);
    std::fs::write(Path::new(&near).join("file"), sample(2_000_000)).unwrap();
    git(&["-C", &near, "add", "."]);
    git(&["-C", &near, "commit", "-m", "one"]);
    git(&["-C", &near, "push", "origin", "HEAD:main"]);
    let again = fresh(door, "again").display().to_string();
    git(&["clone", "-b", "main", &remote, &again]);
    assert!(std::fs::read(Path::new(&again).join("file")).unwrap() == sample(2_000_000));
}

fn ansible(door: &Door, words: &[&str]) -> Outcome {
    let inventory = door.near().join("inventory");
    // Its ControlPath is short: socket names have a limit.
    let control = tempfile::Builder::new().prefix("cp").tempdir_in("/tmp").unwrap();
    let (user, host) = door.host.rsplit_once('@').unwrap_or(("root", door.host));
    let line = format!(
        "web1 ansible_host={host} ansible_user={user} ansible_python_interpreter=/usr/bin/python3 \
         ansible_ssh_common_args='-F {}'\n",
        door.config()
    );
    std::fs::write(&inventory, line).unwrap();
    Program::new("ansible")
        .arg("web1")
        .arg("-i")
        .arg(&inventory)
        .args(words)
        .env("ANSIBLE_SSH_CONTROL_PATH_DIR", control.path())
        .env("ANSIBLE_LOCAL_TEMP", control.path())
        .env("ANSIBLE_REMOTE_TEMP", door.far())
        .env("ANSIBLE_HOST_KEY_CHECKING", "true")
        .env("ANSIBLE_SSH_ARGS", "-o ControlMaster=auto -o ControlPersist=2s")
        .limit(Duration::from_secs(120))
        .run()
        .ok()
}

pub fn ansible_commands(door: &Door) {
    assert!(ansible(door, &["-m", "ping"]).text().contains("pong"));
}

pub fn ansible_files(door: &Door) {
    let there = door.far().join("by-ansible");
    let copy = format!("content=hello dest={}", there.display());
    ansible(door, &["-m", "copy", "-a", &copy]);
    assert_eq!(std::fs::read_to_string(there).unwrap(), "hello");
}

fn lftp(door: &Door, commands: &str) -> String {
    let (user, host) = door.host.rsplit_once('@').unwrap_or(("root", door.host));
    let script = format!(
        "set sftp:connect-program 'ssh -a -x -F {}'; set net:timeout 20; set net:max-retries 1; set cmd:fail-exit yes\n\
         open -u {user}, sftp://{host}\n{commands}\nbye\n",
        door.config()
    );
    Program::new("lftp").args(["-f", "/dev/stdin"]).input(script).env("HOME", door.near()).run().ok().text()
}

pub fn lftp_files(door: &Door) {
    let (big, far, back) = (door.big(BIG), door.far().join("big"), door.near().join("back"));
    lftp(door, &format!("put {} -o {far}\nget {far} -o {}", big.display(), back.display(), far = far.display()));
    door.moved_and_told(BIG, &far, &back);
}

pub fn lftp_listing(door: &Door) {
    assert_eq!(lftp(door, &format!("cls -1 {}/many", door.far().display())).lines().count(), 5000);
}

pub fn lftp_names(door: &Door) {
    let (odd, back) = (door.odd(), fresh(door, "odd"));
    lftp(door, &format!("mirror {} {}", odd.display(), back.display()));
    all_odd(&back);
    lftp(door, &format!("mirror -R {} {}/by-lftp", back.display(), door.far().display()));
    all_odd(&door.far().join("by-lftp"));
}

/// Does something with a mounted folder; where this machine mounts nothing, says so and does not.
fn mounted(door: &Door, folder: &Path, work: impl FnOnce(&Path)) {
    let mount = fresh(door, "mount");
    std::fs::create_dir(&mount).unwrap();
    let run = Program::new("sshfs").args(["-F", &door.config(), &there(door, folder)]).arg(&mount).run();
    if run.stderr.contains("fuse") {
        eprintln!("skipped: {}", run.stderr.trim());
        return;
    }
    run.ok();
    let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| work(&mount)));
    Program::new("fusermount").arg("-u").arg(&mount).run();
    if let Err(panic) = done {
        std::panic::resume_unwind(panic);
    }
}

pub fn sshfs_files(door: &Door) {
    let (big, far, back) = (door.big(BIG), door.far().join("big"), door.near().join("back"));
    mounted(door, &door.far(), |mount| {
        std::fs::copy(&big, mount.join("big")).unwrap();
        eventually(SOON, "it is written", || std::fs::metadata(&far).is_ok_and(|meta| meta.len() == BIG as u64));
        std::fs::copy(mount.join("big"), &back).unwrap();
        door.moved_and_told(BIG, &far, &back);
    });
}

pub fn sshfs_listing(door: &Door) {
    mounted(door, &door.far(), |mount| assert_eq!(std::fs::read_dir(mount.join("many")).unwrap().count(), 5000));
}

pub fn sshfs_names(door: &Door) {
    let odd = door.odd();
    mounted(door, &odd, |mount| {
        all_odd(mount);
        for name in ODD {
            std::fs::rename(mount.join(name), mount.join(format!("x{name}"))).unwrap();
        }
    });
}
