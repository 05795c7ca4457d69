use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::{Duration, Instant},
};

use nextboot_files::Content;
use nextboot_model::Via;
use nextboot_net::UdpSocket;
use nextboot_tftp::{
    ErrorCode, Frames, Limits, Outcome, Output, Request, Transfer, error_packet, unknown_tid,
};

use crate::{
    appliance::Appliance,
    desk::{End, Ended, Receipt, Refused},
};

/// IPv4, UDP and TFTP headers: what a block must leave room for in the link's MTU, so that nothing is fragmented. Many
/// boot ROMs cannot put fragments together.
const HEADERS: u32 = 20 + 8 + 4;
/// Larger than any acknowledgement, with room for stray bytes.
const MAX_DATAGRAM: usize = 1024;

/// A client that answers within this time finds its buffer still there; a silent one holds none.
const AT_ONCE: Duration = Duration::from_millis(100);

/// One request that was admitted.
#[derive(Debug)]
pub(super) struct Order {
    pub(super) peer: SocketAddr,
    /// The address of ours that was asked, and so the one that answers: a client drops what comes from another.
    pub(super) local: IpAddr,
    pub(super) interface: u32,
    pub(super) request: Request,
}

/// Serves one request to its end; calls `heard` when the client answers for the first time.
pub(super) async fn serve(app: &Arc<Appliance>, order: Order, heard: impl FnOnce() + Send) {
    let socket = match UdpSocket::bind_transfer(order.local) {
        Ok(socket) => socket,
        Err(error) => {
            tracing::warn!(%error, "cannot open a port for a TFTP transfer");
            return;
        }
    };
    let from = order.peer.ip().to_canonical();
    let found = match app.open(from, order.local, &order.request.name, Via::Tftp).await {
        Ok(found) if found.content.is_empty() && matches!(found.receipt, Receipt::Configuration { .. }) => {
            Err(Refused::NotFound("the configuration is empty".into()))
        }
        found => found,
    };
    let found = match found {
        Ok(found) => found,
        Err(refused) => {
            app.metrics.refused(Via::Tftp, &refused);
            let _ = send(&socket, &error_packet(code(&refused), &refused.to_string()), &order).await;
            return;
        }
    };
    let limits = limits(app, &order);
    let transfer = Transfer::new(Instant::now(), order.request.options, limits, found.content.len());
    let started = Instant::now();
    let (transfer, outcome) = drive(&socket, &order, transfer, &found.content, heard).await;
    let end = match outcome {
        Outcome::Complete | Outcome::Unconfirmed => match found.content.check_unchanged() {
            Ok(()) => End::Whole,
            Err(error) => End::Cut { sent: transfer.acked_bytes(), reason: error.to_string() },
        },
        outcome if outcome.is_probe() => End::Probe,
        outcome => End::Cut { sent: transfer.acked_bytes(), reason: reason(&outcome) },
    };
    let millis = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    app.delivered(Ended {
        from,
        receipt: found.receipt,
        bytes: transfer.size(),
        millis,
        via: Via::Tftp,
        end,
    });
}

fn limits(app: &Appliance, order: &Order) -> Limits {
    let tftp = app.settings.load().config.tftp;
    let room = app.links.mtu(order.interface).map(|mtu| mtu.saturating_sub(HEADERS));
    let fits = room.map_or(u16::MAX, |room| u16::try_from(room).unwrap_or(u16::MAX));
    Limits { max_block: tftp.max_block.min(fits), max_window: tftp.max_window, ..Limits::default() }
}

async fn drive(
    socket: &UdpSocket,
    order: &Order,
    mut transfer: Transfer,
    content: &Content,
    heard: impl FnOnce() + Send,
) -> (Transfer, Outcome) {
    let mut frames = Frames::default();
    let mut heard = Some(heard);
    let mut buffer = [0; MAX_DATAGRAM];
    loop {
        while let Some(output) = transfer.poll(Instant::now()) {
            match output {
                Output::Packet(bytes) => {
                    if let Err(error) = send(socket, &bytes, order).await {
                        tracing::debug!(%error, peer = %order.peer, "sending TFTP");
                    }
                }
                Output::Blocks(run) => {
                    match content.read_at(run.offset(), frames.prepare(&run)).await {
                        Ok(read) if read == run.len() => {}
                        Ok(_) => {
                            transfer
                                .cancel(ErrorCode::NotDefined, "the file changed while it was being sent");
                            continue;
                        }
                        Err(error) => {
                            transfer.cancel(ErrorCode::NotDefined, &error.to_string());
                            continue;
                        }
                    }
                    let sent = socket
                        .send_segmented(
                            frames.seal(&run),
                            run.segment_len(),
                            order.peer,
                            Some(order.local),
                            None,
                        )
                        .await;
                    if let Err(error) = sent {
                        tracing::debug!(%error, peer = %order.peer, "sending TFTP");
                    }
                }
                Output::Done(outcome) => return (transfer, outcome),
            }
        }
        let mut deadline =
            transfer.next_deadline().unwrap_or_else(|| Instant::now() + Duration::from_secs(1));
        if frames.holds_memory() {
            deadline = deadline.min(Instant::now() + AT_ONCE);
        }
        tokio::select! {
            biased;
            received = socket.recv(&mut buffer) => match received {
                Ok(datagram) => {
                    let bytes = buffer.get(..datagram.len).unwrap_or_default();
                    if datagram.from == order.peer {
                        transfer.handle(Instant::now(), bytes);
                        if transfer.heard() && let Some(heard) = heard.take() {
                            heard();
                        }
                    } else if let Some(reply) = unknown_tid(bytes) {
                        let _ = socket.send(&reply, datagram.from, Some(order.local), None).await;
                    }
                }
                Err(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => transfer.unreachable(),
                Err(error) => tracing::debug!(%error, "receiving TFTP"),
            },
            () = tokio::time::sleep_until(deadline.into()) => {
                frames.let_go();
                transfer.timeout(Instant::now());
            }
        }
    }
}

async fn send(socket: &UdpSocket, bytes: &[u8], order: &Order) -> std::io::Result<()> {
    socket.send(bytes, order.peer, Some(order.local), None).await
}

fn code(refused: &Refused) -> ErrorCode {
    match refused {
        Refused::NotFound(_) | Refused::Gone(_) => ErrorCode::FileNotFound,
        Refused::Forbidden(_) => ErrorCode::AccessViolation,
        Refused::Template(_) | Refused::Failed(_) => ErrorCode::NotDefined,
    }
}

fn reason(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Complete | Outcome::Unconfirmed => "done".into(),
        Outcome::Aborted { code, text, .. } => format!("the machine ended it: error {code} {text:?}"),
        Outcome::TimedOut { heard: true } => "the machine does not answer any more".into(),
        Outcome::TimedOut { heard: false } => "the machine never answered".into(),
        Outcome::Unreachable => "the machine's port is closed".into(),
        Outcome::Cancelled => "the file changed, or cannot be read".into(),
    }
}
