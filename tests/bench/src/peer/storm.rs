//! What most people boot a room with: dnsmasq for DHCP and TFTP, nginx for what is large.

use std::fs;
use std::path::Path;

use crate::arena::Arena;
use crate::cells::storm::SERVER;
use crate::compare::Contestant;
use crate::peer::http::nginx_config;
use crate::peer::listens;

/// Their name in the table.
pub const DNSMASQ_AND_NGINX: &str = "dnsmasq + nginx";

/// Both of them on a directory with static files, nginx at port 8080. dnsmasq does not ping an address before it offers it, and
/// leads iPXE past its wait for a proxy: what it is good at.
#[must_use]
pub fn dnsmasq_and_nginx<'a>(arena: &'a Arena, root: &'a Path) -> Contestant<'a> {
    Contestant::new(DNSMASQ_AND_NGINX, move || {
        let leases = arena.lab.dir().join("dnsmasq.leases");
        if leases.exists() {
            fs::remove_file(&leases)?;
        }
        let nginx = nginx_config(arena, &format!("{SERVER}:8080 backlog=4096"), root)?;
        let (nginx, leases, root) = (arena.word(&nginx)?, arena.word(&leases)?, arena.word(root)?);
        // One process is the other's child, so both are in one account and end together.
        let script = format!(
            "ulimit -n 30000; dnsmasq --conf-file=/dev/null --keep-in-foreground --log-facility=- --port=0 --user=root \
             --pid-file --interface=br0 --bind-interfaces --no-ping --dhcp-range=10.78.16.0,10.78.79.255,255.255.0.0,12h \
             --dhcp-lease-max=20000 --dhcp-leasefile={leases} --enable-tftp --tftp-max=20000 --tftp-root={root} \
             --dhcp-match=set:ipxe,175 --dhcp-match=set:efi,option:client-arch,7 \
             --dhcp-option=tag:ipxe,encap:175,176,1b --dhcp-boot=tag:ipxe,http://{SERVER}:8080/boot.ipxe,,{SERVER} \
             --dhcp-boot=tag:efi,tag:!ipxe,snponly.efi,,{SERVER} --dhcp-boot=tag:!efi,tag:!ipxe,lpxelinux.0,,{SERVER} & \
             exec nginx -c {nginx}"
        );
        let mut both = arena.lab.start(arena.lab.namespace(), "dnsmasq-nginx", "sh", &["-c", &script])?;
        listens(arena, &mut both, "-Hulnp", "0.0.0.0%br0:67")?;
        listens(arena, &mut both, "-Htln", &format!("{SERVER}:8080"))?;
        Ok(both)
    })
}
