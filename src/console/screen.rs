//! What the person's terminal can show: its width, and colours only where there is one.

use std::fmt::Write as _;
use std::time::Duration;

use curfew_policy::time::{format_duration, until};
use jiff::Timestamp;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::text::escape;

/// Where text is shown, and when.
#[derive(Debug, Clone, Copy)]
pub struct Screen {
    columns: Option<usize>,
    now: Timestamp,
}

/// How a piece of text stands out, where there are colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tone {
    /// As it is.
    #[default]
    Plain,
    /// A heading, or what to type.
    Strong,
    /// Beside the point.
    Faint,
    /// It goes on.
    Good,
    /// It waits for somebody.
    Waiting,
    /// It was refused.
    Bad,
}

impl Screen {
    /// A pipe or a file: no colours, nothing shortened.
    #[must_use]
    pub const fn plain(now: Timestamp) -> Self {
        Self { columns: None, now }
    }

    /// A terminal with this many columns.
    #[must_use]
    pub fn terminal(columns: u32, now: Timestamp) -> Self {
        // A terminal that says 0 does not know.
        let columns = usize::try_from(columns).ok().filter(|n| *n > 0).unwrap_or(80);
        Self { columns: Some(columns.clamp(20, 1000)), now }
    }

    /// What the time is.
    #[must_use]
    pub const fn now(&self) -> Timestamp {
        self.now
    }

    /// A text in a tone. The text must be safe already.
    #[must_use]
    pub fn paint(&self, tone: Tone, text: &str) -> String {
        let code = match (self.columns, tone) {
            (None, _) | (_, Tone::Plain) => return text.to_owned(),
            (_, Tone::Strong) => "1",
            (_, Tone::Faint) => "2",
            (_, Tone::Good) => "32",
            (_, Tone::Waiting) => "33",
            (_, Tone::Bad) => "31",
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }

    /// A moment with how far it is from now: `05:36:12Z, 29m left`. The day is named when it is another.
    #[must_use]
    pub fn deadline(&self, at: Timestamp) -> String {
        if at > self.now {
            format!("{}, {} left", self.moment(at), roughly(until(self.now, at)))
        } else {
            format!("{}, {} ago", self.moment(at), roughly(until(at, self.now)))
        }
    }

    /// A moment: `05:36:12Z`, or with its day when that is not today's.
    #[must_use]
    pub fn moment(&self, at: Timestamp) -> String {
        let text = format!("{at:.0}");
        let today = format!("{:.0}", self.now);
        match (text.split_once('T'), today.split_once('T')) {
            (Some((day, time)), Some((today, _))) if day == today => time.to_owned(),
            (Some((day, time)), _) => format!("{day} {time}"),
            (None, _) => text,
        }
    }

    /// How many columns there are after `taken`, where that matters.
    fn room(&self, taken: usize) -> Option<usize> {
        self.columns.map(|columns| columns.saturating_sub(taken).max(10))
    }
}

/// A duration as one says it: a long one is rounded to minutes or hours.
#[must_use]
pub fn roughly(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let unit = match seconds {
        0..600 => 1,
        600..86_400 => 60,
        _ => 3600,
    };
    format_duration(Duration::from_secs((seconds + unit / 2) / unit * unit))
}

/// A cell of a table.
#[derive(Debug, Clone, Default)]
pub struct Cell {
    text: String,
    tone: Tone,
}

impl Cell {
    /// A text, made safe.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self { text: escape::terminal(text), tone: Tone::Plain }
    }

    /// A text in a tone, made safe.
    #[must_use]
    pub fn toned(text: &str, tone: Tone) -> Self {
        Self { text: escape::terminal(text), tone }
    }
}

impl<T: AsRef<str>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self::new(text.as_ref())
    }
}

/// Rows in columns that line up. On a terminal the last column is shortened to fit; in a pipe it is not.
#[derive(Debug, Clone, Default)]
pub struct Table {
    heads: Vec<&'static str>,
    rows: Vec<Vec<Cell>>,
    indent: usize,
    whole: bool,
}

impl Table {
    /// A table with these headings; none, for no heading line.
    #[must_use]
    pub fn new(heads: &[&'static str]) -> Self {
        Self { heads: heads.to_vec(), ..Self::default() }
    }

    /// The same, further to the right.
    #[must_use]
    pub const fn indented(mut self, by: usize) -> Self {
        self.indent = by;
        self
    }

    /// The same, with nothing shortened anywhere.
    #[must_use]
    pub const fn whole(mut self) -> Self {
        self.whole = true;
        self
    }

    /// Adds a row.
    pub fn row<const N: usize>(&mut self, cells: [Cell; N]) {
        self.rows.push(cells.into());
    }

    /// Writes it out.
    #[must_use]
    pub fn render(&self, screen: &Screen) -> String {
        let head: Vec<Cell> = self.heads.iter().map(|head| Cell::toned(head, Tone::Faint)).collect();
        let rows = Some(&head).filter(|head| !head.is_empty()).into_iter().chain(&self.rows);
        let widths = self.widths();
        let mut text = String::new();
        for row in rows {
            let line = self.line(row, &widths, screen);
            let _ = writeln!(text, "{}", line.trim_end());
        }
        text
    }

    fn widths(&self) -> Vec<usize> {
        let mut widths: Vec<usize> = self.heads.iter().map(|head| head.width()).collect();
        for row in &self.rows {
            widths.resize(widths.len().max(row.len()), 0);
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.text.width());
            }
        }
        widths
    }

    fn line(&self, row: &[Cell], widths: &[usize], screen: &Screen) -> String {
        let mut line = " ".repeat(self.indent);
        let mut taken = self.indent;
        for (column, (cell, width)) in row.iter().zip(widths).enumerate() {
            if column + 1 == row.len() {
                line.push_str(
                    &screen.paint(cell.tone, &shorten(&cell.text, screen.room(taken).filter(|_| !self.whole))),
                );
            } else {
                let gap = " ".repeat(width - cell.text.width().min(*width) + 2);
                line.push_str(&screen.paint(cell.tone, &cell.text));
                line.push_str(&gap);
                taken += width + 2;
            }
        }
        line
    }
}

/// A text cut to a width, the cut shown.
fn shorten(text: &str, room: Option<usize>) -> String {
    let Some(room) = room.filter(|room| text.width() > *room) else { return text.to_owned() };
    let mut short = String::new();
    let mut taken = 0;
    for c in text.chars() {
        taken += c.width().unwrap_or(0);
        if taken >= room {
            break;
        }
        short.push(c);
    }
    short + "…"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-11-23T05:36:00Z".parse().expect("a time")
    }

    fn table() -> Table {
        let mut table = Table::new(&["ID", "USER", "REASON"]);
        table.row(["r1".into(), Cell::toned("alice", Tone::Good), "disk full, and more than that".into()]);
        table.row(["r12".into(), "日本".into(), "\u{1b}[2J".into()]);
        table
    }

    #[test]
    fn columns_line_up_and_nothing_is_shortened_in_a_pipe() {
        assert_eq!(
            table().render(&Screen::plain(now())),
            "\
ID   USER   REASON
r1   alice  disk full, and more than that
r12  日本   \\u{1b}[2J
"
        );
    }

    #[test]
    fn a_terminal_gets_colours_and_a_last_column_that_fits() {
        assert_eq!(
            table().indented(2).render(&Screen::terminal(30, now())),
            "  \u{1b}[2mID\u{1b}[0m   \u{1b}[2mUSER\u{1b}[0m   \u{1b}[2mREASON\u{1b}[0m\n  \
             r1   \u{1b}[32malice\u{1b}[0m  disk full, and …\n  \
             r12  日本   \\u{1b}[2J\n"
        );
    }

    #[test]
    fn moments_are_said_short() {
        let screen = Screen::plain(now());
        let at = |text: &str| text.parse::<Timestamp>().expect("a time");
        assert_eq!(screen.deadline(at("2026-11-23T06:05:59.5Z")), "06:05:59Z, 30m left");
        assert_eq!(screen.deadline(at("2026-11-23T05:36:59Z")), "05:36:59Z, 59s left");
        assert_eq!(screen.deadline(at("2026-11-22T05:36:00Z")), "2026-11-22 05:36:00Z, 1d ago");
        assert_eq!(roughly(Duration::from_secs(3 * 86_400 + 3_725)), "3d 1h");
        assert_eq!(roughly(Duration::from_secs(3_725)), "1h 2m");
    }
}
