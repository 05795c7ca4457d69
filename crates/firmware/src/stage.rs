use std::fmt;

/// What a machine is about, in the order of a boot. One that chains loaders goes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// It asks for an address and for what to boot.
    Dhcp,
    /// It fetches a loader, or a module of one.
    Loader,
    /// It looks for its loader's configuration.
    Configuration,
    /// It fetches a kernel or an initial RAM disk.
    Kernel,
    /// An installer fetches its seed or calls back.
    Installer,
}

impl Stage {
    /// All of them, in their order.
    pub const ALL: [Self; 5] = [Self::Dhcp, Self::Loader, Self::Configuration, Self::Kernel, Self::Installer];
}

impl fmt::Display for Stage {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(match self {
            Self::Dhcp => "dhcp",
            Self::Loader => "loader",
            Self::Configuration => "configuration",
            Self::Kernel => "kernel",
            Self::Installer => "installer",
        })
    }
}
