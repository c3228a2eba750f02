//! `audit`: the log, written out page by page, so that a long one costs no more than a page at a time.

use super::narrow::Narrow;
use super::render;
use super::run::{Call, CommandResult};
use crate::usecase;

impl Call<'_> {
    /// Prints the log. The first page is there before anything is printed; a database that fails later breaks off.
    pub(super) async fn audit(&mut self, narrow: &Narrow) -> CommandResult {
        let mut pages = usecase::audit::audit(self.app, self.actor, self.filter(narrow)).await?;
        let mut page = pages.more().await?;
        let mut first = true;
        loop {
            let over = page.is_empty();
            let text = if self.json {
                // The views have text for keys, so this cannot fail.
                let items: Vec<String> =
                    page.iter().map(|event| serde_json::to_string(event).unwrap_or_default()).collect();
                let (before, after) = (if first { "[" } else { "" }, if over { "]\n" } else { "" });
                let comma = if first || over { "" } else { "," };
                format!("{before}{comma}{}{after}", items.join(","))
            } else {
                let rules = self.app.rules();
                let sheet = self.sheet(&rules);
                let older = pages.next.as_ref().filter(|_| over).map(|next| narrow.older("audit", next));
                let rest = older.map(|older| render::left_out(&sheet, pages.left_out, &older)).unwrap_or_default();
                render::audit(&sheet, &page, first) + &rest
            };
            self.pen.out(&text).await?;
            if over {
                return Ok(0);
            }
            first = false;
            page = pages.more().await?;
        }
    }
}
