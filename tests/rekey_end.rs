//! A transfer that is cut while new keys are exchanged: no message may be sent then, and the end does not wait for it.

use std::process::Stdio;
use std::time::Duration;

use crate::support::process::Raw;
use crate::support::{Program, SOON, Stage, Stopwatch, eventually, own_sleep, processes, text, web1};

/// How long after its end the last trace of a session may go on a busy machine.
const LATE: Duration = Duration::from_secs(5);

/// New keys after every piece of this size, by either side of either half.
const LIMIT: &str = "RekeyLimit=128K";

/// A stage whose target asks for new keys all the time, and a grant of `admin` on it.
fn stage() -> (Stage, String) {
    let stage = Stage::new();
    let config = stage.web1.dir.path().join("sshd_config");
    let more = std::fs::read_to_string(&config).unwrap() + "RekeyLimit 128K\n";
    std::fs::write(&config, more).unwrap();
    let grant = stage.alice.granted("web1", "admin", "1h");
    (stage, grant)
}

/// Bytes without end, both ways at once.
fn bulk(stage: &Stage, words: &[&str], sleep: &str) -> Raw {
    let zero = std::fs::File::open("/dev/zero").unwrap();
    let command = format!("sleep {sleep} & cat >/dev/null & cat /dev/zero");
    let words: Vec<&str> = ["-o", LIMIT].iter().chain(words).copied().chain([command.as_str()]).collect();
    stage.alice.ssh(&words).raw(zero, Stdio::null())
}

/// Rounds of a transfer and a revocation, each a little later in the exchange of keys.
fn cut_in_rounds(start: impl Fn(&Stage, &str) -> Raw) {
    let (stage, mut grant) = stage();
    for round in 0..6 {
        let sleep = own_sleep();
        let mut ssh = start(&stage, &sleep);
        eventually(SOON, "it runs", || !processes(&["sleep", &sleep]).is_empty());
        std::thread::sleep(Duration::from_millis(300 + 7 * round));
        stage.gateway.ctl(&format!("revoke {grant} --note over")).ok();
        let watch = Stopwatch::start();
        stage.web1.expect_quiet(LATE);
        eventually(LATE, "the process on the target is gone", || processes(&["sleep", &sleep]).is_empty());
        eventually(LATE, "the client has ended", || ssh.0.try_wait().unwrap().is_some());
        assert!(watch.elapsed() < LATE, "took {:?}", watch.elapsed());
        assert_eq!(stage.gateway.ended_session()["ended_why"], "revoked");
        grant = stage.alice.granted("web1", "admin", "1h");
    }
}

#[test]
fn a_transfer_in_the_middle_of_a_rekey_is_cut() {
    cut_in_rounds(|stage, sleep| bulk(stage, &["web1@bastion"], sleep));
}

#[test]
fn a_transfer_in_the_middle_of_a_rekey_inside_a_jump_is_cut() {
    cut_in_rounds(|stage, sleep| {
        let known = format!("-oUserKnownHostsFile={}", stage.gateway.known_hosts().display());
        bulk(stage, &["-J", "bastion", &known, &web1()], sleep)
    });
}

#[test]
fn a_file_copy_in_the_middle_of_a_rekey_is_cut_and_its_record_sealed() {
    let (stage, grant) = stage();
    let big = stage.web1.dir.path().join("big");
    std::fs::File::create(&big).unwrap().set_len(1 << 40).unwrap();
    let config = stage.alice.config().display().to_string();
    let batch = format!("get {} /dev/null\n", big.display());
    let sftp = Program::new("sftp").args(["-o", LIMIT, "-F", &config, "-b", "-", "web1@bastion"]).input(batch);
    let running = std::thread::spawn(move || sftp.run());
    // Nothing of it is on the disk of the bastion until the end, so what is awaited is that bytes flow.
    eventually(SOON, "it is connected", || stage.web1.open_connections() > 0);
    std::thread::sleep(Duration::from_millis(700));
    stage.gateway.ctl(&format!("revoke {grant} --note over")).ok();
    stage.web1.expect_quiet(LATE);
    assert_ne!(running.join().unwrap().code, Some(0));
    let session = stage.gateway.ended_session();
    assert_eq!(session["ended_why"], "revoked");
    stage.gateway.sealed_recordings(&text(&session["id"]));
}
