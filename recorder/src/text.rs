//! Text of others, made harmless before it reaches a terminal.

/// The text on one line, its control characters and invisible direction marks as visible escapes (`\u{1b}`).
#[must_use]
pub fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        if is_unprintable(character) { out.extend(character.escape_default()) } else { out.push(character) }
    }
    out
}

/// Control characters, line separators, and what turns the direction of text (Unicode TR 9) or hides in it.
fn is_unprintable(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests;
