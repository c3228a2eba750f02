//! The exact bytes of output, from the lines that hold them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::event::{Line, code};

/// Goes through the lines of a recording. Text is its own bytes, unless it pictures bytes that were given before it.
#[derive(Debug, Default)]
pub(crate) struct Exact {
    /// The next output pictures bytes that were counted.
    pictured: bool,
}

impl Exact {
    /// The bytes of output that this line adds, if it does.
    pub(crate) fn bytes(&mut self, line: Line<'_>) -> Result<Option<Vec<u8>>, String> {
        match line.1 {
            code::OUTPUT if std::mem::take(&mut self.pictured) => Ok(None),
            code::OUTPUT => Ok(Some(line.2.into_bytes())),
            code::OUTPUT_BYTES => {
                self.pictured = true;
                let decoded = STANDARD.decode(line.2);
                decoded.map(Some).map_err(|error| format!("not the base64 of bytes: {error}"))
            }
            _ => Ok(None),
        }
    }
}
