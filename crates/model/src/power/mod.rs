//! How a machine's power is switched: by what, where, and with which secret.

mod action;
mod adapter;
mod bad;
mod credentials;
mod endpoint;
mod ipmi;
mod place;
mod redfish;
mod secret;
mod wol;

pub use action::{PowerAction, PowerState};
pub use adapter::{Adapter, MAX_ADAPTER_NAME};
pub use bad::BadPower;
pub use credentials::{MAX_PASSWORD, MAX_USER};
pub use endpoint::Power;
pub use ipmi::Ipmi;
pub use place::Place;
pub use redfish::Redfish;
pub use secret::Secret;
pub use wol::WakeOnLan;
