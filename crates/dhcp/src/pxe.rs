//! Port 4011: boot server requests, in either mode.

use std::net::Ipv4Addr;

use dhcproto::v4::MessageType;

use crate::{
    Arrival, BootAnswer, ClientKind, Destination, Note, Outcome, Port, Seen, Sending, Why, boot, code,
    packet::is_usable, reply::Reply,
};

/// "Boot this file", and the boot item of the bootstrap itself: type and layer 0.
const BOOTSTRAP: &[u8] = &[code::pxe::DISCOVERY_CONTROL, 1, 8, code::pxe::BOOT_ITEM, 4, 0, 0, 0, 0, 255];

/// Answers a boot server request. The policy is the one of port 67: the same decision, and nobody outside the served networks.
///
/// EDK2 asks from port 4011, iPXE from port 68, and both want the reply where they asked from; iPXE wants it to come from port
/// 4011. The class may be a bare `PXEClient`, option 54 may name anybody or be missing, and option 43 may precede option 53.
pub(crate) fn answer(
    arrival: &Arrival,
    seen: &Seen,
    answer: &BootAnswer,
    served: impl Fn(Ipv4Addr) -> bool,
) -> Outcome {
    let (packet, client) = (seen.packet(), seen.client());
    let item = packet.boot_item();
    match packet.message_type() {
        Some(MessageType::Request) => {}
        Some(MessageType::Inform) if item.is_some() => {}
        _ => return Outcome::ignored(Why::MessageType),
    }
    // HTTP Boot does not use this port; what asks with its class got a file that it cannot use.
    if client.pxe_class.is_none() || client.kind == ClientKind::UefiHttp {
        return Outcome::ignored(Why::NotBooting);
    }
    if !packet.giaddr.is_unspecified() {
        return Outcome::ignored(Why::UnknownRelay);
    }
    let source = *arrival.source.ip();
    if !is_usable(&source) || !(arrival.local.contains(&source) || served(source)) {
        return Outcome::ignored(Why::ForeignSource);
    }
    // Type 0 is "boot from the local disk"; the top bit of the layer asks for credentials, which nobody has.
    if item.is_some_and(|item| item.kind == 0 || item.layer & 0x8000 != 0) {
        return Outcome::ignored(Why::BootItem);
    }
    // The menu does not have that item for this machine.
    if matches!(answer, BootAnswer::Menu(_)) {
        return Outcome::ignored(Why::BootItem);
    }
    let boot = match boot::usable(client, answer) {
        Ok(boot) => boot,
        Err(why) => return Outcome::ignored(why),
    };
    let mut reply = Reply::dhcp(packet, MessageType::Ack, arrival.server_id());
    reply.ciaddr(packet.ciaddr);
    boot::echo_machine(&mut reply, packet);
    if let Some(item) = item {
        let [a, b] = item.kind.to_be_bytes();
        let [c, d] = item.layer.to_be_bytes();
        reply.raw(code::VENDOR, vec![code::pxe::BOOT_ITEM, 4, a, b, c, d, 255]);
    } else if client.kind == ClientKind::Pxe && !client.is_uefi() {
        // Intel's BIOS ROMs want a boot item in this reply even where they asked for none.
        reply.raw(code::VENDOR, BOOTSTRAP.to_vec());
    }
    let file = boot::tell(&mut reply, client, boot, arrival, boot::Role::Proxy);
    let (bytes, left_out) = reply.build();
    let mut notes = vec![Note::PxeAck { file, address: source }];
    notes.extend(left_out.into_iter().map(|code| Note::LeftOut { code }));
    Outcome {
        replies: vec![Sending {
            bytes,
            to: Destination::Unicast(arrival.source),
            from: Port::Pxe,
            message: Some(MessageType::Ack),
        }],
        notes,
        ..Outcome::default()
    }
}
