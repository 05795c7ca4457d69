//! The least that a server can do for one client: every packet lies in memory before it is asked for. What it takes is what
//! the kernel and the client leave to be won.

use std::fs;
use std::io::IoSlice;
use std::net::{SocketAddr, SocketAddrV4, UdpSocket};
use std::os::fd::AsRawFd as _;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use nix::sys::socket::{ControlMessage, MsgFlags, SockaddrIn, sendmsg};

/// What the clients of the cell ask for.
const BLOCK: usize = 1468;
const WINDOW: usize = 64;
const OACK: &[u8] = b"\0\x06blksize\x001468\0windowsize\x0064\0";
const PACKET: usize = 4 + BLOCK;
/// What one call may carry (segmentation offload): the largest datagram, in whole packets.
const AT_ONCE: usize = 65_507 / PACKET;
/// A client that says nothing for so long is gone.
const PATIENCE: Duration = Duration::from_secs(5);

/// Serves one file of a directory to whoever asks for anything at 127.0.0.1 port 69, one client at a time. It repeats nothing:
/// between programs of one machine nothing is lost.
///
/// # Errors
/// When there is no such file, or a socket fails.
pub fn serve(file: &Path) -> Result<()> {
    let packets = packets(&fs::read(file).with_context(|| file.display().to_string())?);
    let door = UdpSocket::bind("127.0.0.1:69")?;
    loop {
        let (_, client) = door.recv_from(&mut [0; 512])?;
        // Whoever has all of it may be gone before its last word is heard.
        if let Err(error) = transfer(&packets, client) {
            eprintln!("{client}: {error:#}");
        }
    }
}

/// All DATA packets behind each other. Only the last is shorter.
fn packets(content: &[u8]) -> Vec<u8> {
    let mut packets = Vec::with_capacity(content.len() / BLOCK * PACKET + 2 * PACKET);
    // A whole number of blocks is followed by an empty one.
    for number in 1..=content.len() / BLOCK + 1 {
        let [.., high, low] = number.to_be_bytes();
        packets.extend([0, 3, high, low]);
        let rest = content.get((number - 1) * BLOCK..).unwrap_or_default();
        packets.extend_from_slice(rest.get(..BLOCK).unwrap_or(rest));
    }
    packets
}

fn transfer(packets: &[u8], client: SocketAddr) -> Result<()> {
    let SocketAddr::V4(client) = client else { return Ok(()) };
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.send_to(OACK, client)?;
    let (mut acked, mut answer) = (0, [0; 512]);
    loop {
        let length = socket.recv(&mut answer)?;
        let [0, 4, high, low] = answer.get(..length.min(4)).unwrap_or_default() else { return Ok(()) };
        // Numbers begin again behind 65535.
        let ahead = u16::from_be_bytes([*high, *low]).wrapping_sub((acked & 0xffff) as u16);
        acked += usize::from(ahead);
        let rest = packets.get(acked * PACKET..).unwrap_or_default();
        if rest.is_empty() {
            return Ok(());
        }
        let window = rest.get(..WINDOW * PACKET).unwrap_or(rest);
        for some in window.chunks(AT_ONCE * PACKET) {
            send(&socket, some, client)?;
        }
    }
}

fn send(socket: &UdpSocket, packets: &[u8], client: SocketAddrV4) -> Result<()> {
    let segment = u16::try_from(PACKET)?;
    let cut = [ControlMessage::UdpGsoSegments(&segment)];
    let to = SockaddrIn::from(client);
    sendmsg(socket.as_raw_fd(), &[IoSlice::new(packets)], &cut, MsgFlags::empty(), Some(&to))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_carry_the_content_and_its_end() {
        for length in [0, 1, BLOCK - 1, BLOCK, 3 * BLOCK, 70_000 * 2] {
            let content: Vec<u8> = (0..length).map(|at| (at % 251) as u8).collect();
            let packets = packets(&content);
            let each: Vec<&[u8]> = packets.chunks(PACKET).collect();
            assert_eq!(each.len(), length / BLOCK + 1);
            assert!(each.iter().zip(1_u16..).all(|(packet, number)| packet[2..4] == number.to_be_bytes()));
            assert_eq!(each.iter().flat_map(|packet| packet[4..].to_vec()).collect::<Vec<u8>>(), content);
            assert!(each.last().is_some_and(|last| last.len() < PACKET));
        }
    }
}
