//! JSON strings, written fast: most terminal output is plain runs between a few characters that need an escape.

/// Appends `text` as the inside of a JSON string (without its quotes).
///
/// Control characters, quotes and backslashes are escaped as RFC 8259 §7 asks; so are U+0085, U+2028 and U+2029, which
/// some readers take for the end of a line.
pub(crate) fn push_escaped(out: &mut Vec<u8>, text: &str) {
    let mut rest = text.as_bytes();
    loop {
        let (plain, special) = rest.split_at(plain_run(rest));
        out.extend_from_slice(plain);
        rest = match special {
            [] => return,
            [b'\n', after @ ..] => escape(out, b"\\n", after),
            [b'\r', after @ ..] => escape(out, b"\\r", after),
            [b'"', after @ ..] => escape(out, b"\\\"", after),
            [b'\\', after @ ..] => escape(out, b"\\\\", after),
            [0x1b, after @ ..] => escape(out, b"\\u001b", after),
            [b'\t', after @ ..] => escape(out, b"\\t", after),
            [control @ 0..0x20, after @ ..] => {
                let code = [b'\\', b'u', b'0', b'0', hex_digit(control >> 4), hex_digit(control & 15)];
                escape(out, &code, after)
            }
            [0xc2, 0x85, after @ ..] => escape(out, b"\\u0085", after),
            [0xe2, 0x80, 0xa8, after @ ..] => escape(out, b"\\u2028", after),
            [0xe2, 0x80, 0xa9, after @ ..] => escape(out, b"\\u2029", after),
            [ordinary, after @ ..] => escape(out, std::slice::from_ref(ordinary), after),
        };
    }
}

fn escape<'a>(out: &mut Vec<u8>, written: &[u8], after: &'a [u8]) -> &'a [u8] {
    out.extend_from_slice(written);
    after
}

/// One digit of lower-case hexadecimal; `nibble` is below 16.
pub(crate) const fn hex_digit(nibble: u8) -> u8 {
    if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 }
}

/// Whether a byte may begin something that needs an escape.
const fn suspicious(byte: u8) -> bool {
    (byte < 0x20) | (byte == b'"') | (byte == b'\\') | (byte == 0xc2) | (byte == 0xe2)
}

/// How many bytes at the start need no look. Whole blocks are tested without branches, so that the compiler turns the
/// test into a few vector instructions.
fn plain_run(bytes: &[u8]) -> usize {
    let (blocks, tail) = bytes.as_chunks::<32>();
    for (index, block) in blocks.iter().enumerate() {
        if block.iter().fold(false, |found, &byte| found | suspicious(byte)) {
            let within = block.iter().position(|&byte| suspicious(byte)).unwrap_or(block.len());
            return index * 32 + within;
        }
    }
    blocks.len() * 32 + tail.iter().position(|&byte| suspicious(byte)).unwrap_or(tail.len())
}

#[cfg(test)]
mod tests;
