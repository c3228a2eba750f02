//! Whatever either side sends, the gate neither falters nor grows; and where bytes are cut on their way is nothing to it.

use proptest::prelude::*;

use super::*;

fn faulted(talk: &Talk) -> bool {
    talk.fault.is_some() && talk.last().fields["op"] == "fault"
}

#[test]
fn a_packet_too_long_or_malformed_ends_the_channel() {
    let mut short_head = write(1, 0, b"abc");
    short_head[3] -= 1;
    let mut long_string = packet(13, 1, &[S(b"/f")]);
    long_string[12] = 200;
    let cases = [
        (vec![0, 4, 4, 1, 3], "longer"),
        (vec![0xff, 0xff, 0xff, 0xff, 3], "longer"),
        (vec![0, 0, 0, 4, 3, 0, 0, 0], "too short"),
        (vec![0, 0, 0, 0, 0, 0, 0], "too short"),
        (short_head, "disagree"),
        (long_string, "cut short"),
        (packet(6, 1, &[S(&[0; 257]), L(0), S(b"")]), "256"),
        (packet(6, 1, &[]), "cut short"),
        (packet(3, 1, &[S(b"/f"), N(1)]), "cut short"),
        (packet(1, 3, &[]), "second greeting"),
    ];
    for (bytes, why) in cases {
        let mut talk = Talk::begun(SftpAccess::Write);
        talk.client(&bytes);
        assert!(faulted(&talk) && talk.last().text.contains(why), "{why}: {:?}", talk.notes);
        talk.client(&packet(17, 9, &[S(b"/f")]));
        talk.target(&status(1, 0));
        assert!(talk.fault.is_some() && talk.to_target.is_empty() && talk.to_client.is_empty(), "nothing passes after");
    }
}

#[test]
fn answers_must_go_with_requests() {
    let cases = [status(9, 0), handle(1, b"h"), data(1, b"x"), packet(2, 3, &[]), packet(104, 1, &[N(u32::MAX)])];
    for answer in cases {
        let mut talk = Talk::begun(SftpAccess::Write);
        talk.client(&packet(13, 1, &[S(b"/f")]));
        talk.target(&answer);
        assert!(faulted(&talk) && talk.to_client.is_empty(), "{answer:?}");
    }
    let mut talk = Talk::begun(SftpAccess::Write);
    talk.client(&[packet(13, 1, &[S(b"/f")]), packet(13, 1, &[S(b"/g")])].concat());
    assert_eq!(talk.fault, Some(ProtocolFault::SameId(1)));
}

#[test]
fn nobody_speaks_before_the_greeting() {
    let mut talk = Talk::silent(SftpAccess::Write);
    talk.client(&packet(17, 1, &[S(b"/f")]));
    assert!(faulted(&talk) && talk.to_target.is_empty());
    let mut talk = Talk::silent(SftpAccess::Write);
    talk.target(&packet(2, 3, &[]));
    assert!(faulted(&talk) && talk.to_client.is_empty());
}

#[test]
fn requests_that_wait_are_bounded_in_number_and_in_names_and_the_rest_waits_with_its_client() {
    for (name, most) in [(&b"/f"[..], 4096), (&[b'x'; 4000][..], 263)] {
        let mut talk = Talk::begun(SftpAccess::Write);
        let all: Vec<_> = (0..10_000).map(|id| packet(13, id, &[S(name)])).collect();
        let length = all[0].len();
        // As the relay does: not a byte more while it holds.
        let mut sent = 0;
        while talk.holds() == Hold::No {
            talk.client(&all[sent..sent + 8].concat());
            sent += 8;
        }
        let gone = talk.to_target.len() / length;
        assert!((most - 2..=most).contains(&gone) && talk.fault.is_none(), "{gone}");
        assert_eq!(talk.holds(), Hold::ForTarget);
        // With answers it goes on, in its order.
        for id in 0..gone {
            talk.target(&status(id as u32, 0));
        }
        assert_eq!(talk.holds(), Hold::Over);
        talk.release();
        assert_eq!((talk.holds(), talk.fault.clone()), (Hold::No, None));
        assert_eq!(talk.to_target, all[..sent].concat());
        // A client that is not waited with is not kept for ever.
        for request in &all[sent..] {
            talk.client(request);
        }
        assert!(talk.to_target.len() <= (sent + most) * length);
        if name.len() > 1000 {
            assert!(faulted(&talk));
        }
    }
}

#[test]
fn refusals_that_wait_are_bounded() {
    let mut talk = Talk::begun(SftpAccess::Read);
    talk.both(&open(1, b"/f", 1), &handle(1, b"h"));
    talk.client(&read(2, 0));
    talk.target(&data(2, b"0123456789")[..15]);
    for id in 3..4200 {
        talk.client(&packet(13, id, &[S(b"/f")]));
    }
    assert_eq!(talk.fault, Some(ProtocolFault::TooMany));
}

#[test]
fn open_files_are_bounded_and_closing_one_makes_room() {
    let mut talk = Talk::begun(SftpAccess::Read);
    for id in 0..1024u32 {
        let given = if id == 0 { b"h".to_vec() } else { id.to_be_bytes().to_vec() };
        talk.both(&open(id, b"/f", 1), &handle(id, &given));
    }
    talk.client(&open(5000, b"/f", 1));
    assert!(talk.last().text.contains("too many files"), "{}", talk.last().text);
    talk.both(&close(5001), &status(5001, 0));
    talk.both(&open(5002, b"/f", 1), &handle(5002, b"h"));
}

#[test]
fn a_handle_given_twice_closes_the_first() {
    let mut talk = Talk::begun(SftpAccess::Read);
    talk.both(&open(1, b"/a", 1), &handle(1, b"h"));
    talk.both(&open(2, b"/b", 1), &handle(2, b"h"));
    assert_eq!(talk.last().text, "get /a: 0 bytes (not closed)");
}

/// Both sides of a conversation, in turns: the client's, then the target's.
fn conversation() -> Vec<(Vec<u8>, Vec<u8>)> {
    let big = vec![7; 3000];
    vec![
        (packet(1, 3, &[]), packet(2, 3, &[S(b"a"), S(b"1")])),
        ([open(1, b"/a", 1), packet(13, 2, &[S(b"/x")])].concat(), [handle(1, b"h"), status(2, 2)].concat()),
        (
            [read(3, 0), read(4, 3000), read(5, 3005)].concat(),
            [data(3, &big), data(4, b"hello"), status(5, 1)].concat(),
        ),
        (close(6), status(6, 0)),
        (open(7, b"/b", 0x1a), handle(7, b"h")),
        ([write(8, 0, &big), write(9, 3000, b"")].concat(), [status(8, 0), status(9, 0)].concat()),
        ([close(10), write(11, 0, b"late")].concat(), [status(10, 0), status(11, 4)].concat()),
    ]
}

fn run(access: SftpAccess, pieces: &mut dyn FnMut() -> usize) -> Talk {
    let mut talk = Talk::silent(access);
    for (asked, answered) in conversation() {
        let mut rest = asked.as_slice();
        while !rest.is_empty() {
            let (piece, left) = rest.split_at(pieces().clamp(1, rest.len()));
            talk.client(piece);
            rest = left;
        }
        // A target answers what reached it.
        let answered = if access == SftpAccess::Write { answered } else { Vec::new() };
        let mut rest = answered.as_slice();
        while !rest.is_empty() {
            let (piece, left) = rest.split_at(pieces().clamp(1, rest.len()));
            talk.target(piece);
            rest = left;
        }
    }
    talk.finish();
    talk
}

proptest! {
    #[test]
    fn where_bytes_are_cut_changes_nothing(sizes in prop::collection::vec(1_usize..400, 1..50), write in any::<bool>()) {
        let access = if write { SftpAccess::Write } else { SftpAccess::Read };
        let whole = run(access, &mut || usize::MAX);
        let mut turn = sizes.iter().cycle();
        let cut = run(access, &mut || *turn.next().unwrap());
        prop_assert_eq!(&cut.to_target, &whole.to_target);
        prop_assert_eq!(&cut.to_client, &whole.to_client);
        prop_assert_eq!(&cut.notes, &whole.notes);
        prop_assert_eq!(cut.fault.clone(), None);
        if write {
            let (asked, answered): (Vec<_>, Vec<_>) = conversation().into_iter().unzip();
            prop_assert_eq!(cut.to_target, asked.concat());
            prop_assert_eq!(cut.to_client, answered.concat());
        }
    }

    #[test]
    fn no_bytes_make_it_panic(turns in prop::collection::vec((any::<bool>(), packets()), 0..30)) {
        let mut talk = Talk::begun(SftpAccess::Read);
        for (client, bytes) in turns {
            if client { talk.client(&bytes) } else { talk.target(&bytes) }
        }
        talk.finish();
    }

    #[test]
    fn who_reads_gets_no_change_through_however_it_is_wrapped(noise in prop::collection::vec(packets(), 0..20)) {
        let mut talk = Talk::begun(SftpAccess::Read);
        talk.client(&noise.concat());
        let mut rest = talk.to_target.as_slice();
        while let Some((length, body)) = rest.split_first_chunk::<4>() {
            let (body, left) = body.split_at(u32::from_be_bytes(*length) as usize);
            prop_assert!([3, 4, 5, 7, 8, 11, 12, 16, 17, 19, 200].contains(&body[0]), "type {}", body[0]);
            rest = left;
        }
    }
}

/// Packets with real types and anything in them, and mere noise.
fn packets() -> impl Strategy<Value = Vec<u8>> {
    let real = (0_u8..24, 0_u32..6, prop::collection::vec(0_u8..5, 0..60)).prop_map(|(kind, id, body)| {
        let mut bytes = packet(kind, id, &[]);
        bytes.extend(&body);
        bytes[3] += u8::try_from(body.len()).unwrap();
        bytes
    });
    let answers = (100_u8..106, 0_u32..6, prop::collection::vec(0_u8..3, 0..60)).prop_map(|(kind, id, body)| {
        let mut bytes = packet(kind, id, &[]);
        bytes.extend(&body);
        bytes[3] += u8::try_from(body.len()).unwrap();
        bytes
    });
    prop_oneof![4 => real, 2 => answers, 1 => prop::collection::vec(any::<u8>(), 0..100)]
}
