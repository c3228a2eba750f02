//! Promise 9: a stalled channel, client or target never delays another channel or session. (A watcher that stops reading
//! is in `console`, a target that hangs in `bad_targets`, a client that hangs in `promise_6`.)

use std::io::{Read, Write};
use std::process::Stdio;
use std::time::Duration;

use crate::support::{Master, SOON, Stage, Stopwatch, web1};

const MB: usize = 1 << 20;
/// How much a stalled session may cost.
const GROWTH_KIB: u64 = 64 * 1024;

#[test]
fn a_reader_that_stops_does_not_delay_another_channel_of_its_connection() {
    let stage = Stage::granted();
    let master = Master::open(&stage.alice, &web1());
    let mut stalled = master.run("cat /dev/zero").raw(Stdio::null(), Stdio::piped());
    let mut first = vec![0; MB];
    // It flows, and then nobody reads it any more.
    stalled.0.stdout.as_mut().unwrap().read_exact(&mut first).unwrap();
    let watch = Stopwatch::start();
    for n in 0..5 {
        assert_eq!(master.run(&format!("echo {n}")).run().ok().text(), format!("{n}\n"));
    }
    let sum = master.run("head -c 8000000 /dev/zero | wc -c").run().ok();
    assert_eq!(sum.text().trim(), "8000000");
    assert!(watch.elapsed() < SOON, "took {:?}", watch.elapsed());
}

#[test]
fn a_program_that_reads_nothing_does_not_delay_another_channel_of_its_connection() {
    let stage = Stage::granted();
    let master = Master::open(&stage.alice, &web1());
    let mut deaf = master.run("sleep 600").raw(Stdio::piped(), Stdio::null());
    let mut stdin = deaf.0.stdin.take().unwrap();
    let pushing = std::thread::spawn(move || while stdin.write_all(&[b'x'; 65536]).is_ok() {});
    let bytes = vec![b'y'; 8 * MB];
    for _ in 0..3 {
        let run = master.run("cat").input(bytes.clone()).run().ok();
        assert!(run.stdout == bytes);
    }
    drop(deaf);
    drop(master);
    pushing.join().unwrap();
}

#[test]
fn a_reader_that_stops_does_not_delay_another_session() {
    let stage = Stage::granted();
    let mut stalled = stage.on_web1("cat /dev/zero").raw(Stdio::null(), Stdio::piped());
    let mut first = vec![0; MB];
    stalled.0.stdout.as_mut().unwrap().read_exact(&mut first).unwrap();
    let before = stage.gateway.memory_kib("VmRSS");
    let watch = Stopwatch::start();
    for _ in 0..5 {
        stage.on_web1("true").run().ok();
    }
    assert!(watch.elapsed() < Duration::from_secs(15), "took {:?}", watch.elapsed());
    let grown = stage.gateway.memory_kib("VmRSS").saturating_sub(before);
    assert!(grown < GROWTH_KIB, "a stalled session grew the gateway by {grown} KiB");
}

#[test]
fn a_stalled_reader_that_reads_again_gets_every_byte() {
    let stage = Stage::granted();
    let mut ssh = stage.on_web1("seq 1 2000000").raw(Stdio::null(), Stdio::piped());
    // Long enough for every window and buffer on the way to fill: other sessions come and go meanwhile.
    for _ in 0..3 {
        stage.on_web1("true").run().ok();
    }
    let mut text = String::new();
    ssh.0.stdout.take().unwrap().read_to_string(&mut text).unwrap();
    assert!(text.lines().enumerate().all(|(n, line)| line == (n + 1).to_string()));
    assert_eq!(text.lines().count(), 2_000_000);
}
