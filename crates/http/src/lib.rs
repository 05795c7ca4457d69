//! The boot side of HTTP, for machines: files, loader configurations, iPXE scripts, seeds, and call-backs.
//!
//! Everything that is decided is decided by a [`Desk`]; TFTP asks the same one. This crate knows HTTP: it accepts
//! connections and bounds them ([`Limits`]), reads requests, answers with validators, ranges and types that firmware takes,
//! has the kernel send files out of its page cache, and tells the desk what arrived ([`Sent`]).
//!
//! # How to use it
//! Implement [`Desk`], bind listeners, and run [`serve`] with a future that ends it:
//! ```no_run
//! # async fn run<D: nextboot_http::Desk>(desk: std::sync::Arc<D>, stop: tokio::sync::oneshot::Receiver<()>) -> std::io::Result<()> {
//! let listener = tokio::net::TcpListener::bind("0.0.0.0:8080").await?;
//! let stopped = async { drop(stop.await) };
//! let (limits, counters) = (nextboot_http::Limits::default(), std::sync::Arc::default());
//! nextboot_http::serve(vec![listener], desk, limits, counters, stopped).await;
//! # Ok(())
//! # }
//! ```
//!
//! # What is where
//! | path | method | what |
//! |---|---|---|
//! | `/ipxe`, `/ipxe/` | GET, HEAD | the iPXE script for the machine that asks |
//! | `/ipxe/MAC`, `/ipxe/MAC.ipxe` | GET, HEAD | the iPXE script for that machine |
//! | `/seed/TOKEN/NAME`, `/seed/NAME` | GET, HEAD | a seed; a token has 60 hexadecimal digits |
//! | `/done/TOKEN` | GET, POST, PUT; HEAD does nothing | the call-back of an installed system |
//! | `/localboot/`, `/localboot/MAC/` | GET, POST, PUT; HEAD does nothing | from now on a machine boots its own disk |
//! | `/nextboot/NAME/PROFILE` | the same | from now on a host boots this profile |
//! | `/PROFILE/`, where there is no such file | GET | from now on the machine that asks boots this profile |
//! | `/profile/`, `/profile/MAC/` | GET, HEAD | the name of the profile that a machine boots, without a line feed |
//! | `/nexttest`, `/nexttest/MAC` | GET; HEAD does nothing | the script of the next test that is queued for the machine |
//! | `/script/NAME` | GET, HEAD | the script of a test, to look at |
//! | `/upload`, `/upload/NUMBER` | POST, PUT | the log of a test, as a form with a field `file` |
//! | anything else | GET, HEAD | a name for [`Desk::open`]: files, `pxelinux.cfg/...` |
//!
//! Percent signs are decoded once, before the path is looked at; a query means nothing. Repeated slashes count as one, a
//! directory is no file (404), and nothing is ever redirected: PXELINUX asks for `//linux`, and UEFI firmware dies of a 301.
//!
//! # Caches and proxies
//! Files have a strong `ETag`, `Last-Modified` and `Cache-Control: max-age=5, must-revalidate`; everything that was decided for
//! whoever asks, refusals too, has `no-store`. Of what comes from a listed proxy ([`Desk::proxies`]) the client is whom that
//! names ([`proxies`]): its limits hold, one request being as good as one connection.
//!
//! # Deliberate deviations from the specifications
//! - **No `Host` is needed** in HTTP/1.1 (RFC 9112 section 3.2 wants 400): firmware is what it is, and we have one host.
//! - **Several ranges get the whole file** (RFC 9110 section 14.2 allows it). Boot firmware asks for one.
//! - **`Range` also works for HTTP/1.0.**
//! - **GET on a call-back changes state** (RFC 9110 section 9.2.1 wants it safe): it is what one line of shell in an
//!   installer can say, and the token is single-use. HEAD does nothing.
//! - **GET on pxemngr's addresses changes state**, for the same reason. What changes another machine's next boot wants a
//!   [`Claim`]. They work with and without a slash at the end, where pxemngr redirects.
//! - **A request body is read only where a log is uploaded** ([`Limits::upload`]); elsewhere, even for PUT, the answer is the
//!   last one of its connection.
//! - **The script of the next test is given out once** by a GET, as test systems always did; HEAD takes none.
//! - **Whatever breaks ends with a reset**, not with an orderly close: PXELINUX reads to the end of the connection without
//!   counting, and would boot half a kernel.
//! - **A connection that is refused for its number gets 503 without its request being read.**
#![forbid(unsafe_code)]

mod admission;
mod alarm;
mod body;
mod buffer;
mod claim;
mod condition;
mod connection;
mod cookie;
mod counters;
mod desk;
mod form;
mod input;
mod kind;
mod ledger;
mod limits;
mod pace;
mod path;
pub mod proxies;
mod range;
mod reply;
mod request;
mod server;
mod service;
mod status;
mod upload;
mod wire;

pub use claim::Claim;
pub use counters::Counters;
pub use desk::{Asker, BoxFuture, Delivery, Desk, Found, Refusal, Sent, Ticket, Upload, What, Whom, Why};
pub use limits::Limits;
pub use server::serve;
