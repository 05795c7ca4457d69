use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use nextboot_dhcp::PoolRange;

use crate::document::{Item, Placed, Report};

/// Reads `FIRST-LAST`, or one address.
pub(super) fn read(item: &Item<'_>) -> Option<Placed<PoolRange>> {
    let text = item.text()?;
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (Ok(first), Ok(last)) = (first.trim().parse::<Ipv4Addr>(), last.trim().parse::<Ipv4Addr>()) else {
        return item.wrong("use the first and the last address, e.g. \"10.0.0.100-10.0.0.199\"");
    };
    if first > last {
        return item.wrong(format!("the first address comes first; write \"{last}-{first}\""));
    }
    item.placed(|_| Some(PoolRange { first, last }))
}

/// Complains about pools that leave their network or share addresses.
pub(super) fn check(report: &Report<'_>, network: Ipv4Net, pools: &[Placed<PoolRange>]) {
    for (at, pool) in pools.iter().enumerate() {
        let PoolRange { first, last } = pool.value;
        if !network.contains(&first) || !network.contains(&last) {
            report.complain(
                &pool.mark,
                format!(
                    "reaches outside {network}, whose addresses are {} to {}",
                    host(network, 1),
                    host(network, -1)
                ),
            );
        }
        let earlier = pools.iter().take(at).map(|pool| pool.value);
        if let Some(other) = earlier.into_iter().find(|other| other.first <= last && first <= other.last) {
            report.complain(&pool.mark, format!("shares addresses with {}-{}", other.first, other.last));
        }
    }
}

/// The first (1) or the last (-1) address that a host can have.
fn host(network: Ipv4Net, step: i32) -> Ipv4Addr {
    let end = if step > 0 { network.network() } else { network.broadcast() };
    Ipv4Addr::from_bits(end.to_bits().saturating_add_signed(step))
}
