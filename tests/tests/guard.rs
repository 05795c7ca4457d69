//! The text of an installer's configuration reaches only machines that are armed for it, whatever name leads to it.

use std::fs;
use std::os::unix::fs::symlink;

use anyhow::ensure;
use nextboot_tests::site::{Dhcp, SmallInstaller};
use nextboot_tests::{Lab, SERVER, client};

const WIPE: &str = "DEFAULT wipe\nLABEL wipe\n  KERNEL wipe/linux\n";

#[test]
fn no_name_gets_an_installers_file_to_a_machine_that_nobody_armed() {
    Lab::run("guard-names", |lab| {
        let site = SmallInstaller::new(lab)?;
        let cfg = site.tree().join("pxelinux.cfg");
        let other = site.tree().join("other/pxelinux.cfg");
        fs::create_dir_all(cfg.join("conf"))?;
        fs::create_dir_all(&other)?;
        fs::write(cfg.join("conf/wipe"), WIPE)?;
        symlink("pxelinux.cfg/conf/wipe", site.tree().join("linked.cfg"))?;
        symlink("pxelinux.cfg/conf", site.tree().join("menus"))?;
        symlink("conf/wipe", cfg.join("0a4d0014"))?;
        fs::hard_link(cfg.join("conf/wipe"), site.tree().join("hard.cfg"))?;
        fs::copy(cfg.join("conf/wipe"), site.tree().join("copy.cfg"))?;
        symlink("../../pxelinux.cfg/conf/wipe", other.join("default"))?;
        symlink("../linked.cfg", cfg.join("default"))?;
        fs::create_dir_all(site.tree().join("grub"))?;
        symlink("../linked.cfg", site.tree().join("grub/grub.cfg"))?;
        fs::copy(cfg.join("conf/wipe"), site.tree().join("grub/grub.cfg-0A4D"))?;
        let config = site.config(Dhcp::Server, "[profiles.wipe]\nclass = \"install\"\n");
        let config = config.replace("attempts = 3", "attempts = 3\nunknown = \"default\"");
        let server = lab.server(&config)?;
        let machine = lab.join("10.77.0.20/24")?;
        let own_path = format!("{}/pxelinux.cfg/conf/wipe", site.tree().display());
        let names = [
            "pxelinux.cfg/conf/wipe",
            "pxelinux.cfg//conf/../conf/./wipe",
            "pxelinux.cfg/conf/%77ipe",
            "linked.cfg",
            "menus/wipe",
            "pxelinux.cfg/0a4d0014",
            "hard.cfg",
            "copy.cfg",
            "pxelinux.cfg/default",
            "other/pxelinux.cfg/default",
            own_path.trim_start_matches('/'),
        ];
        let get = |name: &str| {
            let status = client::http_status(&machine, &format!("http://{SERVER}:8080/{name}"), &[])?;
            anyhow::Ok((status, client::tftp_hpa(&machine, SERVER, &name.replace("%77", "w"))))
        };
        for name in names {
            let (status, tftp) = get(name)?;
            ensure!(status == 403 || status == 404, "HTTP {name}: {status}");
            ensure!(tftp.is_err(), "TFTP {name}: {}", String::from_utf8_lossy(&tftp?));
        }
        // Written for GRUB where the machine is armed, so not to the byte.
        let for_grub = [
            "grub/grub.cfg",
            "grub.cfg",
            "EFI/debian/grub.cfg",
            "grub/grub.cfg-0A4D",
            "grub/grub.cfg-0A4D0014",
        ];
        for name in for_grub {
            let (status, tftp) = get(name)?;
            ensure!(status == 404, "HTTP {name}: {status}");
            ensure!(tftp.is_err(), "TFTP {name}: {}", String::from_utf8_lossy(&tftp?));
        }
        let mac = machine.run("cat", &["/sys/class/net/eth0/address"])?;
        server.cli(&["host", "add", "node1", mac.trim()])?;
        server.cli(&["boot", "node1", "wipe", "--until-changed"])?;
        for name in names {
            let (status, tftp) = get(name)?;
            ensure!(status == 200 && tftp? == WIPE.as_bytes(), "armed: {name}: {status}");
        }
        for name in for_grub {
            let (status, tftp) = get(name)?;
            let tftp = String::from_utf8(tftp?)?;
            ensure!(
                status == 200 && tftp.contains("(tftp,10.77.0.1)/wipe/linux"),
                "armed: {name}: {status} {tftp}"
            );
        }
        Ok(())
    });
}
