//! Wake-on-LAN: the magic packet, six bytes of ones and sixteen times the card's address (AMD, "Magic Packet Technology",
//! publication 20213), in a UDP broadcast to port 9.

use std::{
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

use nextboot_model::Mac;
use tokio::{net::UdpSocket, time::sleep};

use crate::PowerError;

/// How often each packet is sent: nobody acknowledges it, and a switch port that has just come up loses the first.
const TIMES: u32 = 3;
/// How long between two of them.
const GAP: Duration = Duration::from_millis(100);

/// A network that machines can be woken in: one of our addresses there, and its broadcast address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wire {
    /// The address that the packet comes from.
    pub from: Ipv4Addr,
    /// The address that it goes to.
    pub broadcast: Ipv4Addr,
}

fn magic(mac: Mac) -> Vec<u8> {
    let mut packet = vec![0xff; 6];
    packet.extend(std::iter::repeat_n(mac.0, 16).flatten());
    packet
}

/// Wakes cards in all these networks.
pub(crate) async fn wake(macs: &[Mac], wires: &[Wire]) -> Result<(), PowerError> {
    let failed = |why: String| PowerError::Unreachable { place: "Wake-on-LAN".into(), why };
    if wires.is_empty() {
        return Err(failed(
            "no interface with an IPv4 address to send the packet from; name one with --wol-interface, or the address to send \
             to with --wol-broadcast"
                .into(),
        ));
    }
    let mut sockets = Vec::with_capacity(wires.len());
    for wire in wires {
        let why = |error: std::io::Error| failed(format!("cannot send to {}: {error}", wire.broadcast));
        let socket = UdpSocket::bind((IpAddr::V4(wire.from), 0)).await.map_err(why)?;
        socket.set_broadcast(true).map_err(why)?;
        sockets.push((socket, wire.broadcast));
    }
    for time in 0..TIMES {
        if time > 0 {
            sleep(GAP).await;
        }
        for mac in macs {
            for (socket, broadcast) in &sockets {
                let sent = socket.send_to(&magic(*mac), (*broadcast, 9)).await;
                sent.map_err(|error| failed(format!("cannot send to {broadcast}: {error}")))?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_magic_packet_has_the_address_sixteen_times() {
        let packet = magic(Mac([0x52, 0x54, 0, 0x12, 0x34, 0x56]));
        assert_eq!(packet.len(), 102);
        assert_eq!(packet[..6], [0xff; 6]);
        assert!(packet[6..].chunks(6).all(|part| part == [0x52, 0x54, 0, 0x12, 0x34, 0x56]));
    }
}
