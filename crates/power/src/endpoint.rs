//! One machine and what switches it, whatever that is.

use nextboot_model::{HostName, Mac, Power, PowerAction, PowerState};

use crate::{PowerError, Settings, Wire, adapter, ipmi, redfish, wol};

/// A machine to be switched, with all that was found out about it.
#[derive(Debug, Clone)]
pub struct Target {
    /// The host.
    pub host: HostName,
    /// What switches it.
    pub power: Power,
    /// Where that is: its own address, or what was found for its MAC.
    pub address: Option<String>,
    /// The host's cards, for Wake-on-LAN.
    pub macs: Vec<Mac>,
    /// The networks to wake it in.
    pub wires: Vec<Wire>,
    /// Whether it boots by UEFI, as far as was seen.
    pub uefi: bool,
}

/// The means at hand.
pub(crate) enum Endpoint<'a> {
    Ipmi(ipmi::Controller<'a>),
    Redfish(redfish::Controller<'a>),
    Wol(&'a [Mac], &'a [Wire]),
    Command(adapter::Commands<'a>),
}

impl Target {
    /// What no two operations may use at the same time.
    pub(crate) fn controller(&self) -> String {
        let place = self.address.as_deref().unwrap_or_default();
        match &self.power {
            Power::Ipmi(ipmi) => format!("ipmi {place} {}", ipmi.port.unwrap_or(623)),
            Power::Redfish(redfish) => {
                format!("redfish {} {}", redfish.url, redfish.system.as_deref().unwrap_or_default())
            }
            // Hosts that share what their commands talk to are switched side by side: a socket strip has many sockets.
            Power::Wol(_) | Power::Command(_) => format!("host {}", self.host),
        }
    }

    pub(crate) fn endpoint<'a>(&'a self, settings: &'a Settings) -> Result<Endpoint<'a>, PowerError> {
        Ok(match &self.power {
            Power::Ipmi(ipmi) => {
                let address = self.address.as_deref().ok_or(PowerError::Nothing)?;
                Endpoint::Ipmi(ipmi::Controller { settings, ipmi, address })
            }
            Power::Redfish(redfish) => Endpoint::Redfish(redfish::Controller { settings, redfish }),
            Power::Wol(own) => {
                let macs = if own.macs.is_empty() { &self.macs } else { &own.macs };
                Endpoint::Wol(macs, &self.wires)
            }
            Power::Command(host) => {
                let adapter = settings.adapters.get(&host.adapter);
                let adapter = adapter.ok_or_else(|| PowerError::NoAdapter(host.adapter.clone()))?;
                let address = self.address.as_deref();
                Endpoint::Command(adapter::Commands { settings, adapter, address, vars: &host.vars })
            }
        })
    }
}

impl Endpoint<'_> {
    pub(crate) fn place(&self) -> String {
        match self {
            Self::Ipmi(controller) => controller.place(),
            Self::Redfish(controller) => controller.place(),
            Self::Wol(..) => "Wake-on-LAN".into(),
            Self::Command(commands) => commands.place(),
        }
    }

    pub(crate) async fn status(&self) -> Result<PowerState, PowerError> {
        match self {
            Self::Ipmi(controller) => controller.status().await,
            Self::Redfish(controller) => controller.status().await,
            Self::Wol(..) => Ok(PowerState::Unknown),
            Self::Command(commands) => commands.status().await,
        }
    }

    /// One step: on, off, reset or cycle.
    pub(crate) async fn switch(&self, step: Step) -> Result<(), PowerError> {
        match (self, step) {
            (Self::Ipmi(controller), step) => controller.power(step.word()).await,
            (Self::Redfish(controller), Step::On) => controller.on().await,
            (Self::Redfish(controller), Step::Off) => controller.off().await,
            (Self::Redfish(controller), Step::Reset) => controller.press_reset().await,
            (Self::Redfish(controller), Step::Cycle) => controller.cycle().await,
            (Self::Wol(macs, wires), Step::On) => wol::wake(macs, wires).await,
            (Self::Wol(..), step) => Err(PowerError::Cannot {
                kind: self.place(),
                action: step.action(),
                remedy: "; it can only switch on, so do it at the machine".into(),
            }),
            (Self::Command(commands), Step::On) => commands.on().await,
            (Self::Command(commands), Step::Off) => commands.off().await,
            (Self::Command(commands), Step::Reset | Step::Cycle) => commands.reset().await,
        }
    }

    /// Has the machine boot from the network at its next start.
    pub(crate) async fn boot_network(&self, uefi: bool) -> Result<(), PowerError> {
        match self {
            Self::Ipmi(controller) => controller.boot_network(uefi).await,
            Self::Redfish(controller) => controller.boot_network().await,
            // What wakes machines says nothing about what they boot.
            Self::Wol(..) => Ok(()),
            Self::Command(commands) => commands.boot_network().await,
        }
    }

    /// True when nobody can see whether the machine is on, by the nature of what switches it.
    pub(crate) fn is_blind(&self) -> bool {
        match self {
            Self::Ipmi(_) | Self::Redfish(_) => false,
            Self::Wol(..) => true,
            Self::Command(commands) => commands.adapter.status.is_none(),
        }
    }

    pub(crate) fn only_wakes(&self) -> bool {
        matches!(self, Self::Wol(..))
    }
}

/// What is done at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    On,
    Off,
    Reset,
    Cycle,
}

impl Step {
    fn word(self) -> &'static str {
        self.action().word()
    }

    pub(crate) fn action(self) -> PowerAction {
        match self {
            Self::On => PowerAction::On,
            Self::Off => PowerAction::Off,
            Self::Reset => PowerAction::Reset,
            Self::Cycle => PowerAction::Cycle,
        }
    }

    /// True when doing it twice is the same as doing it once.
    pub(crate) fn is_repeatable(self) -> bool {
        matches!(self, Self::On | Self::Off)
    }
}
