//! Keys that stood in `[gateway]` before each door and store had a section of its own. They are still read.

use super::book::Book;
use super::section::Section;

/// A section that has taken keys over from `[gateway]`.
pub(super) struct Successor<'s, 'a> {
    gateway: Option<&'s mut Section<'a>>,
    section: Option<Section<'a>>,
    name: &'static str,
    book: &'s Book,
}

impl<'s, 'a> Successor<'s, 'a> {
    /// The section of this name (`[ssh]`) at the root of the file, which need not be there.
    pub fn of(
        root: &mut Section<'a>,
        key: &'static str,
        name: &'static str,
        gateway: Option<&'s mut Section<'a>>,
        book: &'s Book,
    ) -> Self {
        Self { gateway, section: root.table(key, name), name, book }
    }

    /// The section that has a key, and how the key is called there: `key`, or `old` in `[gateway]`. `None` where neither
    /// is there.
    pub fn find(&mut self, key: &'static str, old: &'static str) -> Option<(&mut Section<'a>, &'static str)> {
        let is_new = self.section.as_mut().is_some_and(|section| section.has(key));
        let Some(gateway) = self.gateway.as_deref_mut().filter(|gateway| gateway.names(old)) else {
            return self.section.as_mut().filter(|_| is_new).map(|section| (section, key));
        };
        let at = gateway.place(old);
        let place = format!("`{key}` of {}", self.name);
        // It counts as asked for.
        let _ = gateway.has(old);
        if is_new {
            self.book
                .fault(at, format!("`{old}` of [gateway] is {place} now, which is given as well; take `{old}` out"));
        } else {
            self.book.warn(at, format!("`{old}` of [gateway] is {place} now; move it there"));
        }
        Some((gateway, old))
    }

    /// The section itself, for keys that `[gateway]` never had.
    pub fn section(&mut self) -> Option<&mut Section<'a>> {
        self.section.as_mut()
    }

    /// Ends the reading of the section.
    pub fn finish(self) {
        if let Some(section) = &self.section {
            section.finish();
        }
    }
}
