//! The control side of HTTP, for people and programs: the native API under `/api/`, its OpenAPI document at
//! `/api/openapi.json`, and the API of pxe-pilot, whose deployment is also the call that installed systems make.
//!
//! [`serve()`] runs it on TCP and on a unix socket ([`bind_socket`] makes one). It reads and changes the state through
//! [`nextboot_store::Store`], and asks the running appliance for the rest through [`Control`]. It decides nothing about
//! booting: previews call [`nextboot_boot::decide()`] like every other door.
//!
//! Pages of systems, versions, tests and logs for people are at `/`, `/system/`, `/tests/`, `/testname/`, `/test/` and
//! `/testcontent/`; [`page`] writes them, for the boot side too.
//!
//! # Who may
//! Everything but the OpenAPI document needs one of these ([`Access`]):
//! 1. The unix socket, as root or as the user that the server runs as (the kernel says who is there).
//! 2. `Authorization: Bearer TOKEN` with the content of the token file ([`Token`]).
//! 3. An address in a network that the site trusts. A browser on such a network must not be talked into a change by
//!    somebody's page: a request that names another origin than ours is refused. (A page whose name its owner points at
//!    our address can still *read*; a site that browses hostile pages from trusted networks should trust none.)
//! 4. A machine may send itself to `local`: its address must belong to the MAC it names.
//!
//! Behind a proxy that the site lists, the address is the client's that it names ([`nextboot_http::proxies`]); from anybody else
//! such words mean nothing.
//!
//! # Deliberate differences from pxe-pilot's API
//! - Every path works without `/v1` too: its own first releases and the scripts written for them have none.
//! - `mac_address` is understood beside `macAddress`: its README says the one, its code the other.
//! - MAC addresses may be written in every spelling in use; it knew only the one with colons.
//! - An error's text comes under `Message`, as it did, and under `message`, as its README says.
//! - A `configuration` inside a host is answered with 409; a misspelt constant made it 500.
//! - A body that is not JSON gets a text with its 400; `null` as a host gets 400, where it fell over.
//! - Nobody is told a password: `ipmi.password` and the values of `management.vars` are empty.
//! - MAC addresses are shown in lower case, as the links are named, and hosts in the order of their names.
//! - A file where it expected a link made the whole list of hosts fail; it is shown as what the host boots.
//! - Without boot loaders it listed no configurations, and `null` boot loaders; all profiles are listed, and an empty list.
//! - A call that wants a token answers 401 with the texts of an error; only `healthcheck` is open.
//! - A machine's own call-back within ten seconds of its last one is answered and changes nothing.
//! - `"reboot": true` for a host that is named by its MAC address reboots it, too; there it fell over after deploying.
//! - A reboot whose state cannot be seen, and a command that could not be run, are 409, where the answer was 204; a 409 says
//!   why. A configured address of a controller survives `refresh`, and passwords are not shown.
#![forbid(unsafe_code)]

mod access;
mod app;
mod control;
mod error;
mod extract;
mod limits;
mod loader;
mod pages;
mod patient;
mod power;
mod reply;
mod router;
mod routes;
mod server;
mod socket;
mod timeline;
mod token;
mod view;

pub use access::{Access, Peer};
pub use control::{
    BoxFuture, Control, Found, PowerDone, PowerFailure, PowerKnown, PowerOutcome, Status, TestLimits, Written,
};
pub use limits::Limits;
pub use pages::{NoPage, PAGE_POLICY, Page, PagePlace, page};
pub use server::{Listeners, serve};
pub use socket::{SocketError, bind_socket};
pub use token::{Token, TokenError};
