use super::*;

#[test]
fn both_directions_are_counted_and_pass_as_they_are() {
    let mut count = Count::default();
    let there = count.from_client(Bytes::from_static(b"ask"));
    assert_eq!((there.to_target, there.to_client.len(), there.notes.len()), (vec![Bytes::from("ask")], 0, 0));
    let back = count.from_target(Bytes::from_static(b"answer"));
    assert_eq!((back.to_client, back.to_target.len(), back.notes.len()), (vec![Bytes::from("answer")], 0, 0));
    let last = count.finish();
    assert_eq!(last.len(), 1);
    assert_eq!(last[0].fields["to_target"], 3);
    assert_eq!(last[0].fields["to_client"], 6);
    assert_eq!(last[0].text, "closed: 3 bytes to the target, 6 to the client");
}

#[test]
fn a_long_connection_is_noted_on_the_way() {
    let mut count = Count::default();
    let piece = Bytes::from(vec![0; 1024 * 1024]);
    let notes: usize = (0..40).map(|_| count.from_target(piece.clone()).notes.len()).sum();
    assert_eq!(notes, 2);
}
