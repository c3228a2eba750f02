//! Curfew end to end: the real `curfew serve`, the real OpenSSH client, a real sshd as target.
//!
//! A file per promise of the design (`promise_…`) or feature. Needs openssh-client and openssh-server; tests of further
//! clients say so and are skipped where the client is not installed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // A test fails by panicking.

#[allow(dead_code)] // Some of it is for the bench and the soak alone.
mod support;

mod agent_forwarding;
mod asking;
mod bad_targets;
mod bypass;
mod channels;
mod configuration;
mod console;
mod database_away;
mod database_tls;
mod demo;
mod direct_door;
mod every_end;
mod flow;
mod forwards;
mod forwards_end;
mod grace;
mod half_open;
mod hanging_disk;
mod harness;
mod harness_postgres;
mod house;
mod jump;
mod jump_inside;
mod key_rotation;
mod life_of_access;
mod listeners;
mod lost_answer;
mod matrix;
mod prepare_target;
mod promise_1_no_permit_no_socket;
mod promise_2_no_recording_no_bytes;
mod promise_3_no_change_without_its_event;
mod promise_4_the_end_needs_nobody;
mod promise_5_time_cannot_be_stretched;
mod promise_6_everything_under_a_lease_goes;
mod promise_7_identity_is_what_was_proven;
mod promise_8_typed_is_data;
mod promise_9_one_slow_reader_slows_itself;
mod promise_9_under_load;
mod recording;
mod rekey_end;
mod remote_editors;
mod sftp_roots;
mod small_team;
mod soak;
mod strangers;
mod target_keys;
mod tcp_postgres;
mod tcp_target;
mod tools;
mod user_certificates;
mod warnings;
