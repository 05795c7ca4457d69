//! The front desk: TFTP and HTTP bring names here and get bytes, so that both ask the one decision, follow the same
//! attempts and tell the same events.

mod call_back;
mod caller;
mod delivery;
mod http;
mod names;
mod next_boot;
mod pages;
mod seed;
mod test_runs;
mod who;
mod written;

use std::sync::Arc;

use nextboot_files::Content;
use nextboot_model::{Mac, Promise};

pub(crate) use delivery::{End, Ended};
pub(crate) use http::HttpDesk;
pub(crate) use written::Written;

/// What is at a name.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    pub(crate) content: Content,
    pub(crate) receipt: Receipt,
    /// Whether it is the same for whoever asks, so that a cache may give it to others.
    pub(crate) for_all: bool,
}

/// What a delivery means once it has ended. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) enum Receipt {
    /// A file, and who fetches it, as far as known.
    File { name: Arc<str>, mac: Option<Mac> },
    /// A loader's configuration, written under a plan.
    Configuration {
        name: Arc<str>,
        /// The machine that it is for.
        mac: Option<Mac>,
        /// Whether that machine itself fetches it, and not somebody who wants to look.
        own: bool,
        promise: Arc<Promise>,
    },
    /// A seed.
    Seed { name: Arc<str>, mac: Option<Mac> },
    /// A text that only says why there is nothing.
    Note,
}

impl Receipt {
    /// The name that was asked for.
    pub(crate) fn name(&self) -> Option<&str> {
        match self {
            Self::File { name, .. } | Self::Configuration { name, .. } | Self::Seed { name, .. } => {
                Some(name)
            }
            Self::Note => None,
        }
    }

    /// A cache gave the configuration on, and may have the kernel that it names, by a name relative to its own: that we would
    /// never hear of. So the configuration alone counts, as where another server has the kernel; otherwise an installer that
    /// never calls back would be delivered for ever. GRUB's and iPXE's configurations name us, and those fetch from us.
    fn rest_may_come_from_a_cache(&mut self) {
        if let Self::Configuration { name, promise, .. } = self
            && name.contains("pxelinux.cfg/")
        {
            let promise = Arc::make_mut(promise);
            promise.needs.clear();
            promise.kernels.clear();
        }
    }

    /// The machine that it is about.
    pub(crate) fn mac(&self) -> Option<Mac> {
        match self {
            Self::File { mac, .. } | Self::Configuration { mac, .. } | Self::Seed { mac, .. } => *mac,
            Self::Note => None,
        }
    }
}

/// Why somebody gets nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refused {
    /// There is nothing at that name for this machine.
    #[error("{0}")]
    NotFound(String),
    /// There is, but not for this machine.
    #[error("{0}")]
    Forbidden(String),
    /// It worked once.
    #[error("{0}")]
    Gone(String),
    /// It cannot be written.
    #[error("{0}")]
    Template(String),
    /// Something of ours failed.
    #[error("{0}")]
    Failed(String),
}
