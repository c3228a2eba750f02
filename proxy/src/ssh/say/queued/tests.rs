use super::*;

#[test]
fn a_line_is_said_once_and_not_all_that_come() {
    let queued = QueuedLines::default();
    queued.add("a");
    queued.add("a");
    assert_eq!(queued.take(), ["a"]);
    queued.add("a");
    assert_eq!(queued.take(), [""; 0]);
    (0..100).for_each(|n| queued.add(&n.to_string()));
    assert_eq!(queued.take().len(), MOST_LINES - 1);
}
