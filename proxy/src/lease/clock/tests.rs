use super::*;

#[test]
fn stepping_the_system_clock_back_does_not_turn_the_wall_clock_back() {
    let start = Timestamp::UNIX_EPOCH;
    let minute = Duration::from_secs(60);
    let hour_back = start - Duration::from_secs(3600);
    assert_eq!(never_back(hour_back, start, minute), after(start, minute));
    let after_a_suspend = after(start, Duration::from_secs(3600));
    assert_eq!(never_back(after_a_suspend, start, minute), after_a_suspend);
}

#[test]
fn a_clock_that_was_stepped_back_while_we_were_away_goes_on_from_the_last_known_moment() {
    let known = after(system_wall(), Duration::from_secs(3600));
    assert!(Clock::system(Some(known)).now().wall >= known);
}
