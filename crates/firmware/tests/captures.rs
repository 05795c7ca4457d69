//! Our simulated EDK2 and iPXE against the real ones: they say the same on the wire, packet for packet, and what the
//! captured servers said moves them to the same next step.
//!
//! Compared is everything but transaction ids and the ports that clients choose.

use std::net::SocketAddrV4;
use std::time::Duration;

use nextboot_firmware::edk2::pxe::Variant;
use nextboot_firmware::{
    Booted, Datagram, Firmware, HttpAnswer, HttpRequest, Machine, Output, Step, Verdict,
};
use nextboot_model::{Arch, Mac};

const MAC: Mac = Mac([0x52, 0x54, 0, 0x12, 0x34, 0x56]);
const IPXE: Firmware = Firmware::Ipxe(Arch::BIOS);
const EDK2: Firmware = Firmware::Edk2Pxe(Arch::UEFI_X64, Variant::Current);

/// A packet of a capture and its time.
#[derive(Debug, Clone)]
struct Line {
    at: Duration,
    datagram: Datagram,
}

/// Reads a transcript: seconds, from, to, payload in hexadecimal where `(n)` is n zero bytes.
fn read(text: &str) -> Vec<Line> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| {
            let mut words = line.split(' ');
            let mut word = || words.next().expect("as captured");
            let at = Duration::from_secs_f64(word().parse().expect("as captured"));
            let (from, to): (SocketAddrV4, SocketAddrV4) =
                (word().parse().expect("as captured"), word().parse().expect("as captured"));
            Line { at, datagram: Datagram { from, to, bytes: payload(word()) } }
        })
        .collect()
}

fn payload(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        if let Some(zeros) = rest.strip_prefix('(') {
            let (count, more) = zeros.split_once(')').expect("as captured");
            bytes.resize(bytes.len() + count.parse::<usize>().expect("as captured"), 0);
            rest = more;
        } else {
            bytes.push(u8::from_str_radix(&rest[..2], 16).expect("as captured"));
            rest = &rest[2..];
        }
    }
    bytes
}

fn is_dhcp(datagram: &Datagram) -> bool {
    datagram.bytes.len() > 240
}

fn is_client(datagram: &Datagram) -> bool {
    let server = [67, 69].contains(&datagram.from.port()) || datagram.bytes.first() == Some(&2);
    let oack = datagram.bytes.starts_with(&[0, 6]);
    let refused = datagram.bytes.starts_with(&[0, 5]) && datagram.from.ip().octets()[3] != 100;
    !server && !oack && !refused
}

/// Without what a client chooses by chance.
fn comparable(datagram: &Datagram) -> Datagram {
    let mut datagram = datagram.clone();
    if is_dhcp(&datagram) {
        datagram.bytes[4..8].fill(0);
    } else {
        datagram.from.set_port(0);
    }
    datagram
}

struct Replay {
    machine: Machine,
    now: Duration,
    /// What the machine sent and nobody compared yet; acknowledgements of TFTP are left out.
    sent: Vec<Datagram>,
    last: Option<Datagram>,
    http: Option<HttpRequest>,
}

impl Replay {
    fn new(firmware: Firmware) -> Self {
        let machine = Machine::new(firmware, MAC, None, 42);
        let mut replay = Self { machine, now: Duration::ZERO, sent: Vec::new(), last: None, http: None };
        let mut out = Output::default();
        replay.machine.start(replay.now, &mut out);
        replay.take(out);
        replay
    }

    fn take(&mut self, out: Output) {
        for datagram in out.datagrams {
            self.last = Some(datagram.clone());
            if !datagram.bytes.starts_with(&[0, 4]) {
                self.sent.push(datagram);
            }
        }
        self.http = out.http.or_else(|| self.http.take());
    }

    /// Lets the time pass until the machine says something.
    fn wait(&mut self) {
        while self.sent.is_empty() && self.http.is_none() {
            let Some(deadline) = self.machine.deadline() else { return };
            self.now = deadline;
            let mut out = Output::default();
            self.machine.due(self.now, &mut out);
            self.take(out);
        }
    }

    fn hear(&mut self, line: &Line) {
        let mut datagram = line.datagram.clone();
        let last = self.last.clone().expect("as captured");
        if is_dhcp(&datagram) {
            datagram.bytes[4..8].copy_from_slice(&last.bytes[4..8]);
        } else {
            datagram.to.set_port(last.from.port());
        }
        // At its time, but before the machine loses patience: here no link takes 16 s to come up.
        let before = self.machine.deadline().map_or(line.at, |deadline| deadline - Duration::from_millis(1));
        self.now = self.now.max(line.at.min(before));
        let mut out = Output::default();
        self.machine.receive(self.now, &datagram, &mut out);
        self.take(out);
    }

    fn play(&mut self, name: &str, lines: &[Line]) {
        for line in lines {
            if !is_client(&line.datagram) {
                self.hear(line);
                continue;
            }
            self.wait();
            assert!(!self.sent.is_empty(), "{name}: at {:?} the real one sent {line:?}", self.now);
            let own = self.sent.remove(0);
            assert_eq!(comparable(&own), comparable(&line.datagram), "{name}, at {:?}", line.at);
        }
    }

    /// Nothing comes any more: how it ends.
    fn end(mut self, name: &str) -> Verdict {
        while self.machine.verdict().is_none() {
            self.now =
                self.machine.deadline().unwrap_or_else(|| panic!("{name}: no end: {:?}", self.machine));
            let mut out = Output::default();
            self.machine.due(self.now, &mut out);
            self.take(out);
        }
        self.machine.verdict().expect("as captured").clone()
    }
}

macro_rules! capture {
    ($name:literal) => {
        ($name, read(include_str!(concat!("captures/", $name, ".txt"))))
    };
}

/// All of a capture, up to the first block of the file.
fn whole(firmware: Firmware, (name, lines): (&str, Vec<Line>)) -> Replay {
    let mut replay = Replay::new(firmware);
    replay.play(name, &lines);
    assert!(replay.sent.is_empty(), "{name}: the real one did not send {:?}", replay.sent);
    replay
}

fn code(verdict: &Verdict) -> String {
    match verdict {
        Verdict::GaveUp(why) => format!("{}: {}", why.code, why.words),
        Verdict::Booted(_) => verdict.to_string(),
    }
}

#[test]
fn ipxe_says_and_does_what_the_real_one_did() {
    for capture in [
        capture!("binl"),
        capture!("pxe10"),
        capture!("i_full"),
        capture!("i_nopxe"),
        capture!("i_nosi"),
        capture!("i_unicast"),
        capture!("menu"),
        capture!("samehost"),
    ] {
        let name = capture.0;
        let mut replay = whole(IPXE, capture);
        // The rest of the file, which is not in the transcript.
        let request = replay.last.clone().expect("as captured");
        let mut bytes = vec![0, 3, 0, 1];
        bytes.extend([7; 100]);
        let datagram = Datagram { from: request.to, to: request.from, bytes };
        replay.machine.receive(replay.now, &datagram, &mut Output::default());
        let end = replay.end(name);
        assert_eq!(end, Verdict::Booted(Booted::Program("nbp.efi".into())), "{name}");
    }
}

#[test]
fn ipxe_reads_the_header_before_option_67() {
    let replay = whole(IPXE, capture!("conflict"));
    assert_eq!(code(&replay.end("conflict")), "iPXE: from_header.efi: No such file or directory");
}

#[test]
fn ipxe_boots_nothing_from_options_66_and_67_alone() {
    let replay = whole(IPXE, capture!("o6667"));
    assert_eq!(code(&replay.end("o6667")), "iPXE: nbp.efi: Could not start download");
}

#[test]
fn ipxe_asks_port_4011_four_times_and_goes_on_without_it() {
    let replay = whole(IPXE, capture!("i_60only"));
    assert_eq!(code(&replay.end("i_60only")), "iPXE: Nothing to boot");
}

#[test]
fn edk2_says_and_does_what_the_real_one_did() {
    for (capture, server) in [
        (capture!("both"), "192.168.77.2"),
        (capture!("dhcppxe10"), "192.168.77.1"),
        (capture!("latedhcp"), "192.168.77.2"),
        (capture!("no60"), "192.168.77.1"),
    ] {
        let name = capture.0;
        let replay = whole(EDK2, capture);
        assert_eq!(replay.last.as_ref().expect("as captured").to.ip().to_string(), server, "{name}");
        // Its second request was agreed upon; the file is not in the transcript.
        let end = replay.end(name);
        assert_eq!(code(&end), "PXE-E18: Server response timeout", "{name}");
    }
}

#[test]
fn edk2_asks_port_4011_four_times_and_has_no_valid_offer() {
    let replay = whole(EDK2, capture!("dhcpbinl"));
    assert_eq!(code(&replay.end("dhcpbinl")), "PXE-E16: No valid offer received");
}

/// The packets of one of the two firmware drivers that these captures hold.
fn half(lines: &[Line], http: bool) -> Vec<Line> {
    let second = lines
        .iter()
        .rposition(|line| line.datagram.bytes.windows(6).any(|part| part == [53, 1, 1, 57, 2, 5]));
    let second = second.expect("as captured");
    let half = if http { &lines[second..] } else { &lines[..second] };
    let start = half[0].at;
    half.iter().cloned().map(|line| Line { at: line.at - start, ..line }).collect()
}

#[test]
fn edk2_gives_up_on_discovery_control_without_a_menu() {
    for (name, lines) in [capture!("http_full"), capture!("http_proxy")] {
        let replay = whole(EDK2, (name, half(&lines, false)));
        assert_eq!(code(&replay.end(name)), "PXE-E21: Remote boot cancelled", "{name}");
    }
}

#[test]
fn http_boot_takes_the_url_of_the_server_or_of_the_proxy() {
    for ((name, lines), server) in
        [(capture!("http_full"), "192.168.77.1"), (capture!("http_proxy"), "192.168.77.2")]
    {
        let mut replay = whole(Firmware::Edk2Http(Arch::HTTP_X64), (name, half(&lines, true)));
        let url = format!("http://{server}/nbp.efi");
        for method in ["HEAD", "GET"] {
            let request = replay.http.take().expect("as captured");
            assert_eq!((request.method, &request.url), (method, &url), "{name}");
            let body = if method == "GET" { vec![7; 5000] } else { Vec::new() };
            let content_type = Some("application/efi".to_owned());
            let answer =
                HttpAnswer { status: 200, content_type, content_length: Some(5000), size: body.len(), body };
            let mut out = Output::default();
            replay.machine.answered(replay.now, Ok(answer), &mut out);
            replay.take(out);
        }
        let last = replay.machine.steps().last().cloned();
        assert_eq!(last, Some(Step::Fetched { url: format!("GET {url}"), size: 5000 }), "{name}");
        assert_eq!(replay.end(name), Verdict::Booted(Booted::Program(url)));
    }
}
