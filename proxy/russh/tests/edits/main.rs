//! Each edit of russh, and what it is for: every test here fails without its edit.

#[path = "../support/mod.rs"]
mod support;

mod certificates;
mod closing;
mod limits;
mod replies;
mod requests;
mod windows;
mod writing;
