use std::collections::BTreeMap;

use nextboot_model::{Class, LoaderName, ProfileName};
use serde::Serialize;

use crate::{Kind, pxelinux};

/// A thing that a host can boot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Profile {
    /// Its name.
    pub name: ProfileName,
    /// A line for people.
    pub title: Option<String>,
    /// What booting it does to the machine.
    pub class: Class,
    /// What there is to boot.
    pub body: Body,
    /// The template that is rendered as the host's seed: a name beneath the seeds directory.
    pub seed: Option<String>,
    /// The loaders that it wants, whatever the site's table says.
    #[serde(skip)]
    pub loaders: OwnLoaders,
}

/// The loaders that a profile wants, and what it tells them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OwnLoaders {
    /// For machines of these kinds.
    pub by_kind: BTreeMap<Kind, LoaderName>,
    /// For all others.
    pub any: Option<LoaderName>,
    /// What PXELINUX is told, before what the site says.
    pub pxelinux: pxelinux::Options,
}

/// What a profile consists of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Body {
    /// The host's own disk.
    Local,
    /// A PXELINUX configuration that stands in the tree under this name and is served to the byte.
    File(String),
    /// A kernel, written out for whichever loader asks.
    Linux(Linux),
    /// An image of a disc, by its name beneath the roots or a whole `http://` address: iPXE reads from it what the machine wants,
    /// as from a drive.
    Iso(String),
}

/// A kernel and what goes with it. Names are beneath the roots, or whole `http://` addresses.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Linux {
    /// The kernel.
    pub kernel: String,
    /// Initial RAM disks, in order.
    pub initrds: Vec<String>,
    /// The kernel's command line: a template, one line once rendered.
    pub args: String,
}

impl Profile {
    /// The built-in `local`.
    #[must_use]
    pub fn local() -> Self {
        Self {
            name: ProfileName::local(),
            title: None,
            class: Class::Local,
            body: Body::Local,
            seed: None,
            loaders: OwnLoaders::default(),
        }
    }
}
