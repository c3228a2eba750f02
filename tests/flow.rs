//! Promise 9 and the flow of bytes: exact at any size, little memory, and nobody waits for somebody else's slow reader.

use std::io::{Read, Write};
use std::process::{Child, Stdio};
use std::time::Duration;

use ring::digest::{Context, Digest, SHA256};

use crate::support::{Master, SOON, Stage, Stopwatch, heavy, web1};

const GB: usize = 1 << 30;
const MB: usize = 1 << 20;
/// How much a gateway may grow while a gigabyte passes.
const GROWTH_KIB: u64 = 64 * 1024;

/// Writes text of this size that does not repeat within a chunk, and says what its checksum is.
fn write_text(to: &mut impl Write, size: usize) -> Digest {
    let mut chunk = vec![0; MB];
    let mut seed = 0x2545_f491_4f6c_dd1d_u64;
    for byte in &mut chunk {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        *byte = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ+\n"[(seed % 64) as usize];
    }
    let mut sum = Context::new(&SHA256);
    for n in 0..size / MB {
        chunk[..16].copy_from_slice(format!("{n:015}\n").as_bytes());
        sum.update(&chunk);
        to.write_all(&chunk).expect("the client takes its input");
    }
    sum.finish()
}

fn checksum(from: &mut impl Read) -> (usize, Digest) {
    let (mut sum, mut size, mut chunk) = (Context::new(&SHA256), 0, vec![0; MB]);
    loop {
        let n = from.read(&mut chunk).expect("read the client's output");
        if n == 0 {
            return (size, sum.finish());
        }
        sum.update(&chunk[..n]);
        size += n;
    }
}

/// `ssh web1@bastion COMMAND` with its stdin and stdout in our hands.
fn piped(stage: &Stage, command: &str) -> Child {
    let mut command = stage.on_web1(command).into_command();
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("start ssh")
}

struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Sends and receives at once, and checks the gateway's growth.
fn pass(command: &str, size: usize, comes_back: bool) {
    let _alone = heavy();
    let stage = Stage::granted();
    stage.on_web1("true").run().ok();
    let before = stage.gateway.memory_kib("VmRSS");
    let mut ssh = Killed(piped(&stage, command));
    let mut stdin = ssh.0.stdin.take().unwrap();
    let mut stdout = ssh.0.stdout.take().unwrap();
    let writer = std::thread::spawn(move || write_text(&mut stdin, size));
    let (received, sum) = checksum(&mut stdout);
    let sent = writer.join().unwrap();
    assert!(ssh.0.wait().unwrap().success());
    if comes_back {
        assert_eq!(received, size);
        assert_eq!(sum.as_ref(), sent.as_ref());
    }
    let grown = stage.gateway.memory_kib("VmHWM").saturating_sub(before);
    assert!(grown < GROWTH_KIB, "the gateway grew by {grown} KiB");
}

#[test]
fn a_gigabyte_passes_both_ways_at_once_with_the_same_checksum_in_little_memory() {
    pass("cat", GB, true);
}

#[test]
fn a_gigabyte_up_into_a_slow_filter_arrives_in_little_memory() {
    pass("wc -c", GB, false);
}

#[test]
fn a_gigabyte_comes_down_in_little_memory() {
    let _alone = heavy();
    let stage = Stage::granted();
    stage.on_web1("true").run().ok();
    let before = stage.gateway.memory_kib("VmRSS");
    let mut ssh = Killed(piped(&stage, "yes 0123456789abcdef | head -c 1073741824"));
    drop(ssh.0.stdin.take());
    let (received, _) = checksum(&mut ssh.0.stdout.take().unwrap());
    assert_eq!(received, GB);
    assert!(ssh.0.wait().unwrap().success());
    let grown = stage.gateway.memory_kib("VmHWM").saturating_sub(before);
    assert!(grown < GROWTH_KIB, "the gateway grew by {grown} KiB");
}

#[test]
fn a_reader_that_stops_does_not_delay_another_channel_of_its_connection() {
    let stage = Stage::granted();
    let master = Master::open(&stage.alice, &web1());
    let mut stalled = master.run("cat /dev/zero").into_command();
    let mut stalled =
        Killed(stalled.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap());
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
    let mut deaf = master.run("sleep 600").into_command();
    let mut deaf = Killed(deaf.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
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
    let mut stalled = Killed(piped(&stage, "cat /dev/zero"));
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
    let mut ssh = Killed(piped(&stage, "seq 1 2000000"));
    drop(ssh.0.stdin.take());
    // Long enough for every window and buffer on the way to fill: other sessions come and go meanwhile.
    for _ in 0..3 {
        stage.on_web1("true").run().ok();
    }
    let mut text = String::new();
    ssh.0.stdout.take().unwrap().read_to_string(&mut text).unwrap();
    assert!(text.lines().enumerate().all(|(n, line)| line == (n + 1).to_string()));
    assert_eq!(text.lines().count(), 2_000_000);
}

#[test]
fn the_same_holds_across_rekeying() {
    let stage = Stage::granted();
    let words = ["-o", "RekeyLimit=4M", "web1@bastion", "cat"];
    let bytes: Vec<u8> = (0..40 * MB).map(|n| (n / 7) as u8).collect();
    let run = stage.alice.ssh(&words).input(bytes.clone()).run().ok();
    assert!(run.stdout == bytes, "{} bytes came back", run.stdout.len());
}
