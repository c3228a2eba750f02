use std::time::Duration;

use jiff::Timestamp;
use proptest::prelude::*;

use super::{LONGEST, after, format_duration, parse_duration, rfc3339, to_millis, until};
use crate::tests::at;

#[test]
fn durations_are_read_as_people_write_them() {
    for (text, seconds) in [
        ("1s", 1),
        ("90s", 90),
        ("30m", 1800),
        ("1h 30m", 5400),
        ("1h30m", 5400),
        ("12h", 43_200),
        ("7d", 604_800),
        (" 1h  30m ", 5400),
        ("1d 2h 3m 4s", 93_784),
        ("0s", 0),
        ("007m", 420),
        ("1m 90s", 150),
        ("3660d", 316_224_000),
    ] {
        assert_eq!(parse_duration(text), Ok(Duration::from_secs(seconds)), "{text:?}");
    }
}

#[test]
fn what_is_not_a_duration_is_refused() {
    for junk in [
        "",
        " ",
        "30",
        "m",
        "30 m",
        "-30m",
        "+30m",
        "1.5h",
        "30M",
        "30min",
        "1h,30m",
        "1h\t30m",
        "1h\n",
        "3٣m",
        "1w",
        "30m 1h",
        "30m 30m",
        "1h 1h",
        "1h 30",
        "h1",
        "3661d",
        "18446744073709551615d",
        "18446744073709551616s",
        "99999999999999999999999h",
        "213503982334601d 23h 59m 59s",
        "1h\0",
        "∞",
    ] {
        assert!(parse_duration(junk).is_err(), "{junk:?}");
    }
}

#[test]
fn durations_are_written_short() {
    for (seconds, text) in
        [(0, "0s"), (1, "1s"), (90, "1m 30s"), (3600, "1h"), (5400, "1h 30m"), (86_400, "1d"), (90_061, "1d 1h 1m 1s")]
    {
        assert_eq!(format_duration(Duration::from_secs(seconds)), text);
    }
    assert_eq!(format_duration(Duration::from_millis(1999)), "1s");
}

#[test]
fn moments_are_utc_with_milliseconds() {
    let moment: Timestamp = "2026-11-23T04:06:00.1239Z".parse().unwrap();
    assert_eq!(rfc3339(moment), "2026-11-23T04:06:00.123Z");
    assert_eq!(rfc3339(at(0)), "2026-11-23T12:00:00.000Z");
    assert_eq!(rfc3339(to_millis(moment)), rfc3339(moment));
}

#[test]
fn time_ends_rather_than_overflows() {
    assert_eq!(after(Timestamp::MAX, Duration::from_secs(1)), Timestamp::MAX);
    assert_eq!(after(at(0), Duration::MAX), Timestamp::MAX);
    assert!(until(Timestamp::MIN, Timestamp::MAX) > LONGEST);
    assert_eq!(until(Timestamp::MAX, Timestamp::MIN), Duration::ZERO);
}

fn moment() -> impl Strategy<Value = Timestamp> {
    (Timestamp::MIN.as_second()..=Timestamp::MAX.as_second(), 0..1_000_000_000_i32)
        .prop_filter_map("in range", |(second, nano)| Timestamp::new(second, nano).ok())
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(seconds in 0..=LONGEST.as_secs()) {
        let duration = Duration::from_secs(seconds);
        prop_assert_eq!(parse_duration(&format_duration(duration)), Ok(duration));
    }

    #[test]
    fn no_text_breaks_the_reader(text in "\\PC*|[0-9dhms ]*") {
        if let Ok(duration) = parse_duration(&text) {
            prop_assert!(duration <= LONGEST);
            prop_assert_eq!(parse_duration(&format_duration(duration)), Ok(duration));
        }
    }

    #[test]
    fn a_stored_moment_is_the_moment_it_was(moment in moment()) {
        let stored = to_millis(moment);
        prop_assert_eq!(rfc3339(stored).parse::<Timestamp>().unwrap(), stored);
        prop_assert_eq!(Timestamp::from_millisecond(stored.as_millisecond()).unwrap(), stored);
    }

    #[test]
    fn until_undoes_after(now in moment(), seconds in 0..=LONGEST.as_secs()) {
        let then = after(now, Duration::from_secs(seconds));
        prop_assert!(then >= now);
        prop_assert_eq!(after(now, until(now, then)), then);
        prop_assert_eq!(until(then, now), Duration::ZERO);
    }
}
