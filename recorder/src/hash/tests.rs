use super::*;

#[test]
fn a_stream_hashes_like_the_whole() {
    let mut hasher = Hasher::new();
    hasher.update(b"a");
    assert_eq!(hasher.current(), sha256(b"a"));
    hasher.update(b"bc");
    assert_eq!(hex(&hasher.current()), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}
