//! Proofs of who somebody is: the keys of the gateway, the certificates of users, and what the CAs of the gateway sign.

pub mod issue;
pub mod keys;
pub mod proof;
pub mod user_certificate;
