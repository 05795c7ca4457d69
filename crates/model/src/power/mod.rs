//! How a machine's power is switched: by what, where, and with which secret.

mod action;
mod endpoint;
mod secret;

pub use action::{PowerAction, PowerState};
pub use endpoint::{
    Adapter, BadPower, Ipmi, MAX_ADAPTER_NAME, MAX_PASSWORD, MAX_USER, Power, Redfish, WakeOnLan,
};
pub use secret::Secret;
