//! Who may knock, and how often: room for connections of which nobody is proven, and penalties for their sources.

pub mod netblock;
pub mod penalties;
pub mod unauthenticated;
