use std::{
    net::{IpAddr, SocketAddr},
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use nextboot_config::Tftp;
use nextboot_model::{EventKind, Via};
use nextboot_net::UdpSocket;
use nextboot_tftp::{ErrorCode, Limits, Pace, Request, TransferId, error_packet};

use super::{
    listen::refuse,
    live::Live,
    port::{Port, Ports},
};
use crate::{
    appliance::{Appliance, Mutex},
    desk::{Receipt, Refused},
};

/// IPv4, UDP and TFTP headers: what a block must leave room for in the link's MTU, so that nothing is fragmented. Many
/// boot ROMs cannot put fragments together.
pub(super) const HEADERS: u32 = 20 + 8 + 4;

/// One request that was admitted.
pub(super) struct Order {
    pub(super) id: TransferId,
    pub(super) peer: SocketAddr,
    /// The address of ours that was asked, and so the one that answers: a client drops what comes from another.
    pub(super) local: IpAddr,
    pub(super) interface: u32,
    pub(super) request: Request,
    /// The well-known port.
    pub(super) socket: Arc<UdpSocket>,
    pub(super) ports: Arc<Ports>,
    pub(super) tftp: Tftp,
    pub(super) pace: Option<Arc<Mutex<Pace>>>,
    /// What an earlier transfer to this address has seen.
    pub(super) round_trip: Option<Duration>,
    /// Set when nobody wants the transfer any more.
    pub(super) stopped: Arc<AtomicBool>,
}

/// Finds what is asked for. When there is nothing, the client is told.
pub(super) async fn open(app: &Arc<Appliance>, order: Order) -> Option<Live> {
    let port = if order.tftp.single_port {
        Port::Shared(Arc::clone(&order.socket), order.local)
    } else {
        match order.ports.bind(order.local, order.tftp.ports.as_ref()) {
            Ok(socket) => Port::Own(socket),
            Err(error) => {
                let what = format!("no port can be opened for a TFTP transfer: {error}");
                app.note_once_in_a_while(None, None, EventKind::Trouble { what });
                let reply =
                    error_packet(ErrorCode::NotDefined, "the server has no free port, try again later");
                refuse(&order.socket, &reply, order.peer, order.local, order.interface).await;
                return None;
            }
        }
    };
    let from = order.peer.ip().to_canonical();
    let found = match app.open(from, None, order.local, &order.request.name, Via::Tftp).await {
        Ok(found) if found.content.is_empty() && matches!(found.receipt, Receipt::Configuration { .. }) => {
            Err(Refused::NotFound("the configuration is empty".into()))
        }
        found => found,
    };
    match found {
        Ok(found) => {
            let mtu = app.links.mtu(order.interface);
            let limits = limits(&order.tftp, mtu);
            Some(Live::new(order, port, found, limits, mtu))
        }
        Err(refused) => {
            app.metrics.refused(Via::Tftp, &refused);
            let reply = error_packet(code(&refused), &refused.to_string());
            if let Err(error) = port.send(&reply, reply.len(), order.peer) {
                tracing::debug!(%error, peer = %order.peer, "cannot send a TFTP error");
            }
            None
        }
    }
}

fn limits(tftp: &Tftp, mtu: Option<u32>) -> Limits {
    let room = mtu.map(|mtu| mtu.saturating_sub(HEADERS));
    let fits = room.map_or(u16::MAX, |room| u16::try_from(room).unwrap_or(u16::MAX));
    let max_block = tftp.max_block.min(fits);
    // A window that takes longer than half a second at the client's rate is one whose last blocks it gives up on.
    let half_second = tftp.max_rate.map_or(u64::MAX, |rate| rate.get() / 2 / u64::from(max_block.max(1)));
    let max_window = tftp.max_window.min(u16::try_from(half_second).unwrap_or(u16::MAX)).max(1);
    Limits { max_block, max_window, ..Limits::default() }
}

fn code(refused: &Refused) -> ErrorCode {
    match refused {
        Refused::NotFound(_) | Refused::Gone(_) => ErrorCode::FileNotFound,
        Refused::Forbidden(_) => ErrorCode::AccessViolation,
        Refused::Template(_) | Refused::Failed(_) => ErrorCode::NotDefined,
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU64;

    use super::*;

    #[test]
    fn a_block_fits_the_mtu_of_the_interface_that_was_asked() {
        let large = Tftp { max_block: 65_464, ..Tftp::default() };
        for (mtu, block) in [
            (Some(1500), 1468),
            (Some(9000), 8968),
            (Some(1280), 1248),
            (Some(576), 544),
            (Some(65_536), 65_464),
            (None, 65_464),
        ] {
            assert_eq!(limits(&large, mtu).max_block, block, "{mtu:?}");
            assert_eq!(limits(&Tftp::default(), mtu).max_block, block.min(1468), "{mtu:?}");
        }
    }

    #[test]
    fn a_window_takes_half_a_second_at_most() {
        let window = |rate: Option<u64>| {
            let max_rate = rate.and_then(NonZeroU64::new);
            limits(&Tftp { max_rate, ..Tftp::default() }, Some(1500)).max_window
        };
        assert_eq!((window(None), window(Some(1_000_000_000))), (64, 64));
        assert_eq!((window(Some(100_000)), window(Some(1))), (34, 1));
    }
}
