//! SSH on both sides of a session.

pub mod algorithms;
pub mod asking;
pub mod bastion;
pub mod channel;
pub mod channels;
pub mod client;
pub mod console;
pub mod copy;
pub mod count;
pub mod forward;
pub mod inward;
pub mod jump;
pub mod links;
pub mod listen;
pub mod notice;
pub mod notices;
pub mod reap;
pub mod refuse;
pub mod relay;
pub mod requests;
pub mod screen;
pub mod server;
pub mod sftp;
pub mod tape;
pub mod transcript;
pub mod warner;
