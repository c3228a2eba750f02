//! `ssh bastion COMMAND`: to ask, decide and look, with no client to install. `curfew ctl` speaks the same grammar.
//!
//! The bytes of a command become a [`command::CommandLine`] ([`parse`]), which was checked in full before anything is looked
//! up; one table ([`spec`]) tells the parser what it accepts and the help what to say.

pub mod asking;
mod audit;
pub mod command;
mod given;
pub mod help;
pub mod hints;
mod keys;
mod narrow;
pub mod parse;
pub mod pen;
pub mod render;
mod replay;
mod run;
pub mod screen;
pub mod spec;
mod wait;
mod watch;

pub use self::run::{ConsoleSetting, run};
