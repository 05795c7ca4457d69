use nextboot_dhcp::Leases;
use nextboot_model::{Lease, LeaseState, Stage, Timestamp};

use super::{
    process,
    text::{Kind, Page},
};
use crate::{VERSION, appliance::Appliance, clock};

impl Appliance {
    /// Everything, as Prometheus' text format has it.
    pub(crate) fn write_metrics(&self) -> String {
        let mut page = Page::default();
        let build = [("version", VERSION)];
        page.family(Kind::Gauge, "nextboot_build_info", "The release that runs.", [(&build[..], 1)]);
        process::write(&mut page, self.started);
        self.metrics.write(&mut page, self.http.refused());
        self.write_machines(&mut page);
        self.write_leases(&mut page);
        self.write_store(&mut page);
        self.write_connections(&mut page);
        page.finish()
    }

    fn write_connections(&self, page: &mut Page) {
        let http = &self.http;
        page.one(
            Kind::Gauge,
            "nextboot_http_connections_open",
            "Connections of machines that are open on the boot side.",
            http.open(),
        );
        page.one(
            Kind::Counter,
            "nextboot_http_connections_total",
            "Connections that machines made to the boot side and that were served.",
            http.connections(),
        );
        page.one(
            Kind::Counter,
            "nextboot_http_sent_bytes_total",
            "Bytes handed to the kernel on the boot side of HTTP, heads and bodies.",
            http.bytes(),
        );
        let answers: Vec<_> = http.answers().map(|(status, count)| (status.to_string(), count)).collect();
        let answers: Vec<_> =
            answers.iter().map(|(status, count)| ([("status", status.as_str())], count)).collect();
        page.family(
            Kind::Counter,
            "nextboot_http_answers_total",
            "Requests that the boot side of HTTP answered.",
            answers.iter().map(|(labels, count)| (&labels[..], count)),
        );
    }

    fn write_machines(&self, page: &mut Page) {
        page.one(Kind::Gauge, "nextboot_hosts", "Hosts that are known.", self.store.state().len());
        let mut stages = [
            (Stage::Asking, "asking", 0_u64),
            (Stage::Loading, "loading", 0),
            (Stage::Configured, "configured", 0),
            (Stage::Delivered, "delivered", 0),
        ];
        for attempt in self.attempts.lock().iter() {
            if let Some((.., count)) = stages.iter_mut().find(|(stage, ..)| *stage == attempt.stage) {
                *count += 1;
            }
        }
        let stages = stages.map(|(_, stage, count)| ([("stage", stage)], count));
        page.family(
            Kind::Gauge,
            "nextboot_attempts_under_way",
            "Attempts to boot that are not over, by what the machine has got.",
            stages.iter().map(|(labels, count)| (&labels[..], count)),
        );
        page.one(
            Kind::Gauge,
            "nextboot_neighbours",
            "Other DHCP and boot servers that were heard.",
            self.neighbours.lock().all().len(),
        );
    }

    fn write_leases(&self, page: &mut Page) {
        let now = clock::now();
        let networks: Vec<_> =
            self.settings.load().config.dhcp.server.subnets.iter().map(|subnet| subnet.network).collect();
        let (states, subnets) = {
            let responder = self.responder.lock();
            let Some(leases) = responder.leases() else { return };
            let fill = |network: &ipnet::Ipv4Net| (network.to_string(), leases.fill(*network, now));
            (by_state(leases, now), networks.iter().map(fill).collect::<Vec<_>>())
        };
        let states = states.map(|(state, count)| ([("state", state)], count));
        page.family(
            Kind::Gauge,
            "nextboot_leases",
            "Addresses by what stands between them and a client; released are also those that ran out.",
            states.iter().map(|(labels, count)| (&labels[..], count)),
        );
        let of = |pick: fn(&(u64, u64)) -> u64| {
            subnets.iter().map(move |(network, fill)| ([("subnet", network.as_str())], pick(fill)))
        };
        let (size, used): (Vec<_>, Vec<_>) = (of(|fill| fill.0).collect(), of(|fill| fill.1).collect());
        page.family(
            Kind::Gauge,
            "nextboot_dhcp_pool_addresses",
            "Addresses in the pools of a subnet.",
            size.iter().map(|(labels, count)| (&labels[..], count)),
        );
        page.family(
            Kind::Gauge,
            "nextboot_dhcp_pool_used_addresses",
            "Addresses of these pools that nobody else may be given now.",
            used.iter().map(|(labels, count)| (&labels[..], count)),
        );
    }

    fn write_store(&self, page: &mut Page) {
        let waiting = self.store.waiting();
        let waiting = [("commands", waiting.commands), ("leases", waiting.leases), ("events", waiting.notes)]
            .map(|(kind, count)| ([("kind", kind)], count));
        page.family(
            Kind::Gauge,
            "nextboot_store_queue",
            "What waits for the disk.",
            waiting.iter().map(|(labels, count)| (&labels[..], count)),
        );
        let measured = self.store.measured();
        page.histograms(
            "nextboot_store_commit_seconds",
            "How long transactions took to be on the disk.",
            1e6,
            [(&[][..], measured.commit_micros.read())],
        );
        page.histograms(
            "nextboot_store_commit_jobs",
            "How many commands, sets of leases and events shared a transaction.",
            1.0,
            [(&[][..], measured.commit_jobs.read())],
        );
        page.one(
            Kind::Counter,
            "nextboot_store_commits_failed_total",
            "Transactions that the disk did not take.",
            measured.failures(),
        );
        page.one(
            Kind::Counter,
            "nextboot_store_commits_slow_total",
            "Transactions that took the disk longer than a second.",
            measured.slow(),
        );
        page.one(
            Kind::Counter,
            "nextboot_store_events_dropped_total",
            "Events that came faster than the disk took them, and are in no other number.",
            measured.dropped(),
        );
    }
}

fn by_state(leases: &Leases, now: Timestamp) -> [(&'static str, u64); 4] {
    let mut counts = [("offered", 0), ("bound", 0), ("released", 0), ("declined", 0)];
    for lease in leases.iter() {
        if let Some((_, count)) = counts.get_mut(state_of(lease, now)) {
            *count += 1;
        }
    }
    counts
}

fn state_of(lease: &Lease, now: Timestamp) -> usize {
    match lease.state {
        _ if lease.expires <= now => 2,
        LeaseState::Offered => 0,
        LeaseState::Bound => 1,
        LeaseState::Released => 2,
        LeaseState::Declined => 3,
    }
}
