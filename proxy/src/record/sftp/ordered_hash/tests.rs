use proptest::prelude::*;

use super::*;

/// A run of these pieces of a content, by where they begin and end.
fn run(content: &[u8], pieces: &[(usize, usize)]) -> OrderedHash {
    let mut run = OrderedHash::default();
    for (from, to) in pieces {
        run.begin(*from as u64);
        for part in content[*from..*to].chunks(3) {
            run.update(part);
        }
    }
    run.settle();
    run
}

fn sum(content: &[u8]) -> Option<String> {
    let mut hasher = Hasher::new();
    hasher.update(content);
    Some(hex(&hasher.current()))
}

#[test]
fn what_comes_out_of_turn_is_hashed_in_its_turn() {
    let content: Vec<u8> = (0..=255).collect();
    for pieces in [
        &[(0, 100), (100, 256)][..],
        &[(100, 256), (0, 100)],
        &[(200, 256), (0, 50), (100, 200), (50, 100)],
        &[(10, 20), (20, 256), (0, 10)],
    ] {
        let run = run(&content, pieces);
        assert_eq!((run.sha256(true), run.start, run.next, run.bytes), (sum(&content), 0, 256, 256), "{pieces:?}");
        assert!(run.is_from_the_start());
    }
}

#[test]
fn a_part_is_hashed_from_where_it_begins() {
    let content = vec![7; 3 * MOST_HELD];
    for pieces in [&[(100, 256)][..], &[(100, 3 * MOST_HELD)], &[(200, 256), (100, 200)]] {
        let run = run(&content, pieces);
        let to = pieces.iter().map(|(_, to)| *to).max().unwrap();
        assert_eq!((run.start, run.sha256(false)), (100, sum(&content[100..to])), "{pieces:?}");
        assert!(!run.is_from_the_start());
    }
}

#[test]
fn what_is_missing_or_came_twice_has_no_hash_and_takes_no_room() {
    let content = vec![7; 3 * MOST_HELD];
    for pieces in [
        &[(0, 10), (20, 30)][..],
        &[(0, 10), (5, 15)],
        &[(0, 10), (20, 30), (25, 35), (10, 20)],
        &[(0, 10), (20, 30), (15, 25), (10, 15)],
        &[(0, 10), (20, 2 * MOST_HELD), (10, 20)],
    ] {
        let run = run(&content, pieces);
        assert_eq!(run.sha256(false), None, "{pieces:?}");
        assert_eq!(run.room.0.load(Ordering::Relaxed), 0, "{pieces:?}");
    }
}

#[test]
fn the_room_is_shared_and_given_back() {
    let room = Room::default();
    let mut all: Vec<OrderedHash> = (0..3).map(|_| OrderedHash::default()).collect();
    for run in &mut all {
        run.shares(&room);
        run.begin(0);
        run.update(b"x");
        run.begin(10);
        run.update(&vec![0; MOST_HELD / 2]);
    }
    assert_eq!(all.iter().map(|run| run.scattered).collect::<Vec<_>>(), [false, false, true]);
    drop(all);
    assert_eq!(room.0.load(Ordering::Relaxed), 0);
}

proptest! {
    #[test]
    fn every_order_gives_the_same_hash(order in Just((0..20_usize).collect::<Vec<_>>()).prop_shuffle()) {
        let content: Vec<u8> = (0..200).collect();
        let pieces: Vec<_> = order.iter().map(|n| (n * 10, n * 10 + 10)).collect();
        prop_assert_eq!(run(&content, &pieces).sha256(true), sum(&content));
    }
}
