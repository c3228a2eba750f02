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
//! Arrows point at what is imported. Each crate has rooms, one above the other (`tests/house/floors.rs`); a test walks every
//! import and fails on an arrow that runs up, and on a circle of files. The rooms of this crate, from the ground up:
//!
//! | room | what is in it |
//! | --- | --- |
//! | [`text`], [`files`] | what people typed, made safe to show; files that only the gateway may read |
//! | [`control`] | the runtime for control work, apart from the threads that carry bytes |
//! | [`config`] | the configuration file, every fault at once |
//! | [`store`] | requests, grants, sessions and the audit log, in SQLite or PostgreSQL |
//! | [`identity`] | the gateway's keys, who a certificate proves, what the CAs sign |
//! | [`live`] | what this process knows of what is live: leases, recordings, who waits |
//! | [`usecase`] | what people do with Curfew, one verb a file |
//! | [`recordings`] | playing recordings back, and sealing what a crash left open |
//! | [`console`], [`ctl`] | the doors where commands are typed: `ssh bastion COMMAND`, the operator's socket |
//! | [`ssh_door`] | the doors that speak SSH: the one place where `proxy` meets the product |
//! | [`serve`] | start, reload, stop, and the sweep |
//! | [`cli`], [`demo`] | the `curfew` command |
//!
//! **The walk of a byte**, in `proxy`: `front/listener` (who is it, where to) → `ssh/session` (admitted, or refused → asked →
//! admitted; live → ended) → `ssh/channel/program` (asked, recorded, relayed, sealed) → `ssh/channel/relay` (the bytes, each
//! piece under the session's lease) → `record/tape` → the recorder. A connection to the bastion itself is in `bastion`:
//! console commands, SSH inside SSH (`bastion/jump`, then `ssh/session` again), TCP services (`tcp`).
//!
//! **The walk of a request**: a door parses ([`console`]) → [`usecase::request`] asks the rules and writes → the one commit
//! point ([`usecase::commit`]) writes the change with its audit event, in one transaction ([`store`]), and then has happen
//! what follows: leases move, waiters wake ([`live`]). What is asked from the threads that carry bytes goes through
//! `proxy::gate` (three traits: who is it, may they, what do they type) and [`ssh_door`], which hands it over to
//! [`control`]: no SQL and no disk is waited for where bytes flow.
//!
//! | to change | look at |
//! | --- | --- |
//! | what a rule means, who gets in | `policy/src/{ask,decide,rule,role,pattern}.rs` |
//! | how and when a session is cut | `proxy/src/lease/`, `proxy/src/ssh/session.rs`, `proxy/src/ssh/channel/relay.rs`, `proxy/src/ssh/target/cleanup.rs` |
//! | what people are told at the end, and before | `proxy/src/ssh/say/`, `proxy/src/lease/warning.rs` |
//! | what may finish after the end (`at_expiry`) | `proxy/src/lease/mod.rs`, `proxy/src/ssh/channel/set.rs`, `src/usecase/grace.rs` |
//! | what may be forwarded, and how: `-L`, `-D`, `-R`, `-A` | `policy/src/endpoint.rs`, `proxy/src/ssh/channel/{forward,remote_listen}.rs`, `proxy/src/ssh/target/incoming.rs` |
//! | what SFTP may do, and where (`sftp`, `sftp_roots`) | `proxy/src/record/sftp/{rules,roots,check}.rs` |
//! | what `ssh -J`, `-W` and `-L` lead to | `src/usecase/reach.rs`, `proxy/src/bastion/`, `proxy/src/tcp/` |
//! | what the CAs sign | [`identity::issue`] |
//! | who may knock: caps, penalties, algorithms, what is logged of it | `proxy/src/limits/`, `proxy/src/ssh/algorithms.rs`, [`live::refusals`] |
//! | which host keys a target may show | `proxy/src/ssh/target/host_keys.rs` |
//! | who a certificate proves, and what revokes it or a key | [`identity::user_certificate`], [`config::revoked`] |
//! | whether a proof still holds on an old connection | [`identity::proof`] |
//! | what russh does otherwise than upstream | `proxy/russh/edits/` |
//! | the recording's format, verification, repair | `recorder/src/lib.rs` and its neighbours |
//! | a console command: its grammar, help, words | [`console`]: `spec`, `run`, `render` |
//! | what a list shows, its filters and pages | [`usecase::list`], `src/store/list.rs`, `src/console/narrow.rs` |
//! | how a refused `ssh` becomes a request | `proxy/src/ssh/asking.rs`, [`console::asking`], [`usecase::offer`] |
//! | what follows from a change, and when its answer is lost | [`usecase::commit`], [`usecase::reconcile`] |
//! | tables, audit chain, what differs between the databases | [`store`]: `tables`, `chain`, `dialect`, `migrations/` |
//! | moving to another database | `curfew store copy`: `store/copy.rs`, `cli/store.rs` |
//! | what `curfew ctl status` counts | [`usecase::status`] |
//! | what happens at the start, at SIGHUP and SIGTERM | [`serve`] |
//!
//! # What is deliberately absent
//!
//! No trust on first use: a target's host key is configured or the target is not reached. No passwords. No SHA-1, CBC or
//! compression. No clock read outside `proxy::lease::clock`. No change of state without its audit event: [`usecase::App::commit`]
//! is the only way, and takes one. No second way to a target: dialling takes a `Permit`, and only `policy::decide` makes one.
//! No second gateway on one database yet: the store refuses it.

pub mod cli;
pub mod config;
pub mod console;
pub mod control;
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
