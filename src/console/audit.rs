//! `audit`: the log, written out page by page, so that a long one costs no more than a page at a time.

use super::render;
use super::run::{Call, CommandResult};
use crate::usecase;
use crate::usecase::audit::Filter;

impl Call<'_> {
    /// Prints the log. The first page is there before anything is printed; a database that fails later breaks off.
    pub(super) async fn audit(&mut self, filter: Filter) -> CommandResult {
        let mut pages = usecase::audit::audit(self.app, self.actor, filter).await?;
        let mut page = pages.next().await?;
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
                render::audit(&self.sheet(&self.app.rules()), &page, first)
            };
            self.pen.out(&text).await?;
            if over {
                return Ok(0);
            }
            first = false;
            page = pages.next().await?;
        }
    }
}
