//! What people do with Curfew, one verb a file: ask, approve, connect, revoke.
//!
//! Doors parse what somebody typed and call in here with an [`Actor`]; here the rules are asked, the store is changed
//! together with its audit event, and live sessions are told. No door knows a rule, and no SQL is known here.

pub mod admit;
mod app;
pub mod approve;
pub mod audit;
pub mod caller;
pub mod cancel;
pub mod commit;
pub mod deny;
pub mod done;
pub mod end_session;
pub mod expire;
pub mod extend;
mod fault;
mod grace;
pub mod grant;
pub mod hint;
pub mod kill;
pub mod lapse;
pub mod list;
pub mod offer;
pub mod reach;
pub mod reconcile;
pub mod record;
pub mod refuse;
pub mod reload;
pub mod request;
pub mod revoke;
mod rulebook;
pub mod show;
pub mod start;
pub mod status;
pub mod targets;
#[cfg(test)]
pub(crate) mod tests;
pub mod view;
pub mod visibility;
pub mod whoami;

pub use self::app::{Actor, App};
pub use self::commit::{Change, Effect};
pub use self::fault::{Fault, Outcome};
pub use self::rulebook::Rulebook;
