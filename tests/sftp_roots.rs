//! A role with `sftp_roots`: with people's clients, SFTP works inside and reaches nothing outside.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use crate::support::{Outcome, Program, SOON, Stage, eventually, login};

/// A stage where Alice may move files in one folder of `web1`, next to which there is a secret.
struct Place {
    stage: Stage,
    folder: tempfile::TempDir,
}

impl Place {
    fn new(access: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for path in ["data/sub", "secrets"] {
            std::fs::create_dir_all(folder.path().join(path)).unwrap();
        }
        std::fs::write(folder.path().join("secrets/key"), "secret").unwrap();
        std::fs::write(folder.path().join("data/sub/note"), "note").unwrap();
        symlink("../secrets", folder.path().join("data/out")).unwrap();
        let root = folder.path().join("data");
        let stage = Stage::with(|setup| {
            setup.policy.push_str(&format!(
                "\n[roles.files]\nlogins = [\"{}\"]\nsftp = \"{access}\"\nsftp_roots = [\"{}\"]\n\n[[rules]]\n\
                 groups = [\"oncall\"]\ntargets = [\"*\"]\nroles = [\"files\"]\nmax_duration = \"2h\"\napprovals = 0\n",
                login(),
                root.display()
            ));
        });
        stage.alice.granted("web1", "files", "1h");
        Self { stage, folder }
    }

    fn root(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn near(&self, name: &str) -> PathBuf {
        self.stage.alice.dir().join(name)
    }

    fn config(&self) -> String {
        self.stage.alice.config().display().to_string()
    }

    fn sftp(&self, batch: &str) -> Outcome {
        let words = ["-F", &self.config(), "-b", "-", "web1@bastion"];
        Program::new("sftp").args(words).in_folder(self.stage.alice.dir()).input(batch).run()
    }

    fn scp(&self, words: &[&str]) -> Outcome {
        Program::new("scp").args(["-F", &self.config()]).args(words).in_folder(self.stage.alice.dir()).run()
    }

    /// The secret is where it was, and nothing came to it.
    fn is_safe(&self) -> bool {
        let secrets = std::fs::read_dir(self.folder.path().join("secrets")).unwrap().count();
        secrets == 1 && std::fs::read_dir(self.folder.path()).unwrap().count() == 2
    }
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn sftp_begins_in_the_folder_and_works_there() {
    let place = Place::new("write");
    std::fs::write(place.near("new"), "new").unwrap();
    let run = place
        .sftp("pwd\nput new\nmkdir d\nrename new d/moved\ncd d\nget moved back\nls -l\nchmod 600 moved\ndf\n")
        .ok();
    assert!(run.text().contains(&format!("Remote working directory: {}", place.root().display())), "{run:?}");
    assert_eq!((read(&place.root().join("d/moved")), read(&place.near("back"))), ("new".to_owned(), "new".to_owned()));
    place.sftp(&format!("cd {}/sub\nget note\nrm ../d/moved\nrmdir ../d\n", place.root().display())).ok();
    assert!(!place.root().join("d").exists());
}

#[test]
fn what_leads_out_is_refused_with_what_the_role_allows_and_told() {
    let place = Place::new("write");
    let secret = place.folder.path().join("secrets/key");
    let secret = secret.display();
    std::fs::write(place.near("new"), "new").unwrap();
    for forbidden in [
        format!("get {secret} stolen"),
        "get ../secrets/key stolen".to_owned(),
        "get out/key stolen".to_owned(),
        "get sub/../out/key stolen".to_owned(),
        "get /etc/passwd stolen".to_owned(),
        "put new ../secrets/new".to_owned(),
        "put new out/new".to_owned(),
        "cd ..".to_owned(),
        "cd out".to_owned(),
        format!("ls {}", place.folder.path().display()),
        "ls out/*".to_owned(),
        "rename sub/note ../secrets/note".to_owned(),
        "rename sub ../sub".to_owned(),
        format!("ln {secret} linked"),
        format!("ln -s {secret} linked"),
        "ln -s ../secrets linked".to_owned(),
        "rm out/key".to_owned(),
        "rmdir ../secrets".to_owned(),
        "mkdir out/d".to_owned(),
        "chmod 777 out/key".to_owned(),
    ] {
        let run = place.sftp(&forbidden);
        assert_ne!(run.code, Some(0), "{forbidden}: {run:?}");
        assert!(!place.near("stolen").exists() && place.is_safe(), "{forbidden}");
    }
    let root = place.root();
    let why = format!("role allows only {}", root.display());
    let notes = place.stage.gateway.notes();
    let refused = |op: &str| notes.iter().any(|note| note["op"] == op && note["refused"] == why.as_str());
    assert!(refused("stat") || refused("lstat"), "{notes:?}");
    assert!(refused("rename") || refused("posix-rename"), "{notes:?}");
    assert!(root.join("sub/note").exists() && !root.join("linked").exists());
}

#[test]
fn a_link_that_somebody_makes_meanwhile_leads_nowhere() {
    let place = Place::new("read");
    let mut sftp =
        Program::new("sftp").args(["-F", &place.config(), "web1@bastion"]).in_folder(place.stage.alice.dir()).start();
    sftp.type_in("get sub/note first\n");
    eventually(SOON, "the first has come", || place.near("first").exists());
    std::fs::rename(place.root().join("sub"), place.root().join("was")).unwrap();
    std::fs::write(place.folder.path().join("secrets/note"), "secret").unwrap();
    symlink("../secrets", place.root().join("sub")).unwrap();
    sftp.type_in("get sub/note second\nbye\n");
    sftp.wait(SOON);
    assert!(!place.near("second").exists());
    let notes = place.stage.gateway.notes();
    assert!(notes.iter().any(|note| !note["refused"].is_null()), "{notes:?}");
}

#[test]
fn scp_moves_folders_inside_and_nothing_outside() {
    let place = Place::new("write");
    std::fs::create_dir_all(place.near("tree/deep")).unwrap();
    for n in 0..50 {
        std::fs::write(place.near(&format!("tree/deep/{n}")), n.to_string()).unwrap();
    }
    place.scp(&["-r", "tree", "web1@bastion:"]).ok();
    assert_eq!(read(&place.root().join("tree/deep/49")), "49");
    place.scp(&["-r", &format!("web1@bastion:{}/tree", place.root().display()), "again"]).ok();
    assert_eq!(read(&place.near("again/deep/7")), "7");
    // The client means the folder where it begins.
    place.scp(&["tree/deep/1", "web1@bastion:~/home"]).ok();
    assert_eq!(read(&place.root().join("home")), "1");
    for outside in ["../", "/etc/", "out/", "~root/"] {
        let run = place.scp(&["tree/deep/1", &format!("web1@bastion:{outside}curfew-was-here")]);
        assert_ne!(run.code, Some(0), "{outside} {run:?}");
    }
    assert_ne!(place.scp(&["web1@bastion:out/key", "stolen"]).code, Some(0));
    // The old protocol is a command, and the role has none.
    assert_eq!(place.scp(&["-O", "web1@bastion:sub/note", "stolen"]).code, Some(1));
    assert!(place.is_safe() && !place.near("stolen").exists());
}

#[test]
fn a_big_file_goes_through_whole() {
    let place = Place::new("write");
    let content: Vec<u8> = (0..20_000_003_usize).map(|n| (n * n / 7 + n) as u8).collect();
    std::fs::write(place.near("big"), &content).unwrap();
    place.sftp("put big\nget big back\n").ok();
    assert!(std::fs::read(place.root().join("big")).unwrap() == content);
    assert!(std::fs::read(place.near("back")).unwrap() == content);
}

#[test]
fn other_clients_work_inside_as_well() {
    let place = Place::new("write");
    if !Path::new("/usr/bin/lftp").exists() {
        eprintln!("skipped: lftp is not installed; apt-get install lftp");
        return;
    }
    let ssh = format!("ssh -F {} -a -x", place.config());
    let script = format!(
        "set sftp:connect-program \"{ssh}\"; set net:max-retries 1; open sftp://web1:x@bastion; cls; mirror sub here; \
         put here/note -o other; mv other sub/other; bye"
    );
    Program::new("lftp").args(["-c", &script]).in_folder(place.stage.alice.dir()).run().ok();
    assert_eq!((read(&place.near("here/note")), read(&place.root().join("sub/other"))), ("note".into(), "note".into()));
}
