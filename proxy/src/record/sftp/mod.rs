//! SFTP as it passes: every request is decided, every operation written down, every file that moves hashed.
//!
//! Version 3 (draft-ietf-secsh-filexfer-02) with OpenSSH's extensions (its PROTOCOL file, section 4), the one dialect
//! that is spoken; both sides are held to it. A state machine on bytes: it neither waits nor reads a clock, and what
//! it holds is bounded, whatever either side sends. In reading order: [`gate`] takes the client's bytes, [`frame`]
//! cuts them into packets, [`request`] reads one, [`rules`] decides, [`check`] asks the target where a path leads if it is to
//! stay in [`roots`], [`held`] keeps what comes meanwhile and [`resume`] goes on with it, [`pending`] waits for the
//! [`reply`], [`answers`] tells what that means, [`files`] knows what is open.

mod answers;
mod check;
mod files;
mod frame;
mod gate;
mod held;
mod ordered_hash;
mod pending;
mod reply;
mod request;
mod resume;
mod roots;
mod rules;
#[cfg(test)]
mod tests;
mod wire;

pub use gate::SftpGate;
