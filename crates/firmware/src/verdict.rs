use std::fmt;

/// How a boot ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It runs something.
    Booted(Booted),
    /// It does not, and this is what its screen shows.
    GaveUp(GaveUp),
}

/// What runs at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Booted {
    /// The machine's own disk (or its next boot device).
    Disk,
    /// A network boot program that nobody here can play further.
    Program(String),
    /// Nothing yet: it read its configuration, and was told to go no further ([`crate::Machine::until_kernel`]).
    Configured {
        /// The address of the kernel that it would fetch.
        kernel: String,
    },
    /// A kernel.
    Kernel {
        /// Where it came from, as the loader named it.
        kernel: String,
        /// Its initial RAM disks.
        initrds: Vec<String>,
        /// Its command line.
        args: String,
    },
    /// An installer has run to its end and called back.
    Installed {
        /// The command line it was started with.
        args: String,
        /// The URL it called.
        call_back: String,
    },
}

/// Why nothing runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GaveUp {
    /// The firmware's own code, like `PXE-E53`; or the program that gives up, where it has no codes.
    pub code: &'static str,
    /// The words beside it.
    pub words: String,
}

impl GaveUp {
    pub(crate) fn new(code: &'static str, words: impl Into<String>) -> Self {
        Self { code, words: words.into() }
    }
}

impl fmt::Display for GaveUp {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.code, self.words)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Booted(Booted::Disk) => out.write_str("booted its disk"),
            Self::Booted(Booted::Program(name)) => write!(out, "runs {name}"),
            Self::Booted(Booted::Configured { kernel }) => write!(out, "would fetch {kernel}"),
            Self::Booted(Booted::Kernel { kernel, args, .. }) => {
                write!(out, "runs the kernel {kernel} with {args:?}")
            }
            Self::Booted(Booted::Installed { call_back, .. }) => {
                write!(out, "installed itself and called {call_back}")
            }
            Self::GaveUp(why) => write!(out, "gave up: {why}"),
        }
    }
}
