//! Every change we make to russh, a file per topic.

mod certificates;
mod closing;
mod copies;
mod inbox;
mod limits;
mod replies;
mod requests;
mod sizes;
mod windows;
mod writing;

use crate::edit::{Edit, NewFile};

/// Files of ours that stand among russh's.
pub const NEW_FILES: &[NewFile] = &[
    NewFile { path: "channels/flow.rs", text: include_str!("new/flow.rs") },
    NewFile { path: "channels/inbox.rs", text: include_str!("new/inbox.rs") },
    NewFile { path: "channels/requests.rs", text: include_str!("new/requests.rs") },
    NewFile { path: "server/replies.rs", text: include_str!("new/replies.rs") },
];

/// All edits, in the order they are applied.
pub fn all() -> Vec<Edit> {
    let topics = [
        inbox::EDITS,
        windows::EDITS,
        requests::EDITS,
        closing::EDITS,
        limits::EDITS,
        writing::EDITS,
        copies::EDITS,
        sizes::EDITS,
        replies::EDITS,
        certificates::EDITS,
    ];
    topics.into_iter().flatten().copied().collect()
}
