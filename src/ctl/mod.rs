//! `curfew ctl COMMAND`: the operator's door, a Unix socket in `state_dir` that speaks the console's grammar.
//!
//! The client sends one [`frame::Ask`] and then, at most, that Ctrl-C was typed; the gateway answers with pieces of
//! stdout and stderr and last the exit status. Whoever may open the socket is the operator: it lies in a folder of the
//! gateway's own user, nobody else may open it, and the gateway asks the kernel who is calling.

mod client;
mod frame;
mod server;

pub use self::client::{call, run};
pub use self::server::{OperatorDoor, SOCKET};
