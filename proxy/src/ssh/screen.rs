//! What the terminal is in the middle of, so that a warning is never written into it.

/// Follows the output of a pty closely enough to know two things: whether a full-screen program has it (the alternate
/// screen, `CSI ? 1049 h` and its elders), and whether the last byte ended everything that was begun (an escape
/// sequence, a UTF-8 character, a line).
#[derive(Debug, Default)]
pub struct Screen {
    state: State,
    alternate: bool,
    /// Bytes still missing from a UTF-8 character.
    continuation: u8,
    private: bool,
    number: u32,
    numbers: Vec<u32>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum State {
    #[default]
    Ground,
    Escape,
    Csi,
    /// OSC, DCS, APC, PM or SOS: until BEL or ST.
    String,
    StringEscape,
    /// One byte more (`ESC ( B`).
    OneMore,
}

/// No more parameters than this are remembered: nobody sends more in earnest.
const MOST_NUMBERS: usize = 16;

impl Screen {
    /// Takes output that went to the terminal.
    pub fn feed(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.step(byte);
        }
    }

    /// Whether a full-screen program has the terminal.
    #[must_use]
    pub const fn is_alternate(&self) -> bool {
        self.alternate
    }

    /// Whether something may be written now without landing inside a sequence or a character.
    #[must_use]
    pub fn is_between(&self) -> bool {
        self.state == State::Ground && self.continuation == 0
    }

    fn step(&mut self, byte: u8) {
        match self.state {
            State::Ground => self.ground(byte),
            State::Escape => self.escape(byte),
            State::Csi => self.csi(byte),
            State::String => match byte {
                0x07 | 0x18 | 0x1a => self.state = State::Ground,
                0x1b => self.state = State::StringEscape,
                _ => {}
            },
            State::StringEscape => {
                self.state = State::Ground;
                if byte != b'\\' {
                    self.escape(byte);
                }
            }
            State::OneMore => self.state = State::Ground,
        }
    }

    fn ground(&mut self, byte: u8) {
        match byte {
            0x1b => {
                self.continuation = 0;
                self.state = State::Escape;
            }
            0x80..=0xbf => self.continuation = self.continuation.saturating_sub(1),
            0xc2..=0xdf => self.continuation = 1,
            0xe0..=0xef => self.continuation = 2,
            0xf0..=0xf4 => self.continuation = 3,
            _ => self.continuation = 0,
        }
    }

    fn escape(&mut self, byte: u8) {
        self.state = match byte {
            b'[' => {
                self.private = false;
                self.number = 0;
                self.numbers.clear();
                State::Csi
            }
            b']' | b'P' | b'_' | b'^' | b'X' => State::String,
            b'(' | b')' | b'*' | b'+' | b'#' | b'%' | b' ' => State::OneMore,
            b'c' => {
                // RIS: a full reset leaves the alternate screen too.
                self.alternate = false;
                State::Ground
            }
            0x1b => State::Escape,
            _ => State::Ground,
        };
    }

    fn csi(&mut self, byte: u8) {
        match byte {
            b'?' => self.private = true,
            b'0'..=b'9' => self.number = self.number.saturating_mul(10).saturating_add(u32::from(byte - b'0')),
            b';' => self.push_number(),
            0x40..=0x7e => {
                self.push_number();
                if self.private
                    && matches!(byte, b'h' | b'l')
                    && self.numbers.iter().any(|n| matches!(n, 47 | 1047 | 1049))
                {
                    self.alternate = byte == b'h';
                }
                self.state = State::Ground;
            }
            0x1b => self.state = State::Escape,
            0x18 | 0x1a => self.state = State::Ground,
            _ => {}
        }
    }

    fn push_number(&mut self) {
        if self.numbers.len() < MOST_NUMBERS {
            self.numbers.push(self.number);
        }
        self.number = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(output: &[u8]) -> Screen {
        let mut screen = Screen::default();
        screen.feed(output);
        screen
    }

    #[test]
    fn the_alternate_screen_is_seen_in_all_its_forms() {
        for on in ["\x1b[?1049h", "\x1b[?47h", "\x1b[?1047h", "\x1b[?1;1049h"] {
            assert!(after(on.as_bytes()).is_alternate(), "{on:?}");
            assert!(!after(format!("{on}vim{}", on.replace('h', "l")).as_bytes()).is_alternate(), "{on:?}");
        }
        assert!(!after(b"\x1b[?25h\x1b[1049h?1049h").is_alternate());
        assert!(!after(b"\x1b[?1049h\x1bc").is_alternate());
    }

    #[test]
    fn a_sequence_split_anywhere_is_still_seen() {
        let output = b"abc\x1b]0;title\x07\xe2\x82\xac\x1b[?1049hx";
        for cut in 0..output.len() {
            let mut screen = after(&output[..cut]);
            screen.feed(&output[cut..]);
            assert!(screen.is_alternate() && screen.is_between(), "{cut}");
        }
    }

    #[test]
    fn the_middle_of_a_sequence_or_character_is_no_place_to_write() {
        for open in [&b"\x1b"[..], b"\x1b[3", b"\x1b]0;ti", b"\x1b]0;ti\x1b", b"\xe2\x82", b"\xf0\x9f\x98", b"\x1b("] {
            assert!(!after(open).is_between(), "{open:?}");
        }
        for closed in [&b"$ "[..], b"\x1b[31m", b"\x1b]0;ti\x07", b"\x1b]0;ti\x1b\\", b"\xe2\x82\xac", b"\x1b(B", b""] {
            assert!(after(closed).is_between(), "{closed:?}");
        }
    }
}
