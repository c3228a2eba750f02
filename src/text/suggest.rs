//! The nearest word, for somebody who mistyped one.

/// The candidate that a typed word most likely meant, if any is near enough: at most a third of its letters wrong,
/// missing, added or swapped with a neighbour, or the only one that it begins.
#[must_use]
pub fn nearest<'a>(typed: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let typed: String = typed.chars().take(LONGEST).flat_map(char::to_lowercase).collect();
    let mut begun = Vec::new();
    let mut best: Option<(usize, &str)> = None;
    for candidate in candidates {
        let letters: String = candidate.chars().take(LONGEST).flat_map(char::to_lowercase).collect();
        if typed.len() > 1 && letters.starts_with(typed.as_str()) {
            begun.push(candidate);
        }
        let distance = strsim::osa_distance(&typed, &letters);
        let (wrote, meant) = (typed.chars().count(), letters.chars().count());
        let near = distance <= (wrote.max(meant) / 3).max(1) && distance < meant;
        if near && best.is_none_or(|(least, _)| distance < least) {
            best = Some((distance, candidate));
        }
    }
    match (best, begun.as_slice()) {
        (Some((_, candidate)), _) => Some(candidate),
        (None, [only]) => Some(only),
        _ => None,
    }
}

/// What is longer than this is not compared further: nobody mistypes so long a word, and the comparison is quadratic.
const LONGEST: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_finds_its_word() {
        let words = ["approve", "requests", "request", "web1", "orders-db"];
        for (typed, meant) in [
            ("aprove", Some("approve")),
            ("appvore", Some("approve")),
            ("Request", Some("request")),
            ("reqeust", Some("request")),
            ("wbe1", Some("web1")),
            ("web2", Some("web1")),
            ("orders", Some("orders-db")),
            ("uptime", None),
            ("", None),
            ("x", None),
        ] {
            assert_eq!(nearest(typed, words), meant, "{typed}");
        }
    }

    #[test]
    fn a_long_word_costs_no_time() {
        assert_eq!(nearest(&"x".repeat(1 << 20), ["web1"]), None);
    }
}
