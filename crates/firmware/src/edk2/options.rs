use crate::message::{Received, code};

/// The sizes that EDK2's DHCP driver knows: code, size of one unit, least and most units (0: any number). One option of
/// another size and the whole packet is as if it had never come.
const SIZES: [(u8, usize, usize, usize); 36] = [
    (code::SUBNET_MASK, 4, 1, 1),
    (2, 4, 1, 1),
    (code::ROUTER, 4, 1, 0),
    (4, 4, 1, 0),
    (5, 4, 1, 0),
    (code::DNS, 4, 1, 0),
    (7, 4, 1, 0),
    (8, 4, 1, 0),
    (9, 4, 1, 0),
    (10, 4, 1, 0),
    (11, 4, 1, 0),
    (code::BOOT_FILE_SIZE, 2, 1, 1),
    (16, 4, 1, 1),
    (19, 1, 1, 1),
    (20, 1, 1, 1),
    (21, 8, 1, 0),
    (22, 2, 1, 1),
    (23, 1, 1, 1),
    (24, 4, 1, 1),
    (26, 2, 1, 1),
    (27, 1, 1, 1),
    (code::BROADCAST, 4, 1, 1),
    (33, 8, 1, 0),
    (41, 4, 1, 0),
    (code::NTP, 4, 1, 0),
    (code::REQUESTED, 4, 1, 1),
    (code::LEASE_TIME, 4, 1, 1),
    (code::OVERLOAD, 1, 1, 1),
    (code::MESSAGE_TYPE, 1, 1, 1),
    (code::SERVER_ID, 4, 1, 1),
    (code::MAX_SIZE, 2, 1, 1),
    (code::RENEWAL_TIME, 4, 1, 1),
    (code::REBINDING_TIME, 4, 1, 1),
    (code::CLIENT_ID, 1, 2, 0),
    (code::UUID, 17, 1, 1),
    (121, 1, 5, 0),
];

/// False for a packet that the driver throws away. An option with no value at all passes here: seen, it kills only the
/// lease (see [`has_empty_option`]).
pub(super) fn well_formed(packet: &Received) -> bool {
    packet.options.iter().filter(|option| !option.value.is_empty()).all(|option| {
        let Some((_, unit, least, most)) = SIZES.iter().find(|(code, ..)| *code == option.code) else {
            return true;
        };
        let length = option.value.len();
        length.is_multiple_of(*unit) && length >= unit * least && (*most == 0 || length <= unit * most)
    })
}

/// Seen: one option 12 of length 0 in an ACK and OVMF declines the address ("Lease is denied upon entering bound").
pub(super) fn has_empty_option(packet: &Received) -> bool {
    packet.options.iter().any(|option| option.value.is_empty())
}
