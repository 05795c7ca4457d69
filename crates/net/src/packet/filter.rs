//! The classic BPF program that runs in the kernel for every IPv4 packet of the machine, so that only the few that matter
//! wake us up. A program sees the packet from its IP header on.

use nix::libc::{
    BPF_ABS, BPF_B, BPF_H, BPF_IND, BPF_JEQ, BPF_JGT, BPF_JMP, BPF_JSET, BPF_K, BPF_LD, BPF_LDX, BPF_MSH,
    BPF_RET, BPF_W, PACKET_MULTICAST, PACKET_OTHERHOST, SKF_AD_IFINDEX, SKF_AD_OFF, SKF_AD_PKTTYPE,
};
use socket2::SockFilter;

use super::Hear;

/// Jumps reach 255 instructions far, and nobody serves as many interfaces.
pub(super) const MAX_INTERFACES: usize = 200;

const ACCEPT_ALL_BYTES: u32 = u32::MAX;
const DROP: u32 = 0;
const UDP_HEADER: u32 = 8;

/// Keeps whole UDP packets with the ports of `hear` that came in on one of `interfaces`; nothing where there is none. `None`
/// for too many interfaces.
pub(super) fn program(hear: Hear, interfaces: &[u32]) -> Option<Vec<SockFilter>> {
    if interfaces.len() > MAX_INTERFACES {
        return None;
    }
    let mut code = Vec::with_capacity(16 + interfaces.len());
    code.push(load_ancillary(SKF_AD_PKTTYPE));
    code.extend(drop_if(
        BPF_JGT,
        u32::from(match hear {
            // Sent to this machine, to all, or to a group.
            Hear::To(_) => PACKET_MULTICAST,
            // Also what a hub, or a switch's mirror port, shows of frames for others; never our own outgoing ones.
            Hear::From(..) => PACKET_OTHERHOST,
        }),
    ));
    code.push(load_ancillary(SKF_AD_IFINDEX));
    code.extend(keep_if_any(interfaces)?);
    code.push(step(BPF_LD | BPF_B | BPF_ABS, 0, 0, 9));
    code.extend(keep_if_any(&[17])?);
    code.push(step(BPF_LD | BPF_H | BPF_ABS, 0, 0, 6));
    code.extend(drop_if(BPF_JSET, 0x3fff));
    code.push(step(BPF_LDX | BPF_B | BPF_MSH, 0, 0, 0));
    let (offset, ports, begins) = match hear {
        Hear::To(port) => (2, vec![u32::from(port)], None),
        Hear::From(ports, begins) => (0, ports.map(u32::from).to_vec(), Some(begins)),
    };
    code.push(step(BPF_LD | BPF_H | BPF_IND, 0, 0, offset));
    code.extend(keep_if_any(&ports)?);
    if let Some(byte) = begins {
        code.push(step(BPF_LD | BPF_B | BPF_IND, 0, 0, UDP_HEADER));
        code.extend(keep_if_any(&[u32::from(byte)])?);
    }
    code.push(step(BPF_RET | BPF_K, 0, 0, ACCEPT_ALL_BYTES));
    Some(code)
}

/// Keeps IPv4 and ARP frames, seen from their Ethernet header on, that came in for a hardware address that begins with
/// `prefix` (at most six bytes), or for all.
pub(super) fn cards(prefix: &[u8]) -> Vec<SockFilter> {
    let mut code = vec![load_ancillary(SKF_AD_PKTTYPE)];
    code.extend(drop_if(BPF_JGT, u32::from(PACKET_OTHERHOST)));
    code.push(step(BPF_LD | BPF_H | BPF_ABS, 0, 0, 12));
    // Over the second comparison and the drop.
    code.push(step(BPF_JMP | BPF_JEQ | BPF_K, 2, 0, 0x0800));
    code.push(step(BPF_JMP | BPF_JEQ | BPF_K, 1, 0, 0x0806));
    code.push(step(BPF_RET | BPF_K, 0, 0, DROP));
    // Nobody has an address that begins as the broadcast does.
    code.push(step(BPF_LD | BPF_W | BPF_ABS, 0, 0, 0));
    code.push(step(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, u32::MAX));
    code.push(step(BPF_RET | BPF_K, 0, 0, ACCEPT_ALL_BYTES));
    for (at, byte) in (0..).zip(prefix.iter().take(6)) {
        code.push(step(BPF_LD | BPF_B | BPF_ABS, 0, 0, at));
        code.push(step(BPF_JMP | BPF_JEQ | BPF_K, 1, 0, u32::from(*byte)));
        code.push(step(BPF_RET | BPF_K, 0, 0, DROP));
    }
    code.push(step(BPF_RET | BPF_K, 0, 0, ACCEPT_ALL_BYTES));
    code
}

fn step(code: u32, jump_true: u8, jump_false: u8, k: u32) -> SockFilter {
    SockFilter::new(code as u16, jump_true, jump_false, k)
}

fn load_ancillary(field: i32) -> SockFilter {
    step(BPF_LD | BPF_W | BPF_ABS, 0, 0, SKF_AD_OFF.wrapping_add(field) as u32)
}

fn drop_if(test: u32, k: u32) -> [SockFilter; 2] {
    [step(BPF_JMP | test | BPF_K, 0, 1, k), step(BPF_RET | BPF_K, 0, 0, DROP)]
}

fn keep_if_any(values: &[u32]) -> Option<Vec<SockFilter>> {
    let mut code = Vec::with_capacity(values.len() + 1);
    for (at, value) in values.iter().enumerate() {
        // Over the remaining comparisons and the drop behind them.
        let rest = u8::try_from(values.len() - at).ok()?;
        code.push(step(BPF_JMP | BPF_JEQ | BPF_K, rest, 0, *value));
    }
    code.push(step(BPF_RET | BPF_K, 0, 0, DROP));
    Some(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_interfaces_is_bounded() {
        assert!(program(Hear::To(67), &[1; MAX_INTERFACES]).is_some());
        assert!(program(Hear::To(67), &[1; MAX_INTERFACES + 1]).is_none());
    }

    /// The kernel checks every jump when it takes a program.
    #[test]
    fn the_kernel_takes_the_program() {
        let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::DGRAM, None).unwrap();
        for hear in [Hear::To(67), Hear::From([67, 4011], 2)] {
            for count in [0, 1, 2, MAX_INTERFACES] {
                socket.attach_filter(&program(hear, &vec![7; count]).unwrap()).unwrap();
            }
        }
        for length in 0..=6 {
            socket.attach_filter(&cards(&[2; 6][..length])).unwrap();
        }
    }
}
