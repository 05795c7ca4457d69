//! Pages of test results for people, as pxemngr has them: plain HTML for any browser, without scripts and without anything from
//! elsewhere. Whatever a machine or a person wrote is escaped.

mod html;
mod place;
mod write;

pub use place::PagePlace;

use nextboot_model::TestRunId;

use crate::Control;

/// What is at the place of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Page {
    /// HTML.
    Html(String),
    /// The log of this run, as it is.
    Log(TestRunId),
}

/// Why there is no page.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoPage {
    /// What it would be about does not exist.
    #[error("{0}")]
    NotFound(String),
    /// The disk did not answer.
    #[error("{0}")]
    Failed(String),
}

/// What a page may load, run or talk to: nothing but its own style; a form may go back to where the page came from.
pub const PAGE_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Writes the page at a place.
///
/// # Errors
/// Why there is none.
pub async fn page(control: &dyn Control, place: &PagePlace) -> Result<Page, NoPage> {
    write::page(control, place).await
}
