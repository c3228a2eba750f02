//! russh, with our edits.
