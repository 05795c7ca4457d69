//! What one machine on the wire can do to the others' addresses by saying that it declines or gives back: nothing that lasts.

use std::net::Ipv4Addr;

use anyhow::{Context, Result, ensure};
use nextboot_model::Mac;
use nextboot_tests::wire::{Ask, Client, Net, Site, ip, server};

/// The invented machine with this number.
fn invented(number: u8) -> Client {
    Client::with_mac(Mac([2, 0xbd, 0, 0, 0, number]))
}

/// What each of these machines gets: an address of its own.
fn leases(net: &mut Net<'_>, machines: impl Iterator<Item = Client>) -> Result<Vec<Ipv4Addr>> {
    let mut given = Vec::new();
    for client in machines {
        let address =
            net.lease(&client).with_context(|| format!("after {} leases", given.len()))?.header.yiaddr;
        ensure!(!given.contains(&address), "{address} is given twice");
        given.push(address);
    }
    Ok(given)
}

/// Thirty invented machines take an address each and say that somebody else uses it: a tenth of the pool is out of use
/// then, and no more, so that real machines get all the others.
#[test]
fn a_flood_of_declines_takes_a_tenth_of_a_pool_at_most() {
    Site::pool("50-79").run("a_flood_of_declines_takes_a_tenth_of_a_pool_at_most", |net| {
        let early = net.lease(&Client::new(1))?.header.yiaddr;
        for number in 0..30 {
            let liar = invented(number);
            let address = net.lease(&liar)?.header.yiaddr;
            net.send(&liar.decline(address))?;
        }
        let late = leases(net, (2..=27).map(Client::new))?;
        ensure!(late.len() == 26 && !late.contains(&early), "{late:?}");
        net.lease(&Client::new(1))?.gives(early)?;
        Ok(())
    });
}

/// Nobody gives back or declines what another machine has: by its own hardware address, or by the other's from an address
/// that is not the lease's.
#[test]
fn nobody_gives_back_what_another_machine_has() {
    Site::pool("50-59").run("nobody_gives_back_what_another_machine_has", |net| {
        let holders = || (1..=10).map(Client::new);
        let held = leases(net, holders())?;
        let liar = invented(1);
        let forgeries = |holder: &Client, address: Ipv4Addr| -> Vec<Ask> {
            vec![liar.release(address), liar.decline(address), holder.release(address).from(ip(66))]
        };
        for (holder, address) in holders().zip(&held) {
            for forged in forgeries(&holder, *address) {
                net.send(&forged)?;
            }
        }
        // The pool is full as before.
        net.silent(&Client::new(99).discover())?;
        for (holder, address) in holders().zip(held) {
            let renewed = net.ack(&holder.reboot(address).address(54, server()));
            renewed.with_context(|| format!("{address} was taken from its holder"))?.gives(address)?;
        }
        Ok(())
    });
}
