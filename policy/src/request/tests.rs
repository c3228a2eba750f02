use super::RequestState::{self, Cancelled, Denied, Granted, Lapsed, Pending};

#[test]
fn every_word_is_read_as_it_is_written() {
    for state in [Pending, Granted, Denied, Cancelled, Lapsed] {
        assert_eq!(state.to_string().parse(), Ok(state));
    }
    assert_eq!("Pending".parse::<RequestState>(), Err(()));
}
