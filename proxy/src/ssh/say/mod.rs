//! What we write to people: lines and their words, where they go on a terminal, the last of them.

pub mod last;
pub mod messages;
pub mod print;
pub mod queued;
pub mod terminal;
