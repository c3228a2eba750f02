//! What was done to a file afterwards shows, and is named.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::cast::Encoder;
use crate::key::SIGNATURE_LEN;
use crate::tests::{NAME, Studio, code_of, edit_lines, ms};
use crate::{Completeness, Damage, Problem, PublicKey, Verdict, verify};

/// The first damage in these bytes as a file; none where it merely has no seal.
fn damage(studio: &Studio, bytes: &[u8]) -> Option<Damage> {
    match verify(&studio.put(bytes), &[studio.key.public()]).unwrap() {
        Verdict::Intact(summary) => panic!("taken for intact: {summary:?}"),
        Verdict::Unsealed(_) => None,
        Verdict::Broken(damage) => Some(damage),
    }
}

fn line_count(bytes: &[u8]) -> usize {
    bytes.iter().filter(|&&byte| byte == b'\n').count()
}

#[test]
fn a_changed_byte_anywhere_shows_in_the_lines_it_is_in() {
    let studio = Studio::new();
    let (_, file) = studio.sample();
    let mut line = 1;
    for (at, &byte) in file.iter().enumerate() {
        for flipped in [byte ^ 1, byte ^ 0x20, b'\n'] {
            if flipped == byte {
                continue;
            }
            let mut changed = file.clone();
            changed[at] = flipped;
            if let Some(found) = damage(&studio, &changed) {
                assert!(found.first <= line + 1 && line <= found.last + 1, "line {line}, byte {at}: {found}");
            } else {
                assert_eq!(line, line_count(&file) as u64, "only the last line can become none: the seal is gone");
            }
        }
        line += u64::from(byte == b'\n');
    }
}

#[test]
fn a_line_that_is_deleted_doubled_or_swapped_shows() {
    let studio = Studio::new();
    let (_, file) = studio.sample();
    let lines = line_count(&file);
    for index in 0..lines {
        let number = index as u64 + 1;
        let deleted = edit_lines(&file, |lines| drop(lines.remove(index)));
        match damage(&studio, &deleted) {
            Some(found) => assert!(found.first <= number && number <= found.last + 1, "delete {number}: {found}"),
            None => assert_eq!(index, lines - 1, "only without the signature it has no seal"),
        }
        let doubled = edit_lines(&file, |lines| lines.insert(index, lines[index].clone()));
        assert!(damage(&studio, &doubled).is_some(), "double {number}");
        if index + 1 < lines {
            let swapped = edit_lines(&file, |lines| lines.swap(index, index + 1));
            let found = damage(&studio, &swapped).unwrap();
            assert!(found.first <= number + 1 && number <= found.last, "swap {number}: {found}");
        }
    }
}

#[test]
fn a_file_cut_at_any_byte_is_never_intact() {
    let studio = Studio::new();
    let (_, file) = studio.sample();
    let header = file.iter().position(|&byte| byte == b'\n').unwrap();
    for len in 0..file.len() {
        match damage(&studio, &file[..len]) {
            Some(found) => assert!(len <= header && matches!(found.problem, Problem::Header(_)), "{len}: {found}"),
            None => assert!(len > header, "{len}"),
        }
    }
}

#[test]
fn what_follows_the_seal_shows() {
    let studio = Studio::new();
    let (_, file) = studio.sample();
    let after = line_count(&file) as u64 + 1;
    for garbage in [&b"\n"[..], b"x", b"[1.0,\"o\",\"x\"]\n", &file] {
        let found = damage(&studio, &[&file, garbage].concat()).unwrap();
        assert_eq!(found, Damage { first: after, last: after, problem: Problem::AfterSeal });
    }
}

#[test]
fn a_seal_of_another_recording_does_not_fit() {
    let studio = Studio::new();
    let (_, file) = studio.sample();
    let mut other = studio.writer("s2.cast");
    other.seal(ms(5), Completeness::Complete, "exit 0").unwrap();
    let other = crate::tests::read(&studio.folder.path().join("s2.cast"));
    let seal = edit_lines(&other, |lines| drop(lines.drain(..lines.len() - 3)));
    let signature = edit_lines(&other, |lines| drop(lines.drain(..lines.len() - 1)));

    let with_seal = edit_lines(&file, |lines| *lines.last_chunk_mut::<3>().unwrap() = [vec![], vec![], seal]);
    assert_eq!(damage(&studio, &with_seal).unwrap().problem, Problem::Hash);
    let with_signature = edit_lines(&file, |lines| *lines.last_mut().unwrap() = signature);
    assert_eq!(damage(&studio, &with_signature).unwrap().problem, Problem::Signature);
}

#[test]
fn a_key_that_is_not_trusted_does_not_make_a_recording_intact() {
    let studio = Studio::new();
    let (_, file) = studio.sample();
    let path = studio.put(&file);
    let stranger = Studio::new().key.public();
    for keys in [&[][..], &[stranger]] {
        let Verdict::Broken(found) = verify(&path, keys).unwrap() else { panic!("taken for intact") };
        assert_eq!(found.problem, Problem::UnknownKey(studio.key.public().id()));
        assert_eq!(found.first, line_count(&file) as u64);
    }
    let both: [PublicKey; 2] = [stranger, studio.key.public()];
    assert!(matches!(verify(&path, &both).unwrap(), Verdict::Intact(_)));
}

#[test]
fn a_forger_who_makes_every_link_anew_still_needs_the_key() {
    let studio = Studio::new();
    let (_, file) = studio.sample();
    let forger = Studio::new();

    // Another story with fitting links and a seal in the name of our key, signed by another.
    let mut encoder = Encoder::default();
    encoder.header(&crate::tests::header()).unwrap();
    encoder.output(ms(1), b"nothing happened").unwrap();
    encoder.seal(ms(2), Completeness::Complete, "exit 0", &forger.key).unwrap();
    let forged = String::from_utf8(encoder.bytes().to_vec()).unwrap();
    assert!(matches!(damage(&studio, forged.as_bytes()).unwrap().problem, Problem::UnknownKey(_)));

    // The true file with only the signature replaced by the forger's.
    let hash = crate::sha256(&file[..file.len() - SIGNATURE_LEN - 3]);
    let mut resigned = file.clone();
    let at = file.len() - SIGNATURE_LEN - 3;
    resigned[at..at + SIGNATURE_LEN].copy_from_slice(forger.key.sign(&hash).as_bytes());
    assert_eq!(damage(&studio, &resigned).unwrap().problem, Problem::Signature);
    resigned[at..at + SIGNATURE_LEN].copy_from_slice(STANDARD.encode([0; 64]).as_bytes());
    assert_eq!(damage(&studio, &resigned).unwrap().problem, Problem::Signature);
}

#[test]
fn a_link_is_the_sha256_of_all_that_comes_before_it() {
    let studio = Studio::new();
    let (_, file) = studio.sample();
    let mut at = 0;
    let mut links = 0;
    for line in file.split_inclusive(|&byte| byte == b'\n') {
        if code_of(line) == "h" {
            let hash_at = at + line.len() - 64 - 3;
            assert_eq!(crate::hex(&crate::sha256(&file[..hash_at])).as_bytes(), &file[hash_at..hash_at + 64]);
            links += 1;
        }
        at += line.len();
    }
    assert_eq!((links, studio.path().ends_with(NAME)), (6, true));
}

#[test]
fn an_endless_line_and_a_deep_one_are_refused() {
    let studio = Studio::new();
    let (_, file) = studio.sample();
    let endless = [&file[..], &vec![b'['; 9 << 20]].concat();
    assert!(damage(&studio, &endless).is_some());
    let unsealed = edit_lines(&file, |lines| drop(lines.pop()));
    let endless = [&unsealed[..], &vec![b'x'; 9 << 20]].concat();
    assert_eq!(damage(&studio, &endless).unwrap().problem, Problem::TooLong);
    let deep = [&unsealed[..], &vec![b'['; 1 << 20], b"\n"].concat();
    assert!(matches!(damage(&studio, &deep).unwrap().problem, Problem::Event(_)));
}
