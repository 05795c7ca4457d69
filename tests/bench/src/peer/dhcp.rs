//! DHCP servers. All of them give the addresses of [`POOL`](crate::dhcp::POOL) for an hour and keep leases on the disk.

use std::fs;

use serde_json::json;

use crate::arena::Arena;
use crate::compare::Contestant;
use crate::dhcp::{NETWORK, POOL};
use crate::peer::listens;

/// dnsmasq, which writes its file of leases anew for each change.
#[must_use]
pub fn dnsmasq_dhcp(arena: &Arena) -> Contestant<'_> {
    Contestant::new("dnsmasq", move || {
        let leases = arena.lab.dir().join("dnsmasq.leases");
        fs::write(&leases, "")?;
        let leases = format!("--dhcp-leasefile={}", arena.word(&leases)?);
        let range = format!("--dhcp-range={},255.255.0.0,1h", POOL.replace('-', ","));
        let args = [
            "--conf-file=/dev/null",
            "--keep-in-foreground",
            "--log-facility=-",
            "--quiet-dhcp",
            "--port=0",
            "--user=root",
            "--pid-file",
            "--interface=br0",
            "--no-ping",
            "--dhcp-lease-max=60000",
            "--dhcp-boot=pxelinux.0",
            &range,
            &leases,
        ];
        let mut process = arena.lab.start(arena.lab.namespace(), "dnsmasq", "dnsmasq", &args)?;
        listens(arena, &mut process, "-Huln", "0.0.0.0:67")?;
        Ok(process)
    })
}

/// Kea with its leases in memory and a file, as its package sets it up; it only logs what is wrong.
#[must_use]
pub fn kea(arena: &Arena) -> Contestant<'_> {
    Contestant::new("kea", move || {
        let place = arena.lab.dir().join("kea");
        if place.exists() {
            fs::remove_dir_all(&place)?;
        }
        fs::create_dir_all(&place)?;
        let config = json!({ "Dhcp4": {
            "interfaces-config": { "interfaces": ["br0"], "dhcp-socket-type": "udp" },
            "lease-database": { "type": "memfile", "persist": true, "name": place.join("leases.csv"), "lfc-interval": 0 },
            "valid-lifetime": 3600,
            "boot-file-name": "pxelinux.0",
            "subnet4": [{ "id": 1, "subnet": NETWORK, "pools": [{ "pool": POOL }] }],
            "loggers": [{ "name": "kea-dhcp4", "severity": "WARN", "output_options": [{ "output": "stdout" }] }],
        } });
        let file = place.join("kea.json");
        fs::write(&file, config.to_string())?;
        // Where it keeps its own lock and process id.
        let command = format!(
            "KEA_PIDFILE_DIR={place} KEA_LOCKFILE_DIR={place} exec kea-dhcp4 -c {file}",
            place = arena.word(&place)?,
            file = arena.word(&file)?
        );
        let mut process = arena.lab.start(arena.lab.namespace(), "kea", "sh", &["-c", &command])?;
        listens(arena, &mut process, "-Huln", "10.78.0.1:67")?;
        Ok(process)
    })
}
