//! The flow of bytes: exact at any size, in little memory.

use std::io::{Read, Write};
use std::process::Stdio;

use aws_lc_rs::digest::{Context, Digest, SHA256};

use crate::support::{Program, Stage, heavy, web1};

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

/// `ssh web1@bastion COMMAND`.
fn direct(stage: &Stage, command: &str) -> Program {
    stage.on_web1(command)
}

/// `ssh -J bastion web1 COMMAND`.
fn jump(stage: &Stage, command: &str) -> Program {
    let known = format!("-oUserKnownHostsFile={}", stage.gateway.known_hosts().display());
    stage.alice.ssh(&["-J", "bastion", &known, &web1(), command])
}

/// Sends and receives at once, and checks the gateway's growth.
fn pass(door: fn(&Stage, &str) -> Program, command: &str, size: usize, comes_back: bool) {
    let _alone = heavy();
    let stage = Stage::granted();
    door(&stage, "true").run().ok();
    let before = stage.gateway.memory_kib("VmRSS");
    let mut ssh = door(&stage, command).raw(Stdio::piped(), Stdio::piped());
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
    pass(direct, "cat", GB, true);
}

#[test]
fn a_gigabyte_passes_both_ways_at_once_by_proxy_jump_too() {
    pass(jump, "cat", GB, true);
}

#[test]
fn a_gigabyte_up_into_a_filter_arrives_in_little_memory() {
    pass(direct, "wc -c", GB, false);
}

#[test]
fn a_gigabyte_comes_down_in_little_memory() {
    let _alone = heavy();
    let stage = Stage::granted();
    stage.on_web1("true").run().ok();
    let before = stage.gateway.memory_kib("VmRSS");
    let mut ssh = stage.on_web1("yes 0123456789abcdef | head -c 1073741824").raw(Stdio::null(), Stdio::piped());
    let (received, _) = checksum(&mut ssh.0.stdout.take().unwrap());
    assert_eq!(received, GB);
    assert!(ssh.0.wait().unwrap().success());
    let grown = stage.gateway.memory_kib("VmHWM").saturating_sub(before);
    assert!(grown < GROWTH_KIB, "the gateway grew by {grown} KiB");
}

#[test]
fn the_same_holds_across_rekeying() {
    let stage = Stage::granted();
    let words = ["-o", "RekeyLimit=4M", "web1@bastion", "cat"];
    let bytes: Vec<u8> = (0..40 * MB).map(|n| (n / 7) as u8).collect();
    let run = stage.alice.ssh(&words).input(bytes.clone()).run().ok();
    assert!(run.stdout == bytes, "{} bytes came back", run.stdout.len());
}
