use std::any::Any;
use std::fmt;
use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::BorrowedFd;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use ipnet::IpNet;
use nextboot_files::Content;
use nextboot_model::Mac;

use crate::Claim;

/// Who asks, as far as a connection tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asker {
    /// The client's end of the connection; behind a proxy that the site lists the client's address, with the proxy's port.
    /// IPv4 addresses are never written as IPv6 ones.
    pub from: SocketAddr,
    /// Whether a proxy asks for it.
    pub proxied: bool,
    /// Our end: the address that the client found us at, so the one to write into what it reads next.
    pub to: IpAddr,
    /// The MAC that PXELINUX and syslinux.efi put into a cookie. A hint: anybody can send one.
    pub mac_hint: Option<Mac>,
}

/// Whose next boot is to change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whom<'a> {
    /// That of whoever asks.
    Itself,
    /// That of the machine with this MAC.
    Machine(Mac),
    /// That of what has this name; still what a client sent.
    Named(&'a str),
}

/// Where the server asks: it knows HTTP, the desk decides. TFTP asks the same desk, so there is one decision.
///
/// Nothing here bounds how long an answer takes, so the desk must. Its futures may be dropped at any point, when a client
/// goes away or the server ends.
pub trait Desk: Send + Sync + 'static {
    /// What is at this name: a file, or a text written for the asker. The name has its percent signs decoded, once, and
    /// no query. It is still what a client sent: any length up to [`Limits::path`](crate::Limits::path), `..`, `\`, and
    /// repeated slashes may be in it. It begins with the slash of the request.
    fn open(&self, asker: &Asker, name: &str) -> impl Future<Output = Result<Found, Refusal>> + Send;

    /// The iPXE script for a machine: the one with this MAC, else the one that asks.
    fn script(&self, asker: &Asker, mac: Option<Mac>) -> impl Future<Output = Result<Found, Refusal>> + Send;

    /// A seed, written for the machine that the token was given to, else for the one that asks. The name is like that of
    /// [`open`](Self::open), but without a leading slash.
    fn seed(
        &self,
        asker: &Asker,
        token: Option<&str>,
        name: &str,
    ) -> impl Future<Output = Result<Found, Refusal>> + Send;

    /// An installed system calls back with its token; the answer is one line for its log.
    fn call_back(&self, asker: &Asker, token: &str) -> impl Future<Output = Result<String, Refusal>> + Send;

    /// From now on a machine boots this profile, or without one its own disk. The answer is a text for scripts, to the
    /// byte. Nothing of the claim may be needed for what a machine wishes for itself.
    fn next_boot(
        &self,
        asker: &Asker,
        claim: Claim<'_>,
        whom: Whom<'_>,
        profile: Option<&str>,
    ) -> impl Future<Output = Result<String, Refusal>> + Send;

    /// The name of the profile that a machine boots: the one with this MAC, else the one that asks.
    fn profile(
        &self,
        asker: &Asker,
        mac: Option<Mac>,
    ) -> impl Future<Output = Result<String, Refusal>> + Send;

    /// The script of the test that is queued for a machine next: for the one with this MAC, else for the one that asks. It is
    /// taken from the queue by that. Of another machine than the one that asks only with a good claim.
    fn next_test(
        &self,
        asker: &Asker,
        claim: Claim<'_>,
        mac: Option<Mac>,
    ) -> impl Future<Output = Result<Found, Refusal>> + Send {
        let _ = (asker, claim, mac);
        async { Err(Refusal::not_found("there are no tests here")) }
    }

    /// The script of a test, to look at. [`Why::NotFound`] makes its path the name of a file.
    fn test_script(&self, asker: &Asker, test: &str) -> impl Future<Output = Result<Found, Refusal>> + Send {
        let _ = (asker, test);
        async { Err(Refusal::not_found("there are no tests here")) }
    }

    /// Somebody sends the log of a test run: of this one, else of the one that the machine is at. Asked before the log comes,
    /// so that who may not send one need not.
    fn upload(
        &self,
        asker: &Asker,
        claim: Claim<'_>,
        run: Option<u64>,
    ) -> impl Future<Output = Result<Box<dyn Upload>, Refusal>> + Send {
        let _ = (asker, claim, run);
        async { Err(Refusal::not_found("there are no tests here")) }
    }

    /// How a delivery ended. Called while a connection is served, so it must not wait for anything. Refusals are not
    /// reported: the desk made them itself.
    fn sent(&self, asker: &Asker, sent: Sent);

    /// The proxies whose word on whom they ask for is taken ([`proxies::client`](crate::proxies::client)). Asked for each
    /// request; nobody's without an answer.
    fn proxies(&self) -> Arc<[IpNet]> {
        Arc::new([])
    }

    /// How many bytes of what was sent the client's kernel (or firmware) has not acknowledged yet: `SIOCOUTQ`, tcp(7).
    /// It must go on to answer after the client reset the connection. Asked here because this crate makes no system calls
    /// of its own; without an answer a delivery counts as complete when the client did not reset the connection for
    /// [`Limits::settle`](crate::Limits::settle), which is wrong for UEFI firmware: it resets every connection at its end.
    fn unacknowledged(&self, socket: BorrowedFd<'_>) -> Option<u32> {
        let _ = socket;
        None
    }
}

/// A future that a trait object can return.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A log that is on its way. Dropped, it never came.
pub trait Upload: Send {
    /// Takes more of it.
    fn write<'u>(&'u mut self, bytes: &'u [u8]) -> BoxFuture<'u, Result<(), Refusal>>;
    /// It came whole; the answer goes out to the byte.
    fn finish(self: Box<Self>) -> BoxFuture<'static, Result<String, Refusal>>;
    /// What came had no log in it; what to say then.
    fn without_file(self: Box<Self>) -> BoxFuture<'static, Refusal>;
}

/// What is at a name.
#[derive(Debug, Clone)]
pub struct Found {
    /// What it is. Only a [`What::File`] may be kept by caches, and only files are fetched in parts.
    pub what: What,
    /// Its bytes.
    pub content: Content,
    /// Comes back in [`Sent`].
    pub ticket: Ticket,
}

impl Found {
    /// A file that is the same for everybody.
    #[must_use]
    pub fn file(content: Content) -> Self {
        Self { what: What::File, content, ticket: Ticket::default() }
    }

    /// A text, written for the asker.
    #[must_use]
    pub fn written(what: What, text: impl Into<Bytes>) -> Self {
        Self { what, content: Content::from_bytes(text), ticket: Ticket::default() }
    }

    /// The same with a ticket.
    #[must_use]
    pub fn with(self, ticket: Ticket) -> Self {
        Self { ticket, ..self }
    }
}

/// Whatever the desk wants to remember of what it gave out: it comes back unread when the delivery has ended, so that
/// the desk need not decide a second time (and perhaps otherwise).
#[derive(Clone)]
pub struct Ticket(Arc<dyn Any + Send + Sync>);

impl Ticket {
    /// Wraps it.
    #[must_use]
    pub fn new(what: impl Any + Send + Sync) -> Self {
        Self(Arc::new(what))
    }

    /// What was wrapped, if it was one of these.
    #[must_use]
    pub fn get<T: Any>(&self) -> Option<&T> {
        self.0.downcast_ref()
    }
}

impl Default for Ticket {
    fn default() -> Self {
        Self::new(())
    }
}

impl fmt::Debug for Ticket {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Ticket(..)")
    }
}

/// Two tickets are equal when they are the same one.
impl PartialEq for Ticket {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Ticket {}

/// What is delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum What {
    /// A file as it lies there.
    File,
    /// One that not everybody gets who asks: no cache may keep it.
    OwnFile,
    /// A loader's configuration: decided for the asker, so no cache may keep it.
    Configuration,
    /// An iPXE script: likewise.
    Script,
    /// A seed: likewise.
    Seed,
    /// The script of a test: likewise.
    Test,
    /// A page of HTML, for people.
    Page,
    /// What a machine wrote, for people: plain text, whatever is in it.
    Log,
}

/// Why the asker does not get what it asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The kind, which becomes the status.
    pub why: Why,
    /// One line for people. Line breaks and control characters in it become spaces.
    pub message: String,
}

/// The kinds of refusals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Why {
    /// 404: there is nothing at that name. PXELINUX goes on with its next name.
    NotFound,
    /// 403: there is, but not for this asker.
    Forbidden,
    /// 410: it was there once: a token that was used.
    Gone,
    /// 500: what should be there cannot be written. The message names file, line and name.
    TemplateError,
    /// 400: what was sent makes no sense.
    Misunderstood,
    /// 413: what was sent is too large.
    TooLarge,
    /// 503: not now; the asker may try again in some seconds.
    Unavailable,
}

impl Refusal {
    /// There is nothing at that name.
    #[must_use]
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(Why::NotFound, message)
    }

    /// A refusal of that kind.
    #[must_use]
    pub fn new(why: Why, message: impl Into<String>) -> Self {
        Self { why, message: message.into() }
    }
}

/// A delivery that ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// What was asked for: as [`Desk::open`] and [`Desk::seed`] got it; for scripts the path.
    pub name: String,
    /// What it was.
    pub what: What,
    /// The ticket of [`Found`].
    pub ticket: Ticket,
    /// The first byte that was asked for: 0 unless it was a range.
    pub start: u64,
    /// One past the last byte that was handed over. For a [`Delivery::Cut`] an upper bound: what lies in the buffers of
    /// both ends is in it.
    pub end: u64,
    /// How many bytes the whole has. The whole was delivered when this one is complete, `start` is 0 and `end` is `of`.
    pub of: u64,
    /// From the request's last header to the last byte handed over, milliseconds.
    pub millis: u64,
    /// How it ended.
    pub delivery: Delivery,
}

/// How a delivery ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// Every byte was handed to our kernel, and the client's TCP acknowledged all of them
    /// ([`Desk::unacknowledged`]). HTTP has no acknowledgement of its own: whether the program behind it took them out of
    /// its buffers nobody can know. A file did not change while it was sent.
    Complete,
    /// It ended early, and why, in words.
    Cut(String),
    /// Every byte was handed to our kernel, but the connection ended, and why, before all of them were acknowledged.
    Unacknowledged(String),
    /// Only the head was asked for (HEAD), or the client has it already (304). UEFI firmware asks for the size first.
    Probed,
}

impl Sent {
    /// Whether the client has, as far as can be known, all of what it asked for.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.delivery == Delivery::Complete
    }

    /// Whether the client has, as far as can be known, the whole in one piece.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.is_complete() && self.spans_all()
    }

    /// Whether the bytes that were handed over are the whole, arrived or not.
    #[must_use]
    pub fn spans_all(&self) -> bool {
        self.start == 0 && self.end == self.of
    }
}
