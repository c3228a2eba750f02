//! What the terminal is in the middle of, so that a warning is never written into it.

/// Follows the output of a pty closely enough to know two things: whether a full-screen program has it (the alternate
/// screen, `CSI ? 1049 h` and its elders), and whether the last byte ended everything that was begun (an escape
/// sequence, a UTF-8 character, a line).
#[derive(Debug, Default)]
pub struct Screen {
    state: EscapeState,
    alternate: bool,
    /// Bytes still missing from a UTF-8 character.
    continuation: u8,
    private: bool,
    number: u32,
    numbers: Vec<u32>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum EscapeState {
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
        self.state == EscapeState::Ground && self.continuation == 0
    }

    fn step(&mut self, byte: u8) {
        match self.state {
            EscapeState::Ground => self.ground(byte),
            EscapeState::Escape => self.escape(byte),
            EscapeState::Csi => self.csi(byte),
            EscapeState::String => match byte {
                0x07 | 0x18 | 0x1a => self.state = EscapeState::Ground,
                0x1b => self.state = EscapeState::StringEscape,
                _ => {}
            },
            EscapeState::StringEscape => {
                self.state = EscapeState::Ground;
                if byte != b'\\' {
                    self.escape(byte);
                }
            }
            EscapeState::OneMore => self.state = EscapeState::Ground,
        }
    }

    fn ground(&mut self, byte: u8) {
        match byte {
            0x1b => {
                self.continuation = 0;
                self.state = EscapeState::Escape;
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
                EscapeState::Csi
            }
            b']' | b'P' | b'_' | b'^' | b'X' => EscapeState::String,
            b'(' | b')' | b'*' | b'+' | b'#' | b'%' | b' ' => EscapeState::OneMore,
            b'c' => {
                // RIS: a full reset leaves the alternate screen too.
                self.alternate = false;
                EscapeState::Ground
            }
            0x1b => EscapeState::Escape,
            _ => EscapeState::Ground,
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
                self.state = EscapeState::Ground;
            }
            0x1b => self.state = EscapeState::Escape,
            0x18 | 0x1a => self.state = EscapeState::Ground,
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
mod tests;
