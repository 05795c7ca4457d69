//! What Prometheus scrapes, read by its own client library, against what machines did and what the journal says.

use std::collections::BTreeMap;
use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use nextboot_firmware::edk2::pxe::Variant;
use nextboot_firmware::{Booted, Firmware, Step, Verdict};
use nextboot_model::Arch;
use nextboot_tests::simulated::boot;
use nextboot_tests::site::{Dhcp, INSTALL, SmallInstaller};

use nextboot_tests::{Lab, Namespace, PATIENCE, Server, client, wait_until};

/// It acknowledges the last block of everything, which BIOS ROMs do not.
const UEFI: Firmware = Firmware::Edk2Pxe(Arch::UEFI_X64, Variant::Current);
const MAC: &str = "52:54:00:00:0a:01";
const LIMIT: Duration = Duration::from_secs(300);
const PAGE: &str = "http://10.77.0.1:3478/metrics";

/// Reads the page with Prometheus' library, and prints `name{label="value",...} value` for each sample, labels sorted.
/// Then it looks whether names, types and help texts are what Prometheus wants.
const READ: &str = r#"
import sys
from prometheus_client.parser import text_string_to_metric_families
seen = set()
for family in text_string_to_metric_families(sys.stdin.read()):
    assert family.name not in seen, family.name + " twice"
    seen.add(family.name)
    assert family.documentation and family.type in ("counter", "gauge", "histogram"), family
    for sample in family.samples:
        if family.type == "counter":
            assert sample.name == family.name + "_total", sample
        labels = ",".join('%s="%s"' % pair for pair in sorted(sample.labels.items()))
        print("%s{%s} %r" % (sample.name, labels, sample.value))
"#;

/// The samples of a page.
struct Scraped(BTreeMap<String, f64>);

impl Scraped {
    /// Scrapes as Prometheus does, from another machine.
    fn new(scraper: &Namespace) -> Result<Self> {
        let page = client::curl(scraper, PAGE, &["--fail"])?;
        let mut parser = Command::new("/usr/bin/python3");
        parser.args(["-c", READ]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut parser = parser.spawn().context("python3")?;
        parser.stdin.take().context("no way in")?.write_all(&page)?;
        let output = parser.wait_with_output()?;
        ensure!(
            output.status.success(),
            "the library does not take it: {}\n{}",
            String::from_utf8_lossy(&output.stderr),
            String::from_utf8_lossy(&page)
        );
        let text = String::from_utf8(output.stdout)?;
        let samples = text.lines().map(|line| {
            let (name, value) = line.rsplit_once(' ').context("no value")?;
            Ok((name.to_owned(), value.parse().with_context(|| line.to_owned())?))
        });
        Ok(Self(samples.collect::<Result<_>>()?))
    }

    fn of(&self, name: &str) -> Result<f64> {
        let have = || format!("no {name} in {:#?}", self.0.keys());
        self.0.get(name).copied().with_context(have)
    }

    /// Checks one after the other, and tells of all that are wrong.
    fn are(&self, expected: &[(&str, f64)]) -> Result<()> {
        let mut wrong = Vec::new();
        for (name, value) in expected {
            let is = self.of(name)?;
            if is != *value {
                wrong.push(format!("{name} is {is}, not {value}"));
            }
        }
        ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
        Ok(())
    }
}

/// Waits until the numbers are these: a delivery ends when the last acknowledgement came, or for a loader that sends none
/// when it has been silent for long enough.
fn wait_for(scraper: &Namespace, expected: &[(&str, f64)]) -> Result<()> {
    let mut last = None;
    let seen = wait_until("the numbers", PATIENCE, || {
        last = Scraped::new(scraper)?.are(expected).err();
        Ok(last.is_none().then_some(()))
    });
    seen.with_context(|| format!("{last:?}"))
}

/// Every event of the journal is counted under its code, and nothing else is.
fn agrees_with_the_journal(server: &Server, scraper: &Namespace) -> Result<Scraped> {
    wait_until("the metrics and the journal say the same", PATIENCE, || {
        let mut journal: BTreeMap<String, f64> = BTreeMap::new();
        for event in server.events()? {
            let code = event["code"].as_str().context("no code")?;
            *journal.entry(format!("nextboot_events_total{{code=\"{code}\"}}")).or_default() += 1.0;
        }
        let scraped = Scraped::new(scraper)?;
        let counted = scraped
            .0
            .iter()
            .filter(|(name, value)| name.starts_with("nextboot_events_total") && **value > 0.0);
        let counted: BTreeMap<String, f64> = counted.map(|(name, value)| (name.clone(), *value)).collect();
        Ok((counted == journal).then_some(scraped))
    })
}

#[test]
fn an_installation_moves_every_number_by_what_the_machine_did() {
    Lab::run("metrics-installation", |lab| {
        let site = SmallInstaller::new(lab)?;
        let config = site.config(Dhcp::Server, "");
        let config = config.replace("port = 3478\n", "port = 3478\nmetrics = [\"10.77.0.60\"]\n");
        let server = lab.server(&config)?;
        let scraper = lab.join("10.77.0.60/24")?;
        let stranger = lab.join("10.77.0.61/24")?;
        ensure!(client::http_status(&stranger, PAGE, &[])? == 401, "only the scraper's address is let in");
        let api = "http://10.77.0.1:3478/api/hosts";
        ensure!(client::http_status(&scraper, api, &[])? == 401, "and it may read nothing else");

        let before = agrees_with_the_journal(&server, &scraper)?;
        before.are(&[
            ("nextboot_hosts{}", 0.0),
            ("nextboot_leases{state=\"bound\"}", 0.0),
            ("nextboot_dhcp_pool_addresses{subnet=\"10.77.0.0/24\"}", 100.0),
            ("nextboot_dhcp_pool_used_addresses{subnet=\"10.77.0.0/24\"}", 0.0),
            ("nextboot_transfer_bytes_total{protocol=\"tftp\"}", 0.0),
            ("nextboot_attempts_total{outcome=\"called-back\"}", 0.0),
        ])?;

        server.cli(&["host", "add", "node1", MAC])?;
        server.cli(&["boot", "node1", INSTALL])?;
        let report = boot(lab, UEFI, MAC, LIMIT)?;
        println!("{report}");
        ensure!(matches!(report.verdict, Verdict::Booted(Booted::Installed { .. })), "{report}");
        server.wait_for_event("attempt-ended", PATIENCE, |event| {
            event["outcome"]["outcome"] == "called-back"
        })?;

        let fetched = |scheme: &str| {
            let sizes = report.steps.iter().filter_map(|step| match step {
                Step::Fetched { url, size } if url.starts_with(scheme) => Some(*size as f64),
                _ => None,
            });
            sizes.fold((0.0, 0.0), |(count, bytes), size| (count + 1.0, bytes + size))
        };
        let ((tftp, tftp_bytes), (http, http_bytes)) = (fetched("tftp:"), fetched("GET http:"));
        let missed = report.steps.iter().filter(|step| matches!(step, Step::Missed { .. })).count() as f64;
        let expected = [
            ("nextboot_hosts{}", 1.0),
            ("nextboot_transfers_total{end=\"whole\",protocol=\"tftp\"}", tftp),
            ("nextboot_transfers_total{end=\"whole\",protocol=\"http\"}", http),
            ("nextboot_transfers_total{end=\"cut\",protocol=\"tftp\"}", 0.0),
            ("nextboot_transfer_bytes_total{protocol=\"tftp\"}", tftp_bytes),
            ("nextboot_transfer_bytes_total{protocol=\"http\"}", http_bytes),
            ("nextboot_transfer_seconds_count{protocol=\"tftp\"}", tftp),
            ("nextboot_requests_refused_total{protocol=\"tftp\",reason=\"not-found\"}", missed),
            ("nextboot_leases{state=\"bound\"}", 1.0),
            ("nextboot_dhcp_pool_used_addresses{subnet=\"10.77.0.0/24\"}", 1.0),
            ("nextboot_attempts_total{outcome=\"called-back\"}", 1.0),
            ("nextboot_attempts_total{outcome=\"silent\"}", 0.0),
            ("nextboot_boot_stage_seconds_count{stage=\"dhcp\"}", 1.0),
            ("nextboot_boot_stage_seconds_count{stage=\"loader\"}", 1.0),
            ("nextboot_boot_stage_seconds_count{stage=\"configuration\"}", 1.0),
            ("nextboot_boot_stage_seconds_count{stage=\"kernel\"}", 1.0),
            ("nextboot_boot_stage_seconds_count{stage=\"initrd\"}", 1.0),
            ("nextboot_boot_stage_seconds_count{stage=\"call-back\"}", 1.0),
        ];
        wait_for(&scraper, &expected)?;
        let after = agrees_with_the_journal(&server, &scraper)?;
        let stages = ["dhcp", "loader", "configuration", "kernel", "initrd", "call-back"];
        let in_stages = stages
            .iter()
            .map(|stage| after.of(&format!("nextboot_boot_stage_seconds_sum{{stage=\"{stage}\"}}")));
        let in_stages = in_stages.sum::<Result<f64>>()?;
        ensure!(
            in_stages > 0.0 && in_stages <= report.took.as_secs_f64() + 1.0,
            "the stages add up to the boot: {in_stages} s of {:?}",
            report.took
        );
        ensure!(after.of("nextboot_http_connections_total{}")? > 0.0, "the seed came by HTTP");
        ensure!(after.of("process_resident_memory_bytes{}")? > 1e6, "the process has memory");
        ensure!(after.of("nextboot_store_commit_seconds_count{}")? > 1.0, "and it wrote");

        let shown = server.cli(&["metrics", "attempts", "build"])?;
        ensure!(shown.contains("outcome=called-back") && !shown.contains("process_"), "{shown}");
        ensure!(shown.contains(&format!("version={}", env!("CARGO_PKG_VERSION"))), "{shown}");
        let raw = server.cli(&["metrics", "--prometheus"])?;
        ensure!(raw.contains("\n# TYPE nextboot_transfers_total counter\n"), "{raw}");
        Ok(())
    });
}

#[test]
fn parts_heads_refusals_and_a_restart_are_told_apart() {
    Lab::run("metrics-parts", |lab| {
        let site = SmallInstaller::new(lab)?;
        let config = site.config(Dhcp::Proxy, "");
        let config = config.replace("port = 3478\n", "port = 3478\nmetrics = [\"10.77.0.60\"]\n");
        let mut server = lab.server(&config)?;
        let somebody = lab.join("10.77.0.60/24")?;
        let kernel = "http://10.77.0.1:8080/small/vmlinuz";
        ensure!(client::curl(&somebody, kernel, &["--range", "100-299"])?.len() == 200, "a part");
        ensure!(client::http_status(&somebody, kernel, &["--head"])? == 200, "only its size");
        for _ in 0..3 {
            ensure!(
                client::http_status(&somebody, "http://10.77.0.1:8080/none", &[])? == 404,
                "no such name"
            );
        }
        ensure!(client::tftp_hpa(&somebody, "10.77.0.1", "none").is_err(), "nor here");
        let kernel = client::tftp_hpa(&somebody, "10.77.0.1", "small/vmlinuz")?.len() as f64;
        let expected = [
            ("nextboot_transfers_total{end=\"part\",protocol=\"http\"}", 1.0),
            ("nextboot_transfers_total{end=\"probe\",protocol=\"http\"}", 1.0),
            ("nextboot_transfers_total{end=\"whole\",protocol=\"http\"}", 0.0),
            ("nextboot_transfer_bytes_total{protocol=\"http\"}", 200.0),
            ("nextboot_requests_refused_total{protocol=\"http\",reason=\"not-found\"}", 3.0),
            ("nextboot_requests_refused_total{protocol=\"tftp\",reason=\"not-found\"}", 1.0),
            ("nextboot_transfers_total{end=\"whole\",protocol=\"tftp\"}", 1.0),
            ("nextboot_transfer_bytes_total{protocol=\"tftp\"}", kernel),
        ];
        wait_for(&somebody, &expected)?;
        let scraped = Scraped::new(&somebody)?;
        ensure!(
            scraped.0.keys().all(|name| !name.starts_with("nextboot_leases")),
            "a proxy gives no addresses"
        );

        ensure!(server.stop()?.success(), "the server stops");
        server.restart()?;
        agrees_after_restart(&somebody)
    });
}

/// Counters begin anew, and what the journal has from before is not counted again.
fn agrees_after_restart(scraper: &Namespace) -> Result<()> {
    wait_until("the start is counted", PATIENCE, || {
        let scraped = Scraped::new(scraper)?;
        scraped.are(&[("nextboot_transfer_bytes_total{protocol=\"http\"}", 0.0)])?;
        Ok((scraped.of("nextboot_events_total{code=\"started\"}")? == 1.0).then_some(()))
    })
}
