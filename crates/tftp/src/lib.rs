//! TFTP (RFC 1350, 2347, 2348, 2349, 7440) as a machine without I/O: the serving side, read-only.
//!
//! No socket, clock, file or random number is in here. The caller owns those, tells this crate what arrived and when, and does
//! what it says. So every test is exact, and a lossy network is a loop in a test.
//!
//! # How to use it
//!
//! On the well-known port, for each datagram:
//! 1. [`Request::parse`]. On a [`Reject`] send [`Reject::reply`], if there is one.
//! 2. [`Registry::admit`]. Stop the transfer that it replaces ([`Transfer::replaced`], [`Transfer::evicted`]); on [`Busy`] send
//!    [`Busy::reply`].
//! 3. Find the content for [`Request::name`]. When there is none, send [`error_packet`] with [`ErrorCode::FileNotFound`] and
//!    release the admission. Errors go out before an OACK, never behind it: PXELINUX hangs otherwise.
//! 4. Bind a new port (the transfer id of RFC 1350) on the address that the request was sent to, and make a [`Transfer`]. Tell it
//!    what [`RoundTrips`] knows of the client, and note there what it has seen when it is over.
//!
//! Then, for each transfer:
//! ```text
//! loop {
//!     while let Some(output) = transfer.poll(now) {
//!         match output {
//!             Output::Packet(bytes) => send(bytes),
//!             Output::Blocks(run) => read run.len() bytes at run.offset(), lay them out with Frames, send them,
//!             // With a rate, ask a Pace before each poll, and tell it what left.
//!             Output::Done(outcome) => release the admission, tell about the outcome, stop,
//!         }
//!     }
//!     wait for the first of
//!         a datagram from the client      => transfer.handle(now, bytes); once it was heard, tell the registry
//!         a datagram from somebody else   => send unknown_tid(bytes), if it gives one
//!         port unreachable                => transfer.unreachable()
//!         transfer.next_deadline()        => transfer.timeout(now)
//!         content gone, server stops      => transfer.cancel(code, text)
//! }
//! ```
//! One [`Frames`] does for any number of transfers that one thread drives. Where all transfers share the well-known port, step 4
//! binds none, and [`Registry::of`] tells whose datagram it is that is no request.
//!
//! A transfer holds a few hundred bytes, allocates nothing per block, and never keeps content: what has to be sent again is
//! asked for again.
//!
//! # Deliberate deviations from the specifications
//!
//! - **netascii and mail are served as octet** (RFC 1350 section 1 wants line ends converted). No boot firmware asks for them,
//!   and other servers do the same.
//! - **Write requests get ERROR 2**: a boot server has nothing to receive.
//! - **Requests are read tolerantly**: a missing last NUL, extra NULs, bytes behind the last field, a name that ends in 0xFF and
//!   garbage (ROMs that copy DHCP option 67 past its end). An ACK may have trailing bytes.
//! - **Unknown operation codes on the well-known port get silence**, not ERROR 4: the sender may be a service that answers
//!   everything, and the two would never stop. Stray DATA, ACK, OACK and ERROR get silence there for the same reason.
//! - **Option values that are too large are brought down instead of ignored** (some clients ask for a block size of 65535, and
//!   would fall to 512 bytes without an answer). A `timeout` beyond 255 is ignored, since RFC 2349 allows no other number in return.
//! - **`tsize` is answered whatever number the client put in**, with all 64 bits of the size.
//! - **Block numbers go to 0 behind 65535**, so a file may have any size; the RFCs say nothing about it. Clients that cannot do
//!   that (old Raspberry Pi boot loaders) need files below 65535 of their blocks.
//! - **Repeated ACKs in lockstep never cause anything** (RFC 1123 section 4.2.3.1). The Raspberry Pi 4's loader hangs when a block
//!   comes twice, so nothing but a timeout sends again.
//! - **With windows, a repeated ACK restarts the window** (RFC 7440 section 4), but once per window, not in the window behind a
//!   restarted one, and not when it arrives sooner than half of the shortest round trip seen: it is an echo then. Where every
//!   ACK comes twice, as a window showed that was answered whole though nothing was sent again, only the second repetition
//!   restarts.
//! - **With windows, an ACK of a part sends the rest again at once** (RFC 7440 section 4), but not when it arrives too soon, and
//!   not when it names the very block up to which blocks have been sent again: EDK2 acknowledges what it has whenever a block
//!   comes twice, and taking that for a loss would send everything twice from then on. The window just moves on then.
//! - **ACKs never cause more blocks to be sent again than they acknowledge**, and some windows; beyond that only the timer does.
//! - **With windows, silence is looked into early**: when an answer is later than two round trips and 5 ms, the window's last
//!   block goes out again, then twice the whole window. A lost last block or a lost ACK costs a second otherwise, at which rate
//!   1 % of loss takes nearly all of the throughput. Not in lockstep, where the same could hang a Raspberry Pi 4.
//! - **With windows, the OACK too is repeated early, once**, when an earlier transfer to the client's address has shown its round
//!   trip ([`RoundTrips`]). A second OACK goes out only before the ACK of the first has come, so never behind a block: EDK2
//!   acknowledges it again as long as it has no block, and ignores it then. Of a client that is not known nothing is expected: 1 s.
//! - **Retransmission backs off**: 1, 2, 4, 8 s, unless the client asked for a `timeout`; that is kept to. Before a client has
//!   answered once it gets three retransmissions and at most 5 s between them, since its address may be forged.
//! - **A missing last ACK is no failure** ([`Outcome::Unconfirmed`]): some loaders never send it. Nor is it when the client asks
//!   for another file from the same port, before the last block had to be sent again: it has the file.
//! - **An ERROR before the first block is a size probe** ([`Outcome::is_probe`]), which every EDK2 machine does, and no failure.
//! - **The same request again within 0.4 s is dropped**; later, or for another file, it replaces the transfer that the client's
//!   port has. ROMs with a fixed source port ask like that after a reset.
#![forbid(unsafe_code)]

mod ahead;
mod limits;
mod name;
mod options;
mod outcome;
mod pace;
mod packet;
mod registry;
mod request;
mod round_trips;
mod run;
mod terms;
mod transfer;

pub use ahead::Ahead;
pub use limits::Limits;
pub use options::{MAX_BLOCK_SIZE, MAX_OPTIONS, MIN_BLOCK_SIZE, PeerOptions};
pub use outcome::Outcome;
pub use pace::Pace;
pub use packet::{ErrorCode, MAX_ERROR_TEXT, error_packet, unknown_tid};
pub use registry::{Admission, Because, Busy, Caps, Registry, TransferId};
pub use request::{MAX_NAME, Mode, Reject, Request};
pub use round_trips::RoundTrips;
pub use run::{Block, Frames, Run};
pub use terms::Terms;
pub use transfer::{Output, Transfer};
