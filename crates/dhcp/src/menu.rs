//! PXE boot menus: option 43 with boot servers, items and a prompt (Intel PXE 2.1).

use std::net::Ipv4Addr;

use crate::{ClientInfo, ClientKind, Note, PxeMenu, Why, boot, code, reply::Reply};

/// No broadcast and no multicast discovery: the chosen item is asked for at the listed server. Only with a menu, for without
/// one OVMF gives up (PXE-E21).
const ASK_THE_SERVER: u8 = 3;
/// Option 43 in one piece: not every ROM puts pieces together.
const ROOM: usize = 255;
/// Longest prompt, in bytes; it stands on one line with the seconds that are left.
const MAX_PROMPT: usize = 40;
/// Longest text of an item, in bytes.
const MAX_TEXT: usize = 60;
/// Most items; each costs ten bytes beside its text.
const MAX_ITEMS: usize = 8;

/// True for firmware that shows menus. A Raspberry Pi has its own use for one.
fn shows_menus(client: &ClientInfo) -> bool {
    matches!(client.kind, ClientKind::Pxe | ClientKind::Ipxe)
}

/// Adds the menu, with ourselves as the boot server of every item; says why not where the client cannot show it.
pub(crate) fn tell(
    reply: &mut Reply<'_>,
    client: &ClientInfo,
    menu: &PxeMenu,
    server: Ipv4Addr,
) -> Result<Note, Why> {
    if !shows_menus(client) || menu.items.is_empty() {
        return Err(Why::NothingToBoot);
    }
    // iPXE shows the menu only under exactly `PXEClient`.
    reply.raw(code::VENDOR_CLASS, boot::class(client).to_vec());
    reply.raw(code::VENDOR, encode(menu, server)).next_server(server);
    Ok(Note::MenuOffered { items: menu.items.iter().map(|(_, text)| text.clone()).collect() })
}

fn encode(menu: &PxeMenu, server: Ipv4Addr) -> Vec<u8> {
    let items = menu.items.get(..MAX_ITEMS).unwrap_or(&menu.items);
    let (mut servers, mut list) = (Vec::new(), Vec::new());
    for (kind, _) in items.iter().filter(|(kind, _)| *kind != 0) {
        servers.extend(kind.to_be_bytes());
        servers.push(1);
        servers.extend(server.octets());
    }
    let prompt = plain(&menu.prompt, MAX_PROMPT);
    let fixed = 3 + 2 + servers.len() + 2 + 3 * items.len() + 3 + prompt.len() + 1;
    let texts: Vec<Vec<u8>> = items.iter().map(|(_, text)| plain(text, MAX_TEXT)).collect();
    let longest = longest_text(&texts, ROOM.saturating_sub(fixed));
    for ((kind, _), text) in items.iter().zip(texts) {
        let text = text.get(..longest).unwrap_or(&text);
        list.extend(kind.to_be_bytes());
        list.push(text.len() as u8);
        list.extend(text);
    }
    let mut space = vec![code::pxe::DISCOVERY_CONTROL, 1, ASK_THE_SERVER];
    let mut add = |code: u8, value: &[u8]| {
        space.extend([code, value.len() as u8]);
        space.extend(value);
    };
    if !servers.is_empty() {
        add(code::pxe::BOOT_SERVERS, &servers);
    }
    add(code::pxe::MENU, &list);
    // 255 shows the menu and waits for ever.
    let timeout = menu.timeout.map_or(255, |seconds| seconds.min(254));
    add(code::pxe::PROMPT, &[&[timeout], prompt.as_slice()].concat());
    space.push(255);
    space
}

/// How long texts may be so that all of them together have room: the longest give way first.
fn longest_text(texts: &[Vec<u8>], room: usize) -> usize {
    let sum = |longest: usize| texts.iter().map(|text| text.len().min(longest)).sum::<usize>();
    (0..=MAX_TEXT).rev().find(|longest| sum(*longest) <= room).unwrap_or(0)
}

/// Firmware shows ASCII.
fn plain(text: &str, longest: usize) -> Vec<u8> {
    text.chars()
        .map(|c| if c.is_ascii_graphic() || c == ' ' { c as u8 } else { b'?' })
        .take(longest)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);

    fn menu(items: &[(u16, &str)]) -> PxeMenu {
        let items = items.iter().map(|(kind, text)| (*kind, (*text).to_owned())).collect();
        PxeMenu { prompt: "Press F8".into(), timeout: Some(5), items }
    }

    #[test]
    fn a_menu_is_written_as_firmware_reads_it() {
        let space = encode(&menu(&[(0, "Disk"), (0x8001, "Rescue")]), SERVER);
        let expected = [
            &[6, 1, 3][..],
            &[8, 7, 0x80, 1, 1, 10, 0, 0, 1],
            &[9, 16, 0, 0, 4, b'D', b'i', b's', b'k', 0x80, 1, 6, b'R', b'e', b's', b'c', b'u', b'e'],
            &[10, 9, 5, b'P', b'r', b'e', b's', b's', b' ', b'F', b'8', 255],
        ];
        assert_eq!(space, expected.concat());
        let waits = PxeMenu { timeout: None, ..menu(&[(0, "Disk")]) };
        assert_eq!(encode(&waits, SERVER)[3..][..2], [9, 7], "no server is asked for the own disk");
        assert_eq!(encode(&waits, SERVER)[14], 255);
        assert_eq!(encode(&PxeMenu { timeout: Some(255), ..waits }, SERVER)[14], 254);
    }

    #[test]
    fn any_menu_fits_into_one_option() {
        let long = "ä".repeat(300);
        for count in 1..=40 {
            let items: Vec<(u16, &str)> = (0..count).map(|kind| (kind, long.as_str())).collect();
            let space = encode(&PxeMenu { prompt: long.clone(), ..menu(&items) }, SERVER);
            assert!(space.len() <= ROOM && space.len() > 60, "{count}: {}", space.len());
            assert!(space.last() == Some(&255));
        }
        let short = encode(&menu(&[(1, "short"), (2, &long), (3, &long), (4, &long), (5, &long)]), SERVER);
        assert!(short.windows(5).any(|window| window == b"short"), "the longest give way first");
    }
}
