//! The programs that engineers have: they work through the gateway as they are. A test of a program that is not
//! installed says so and passes.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::support::{Outcome, Program, SOON, Stage, eventually};

/// Whether a program is installed; says so when it is not.
fn installed(program: &str) -> bool {
    let paths = std::env::var("PATH").unwrap_or_default();
    let found = paths.split(':').any(|folder| Path::new(folder).join(program).exists());
    if !found {
        eprintln!("skipped: {program} is not installed");
    }
    found
}

/// Bytes of every value, of a size that is no multiple of anything.
fn sample(size: usize) -> Vec<u8> {
    (0..size).map(|n| (n * n / 7 + n) as u8).collect()
}

/// A file of Alice's, and the place for it on the target.
fn files(stage: &Stage) -> (PathBuf, PathBuf) {
    let near = stage.alice.dir().join("near file.bin");
    std::fs::write(&near, sample(3_000_001)).unwrap();
    let far = stage.web1.dir.path().join("far");
    std::fs::create_dir(&far).unwrap();
    (near, far)
}

fn config(stage: &Stage) -> String {
    stage.alice.config().display().to_string()
}

fn scp_both_ways(mode: &str) {
    let stage = Stage::granted();
    let (near, far) = files(&stage);
    let there = format!("web1@bastion:{}/", far.display());
    Program::new("scp").args([mode, "-p", "-F", &config(&stage)]).arg(&near).arg(&there).run().ok();
    let landed = far.join("near file.bin");
    assert!(std::fs::read(&landed).unwrap() == sample(3_000_001));
    let back = stage.alice.dir().join("back.bin");
    let spaced =
        if mode == "-O" { landed.display().to_string().replace(' ', "\\ ") } else { landed.display().to_string() };
    Program::new("scp").args([mode, "-F", &config(&stage), &format!("web1@bastion:{spaced}")]).arg(&back).run().ok();
    assert!(std::fs::read(&back).unwrap() == sample(3_000_001));
    // A tree, and a file that is not there.
    let tree = stage.alice.dir().join("tree");
    std::fs::create_dir_all(tree.join("deep/er")).unwrap();
    std::fs::write(tree.join("deep/er/leaf"), "leaf").unwrap();
    Program::new("scp").args([mode, "-r", "-F", &config(&stage)]).arg(&tree).arg(&there).run().ok();
    assert_eq!(std::fs::read_to_string(far.join("tree/deep/er/leaf")).unwrap(), "leaf");
    let gone = Program::new("scp").args([mode, "-F", &config(&stage), "web1@bastion:/no/such/file"]).arg(&back).run();
    assert_eq!(gone.code, Some(1), "{gone:?}");
}

#[test]
fn scp_copies_both_ways() {
    scp_both_ways("-s");
}

#[test]
fn scp_of_the_old_kind_copies_both_ways() {
    scp_both_ways("-O");
}

#[test]
fn sftp_does_everything() {
    let stage = Stage::granted();
    let (near, far) = files(&stage);
    let batch = format!(
        "cd {far}\nput '{near}' one.bin\nrename one.bin two.bin\nmkdir sub\nln -s two.bin link\nls -l\nchmod 600 two.bin\n\
         get two.bin {near}.back\nrm link\nrmdir sub\ndf -h\n",
        far = far.display(),
        near = near.display()
    );
    let batch = batch.replace(&format!("{}.back", near.display()), &format!("'{}.back'", near.display()));
    let run = Program::new("sftp").args(["-F", &config(&stage), "-b", "-", "web1@bastion"]).input(batch).run().ok();
    assert!(run.text().contains("two.bin"), "{run:?}");
    assert!(std::fs::read(far.join("two.bin")).unwrap() == sample(3_000_001));
    assert!(std::fs::read(format!("{}.back", near.display())).unwrap() == sample(3_000_001));
}

#[test]
fn sftp_of_a_role_that_reads_writes_nothing() {
    let stage = Stage::new();
    stage.alice.granted("web1", "look", "1h");
    let (near, far) = files(&stage);
    std::fs::write(far.join("there"), "readable").unwrap();
    let run = |batch: String| {
        Program::new("sftp").args(["-F", &config(&stage), "-b", "-", "web1@bastion"]).input(batch).run()
    };
    let back = stage.alice.dir().join("back");
    run(format!("get {}/there {}\n", far.display(), back.display())).ok();
    assert_eq!(std::fs::read_to_string(back).unwrap(), "readable");
    for forbidden in [
        format!("put '{}' {}/new", near.display(), far.display()),
        format!("rm {}/there", far.display()),
        format!("mkdir {}/sub", far.display()),
        format!("rename {0}/there {0}/elsewhere", far.display()),
        format!("chmod 777 {}/there", far.display()),
        format!("ln -s {0}/there {0}/link", far.display()),
    ] {
        let outcome: Outcome = run(format!("{forbidden}\n"));
        assert_eq!(outcome.code, Some(1), "{forbidden}: {outcome:?}");
    }
    let left: Vec<_> = std::fs::read_dir(&far).unwrap().flatten().map(|entry| entry.file_name()).collect();
    assert_eq!(left, ["there"]);
}

#[test]
fn rsync_syncs_both_ways() {
    if !installed("rsync") {
        return;
    }
    let stage = Stage::granted();
    let (near, far) = files(&stage);
    let ssh = format!("ssh -F {}", config(&stage));
    let there = format!("web1@bastion:{}/", far.display());
    let sync =
        |from: &str, to: &str| Program::new("rsync").args(["-az", "--checksum", "-e", &ssh, from, to]).run().ok();
    sync(&near.display().to_string(), &there);
    assert!(std::fs::read(far.join("near file.bin")).unwrap() == sample(3_000_001));
    let back = stage.alice.dir().join("back");
    sync(&there, &format!("{}/", back.display()));
    assert!(std::fs::read(back.join("near file.bin")).unwrap() == sample(3_000_001));
}

#[test]
fn git_clones_and_pushes() {
    if !installed("git") {
        return;
    }
    let stage = Stage::granted();
    let (near, far) = (stage.alice.dir().join("clone"), stage.web1.dir.path().join("repo.git"));
    let ssh = format!("ssh -F {}", config(&stage));
    let git = |words: &[&str]| {
        Program::new("git")
            .args(["-c", "user.name=alice", "-c", "user.email=alice@example.com", "-c", "init.defaultBranch=main"])
            .args(words)
            .env("GIT_SSH_COMMAND", &ssh)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .run()
            .ok()
    };
    let near = near.display().to_string();
    let remote = format!("web1@bastion:{}", far.display());
    git(&["init", "--bare", &far.display().to_string()]);
    git(&["clone", &remote, &near]);
    std::fs::write(Path::new(&near).join("file"), sample(2_000_000)).unwrap();
    git(&["-C", &near, "add", "."]);
    git(&["-C", &near, "commit", "-m", "one"]);
    git(&["-C", &near, "push", "origin", "HEAD:main"]);
    let again = stage.alice.dir().join("again").display().to_string();
    git(&["clone", "-b", "main", &remote, &again]);
    assert!(std::fs::read(Path::new(&again).join("file")).unwrap() == sample(2_000_000));
}

#[test]
fn ansible_reaches_the_target() {
    if !installed("ansible") {
        return;
    }
    let stage = Stage::granted();
    let inventory = stage.alice.dir().join("inventory");
    // Its ControlPath is short: socket names have a limit.
    let control = tempfile::Builder::new().prefix("cp").tempdir_in("/tmp").unwrap();
    let line = format!(
        "web1 ansible_host=bastion ansible_user=web1 ansible_python_interpreter=/usr/bin/python3 \
         ansible_ssh_common_args='-F {}'\n",
        config(&stage)
    );
    std::fs::write(&inventory, line).unwrap();
    let ansible = |words: &[&str]| {
        Program::new("ansible")
            .arg("web1")
            .arg("-i")
            .arg(&inventory)
            .args(words)
            .env("ANSIBLE_SSH_CONTROL_PATH_DIR", control.path())
            .env("ANSIBLE_LOCAL_TEMP", control.path())
            .env("ANSIBLE_REMOTE_TEMP", stage.web1.dir.path())
            .env("ANSIBLE_HOST_KEY_CHECKING", "true")
            .limit(Duration::from_secs(120))
            .run()
            .ok()
    };
    assert!(ansible(&["-m", "ping"]).text().contains("pong"));
    let there = stage.web1.dir.path().join("by-ansible");
    let copy = format!("content=hello dest={}", there.display());
    ansible(&["-m", "copy", "-a", &copy]);
    assert_eq!(std::fs::read_to_string(there).unwrap(), "hello");
}

#[test]
fn lftp_mirrors_by_sftp() {
    if !installed("lftp") {
        return;
    }
    let stage = Stage::granted();
    let (_, far) = files(&stage);
    std::fs::write(far.join("a"), sample(500_000)).unwrap();
    let back = stage.alice.dir().join("mirror");
    let script = format!(
        "set sftp:connect-program 'ssh -a -x -F {}'; set net:timeout 20; set net:max-retries 1; open -u web1, sftp://bastion; mirror {} {}; bye",
        config(&stage),
        far.display(),
        back.display()
    );
    Program::new("lftp").args(["-f", "/dev/stdin"]).input(script).env("HOME", stage.alice.dir()).run().ok();
    assert!(std::fs::read(back.join("a")).unwrap() == sample(500_000));
}

#[test]
fn sshfs_mounts_a_folder() {
    if !installed("sshfs") || !Path::new("/dev/fuse").exists() {
        return;
    }
    let stage = Stage::granted();
    let (_, far) = files(&stage);
    std::fs::write(far.join("there"), sample(100_000)).unwrap();
    let mount = stage.alice.dir().join("mount");
    std::fs::create_dir(&mount).unwrap();
    let from = format!("web1@bastion:{}", far.display());
    let run = Program::new("sshfs").args(["-F", &config(&stage), &from]).arg(&mount).run();
    if run.stderr.contains("fuse") {
        eprintln!("skipped: {}", run.stderr.trim());
        return;
    }
    run.ok();
    let content = std::fs::read(mount.join("there"));
    std::fs::write(mount.join("new"), "new").unwrap();
    Program::new("fusermount").arg("-u").arg(&mount).run();
    assert!(content.unwrap() == sample(100_000));
    eventually(SOON, "it was written", || std::fs::read_to_string(far.join("new")).is_ok_and(|text| text == "new"));
}

#[test]
fn dropbears_client_connects() {
    if !installed("dbclient") || !installed("dropbearkey") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let key = dir.path().join("id_dropbear");
    Program::new("dropbearkey").args(["-t", "ed25519", "-f"]).arg(&key).run().ok();
    let shown = Program::new("dropbearkey").args(["-y", "-f"]).arg(&key).run().ok().text();
    let public = shown.lines().find(|line| line.starts_with("ssh-ed25519")).unwrap().to_owned();
    let stage = Stage::with(|setup| setup.user("erin", &[&public], &["oncall"]));
    let port = stage.gateway.address().port().to_string();
    let run = |name: &str, command: &str| {
        // Its first `@` splits the name from the host, so the name goes by `-l`; it knows no host certificates.
        Program::new("dbclient")
            .args(["-y", "-y", "-p", &port, "-l", name, "-i"])
            .arg(&key)
            .args(["127.0.0.1", command])
            .env("HOME", dir.path())
            .run()
    };
    run("erin", "request web1 --role admin --for 10m --reason dropbear").ok();
    assert_eq!(run(&crate::support::web1(), "echo by dropbear").ok().text(), "by dropbear\n");
}

#[test]
fn puttys_client_connects() {
    if !installed("plink") || !installed("puttygen") {
        return;
    }
    let stage = Stage::granted();
    let key = stage.alice.dir().join("id.ppk");
    Program::new("puttygen").arg(&stage.alice.key.path).args(["-O", "private", "-o"]).arg(&key).run().ok();
    let scan = Program::new("ssh-keyscan")
        .args(["-t", "ed25519", "-p", &stage.gateway.address().port().to_string(), "127.0.0.1"])
        .run();
    let line = stage.alice.dir().join("hostkey.pub");
    let public =
        scan.text().lines().find_map(|l| l.split_once(' ').map(|(_, key)| key.to_owned())).expect("a host key");
    std::fs::write(&line, public).unwrap();
    let print = Program::new("ssh-keygen").args(["-l", "-f"]).arg(&line).run().ok().text();
    let print = print.split(' ').nth(1).unwrap().to_owned();
    let run = Program::new("plink")
        .args(["-batch", "-hostkey", &print, "-P", &stage.gateway.address().port().to_string(), "-i"])
        .arg(&key)
        .args(["-l", &crate::support::web1(), "127.0.0.1", "cat; exit 3"])
        .env("HOME", stage.alice.dir())
        .input("through putty")
        .run();
    assert_eq!((run.code, run.text().as_str()), (Some(3), "through putty"), "{run:?}");
}

#[test]
fn paramiko_connects() {
    const SCRIPT: &str = r#"
import sys, paramiko
host, port, user, key, command = sys.argv[1:6]
client = paramiko.SSHClient()
client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
client.connect(host, int(port), username=user, key_filename=key, allow_agent=False, look_for_keys=False)
stdin, stdout, stderr = client.exec_command(command)
stdin.write("through paramiko"); stdin.channel.shutdown_write()
print(stdout.read().decode(), end="")
sftp = client.open_sftp()
with sftp.open(sys.argv[6], "wb") as f: f.write(b"x" * 1000000)
assert sftp.stat(sys.argv[6]).st_size == 1000000
sys.exit(stdout.channel.recv_exit_status())
"#;
    const PYTHON: &str = "/usr/bin/python3";
    if !Path::new(PYTHON).exists() || Program::new(PYTHON).args(["-c", "import paramiko"]).run().code != Some(0) {
        eprintln!("skipped: paramiko is not installed");
        return;
    }
    let stage = Stage::granted();
    let far = stage.web1.dir.path().join("by-paramiko");
    let run = Program::new(PYTHON)
        .args(["-W", "ignore", "-c", SCRIPT, "127.0.0.1", &stage.gateway.address().port().to_string(), "web1"])
        .arg(&stage.alice.key.path)
        .arg("cat; exit 5")
        .arg(&far)
        .run()
        .expect(5);
    assert_eq!(run.text(), "through paramiko");
    assert_eq!(std::fs::metadata(far).unwrap().len(), 1_000_000);
}
