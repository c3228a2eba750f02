use super::*;
use std::os::unix::fs::PermissionsExt;

#[test]
fn names_that_could_lead_elsewhere_are_not_safe() {
    for name in ["s1.cast", "s345-1-shell.cast", "a.b_c.cast"] {
        assert!(is_safe_name(name), "{name}");
    }
    for name in ["", ".cast", "..", "../a.cast", "a/b.cast", "a.txt", ".a.cast", "a\0.cast", "a b.cast", "é.cast"] {
        assert!(!is_safe_name(name), "{name}");
    }
    assert!(!is_safe_name(&format!("{}.cast", "a".repeat(128))));
}

#[test]
fn files_and_folders_are_their_owners_alone_and_made_once() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("2026/11");
    create(&folder, "a.cast").unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&folder), mode(&root.path().join("2026"))), (0o700, 0o700));
    assert_eq!(mode(&folder.join("a.cast")), 0o600);
    assert_eq!(create(&folder, "a.cast").unwrap_err().kind(), io::ErrorKind::AlreadyExists);
}
