//! A desk that gives one file to everybody, and a look at what this process uses.

use std::sync::atomic::{AtomicUsize, Ordering};

use nextboot_files::Content;
use nextboot_http::{Asker, Claim, Desk, Found, Refusal, Sent, Whom};
use nextboot_model::Mac;

pub(crate) struct OneFile {
    pub(crate) content: Content,
    /// How often it was delivered whole.
    pub(crate) whole: AtomicUsize,
}

impl Desk for OneFile {
    async fn open(&self, _: &Asker, _: &str) -> Result<Found, Refusal> {
        Ok(Found::file(self.content.clone()))
    }
    async fn script(&self, _: &Asker, _: Option<Mac>) -> Result<Found, Refusal> {
        Err(Refusal::not_found(""))
    }
    async fn seed(&self, _: &Asker, _: Option<&str>, _: &str) -> Result<Found, Refusal> {
        Err(Refusal::not_found(""))
    }
    async fn call_back(&self, _: &Asker, _: &str) -> Result<String, Refusal> {
        Err(Refusal::not_found(""))
    }
    async fn next_boot(
        &self,
        _: &Asker,
        _: Claim<'_>,
        _: Whom<'_>,
        _: Option<&str>,
    ) -> Result<String, Refusal> {
        Err(Refusal::not_found(""))
    }
    async fn profile(&self, _: &Asker, _: Option<Mac>) -> Result<String, Refusal> {
        Err(Refusal::not_found(""))
    }
    fn sent(&self, _: &Asker, sent: Sent) {
        self.whole.fetch_add(usize::from(sent.is_whole()), Ordering::SeqCst);
    }
}

/// The most memory that this process has had, KiB.
pub(crate) fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
