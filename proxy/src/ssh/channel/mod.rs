//! The channels of a session: what a client asks for, and the bytes that pass.
//!
//! The [`set`] of a session's channels gives each a task: a [`program`] (a shell, a command, a subsystem), a [`forward`]ed
//! connection, or a place among the listeners ([`remote_listen`]).

pub mod context;
pub mod forward;
pub mod outcome;
pub mod program;
pub mod ready;
pub mod refuse;
pub mod relay;
pub mod remote_listen;
pub mod requests;
pub mod set;
