//! "Did you mean": the known name that is nearest to what was typed.

/// The nearest of some names, when it is near enough to be what was meant: a slip or two in a short name, a third of
/// a long one.
pub(super) fn nearest<'n>(typed: &str, names: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    // Long texts are no slips, and the comparison takes the product of both lengths.
    if typed.len() > 128 {
        return None;
    }
    let typed = typed.to_lowercase();
    names
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(&typed, &name.to_lowercase()), name))
        .filter(|(distance, name)| *distance <= (name.chars().count() / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}
