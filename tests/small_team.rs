//! A short day of the soak (`make soak` is the long one): whatever people did, nothing is left of it.

use std::time::Duration;

use crate::soak::{Plan, run};

#[test]
fn a_day_in_a_small_team_leaves_nothing_behind() {
    let _alone = crate::support::heavy();
    run(Plan { people: 50, length: Duration::from_secs(20) }).unwrap();
}
