//! The Debian installer as a client: it fetches its preseed from us, and its early command makes the call-back.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use nextboot_tests::Lab;
use nextboot_tests::site::{Dhcp, SmallInstaller};

const MAC: &str = "52:54:00:00:00:0d";

/// Where the package debian-installer-12-netboot-amd64 keeps kernel and initrd.
const NETBOOT: &str = "/usr/lib/debian-installer/images/12/amd64/text/debian-installer/amd64";

/// From power-on to the call-back: about 110 s on a quiet machine.
const LIMIT: Duration = Duration::from_secs(400);

const PROFILE: &str = r#"
[profiles.debian]
class = "install"
kernel = "debian/linux"
initrd = ["debian/initrd.gz"]
args = "console=ttyS0 auto=true priority=critical url={{ seed_url }} hostname={{ host.name }} domain=lab DEBIAN_FRONTEND=text"
seed = "preseed.cfg.j2"
"#;

// The installer's busybox knows no PUT, so it uses the call-back address that a GET is enough for.
const PRESEED: &str = r"# Answers for {{ host.name }}.
d-i preseed/early_command string wget -q -O /tmp/answer {{ callback_url }} && echo 'preseed: {{ host.name }} has called back' >/dev/ttyS0; sleep 1; reboot -f
";

#[test]
fn it_fetches_its_preseed_and_calls_back() {
    Lab::run("debian-installer", |lab| {
        let site = SmallInstaller::new(lab)?;
        copy_netboot(&site)?;
        fs::write(site.seeds().join("preseed.cfg.j2"), PRESEED)?;
        let server = lab.server(&site.config(Dhcp::Server, PROFILE))?;
        server.cli(&["host", "add", "deb1", MAC])?;
        server.cli(&["boot", "deb1", "debian"])?;
        let mut machine = lab.machine("deb1").mac(MAC).start()?;
        let done = machine.wait_for("preseed: deb1 has called back", LIMIT)?;
        println!("call-back after {:.1} s", done.as_secs_f32());
        ensure!(server.events_of("seed-sent")?.len() == 1, "the preseed was fetched once");
        server.wait_for_event("called-back", LIMIT, |event| event["host"] == "deb1")?;
        server.wait_for_event("configuration-sent", LIMIT, |event| event["profile"] == "local")?;
        Ok(())
    });
}

fn copy_netboot(site: &SmallInstaller) -> Result<()> {
    let dir = site.tree().join("debian");
    fs::create_dir_all(&dir)?;
    for name in ["linux", "initrd.gz"] {
        fs::copy(format!("{NETBOOT}/{name}"), dir.join(name)).with_context(|| format!("{NETBOOT}/{name}"))?;
    }
    Ok(())
}
