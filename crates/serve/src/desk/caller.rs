use std::net::IpAddr;

use nextboot_boot::Client;
use nextboot_model::Mac;

use crate::appliance::Appliance;

/// Who calls the boot side, by its address and, over HTTP, by the cookie that PXELINUX sends (`_Syslinux_BOOTIF`).
///
/// | | by | may |
/// |---|---|---|
/// | 1 | our lease, or a lease of another server's that we heard | get texts; change what it boots itself |
/// | 2 | the cookie | get the texts of that machine, as whoever asks by the name `01-...` of it does |
/// | 3 | the kernel's neighbour table | get texts; change what it boots itself |
///
/// Anybody can forge a cookie. It goes before the neighbour table because behind a router that answers for others (proxy
/// ARP) that table has the router's card for every machine. What it leads to is only ever read: what is delivered counts
/// for nobody that the wire does not know, a token in it proves nothing where the wire knows somebody else, and whatever
/// changes a machine's next boot goes by the wire alone ([`Appliance::owner`]).
#[derive(Debug, Clone, Copy)]
pub(super) struct Caller {
    /// Who it is as far as the wire tells.
    pub(super) wire: Client,
    /// Whose texts it gets.
    pub(super) reads: Client,
}

impl Appliance {
    /// Who calls from this address with this cookie.
    pub(super) async fn caller(&self, address: IpAddr, cookie: Option<Mac>) -> Caller {
        let heard = self.heard_at(address);
        let wire = self.client_at(address).await;
        let Some(cookie) = cookie.filter(|cookie| heard.is_none() && wire.mac != Some(*cookie)) else {
            return Caller { wire, reads: wire };
        };
        Caller { wire, reads: self.client_of(Some(cookie), Some(address)) }
    }
}
