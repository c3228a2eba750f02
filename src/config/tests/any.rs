//! Whatever is in the file, reading it ends in a configuration or in faults that can be shown.

use proptest::prelude::*;

use super::{parse, sample};

proptest! {
    #[test]
    fn no_text_breaks_the_reader(text in "\\PC*|[\\[\\]a-z.=\"{}\\n ,0-9]*") {
        let _ = parse(&text);
    }

    /// The sample with a piece taken out or put elsewhere: mostly TOML still, and seldom right.
    #[test]
    fn no_damage_to_the_sample_breaks_the_reader(from in 0..2000_usize, len in 0..60_usize, to in 0..2000_usize) {
        let mut text: Vec<char> = sample().chars().collect();
        let piece: Vec<char> = text.drain(from.min(text.len() - len)..(from + len).min(text.len())).collect();
        let at = to.min(text.len());
        text.splice(at..at, piece);
        let text: String = text.into_iter().collect();
        if let Err(faults) = parse(&text) {
            prop_assert!(!faults.0.is_empty());
            prop_assert!(faults.to_string().chars().all(|c| c == '\n' || !c.is_control()));
        }
    }
}
