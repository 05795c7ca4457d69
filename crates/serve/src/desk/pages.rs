//! The pages of test results, on the boot side.

use std::net::IpAddr;

use nextboot_api::{NoPage, Page, PagePlace};
use nextboot_boot::Tree as _;
use nextboot_config::Pages;
use nextboot_files::{Layout, Name, Roots};
use nextboot_http::{Found, What};
use nextboot_model::TestRunId;

use super::Refused;
use crate::appliance::Appliance;

impl Appliance {
    /// The page at a path for whoever asks; nothing where it is not a page's, where the tree has something of that name, and for
    /// those who may not look: for them it is a name like any other.
    pub(crate) async fn page_at(&self, from: IpAddr, path: &str) -> Option<Result<Found, Refused>> {
        let place = PagePlace::read(path)?;
        let settings = self.settings.load_full();
        let may = match settings.config.tests.pages {
            Pages::Trusted => settings.config.api.trusted.iter().any(|network| network.contains(&from)),
            Pages::Everyone => true,
            Pages::Off => false,
        };
        if !may || settings.tree.entry(path.trim_matches('/')).is_some() {
            return None;
        }
        Some(match nextboot_api::page(self, &place).await {
            Ok(Page::Html(html)) => Ok(Found::written(What::Page, html)),
            Ok(Page::Log(id)) => self.log_page(id).await,
            Err(NoPage::NotFound(why)) => Err(Refused::NotFound(why)),
            Err(NoPage::Failed(why)) => Err(Refused::Failed(why)),
        })
    }

    async fn log_page(&self, id: TestRunId) -> Result<Found, Refused> {
        let directory = self.store.test_logs().directory().to_owned();
        let open = move || {
            let layout = Layout { roots: vec![directory], loaders: Vec::new(), extra_roots: Vec::new() };
            let name = Name::parse(&format!("{id}.log")).map_err(|error| error.to_string())?;
            let roots = Roots::open(&layout).map_err(|error| error.to_string())?;
            roots.get(&name).map_err(|error| error.to_string())
        };
        let opened = tokio::task::spawn_blocking(open).await;
        let content = opened.ok().and_then(Result::ok);
        let content = content.ok_or_else(|| Refused::NotFound(format!("test run {id} has no log")))?;
        Ok(Found { what: What::Log, content, ticket: nextboot_http::Ticket::default() })
    }
}
