//! What this process keeps in memory of the sessions and recordings that are live, and of the strangers who knock.

pub mod late_ends;
pub mod late_seals;
pub mod leases;
pub mod recordings;
pub mod refusals;
pub mod repeats;
pub mod waiters;
