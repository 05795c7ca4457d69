use std::net::Ipv4Addr;

use proptest::prelude::*;

use super::*;

const OWN: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 100), 4000);
const PEER: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 1), 80);
/// Near the end of the numbers, so that they wrap.
const FIRST: u32 = u32::MAX - 2000;

struct Bench {
    connection: Connection,
    now: Duration,
    sent: Vec<Segment>,
    read: Vec<u8>,
}

impl Bench {
    fn new() -> Self {
        let mut sent = Vec::new();
        let connection =
            Connection::open(OWN, PEER, b"request".to_vec(), &mut Random::new(3), Duration::ZERO, &mut sent);
        Self { connection, now: Duration::ZERO, sent, read: Vec::new() }
    }

    /// One to which the other end has agreed and whose request it has.
    fn open() -> Self {
        let mut bench = Self::new();
        bench.hear(0, Flags::SYN.and(Flags::ACK), 1, &[]);
        bench.hear(1, Flags::ACK, 8, &[]);
        bench.sent.clear();
        bench
    }

    /// A segment from the other end, its number counted from the first; it acknowledges so many of ours.
    fn hear(&mut self, number: u32, flags: Flags, acknowledges: u32, payload: &[u8]) {
        let first = Random::new(3).xid();
        let segment = Segment {
            from: PEER,
            to: OWN,
            sequence: FIRST.wrapping_add(number),
            acknowledges: first.wrapping_add(acknowledges),
            flags,
            window: 1000,
            scale: flags.has(Flags::SYN).then_some(7),
            payload: payload.to_vec(),
        };
        let bytes = segment.bytes();
        assert_eq!(Segment::read(*PEER.ip(), *OWN.ip(), &bytes), Some(segment.clone()));
        let read = &mut self.read;
        self.connection.receive(self.now, segment, &mut self.sent, &mut |bytes| read.extend(bytes));
    }

    fn wait(&mut self) {
        self.now = self.connection.deadline().expect("a deadline");
        self.connection.due(self.now, &mut self.sent);
    }

    fn acknowledged(&self) -> u32 {
        self.sent.last().map_or(0, |segment| segment.acknowledges.wrapping_sub(FIRST))
    }
}

#[test]
fn a_connection_opens_asks_reads_and_closes_with_the_other_end() {
    let mut bench = Bench::new();
    assert_eq!((bench.sent[0].flags, bench.sent[0].scale), (Flags::SYN, Some(SCALE)));
    bench.hear(0, Flags::SYN.and(Flags::ACK), 1, &[]);
    assert_eq!(bench.sent[1].payload, b"request");
    assert_eq!((bench.sent[1].window, bench.acknowledged()), (32768, 1));
    bench.hear(1, Flags::ACK.and(Flags::PSH), 8, b"answer");
    assert_eq!((bench.read.as_slice(), bench.acknowledged()), (&b"answer"[..], 7));
    bench.hear(7, Flags::ACK.and(Flags::FIN), 8, b" ends");
    assert!(bench.connection.closed() && bench.sent.last().unwrap().flags.has(Flags::FIN));
    assert_eq!((bench.read.as_slice(), bench.acknowledged()), (&b"answer ends"[..], 13));
    assert_eq!((bench.connection.deadline(), bench.connection.repeats()), (None, 0));
}

#[test]
fn every_second_segment_is_acknowledged_and_one_alone_after_a_moment() {
    let mut bench = Bench::open();
    bench.hear(1, Flags::ACK, 8, &[1; 1000]);
    assert!(bench.sent.is_empty());
    bench.hear(1001, Flags::ACK, 8, &[2; 1000]);
    assert_eq!((bench.sent.len(), bench.acknowledged()), (1, 2001));
    bench.hear(2001, Flags::ACK, 8, &[3; 1000]);
    bench.wait();
    assert_eq!((bench.sent.len(), bench.acknowledged(), bench.now), (2, 3001, DELAY));
}

#[test]
fn a_lost_segment_is_asked_for_at_once_and_what_came_before_it_is_not_lost() {
    let mut bench = Bench::open();
    bench.hear(1001, Flags::ACK, 8, &[2; 1000]);
    bench.hear(2001, Flags::ACK, 8, &[3; 1000]);
    assert_eq!((bench.sent.len(), bench.acknowledged(), bench.read.len()), (2, 1, 0));
    bench.hear(1, Flags::ACK.and(Flags::PSH), 8, &[1; 1000]);
    assert_eq!(bench.acknowledged(), 3001);
    assert_eq!(bench.read, [[1; 1000], [2; 1000], [3; 1000]].concat());
    // A part of it again, and some more.
    bench.hear(2501, Flags::ACK, 8, &[4; 1000]);
    assert_eq!((bench.acknowledged(), bench.read.len()), (3501, 3500));
}

#[test]
fn silence_is_answered_by_saying_it_again_and_then_by_giving_up() {
    let mut bench = Bench::new();
    bench.wait();
    assert_eq!((bench.sent[1].flags, bench.connection.repeats()), (Flags::SYN, 1));
    bench.hear(0, Flags::SYN.and(Flags::ACK), 1, &[]);
    bench.wait();
    assert_eq!((bench.sent[3].payload.as_slice(), bench.connection.repeats()), (&b"request"[..], 2));
    while bench.connection.failure().is_none() {
        bench.wait();
    }
    assert_eq!(bench.connection.failure(), Some("Connection timed out"));
}

#[test]
fn an_older_connection_from_the_same_port_is_ended() {
    let mut bench = Bench::new();
    bench.hear(500, Flags::ACK, 700, &[]);
    let reset = bench.sent.last().unwrap();
    assert_eq!((reset.flags, reset.sequence), (Flags::RST, Random::new(3).xid().wrapping_add(700)));
    bench.wait();
    bench.hear(0, Flags::SYN.and(Flags::ACK), 1, &[]);
    assert_eq!(bench.sent.last().unwrap().payload, b"request");
}

#[test]
fn a_reset_ends_it_and_one_from_elsewhere_does_not() {
    let mut bench = Bench::new();
    bench.hear(0, Flags::RST.and(Flags::ACK), 9, &[]);
    assert_eq!(bench.connection.failure(), None);
    bench.hear(0, Flags::RST.and(Flags::ACK), 1, &[]);
    assert_eq!(bench.connection.failure(), Some("Connection refused"));
    let mut bench = Bench::open();
    bench.hear(1_000_000, Flags::RST, 8, &[]);
    assert_eq!(bench.connection.failure(), None);
    bench.hear(1, Flags::RST, 8, &[]);
    assert_eq!(bench.connection.failure(), Some("Connection reset"));
}

proptest! {
    /// Whatever is lost, comes twice or in another order: what is read is what was sent, or the beginning of it.
    #[test]
    fn bytes_are_read_in_their_order(segments in prop::collection::vec((0_u32..40, 1_usize..3), 0..200)) {
        let whole: Vec<u8> = (0..4200_u32).map(|at| (at % 251) as u8).collect();
        let mut bench = Bench::open();
        for (part, count) in segments {
            let at = part as usize * 100;
            bench.hear(1 + part * 100, Flags::ACK, 8, &whole[at..at + 100 * count]);
            prop_assert!(whole.starts_with(&bench.read));
        }
        for part in 0..42_u32 {
            let at = part as usize * 100;
            bench.hear(1 + part * 100, Flags::ACK, 8, &whole[at..at + 100]);
        }
        prop_assert_eq!(&bench.read, &whole);
    }

    #[test]
    fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..60), offset in any::<u8>()) {
        let mut bytes = bytes;
        if let Some(byte) = bytes.get_mut(12) {
            *byte = offset;
        }
        if let Some(segment) = Segment::read(*PEER.ip(), *OWN.ip(), &bytes) {
            let mut bench = Bench::open();
            let segment = Segment { from: PEER, to: OWN, ..segment };
            bench.connection.receive(Duration::ZERO, segment, &mut bench.sent, &mut |_| {});
        }
    }
}
