//! Tests of a recording as a whole: the file it becomes, what can go wrong on the way, and what can be done to it after.

mod failing;
mod living;
mod players;
mod repairing;
mod support;
mod tampering;
mod watching;
