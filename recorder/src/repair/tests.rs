//! What a crash left behind is sealed as it is.

use std::fs;
use std::io;

use crate::tests::{SAMPLE_OUTPUT, Studio, ms, read};
use crate::{Cast, Completeness, Repaired, Verdict, What, find_unsealed, raw_bytes, repair, verify};

#[test]
fn a_file_cut_at_any_byte_is_repaired_and_keeps_every_whole_line() {
    let studio = Studio::new();
    let (_, file) = studio.sample();
    let header = file.iter().position(|&byte| byte == b'\n').unwrap();
    for len in 0..file.len() {
        let cut = &file[..len];
        let path = studio.put(cut);
        let repaired = repair(&path, &studio.key).unwrap();
        if len <= header {
            assert!(matches!(repaired, Repaired::Empty(bytes) if bytes == len as u64), "{len}: {repaired:?}");
            assert_eq!(read(&path), cut);
            continue;
        }
        let Repaired::Sealed(sealed) = repaired else { panic!("{len}: {repaired:?}") };
        let whole = cut.iter().rposition(|&byte| byte == b'\n').unwrap() + 1;
        let after = read(&path);
        assert!(after.starts_with(&cut[..whole]), "{len}");
        assert_eq!((sealed.state, sealed.bytes), (Completeness::Interrupted, after.len() as u64));
        assert_eq!(sealed.sha256, crate::hex(&crate::sha256(&after)));
        assert_eq!(set_aside(&after), &cut[whole..], "{len}");

        let Verdict::Intact(summary) = verify(&path, &[studio.key.public()]).unwrap() else {
            panic!("{len}: not intact")
        };
        assert_eq!(summary.statement.state, Completeness::Interrupted);
        let raw = raw_bytes(&path).unwrap();
        assert!(SAMPLE_OUTPUT.starts_with(&raw), "{len}");
        assert_eq!(raw.len() as u64, sealed.output_bytes);

        assert!(matches!(repair(&path, &studio.key).unwrap(), Repaired::Already(again) if again == sealed), "{len}");
        assert_eq!(read(&path), after);
    }
}

/// The bytes of the half-written line that a repair set aside.
fn set_aside(file: &[u8]) -> Vec<u8> {
    use base64::Engine;
    let events = Cast::read(file).unwrap().map(Result::unwrap);
    let fragments = events.filter_map(|event| match event.what {
        What::Other(code, data) if code == "f" => Some(data),
        _ => None,
    });
    fragments.flat_map(|data| base64::engine::general_purpose::STANDARD.decode(data).unwrap()).collect()
}

#[test]
fn a_repair_that_was_cut_short_itself_is_repaired() {
    let studio = Studio::new();
    let (_, file) = studio.sample();
    let path = studio.put(&file[..file.len() / 2]);
    repair(&path, &studio.key).unwrap();
    let after = read(&path);
    for len in file.len() / 2..after.len() {
        let path = studio.put(&after[..len]);
        assert!(matches!(repair(&path, &studio.key).unwrap(), Repaired::Sealed(_)), "{len}");
        assert!(matches!(verify(&path, &[studio.key.public()]).unwrap(), Verdict::Intact(_)), "{len}");
    }
}

#[test]
fn a_sealed_recording_and_one_of_an_older_key_stay_as_they_are() {
    let studio = Studio::new();
    let (sealed, file) = studio.sample();
    for key in [&studio.key, &Studio::new().key] {
        let Repaired::Already(found) = repair(&studio.path(), key).unwrap() else { panic!("not taken for sealed") };
        assert_eq!(
            (found.sha256, found.state, found.end),
            (sealed.sha256.clone(), Completeness::Complete, "exit 0".into())
        );
        assert_eq!(read(&studio.path()), file);
    }
}

#[test]
fn what_was_tampered_with_is_not_sealed_over() {
    let studio = Studio::new();
    let (_, file) = studio.sample();
    let mut cut = file[..file.len() - 20].to_vec();
    let at = cut.windows(6).position(|window| window == b"prompt").unwrap();
    cut[at] = b'P';
    let path = studio.put(&cut);
    assert!(matches!(repair(&path, &studio.key).unwrap(), Repaired::Broken(_)));
    assert_eq!(read(&path), cut);
}

#[tokio::test]
async fn a_recording_that_is_being_made_is_left_alone() {
    let studio = Studio::new();
    let recording = studio.start().await;
    assert_eq!(repair(&studio.path(), &studio.key).unwrap_err().kind(), io::ErrorKind::WouldBlock);
    recording.seal("exit 0", ms(1)).await.unwrap();
    assert!(matches!(repair(&studio.path(), &studio.key).unwrap(), Repaired::Already(_)));
}

#[test]
fn unsealed_recordings_are_found_in_folders_and_links_are_not_followed() {
    let studio = Studio::new();
    let (_, file) = studio.sample();
    let root = studio.folder.path();
    fs::create_dir_all(root.join("2026/11")).unwrap();
    for (name, bytes) in [
        ("2026/11/cut.cast", &file[..file.len() - 1]),
        ("2026/11/whole.cast", &file[..]),
        ("2026/empty.cast", &[][..]),
        ("note.txt", b"x"),
    ] {
        fs::write(root.join(name), bytes).unwrap();
    }
    let elsewhere = tempfile::tempdir().unwrap();
    fs::write(elsewhere.path().join("x.cast"), b"").unwrap();
    std::os::unix::fs::symlink(elsewhere.path(), root.join("linked")).unwrap();
    let found = find_unsealed(root).unwrap();
    assert_eq!(found, [root.join("2026/11/cut.cast"), root.join("2026/empty.cast")]);
    assert!(find_unsealed(&root.join("missing")).unwrap().is_empty());
}
