use std::os::fd::BorrowedFd;
use std::sync::Arc;

use ipnet::IpNet;
use nextboot_http::{Asker, Claim, Delivery, Desk, Found, Refusal, Sent, Ticket, Upload, What, Whom, Why};
use nextboot_model::{Mac, Via};

use super::{End, Ended, Receipt, Refused};
use crate::appliance::Appliance;

/// The front desk as HTTP knows it.
pub(crate) struct HttpDesk(pub(crate) Arc<Appliance>);

impl Desk for HttpDesk {
    async fn open(&self, asker: &Asker, name: &str) -> Result<Found, Refusal> {
        if let Some(page) = self.0.page_at(asker.from.ip(), name).await {
            return page.map_err(|refused| self.refuse(&refused));
        }
        self.hand_over(self.0.open(asker.from.ip(), asker.mac_hint, asker.to, name, Via::Http).await)
    }

    async fn script(&self, asker: &Asker, mac: Option<Mac>) -> Result<Found, Refusal> {
        self.hand_over(self.0.script(asker.from.ip(), asker.mac_hint, asker.to, mac).await)
    }

    async fn seed(&self, asker: &Asker, token: Option<&str>, name: &str) -> Result<Found, Refusal> {
        self.hand_over(self.0.seed(asker.from.ip(), asker.to, token, name).await)
    }

    async fn call_back(&self, asker: &Asker, token: &str) -> Result<String, Refusal> {
        self.0.call_back(asker.from.ip(), token).await.map_err(|refused| self.refuse(&refused))
    }

    async fn next_boot(
        &self,
        asker: &Asker,
        claim: Claim<'_>,
        whom: Whom<'_>,
        profile: Option<&str>,
    ) -> Result<String, Refusal> {
        let done = self.0.next_boot(asker.from.ip(), claim, whom, profile).await;
        done.map_err(|refused| self.refuse(&refused))
    }

    async fn profile(&self, asker: &Asker, mac: Option<Mac>) -> Result<String, Refusal> {
        let name = self.0.profile_of(asker.from.ip(), asker.mac_hint, mac).await;
        name.map_err(|refused| self.refuse(&refused))
    }

    async fn next_test(&self, asker: &Asker, claim: Claim<'_>, mac: Option<Mac>) -> Result<Found, Refusal> {
        let script = self.0.next_test(asker.from.ip(), asker.to, claim, mac).await;
        script.map(|text| Found::written(What::Test, text)).map_err(|refused| self.refuse(&refused))
    }

    async fn test_script(&self, asker: &Asker, test: &str) -> Result<Found, Refusal> {
        // Not counted as refused: it may be a file.
        let script = self.0.shown_test(test, asker.to);
        script.map(|text| Found::written(What::Test, text)).map_err(|refused| refusal(&refused))
    }

    async fn upload(
        &self,
        asker: &Asker,
        claim: Claim<'_>,
        run: Option<u64>,
    ) -> Result<Box<dyn Upload>, Refusal> {
        match self.0.begin_upload(asker.from.ip(), claim, run).await {
            Ok(upload) => Ok(Box::new(upload)),
            Err(refused) => Err(self.refuse(&refused)),
        }
    }

    fn sent(&self, asker: &Asker, sent: Sent) {
        let Some(receipt) = sent.ticket.get::<Receipt>() else { return };
        let end = match &sent.delivery {
            Delivery::Complete if sent.is_whole() => End::Whole,
            Delivery::Complete => End::Part(sent.start..sent.end),
            Delivery::Probed => End::Probe,
            Delivery::Cut(reason) => End::Cut { sent: sent.end - sent.start, reason: reason.clone() },
            Delivery::Unacknowledged(reason) if sent.spans_all() => {
                let reason = format!("{reason}; all of it was sent, but not all acknowledged");
                End::Cut { sent: sent.of, reason }
            }
            Delivery::Unacknowledged(_) => End::Left { sent: sent.end - sent.start },
        };
        let (mut receipt, from) = (receipt.clone(), asker.from.ip());
        if asker.proxied {
            receipt.rest_may_come_from_a_cache();
        }
        let (bytes, millis) = (sent.of, sent.millis);
        self.0.delivered(Ended { from, receipt, bytes, millis, via: Via::Http, end, resent: 0 });
    }

    fn proxies(&self) -> Arc<[IpNet]> {
        Arc::clone(&self.0.settings.load().config.http.trusted_proxies)
    }

    fn unacknowledged(&self, connection: BorrowedFd<'_>) -> Option<u32> {
        nextboot_net::unacknowledged(connection)
    }
}

impl HttpDesk {
    fn hand_over(&self, found: Result<super::Found, Refused>) -> Result<Found, Refusal> {
        let super::Found { content, receipt, for_all } = found.map_err(|refused| self.refuse(&refused))?;
        let what = match &receipt {
            Receipt::File { .. } if for_all => What::File,
            Receipt::File { .. } => What::OwnFile,
            Receipt::Configuration { .. } | Receipt::Note => What::Configuration,
            Receipt::Seed { .. } => What::Seed,
        };
        Ok(Found { what, content, ticket: Ticket::new(receipt) })
    }

    fn refuse(&self, refused: &Refused) -> Refusal {
        self.0.metrics.refused(Via::Http, refused);
        refusal(refused)
    }
}

fn refusal(refused: &Refused) -> Refusal {
    let why = match refused {
        Refused::NotFound(_) => Why::NotFound,
        Refused::Forbidden(_) => Why::Forbidden,
        Refused::Gone(_) => Why::Gone,
        Refused::Template(_) => Why::TemplateError,
        Refused::Failed(_) => Why::Unavailable,
    };
    Refusal::new(why, refused.to_string())
}
