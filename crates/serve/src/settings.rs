use std::{
    io::Read as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use nextboot_boot::{Site, Unknown};
use nextboot_config::{Complaint, Config, Files, PxePilot};
use nextboot_files::{Layout, LayoutError, Roots};
use nextboot_model::ProfileName;

use crate::{appliance::Settings, beside, loaders, tree::DiskTree};

/// Largest configuration file, in bytes.
const MAX_CONFIG: u64 = 1024 * 1024;
/// Largest configuration of another program, in bytes: that has the hosts in it.
const MAX_FOREIGN: u64 = 4 * 1024 * 1024;

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BadConfig {
    /// The file cannot be read.
    #[error("cannot read {file}: {source}")]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What the kernel said.
        source: std::io::Error,
    },
    /// The file is not text, or far too long.
    #[error("{file} is not a configuration: it is not UTF-8 text of at most {most} bytes")]
    NotText {
        /// The file.
        file: PathBuf,
        /// How long it may be.
        most: u64,
    },
    /// What is wrong with it, line by line.
    #[error("{0}")]
    Wrong(#[from] nextboot_config::Complaints),
    /// dnsmasq would not start with its own file either: what is wrong, line by line.
    #[error("{0}")]
    Dnsmasq(String),
    /// There is no such profile for unknown machines.
    #[error(
        "boot.unknown: there is no profile {0}; describe it in [profiles.{0}], or put a file of that name into one of [boot] profile_dirs"
    )]
    NoProfile(ProfileName),
    /// A directory that it names cannot be served.
    #[error("{place}: {source}; make the directory, or name another")]
    Directory {
        /// Which key names it.
        place: &'static str,
        /// Why it cannot.
        source: LayoutError,
    },
}

/// Where a configuration comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Source {
    /// Our own file; without one the defaults hold.
    pub file: Option<PathBuf>,
    /// pxe-pilot's file, instead of the one that our own names.
    pub pxe_pilot: Option<PathBuf>,
}

/// Reads and checks a configuration, with those of other programs that it names. Nothing is bound and nothing is written.
///
/// # Errors
/// What is wrong, and where.
pub fn load(source: &Source) -> Result<Config, BadConfig> {
    let mut config = match &source.file {
        Some(file) => Config::parse(&read(file, MAX_CONFIG)?, file)?,
        None => Config::default(),
    };
    if let Some(file) = &source.pxe_pilot {
        config.compat.pxe_pilot = Some(file.clone());
    }
    if let Some(file) = config.compat.pxe_pilot.clone() {
        let pilot = PxePilot::parse(&read(&file, MAX_FOREIGN)?, &file)?;
        config.take_pxe_pilot(pilot, &file)?;
    }
    Ok(config)
}

/// A file's text, when it is a regular file of at most `most` bytes.
fn read(file: &Path, most: u64) -> Result<String, BadConfig> {
    let unreadable = |source| BadConfig::Unreadable { file: file.to_owned(), source };
    let not_text = || BadConfig::NotText { file: file.to_owned(), most };
    let opened = std::fs::File::open(file).map_err(unreadable)?;
    let mut bytes = Vec::new();
    opened.take(most + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > most {
        return Err(not_text());
    }
    String::from_utf8(bytes).map_err(|_| not_text())
}

impl Settings {
    /// Makes of a configuration what the appliance works with.
    pub(crate) fn new(config: Config) -> Result<Self, BadConfig> {
        let roots = open_roots(&config.files)?;
        let seeds = &config.files.seeds;
        // A site without seeds needs no directory for them.
        let seeds = seeds.exists().then(|| seeds_in(seeds)).transpose()?;
        let tree = Arc::new(DiskTree(roots.clone()));
        if let Unknown::Profile(name) = &config.site.unknown
            && config.site.profile(&*tree, name).is_none()
        {
            return Err(BadConfig::NoProfile(name.clone()));
        }
        let absent = loaders::absent(&config.site, &roots);
        let site = Arc::new(Site { absent, ..config.site.clone() });
        Ok(Self { site, roots, tree, seeds, config })
    }

    /// Files that are no profiles because others are, one line each.
    pub(crate) fn hidden_profiles(&self) -> Vec<String> {
        self.site.profile_dirs.hidden(&*self.tree).iter().map(ToString::to_string).collect()
    }
}

/// Checks that a configuration's directories can be served, and reads dnsmasq's files where it names them. Returns the whole
/// configuration, and what looks wrong about its profiles and the loaders that it names, or is not taken over of dnsmasq's files,
/// one line each; none of that keeps it from serving.
///
/// # Errors
/// Which directory cannot, and why; what is wrong in dnsmasq's files.
pub fn check_files(config: &Config) -> Result<(Config, Vec<String>), BadConfig> {
    let whole = beside::whole(config.clone())?;
    let settings = Settings::new(whole.config)?;
    let mut doubts: Vec<String> = whole.notes.iter().map(ToString::to_string).collect();
    doubts.extend(settings.hidden_profiles());
    let compat = &settings.config.compat;
    if let (Some(pilot), Some(file)) = (&compat.pilot, &compat.pxe_pilot) {
        let note = |note: &Complaint| format!("{}:{}: {note}", file.display(), note.line);
        doubts.extend(pilot.notes.iter().map(note));
    }
    doubts.extend(loaders::doubts(&settings.site, &settings.roots));
    Ok((settings.config, doubts))
}

fn open_roots(files: &Files) -> Result<Roots, BadConfig> {
    let layout = Layout {
        roots: files.roots.clone(),
        loaders: files.search_path.clone(),
        extra_roots: files.extra_roots.clone(),
    };
    Roots::open(&layout).map_err(|source| BadConfig::Directory { place: "tftp.roots", source })
}

fn seeds_in(directory: &Path) -> Result<Roots, BadConfig> {
    let layout = Layout { roots: vec![directory.to_owned()], loaders: Vec::new(), extra_roots: Vec::new() };
    Roots::open(&layout).map_err(|source| BadConfig::Directory { place: "boot.seeds", source })
}
