//! What a client is told about booting, for each kind of client in each kind of reply.

use std::net::Ipv4Addr;

use crate::{Arrival, Boot, BootAnswer, ClientInfo, ClientKind, Note, Why, code, menu, reply::Reply};

/// `43.6 = 8`: boot the file of this reply, ask nobody else. (3 without a menu makes OVMF give up: PXE-E21.)
const BOOT_THIS: &[u8] = &[code::pxe::DISCOVERY_CONTROL, 1, 8, 255];

/// What a Raspberry Pi's ROM looks for in option 43: a menu with the entry "Raspberry Pi Boot", shown for 0 seconds. The first
/// ROMs want three blanks behind the name; later ones do not mind them.
fn raspberry() -> Vec<u8> {
    let name = b"Raspberry Pi Boot   ";
    let mut space = vec![code::pxe::DISCOVERY_CONTROL, 1, 3, code::pxe::PROMPT, 4, 0];
    space.extend(b"PXE");
    space.extend([code::pxe::MENU, 3 + 20, 0, 0, 20]);
    space.extend(name);
    space.push(255);
    space
}

/// iPXE: take this offer at once instead of waiting two seconds for a proxy's.
const NO_PXEDHCP: &[u8] = &[code::ipxe::NO_PXEDHCP, 1, 1];

/// Who gives the boot file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// The server that also gives the address.
    Server,
    /// A proxy, or port 4011.
    Proxy,
}

fn is_url(file: &str) -> bool {
    file.starts_with("http://") || file.starts_with("https://")
}

/// The vendor class that the client wants to read in an answer: the beginning of its own.
pub(crate) fn class(client: &ClientInfo) -> &[u8] {
    match &client.pxe_class {
        _ if client.kind == ClientKind::UefiHttp => b"HTTPClient",
        Some(class) => class,
        None => b"PXEClient",
    }
}

/// What can be told to this client: the decision, unless the client could make nothing of it.
pub(crate) fn usable<'a>(client: &ClientInfo, answer: &'a BootAnswer) -> Result<&'a Boot, Why> {
    match answer {
        BootAnswer::Silent | BootAnswer::Menu(_) => Err(Why::NothingToBoot),
        BootAnswer::Boot(boot) if boot.file.is_empty() => Err(Why::NothingToBoot),
        BootAnswer::Boot(boot) if client.kind == ClientKind::UefiHttp && !is_url(&boot.file) => {
            Err(Why::NotAUrl)
        }
        BootAnswer::Boot(boot) => Ok(boot),
    }
}

/// Adds the boot file and the options that make this kind of client take it. Returns the file.
pub(crate) fn tell(
    reply: &mut Reply<'_>,
    client: &ClientInfo,
    boot: &Boot,
    arrival: &Arrival,
    role: Role,
) -> String {
    let class = class(client);
    match (role, client.kind) {
        // Without the class the firmware drops the offer.
        (_, ClientKind::UefiHttp) => {
            reply.raw(code::VENDOR_CLASS, class.to_vec());
        }
        (_, ClientKind::RaspberryPi) => {
            reply.raw(code::VENDOR_CLASS, class.to_vec()).raw(code::VENDOR, raspberry());
        }
        // With the class an address-giving offer sends OVMF to port 4011, four times, and then to PXE-E16.
        (Role::Server, ClientKind::Ipxe) => {
            reply.raw(code::IPXE, NO_PXEDHCP.to_vec());
        }
        (Role::Server, _) => {}
        (Role::Proxy, _) => {
            reply.raw(code::VENDOR_CLASS, class.to_vec()).raw(code::VENDOR, BOOT_THIS.to_vec());
        }
    }
    for (code, value) in &boot.options {
        reply.raw(*code, value.clone());
    }
    reply.boot(next_server(boot, arrival), boot.server_name.as_deref(), &boot.file);
    boot.file.clone()
}

/// Where the file lies.
pub(crate) fn next_server(boot: &Boot, arrival: &Arrival) -> Ipv4Addr {
    if boot.next_server.is_unspecified() { arrival.server_id() } else { boot.next_server }
}

/// The same for a reply that is good without a boot file too; says why it has none where that is worth saying.
pub(crate) fn tell_if_any(
    reply: &mut Reply<'_>,
    client: &ClientInfo,
    answer: &BootAnswer,
    arrival: &Arrival,
    notes: &mut Vec<Note>,
) -> Option<String> {
    if let BootAnswer::Menu(menu) = answer {
        notes.extend(menu::tell(reply, client, menu, arrival.server_id()));
        return None;
    }
    match usable(client, answer) {
        Ok(boot) => Some(tell(reply, client, boot, arrival, Role::Server)),
        Err(Why::NothingToBoot) => None,
        Err(why) => {
            notes.push(Note::BootLeftOut(why));
            None
        }
    }
}

/// Options that come back as they were sent: 97 (RFC 4578), where it is a whole one.
pub(crate) fn echo_machine(reply: &mut Reply<'_>, packet: &crate::Packet) {
    if let Some(raw @ [0, ..]) = packet.options.get(code::UUID)
        && raw.len() == 17
    {
        reply.raw(code::UUID, raw.to_vec());
    }
}
