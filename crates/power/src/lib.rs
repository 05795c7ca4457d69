//! Switches machines on and off: IPMI, Redfish, Wake-on-LAN and commands of the site's own, behind one call.
//!
//! [`Runner::perform`] does something with a machine's power ([`PowerAction`](nextboot_model::PowerAction)) through what
//! switches it ([`Power`](nextboot_model::Power)), and remembers what it saw. It bounds what may go wrong outside:
//!
//! - **A controller that hangs holds nobody up.** Every try has a time limit; a program that exceeds it is killed with all
//!   that it started. Operations of different machines run side by side, [`Settings::parallel`] of them at a time.
//! - **One operation at a time per controller.** Many controllers have room for a few sessions and mix up their answers.
//! - **What may be repeated is repeated**: seeing the state, switching on, switching off. A reset is not, once it may have
//!   reached the controller.
//! - **Secrets stay here.** A password goes to ipmitool in its environment and to Redfish in a header; it is on no command
//!   line, in no log and in no error: what a program says is freed of it.
//!
//! # Deliberate differences from pxe-pilot's management adapters
//! - A command is split into its words before a host's values are put in: one with spaces, quotes or `;` is one argument, as
//!   no shell is in between. There a value with a space became two arguments. Values of the adapter itself are the site's own
//!   words, and are still split.
//! - Quotes and backslashes in a command group words as in a shell; there they were letters.
//! - A name that has no value is an error that says so; there `<no value>` was handed over.
//! - A controller whose address cannot be found is an error; there the command was not run and the answer was success.
//! - A state that cannot be seen is an error for a reboot; there it was success, too.
#![forbid(unsafe_code)]

mod adapter;
mod child;
mod endpoint;
mod error;
mod ipmi;
mod redfish;
mod runner;
mod settings;
mod wol;

pub use adapter::{Adapter, BadAdapter, BadTemplate, Template, Values};
pub use endpoint::Target;
pub use error::PowerError;
pub use runner::{Done, Known, Runner};
pub use settings::Settings;
pub use wol::Wire;
