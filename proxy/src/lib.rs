//! The bytes under a lease: listeners, SSH on both sides, and the cut.
//!
//! # The rooms
//!
//! A connection falls from the top to the bottom; a room imports only rooms below it.
//!
//! | room | what is in it |
//! | --- | --- |
//! | [`front`] | where connections come in, and the threads that they are dealt to |
//! | [`bastion`] | a connection to the bastion itself: console commands, SSH inside SSH, ways to targets |
//! | [`tcp`] | one connection to a TCP service |
//! | [`ssh`] | the story of a session: who is it, may they, its [channels](ssh::channel), its [target](ssh::target), what it [says](ssh::say) |
//! | [`record`] | what is written down: bytes, files, connections |
//! | [`gateway`] | what all connections share |
//! | [`limits`] | who may knock, and how often |
//! | [`gate`] | all that is asked of the product |
//! | [`net`] | sockets and streams, and their end from outside |
//! | [`lease`] | when a session must end, and by which clock |
//! | [`route`] | where a connection wants to go |
//!
//! One connection reads from top to bottom in [`front::listener`] (who is it, where to), [`ssh::session`] (admitted → live →
//! ended), and [`ssh::channel::program`] (asked, recorded, relayed, sealed).

pub mod bastion;
pub mod front;
pub mod gate;
pub mod gateway;
pub mod lease;
pub mod limits;
pub mod net;
pub mod record;
pub mod route;
pub mod ssh;
pub mod tcp;
