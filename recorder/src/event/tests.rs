use super::*;
use proptest::prelude::*;

fn time(micros: u64) -> String {
    let mut out = Vec::new();
    push_time(&mut out, moment(Duration::from_micros(micros)));
    String::from_utf8(out).unwrap()
}

#[test]
fn a_moment_is_seconds_with_six_decimals() {
    assert_eq!(time(5), "0.000005");
    assert_eq!(time(12_345_678), "12.345678");
    assert_eq!(time(86_400_500_000), "86400.500000");
    assert_eq!(time(u64::MAX), "18446744073709.551615");
}

#[test]
fn a_whole_second_keeps_a_fraction_for_asciinema_3() {
    assert_eq!(time(0), "0.000001");
    assert_eq!(time(3_000_000), "3.000001");
}

proptest! {
    #[test]
    fn moments_keep_their_order(a in 0u64..10_000_000_000, b in 0u64..10_000_000_000) {
        let (earlier, later) = (a.min(b), a.max(b));
        prop_assert!(time(earlier).parse::<f64>().unwrap() <= time(later).parse::<f64>().unwrap());
    }
}
