use super::{Neighbour, or_dash, time::relative};
use crate::output::table;

/// The other servers, and beneath the table what is wrong with them.
pub(crate) fn neighbours(neighbours: &[Neighbour], now: u64) -> String {
    if neighbours.is_empty() {
        return "no other DHCP or boot server was heard; `nextboot neighbours --probe` asks for them".into();
    }
    let row = |known: &Neighbour| {
        let gives = match (known.gives_addresses, known.is_proxy) {
            (true, true) => "addresses, boot",
            (true, false) => "addresses",
            (false, true) => "boot",
            (false, false) => "-",
        };
        vec![
            known.server.clone(),
            known.interface.clone(),
            or_dash(known.mac.as_deref()),
            gives.to_owned(),
            or_dash(known.vendor_class.as_deref()),
            or_dash(known.next_server.as_deref()),
            or_dash(known.file.as_deref()),
            format!("{}/{}/{}", known.offers, known.acks, known.naks),
            relative(now, known.heard),
        ]
    };
    let head = ["SERVER", "ON", "MAC", "GIVES", "CLASS", "NEXT SERVER", "FILE", "OFFERS/ACKS/NAKS", "HEARD"];
    let mut text = table(&head, neighbours.iter().map(row).collect());
    for known in neighbours {
        for conflict in &known.conflicts {
            text.push_str(&format!("\n! {}: {}", known.server, conflict.message));
        }
    }
    text
}
