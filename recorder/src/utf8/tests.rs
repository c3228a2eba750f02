use super::*;
use proptest::prelude::*;

/// Runs chunks through a decoder, a batch each, and gives the raw bytes and the shown text.
fn run(chunks: &[Vec<u8>], settle_each: bool) -> (Vec<u8>, String) {
    let (mut raw, mut shown) = (Vec::new(), String::new());
    let mut emit = |piece: Piece<'_>| match piece {
        Piece::Text(text) => {
            raw.extend_from_slice(text.as_bytes());
            shown.push_str(text);
        }
        Piece::Raw(bytes) => raw.extend_from_slice(bytes),
        Piece::Picture(text) => shown.push_str(text),
    };
    let mut decoder = Decoder::default();
    for chunk in chunks {
        decoder.push(chunk, &mut emit);
        if settle_each {
            decoder.settle_batch(&mut emit);
        }
    }
    decoder.finish(&mut emit);
    (raw, shown)
}

#[test]
fn a_character_split_within_a_batch_is_plain_text() {
    let mut pieces = Vec::new();
    let mut decoder = Decoder::default();
    let mut emit = |piece: Piece<'_>| pieces.push(format!("{piece:?}"));
    decoder.push(b"a\xe2", &mut emit);
    decoder.push(b"\x82", &mut emit);
    decoder.push(b"\xacb", &mut emit);
    assert_eq!(pieces, ["Text(\"a\")", "Text(\"€\")", "Text(\"b\")"]);
}

#[test]
fn a_character_split_between_batches_is_raw_first_and_shown_when_whole() {
    let mut pieces = Vec::new();
    let mut decoder = Decoder::default();
    let mut emit = |piece: Piece<'_>| pieces.push(format!("{piece:?}"));
    decoder.push(b"\xe2\x82", &mut emit);
    decoder.settle_batch(&mut emit);
    decoder.settle_batch(&mut emit);
    decoder.push(b"\xacb", &mut emit);
    assert_eq!(pieces, ["Raw([226, 130])", "Raw([172])", "Picture(\"€\")", "Text(\"b\")"]);
}

#[test]
fn bulk_that_is_no_text_is_kept_exactly_and_pictured_in_a_few_words() {
    let noise: Vec<u8> = (0..40_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 11) as u8).collect();
    let chunks = [b"head \xe2".to_vec(), [b"\x82\xac".to_vec(), noise.clone()].concat(), b" tail".to_vec()];
    let (raw, shown) = run(&chunks, true);
    assert_eq!(raw, chunks.concat());
    assert_eq!(shown, "head €[40000 bytes that are no text]\r\n tail");
    let (raw, shown) = run(&[vec![0; 4096]], false);
    assert_eq!((raw, shown.as_str()), (vec![0; 4096], "[4096 bytes that are no text]\r\n"));
}

#[test]
fn bulk_with_a_few_strange_bytes_is_shown() {
    let mut text = "a line of text, with colours: \u{1b}[1;31mred\u{1b}[0m, and wörds\r\n".repeat(40).into_bytes();
    text[700] = 0xff;
    let (raw, shown) = run(std::slice::from_ref(&text), false);
    assert_eq!(shown, String::from_utf8_lossy(&text));
    assert_eq!(raw, text);
}

proptest! {
    #[test]
    fn no_byte_is_lost_and_the_text_is_that_of_the_whole(
        bytes in proptest::collection::vec(
            prop_oneof![Just(0xe2), Just(0x82), Just(0xac), Just(0xf0), Just(0x9f), Just(0x98), Just(0x80), any::<u8>()],
            0..80,
        ),
        sizes in proptest::collection::vec(0usize..6, 1..40),
        settle in any::<bool>(),
    ) {
        let mut rest = bytes.as_slice();
        let mut chunks = Vec::new();
        for size in sizes {
            let (chunk, after) = rest.split_at(size.min(rest.len()));
            chunks.push(chunk.to_vec());
            rest = after;
        }
        chunks.push(rest.to_vec());
        let (raw, shown) = run(&chunks, settle);
        prop_assert_eq!(&raw, &bytes);
        prop_assert_eq!(shown, String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn valid_text_never_needs_raw_bytes_within_a_batch(text in "\\PC{0,60}", at in 0usize..60) {
        let (head, tail) = text.as_bytes().split_at(at.min(text.len()));
        let mut decoder = Decoder::default();
        let mut raw = false;
        let mut emit = |piece: Piece<'_>| raw |= !matches!(piece, Piece::Text(_));
        decoder.push(head, &mut emit);
        decoder.push(tail, &mut emit);
        decoder.finish(&mut emit);
        prop_assert!(!raw);
    }
}
