//! Words and characters that people type, and how they are shown.

pub mod escape;
pub mod shell_words;
pub mod suggest;
