//! Who may do what, where, and until when: the pure rules of Curfew.
//!
//! Nothing here reads a clock, a file or a socket: `now` is a parameter and facts come in as values, so every rule can
//! be tested with a table. The one way to a target is a [`decide::Permit`], and only [`decide::decide`] makes one.
//!
//! # The map
//!
//! | to change | look at |
//! | --- | --- |
//! | who may ask for what, and whose approval it needs | [`ask`], which goes by [`rule`] |
//! | who gets in, and with which grant and login | [`decide`] |
//! | what may be done under a grant | [`role`]; what may run: [`start`]; where a forward may lead: [`endpoint`]; how a pattern matches: [`pattern`] |
//! | when a session must end | [`lease`] |
//! | what people, targets, requests and grants are | [`user`], [`target`], [`request`], [`grant`], [`id`] |
//! | how durations, moments and refusals are written | [`time`], [`refusal`]; what somebody typed: [`text`] |

pub mod ask;
pub mod decide;
pub mod endpoint;
pub mod grant;
pub mod id;
pub mod lease;
pub mod pattern;
pub mod refusal;
pub mod request;
pub mod role;
pub mod rule;
pub mod start;
pub mod target;
pub mod text;
pub mod time;
pub mod user;

#[cfg(test)]
mod tests;
