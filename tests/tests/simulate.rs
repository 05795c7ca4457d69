//! `nextboot simulate` against the real server: many machines at once over one interface, and what it says when they do not boot.

use std::fs;
use std::process::Output;

use anyhow::{Context, Result, ensure};
use nextboot_tests::{Lab, Namespace, Server, binary};
use serde_json::Value;

/// The server gives unknown machines a live system whose kernel is this file of the tree.
fn site(lab: &Lab, pool: &str, kernel: &str) -> Result<Server> {
    let tree = lab.dir().join("tree");
    fs::create_dir_all(tree.join("live"))?;
    for (name, size) in [("vmlinuz", 150_000), ("initrd", 250_000)] {
        fs::write(tree.join("live").join(name), vec![b'x'; size])?;
    }
    let scratch = lab.scratch().display();
    lab.server(&format!(
        r#"interfaces = ["br0"]
data_dir = "{data}"

[dhcp]
mode = "server"

[[dhcp.subnet]]
network = "10.77.0.0/24"
pool = ["{pool}"]
router = "10.77.0.1"

[tftp]
roots = ["{tree}"]

[api]
socket = "{scratch}/api.sock"
token_file = "{data}/token"

[boot]
unknown = "profile:live"
secure_boot = "never"

[profiles.live]
class = "live"
kernel = "live/{kernel}"
initrd = ["live/initrd"]
"#,
        data = lab.dir().join("data").display(),
        tree = tree.display(),
    ))
}

/// Runs `nextboot simulate` on a port of the laboratory's bridge.
fn simulate(port: &Namespace, args: &[&str]) -> Result<Output> {
    let mut command = port.command(binary()?);
    command.args(["simulate", "--interface", "eth0", "--rate", "100"]).args(args);
    let output = command.output().context("nextboot simulate")?;
    println!("{args:?}: {}", output.status);
    println!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    Ok(output)
}

/// The same with `--json`; the report.
fn report(port: &Namespace, args: &[&str]) -> Result<(Option<i32>, Value)> {
    let output = simulate(port, &[args, &["--json"]].concat())?;
    Ok((output.status.code(), serde_json::from_slice(&output.stdout)?))
}

fn machines(report: &Value, stage: &str) -> Option<u64> {
    report["stages"].as_array()?.iter().find(|times| times["stage"] == stage)?["machines"].as_u64()
}

#[test]
fn fifty_machines_of_all_kinds_boot_and_the_report_says_so() {
    Lab::run("simulate-boot", |lab| {
        let server = site(lab, "10.77.0.100-10.77.0.199", "vmlinuz")?;
        // It stays until the server has heard the last word.
        let port = lab.plug()?;
        let mix = "bios=50,uefi=20,ipxe=10,ipxe-uefi=10,http=10";
        let (code, report) =
            report(&port, &["--hosts", "50", "--mix", mix, "--kernel-sample", "10", "--keep-leases"])?;
        ensure!(code == Some(0), "not all booted: {report:#}");
        ensure!(report["booted"] == 50 && report["failures"] == serde_json::json!([]), "{report:#}");
        ensure!(report["runs"] == serde_json::json!({ "configured": 40, "kernel": 10 }), "{report:#}");
        for (stage, count) in [("dhcp", 50), ("configuration", 50), ("kernel", 10)] {
            ensure!(machines(&report, stage) == Some(count), "{stage}: {report:#}");
        }
        ensure!(report["whole"]["p50_ms"].as_f64() > Some(0.0), "{report:#}");
        ensure!(report["bytes"].as_u64() >= Some(10 * 400_000), "the sample's kernels were fetched in full");
        // The server saw fifty machines, each with its own address.
        let leases: Value = serde_json::from_str(&server.cli(&["leases", "--json"])?)?;
        let own = |lease: &&Value| lease["mac"].as_str().is_some_and(|mac| mac.starts_with("02:6e:62:"));
        let leases = leases["leases"].as_array().context("no leases")?;
        ensure!(leases.iter().filter(own).count() == 50, "{leases:#?}");
        ensure!(server.cli(&["host", "ls", "--json"])?.contains("\"hosts\":[]"), "nobody is registered");
        // The same machines again, for people, and their addresses are given back.
        let table = simulate(&port, &["--hosts", "50", "--kernel-sample", "0"])?;
        let text = String::from_utf8_lossy(&table.stdout).into_owned();
        ensure!(table.status.success() && text.contains("50 booted, 0 failed"), "{text}");
        ensure!(text.contains("STAGE") && text.contains("whole boot"), "{text}");
        nextboot_tests::wait_until("the end of all leases", std::time::Duration::from_secs(20), || {
            Ok((server.events_of("released")?.len() >= 50).then_some(()))
        })
    });
}

#[test]
fn machines_that_do_not_boot_are_counted_by_their_reasons_and_the_exit_code_is_not_0() {
    Lab::run("simulate-fail", |lab| {
        let _server = site(lab, "10.77.0.100-10.77.0.104", "vmlinuz.old")?;
        let args =
            ["--hosts", "8", "--mix", "bios=1", "--kernel-sample", "8", "--limit", "20", "--keep-leases"];
        let (code, report) = report(&lab.plug()?, &args)?;
        ensure!(code == Some(1) && report["failed"] == 8 && report["booted"] == 0, "{report:#}");
        let failures = report["failures"].as_array().context("no failures")?;
        let of = |part: &str| {
            let fits =
                |failure: &&Value| failure["reason"].as_str().is_some_and(|reason| reason.contains(part));
            failures.iter().filter(fits).filter_map(|failure| failure["machines"].as_u64()).sum::<u64>()
        };
        ensure!(of("vmlinuz.old") == 5, "five had an address and found no kernel: {failures:#?}");
        ensure!(of("at its stage dhcp") == 3, "three had none: {failures:#?}");
        ensure!(report["retransmitting"].as_u64() >= Some(3), "{report:#}");
        Ok(())
    });
}

#[test]
fn what_it_needs_and_is_not_there_is_said() {
    Lab::run("simulate-cannot", |lab| {
        let port = lab.plug()?;
        let refused = |args: &[&str], words: &str| -> Result<()> {
            let output = port.command(args[0]).args(&args[1..]).output()?;
            let text = String::from_utf8_lossy(&output.stderr).into_owned();
            ensure!(
                output.status.code() == Some(69) && text.contains(words),
                "{args:?}: {} {text}",
                output.status
            );
            Ok(())
        };
        let program = binary()?;
        let program = program.to_str().context("a path that is no text")?;
        refused(&[program, "simulate", "--hosts", "1", "--interface", "eth7"], "no network interface eth7")?;
        port.ip(&["link", "set", "eth0", "down"])?;
        refused(&[program, "simulate", "--hosts", "1", "--interface", "eth0"], "ip link set eth0 up")?;
        let bare = ["setpriv", "--bounding-set=-net_raw", "--inh-caps=-net_raw"];
        let args = [&bare[..], &[program, "simulate", "--hosts", "1", "--interface", "eth0"]].concat();
        refused(&args, "CAP_NET_RAW")
    });
}
