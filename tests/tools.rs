//! SFTP in detail: what it does, what a role may do with it, and what the transcript tells. What all clients do is in
//! `matrix`, and with it that each transfer is told.

use std::path::PathBuf;

use serde_json::Value;

use crate::support::{Outcome, Program, SOON, Stage, eventually, text};

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
fn every_operation_is_in_the_sealed_transcript_with_its_path_and_result() {
    let stage = Stage::granted();
    let (near, far) = files(&stage);
    let batch = format!(
        "put '{near}' {far}/one\nrename {far}/one {far}/two\nmkdir {far}/sub\nln -s {far}/two {far}/link\n\
         chmod 600 {far}/two\nls {far}/sub\n-rm {far}/none\n-get {far}/none\n-rmdir {far}/none\nrm {far}/link\n\
         rmdir {far}/sub\nget -p {far}/two '{near}.back'\ndf {far}\n",
        far = far.display(),
        near = near.display()
    );
    Program::new("sftp").args(["-F", &config(&stage), "-b", "-", "web1@bastion"]).input(batch).run().ok();
    let session = text(&stage.gateway.ended_session()["id"]);
    let sealed = stage.gateway.sealed_recordings(&session).remove(0);
    stage.gateway.curfew(&["verify", &sealed.display().to_string()]).run().ok();
    let notes = stage.gateway.notes();
    let far = far.display().to_string();
    for (op, name, result) in [
        ("put", "one", "ok"),
        ("rename", "one", "ok"),
        ("mkdir", "sub", "ok"),
        ("symlink", "two", "ok"),
        ("setstat", "two", "ok"),
        ("list", "sub/", "ok"),
        ("remove", "none", "no such file"),
        ("rmdir", "none", "no such file"),
        ("remove", "link", "ok"),
        ("rmdir", "sub", "ok"),
        ("get", "two", "ok"),
    ] {
        let told = |note: &&Value| {
            let paths = ["path", "from", "to", "target", "link"].map(|field| note[field].as_str().unwrap_or_default());
            text(&note["op"]).contains(op) && paths.contains(&format!("{far}/{name}").as_str())
        };
        let told: Vec<&Value> = notes.iter().filter(told).collect();
        assert!(told.iter().any(|note| note["result"] == result), "{op} {name}: {told:?}, of {notes:#?}");
    }
}

#[test]
fn what_was_cut_off_is_told_as_far_as_it_came() {
    let stage = Stage::granted();
    let (_, far) = files(&stage);
    std::fs::File::create(far.join("endless")).unwrap().set_len(1 << 40).unwrap();
    let mut sftp = Program::new("sftp").args(["-F", &config(&stage), "-b", "-", "web1@bastion"]).start();
    sftp.type_in(format!("get {}/endless /dev/null\n", far.display()));
    eventually(SOON, "it flows", || !stage.gateway.notes().is_empty());
    let session = text(&stage.gateway.sessions()[0]["id"]);
    stage.sam.ask(&format!("kill {session} --note enough")).ok();
    stage.gateway.sealed_recordings(&session);
    let notes = stage.gateway.notes();
    let get = notes.iter().find(|note| note["op"] == "get").unwrap_or_else(|| panic!("{notes:#?}"));
    assert_eq!(
        (&get["partial"], &get["path"]),
        (&Value::Bool(true), &Value::from(format!("{}/endless", far.display())))
    );
    assert!(get["result"] != "ok" && get["bytes"].as_u64().is_some(), "{get}");
}
