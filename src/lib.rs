//! Curfew: an SSH/TCP bastion where every access ends on time.
//!
//! # The map
//!
//! ```text
//! policy  (pure: who may what, until when)     recorder  (asciicast, chained and sealed)
//!    ▲   ▲                                        ▲   ▲
//!    │   └───────────────── proxy ────────────────┘   │   (SSH on both sides: bytes under a lease)
//!    └────────────────────── src ─────────────────────┘   (the product: doors → usecase → store)
//! ```
//!
//! Arrows point at what is imported; a test walks them and fails when one runs back.
//!
//! **The story of a connection** reads from top to bottom in `proxy`: `listener` (who is it, where to) → `session`
//! (admitted, or refused → asked → admitted; live → ended) → `ssh/channel` (asked, recorded, relayed, sealed) →
//! `ssh/relay` (the bytes). All it asks of the product goes through one trait, `proxy::gate::Gate`, which
//! [`ssh_door`] answers. A connection to the bastion itself is in `ssh/bastion`: console commands, SSH inside SSH (`ssh/jump`, then
//! `session` again), TCP services (`tcp`).
//!
//! **The story of a request** begins at a door, [`console`] (`ssh bastion COMMAND`) or [`ctl`] (the operator's socket),
//! which parses and prints; [`usecase`] knows what people may do, one verb a file; [`store`] keeps it, each change
//! together with its audit event; [`live::leases`] tells the live sessions.
//!
//! | to change | look at |
//! | --- | --- |
//! | what a rule means, who gets in | `policy/src/{ask,decide,rule,role,pattern}.rs` |
//! | how and when a session is cut | `proxy/src/{deadline,session}.rs`, `proxy/src/ssh/{relay,notice,reap,warner}.rs` |
//! | what may finish after the end (`at_expiry`) | `proxy/src/deadline.rs`, `proxy/src/ssh/channels.rs`, `src/usecase/grace.rs` |
//! | what may be forwarded, and how: `-L`, `-D`, `-R`, `-A` | `policy/src/endpoint.rs`, `proxy/src/ssh/{forward,listen,inward,count}.rs` |
//! | what SFTP may do, and where (`sftp`, `sftp_roots`) | `proxy/src/ssh/sftp/{rules,roots,check}.rs` |
//! | what `ssh -J`, `-W` and `-L` lead to | `src/usecase/reach.rs`, `proxy/src/ssh/{bastion,jump}.rs`, `proxy/src/tcp/` |
//! | what the CAs sign | [`identity::issue`] |
//! | who may knock: caps, penalties, algorithms, what is logged of it | `proxy/src/{strangers,penalties,source}.rs`, `proxy/src/ssh/algorithms.rs`, [`live::refusals`] |
//! | which host keys a target may show | `proxy/src/ssh/host_keys.rs` |
//! | who a certificate proves, and what revokes it or a key | [`identity::user_certificate`], [`config::revoked`] |
//! | what russh does otherwise than upstream | `proxy/russh/edits/` |
//! | the keys of the gateway | [`identity::keys`] |
//! | how what people typed is read and shown: shell words, suggestions, escapes | [`text`] |
//! | the recording's format, verification, repair | `recorder/src/lib.rs` and its neighbours |
//! | a console command: its grammar, help, words | [`console`]: `spec`, `run`, `render` |
//! | what people are told who were refused, and what would help | `policy/src/refusal.rs`, [`usecase::hint`], [`console::hints`] |
//! | how a refused `ssh` becomes a request | `proxy/src/ssh/asking.rs`, [`console::asking`], [`usecase::offer`] |
//! | the configuration file | [`config`] |
//! | how recordings are played, and repaired after a crash | [`recordings`] |
//! | what a list shows, its filters and pages | [`usecase::list`], `src/store/list.rs`, `src/console/narrow.rs` |
//! | tables, audit chain | [`store`] |
//! | what `curfew ctl status` counts | [`usecase::status`] |
//! | what happens at the start, at SIGHUP and SIGTERM | [`serve`] |
//! | the `curfew` command | [`cli`] |
//!
//! # What is deliberately absent
//!
//! No trust on first use: a target's host key is configured or the target is not reached. No passwords. No SHA-1, CBC or
//! compression. No clock read outside `proxy::clock`. No change of state without its audit event: `store::Tx::commit`
//! takes one. No second way to a target: dialling takes a `Permit`, and only `policy::decide` makes one.

pub mod cli;
pub mod config;
pub mod console;
pub mod ctl;
pub mod demo;
pub mod files;
pub mod identity;
pub mod live;
pub mod recordings;
pub mod serve;
pub mod ssh_door;
pub mod store;
pub mod text;
pub mod usecase;
