//! What a person typed, made harmless before a terminal shows it.

/// The most characters of somebody's text that one line shows.
const MOST: usize = 300;

/// Text without anything that a terminal would act on, at most 300 characters of it.
#[must_use]
pub fn plain(text: &str) -> String {
    text.chars().take(MOST).map(|c| if is_plain(c) { c } else { '\u{fffd}' }).collect()
}

/// Whether a terminal shows this character and does nothing else: no controls, no bidirectional overrides.
#[must_use]
pub fn is_plain(c: char) -> bool {
    !c.is_control()
        && !matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests;
