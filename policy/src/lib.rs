//! Who may do what, where, and until when: the pure rules of Curfew.
