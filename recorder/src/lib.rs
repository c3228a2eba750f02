//! Recordings: asciicast v2, hash-chained while written, sealed when they end.
//!
//! A channel hands events to a [`Recording`] and forwards bytes when [`Recording::written`] says that they are in the
//! file: no recording, no bytes. [`verify`] judges a file with trusted keys alone, [`repair`] seals what a crash left
//! behind, [`Player`] plays it, [`raw_bytes`] gives the exact output, [`LiveRecording`] lets others watch while it is made.
//!
//! # The map
//!
//! | to change | look at |
//! | --- | --- |
//! | what a line says, and how it is written | `event`, `cast`; bytes that are not UTF-8: `utf8`, `exact`; escapes: `json`, `text` |
//! | the chain, the key, what is signed | `hash`, `chain`, `key` |
//! | how bytes reach the file, in order and without delay to the caller | `writer` (encodes and appends) ← `queue` (one job at a time) ← `recording` (what a channel holds) |
//! | how a recording ends, or fails | `sealed` |
//! | how others watch it | `follow` |
//! | where files lie, and with which mode | `file` |
//! | how a file is judged and mended | `lines` ← `scan` ← `verify`, `repair` |
//! | how a file is played | `player` |
//!
//! # The file
//!
//! One file per channel, mode 0600, UTF-8, a JSON value per line, each line ended by a line feed. It is an asciicast v2
//! file (<https://docs.asciinema.org/manual/asciicast/v2/>) that any player plays; what Curfew adds is in the header's
//! `curfew` object and in events of further codes, which players pass over.
//!
//! **Line 1, the header**: `version` (2), `width`, `height`, `timestamp` (seconds since 1970), `title`, `env` (`TERM`
//! where there is a terminal), and `curfew`: `format` (1), `key` (id of the sealing key), `gateway`, `session`, `grant`,
//! `user`, `target`, `login`, `channel`, `kind`, `command`.
//!
//! **Every other line** is `[TIME,"CODE","DATA"]`. `TIME` is seconds since the start with six decimals, never less than
//! in the line before, and never a whole number, which asciinema 3 refuses.
//!
//! | code | data |
//! | --- | --- |
//! | `o` | text shown; stdout and stderr |
//! | `i` | text typed, where it is recorded |
//! | `r` | the terminal's new size, `120x40` |
//! | `m` | a named moment |
//! | `b` | exact bytes of output, base64 |
//! | `k` | exact bytes of input, base64 |
//! | `n` | a JSON value: in fields what the next `o` says in words |
//! | `f` | bytes of a half-written line that a repair set aside, base64 |
//! | `h` | a link of the chain: SHA-256, lower-case hexadecimal |
//! | `s` | the statement, JSON |
//! | `g` | the signature, base64 |
//!
//! **Exact bytes.** The output's exact bytes are, in the order of lines, the data of every `b` and the text of every `o`,
//! except that an `o` is not counted when one or more `b` came since the `o` before it: it pictures those bytes, with
//! U+FFFD for what is not UTF-8, or in words where a long piece is no text at all. So valid UTF-8 is stored once. A
//! character that is not complete at the end of a batch is a `b` at once, for no byte goes on before it is in the file,
//! and is pictured when the rest of it has come. `k` and `i` are likewise.
//!
//! **The chain.** The data of an `h` line is the SHA-256 of every byte of the file before that data, its own line's
//! `[TIME,"h","` included: `head -c N FILE | sha256sum` checks it. Lines are written in batches, and each batch ends with
//! a link; the header is a batch of its own.
//!
//! **The seal** is the last three lines: `s`, `h`, `g`. The statement has `state` (`complete`, or `interrupted` when the
//! channel's end was not seen), `end` (why it ended), `output_bytes` and `lines` (before the statement), and `key` (the
//! key's id: the first 16 hexadecimal digits of the SHA-256 of the 32 bytes of the public key). The signature is Ed25519
//! (RFC 8032) over the 25 bytes `curfew recording seal v1\n` and the 32 bytes of the SHA-256 of every byte of the file
//! before the signature's own data. Nothing follows it.
//!
//! **After a crash** the file ends without a seal, perhaps within a line. Whole lines stay; the rest of the last one,
//! which nobody was told was written, moves into `f` lines; a marker and a seal follow.

mod cast;
mod chain;
mod event;
mod exact;
mod file;
mod follow;
mod hash;
mod json;
mod key;
mod lines;
mod player;
mod queue;
mod recording;
mod repair;
mod scan;
mod sealed;
mod text;
mod utf8;
mod verify;
mod writer;

pub use cast::{Completeness, FORMAT, Header, Origin, Statement};
pub use event::{Event, What};
pub use file::{EXTENSION, find_unsealed};
pub use follow::{Follower, LiveRecording};
pub use hash::{Hasher, hex, sha256};
pub use key::{KeyError, PublicKey, SealKey};
pub use player::{Cast, CastError, Frame, Pace, Player, raw_bytes};
pub use recording::{MAX_WAITING, Recording, Ticket};
pub use repair::{Repaired, repair};
pub use scan::{Damage, Problem};
pub use sealed::{RecordingError, Sealed};
pub use text::printable;
pub use verify::{Summary, Unsealed, Verdict, verify};

#[cfg(test)]
mod tests;
