//! The nearest word, for somebody who mistyped one.

/// The candidate that a typed word most likely meant, if any is near enough: at most a third of its letters wrong,
/// missing, added or swapped with a neighbour, or the only one that it begins.
#[must_use]
pub fn nearest<'a>(typed: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let typed: Vec<char> = typed.chars().take(LONGEST).flat_map(char::to_lowercase).collect();
    let mut begun = Vec::new();
    let mut best: Option<(usize, &str)> = None;
    for candidate in candidates {
        let letters: Vec<char> = candidate.chars().take(LONGEST).flat_map(char::to_lowercase).collect();
        if typed.len() > 1 && letters.starts_with(&typed) {
            begun.push(candidate);
        }
        let distance = distance(&typed, &letters);
        let near = distance <= (typed.len().max(letters.len()) / 3).max(1) && distance < letters.len();
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

/// How many letters must be changed, added, removed or swapped with a neighbour to make `b` of `a` (the optimal string
/// alignment distance).
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut next = Vec::with_capacity(row.len());
        next.push(i + 1);
        for (j, y) in b.iter().enumerate() {
            let at = |row: &[usize], j: usize| row.get(j).copied().unwrap_or(usize::MAX / 2);
            let mut least = (at(&row, j) + usize::from(x != y)).min(at(&row, j + 1) + 1).min(at(&next, j) + 1);
            if i > 0 && j > 0 && Some(x) == b.get(j - 1) && a.get(i - 1) == Some(y) {
                least = least.min(at(&before, j - 1) + 1);
            }
            next.push(least);
        }
        before = std::mem::replace(&mut row, next);
    }
    row.last().copied().unwrap_or(0)
}

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
