//! The `curfew` command.
fn main() {}
