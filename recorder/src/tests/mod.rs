//! Tests of a recording as a whole: the file it becomes, and what can go wrong on the way.

mod living;
mod support;
