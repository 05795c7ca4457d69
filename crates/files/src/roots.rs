use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use rustix::fs::{Mode, OFlags};

use crate::beneath::{self, READ};
use crate::shared::Shared;
use crate::{Content, DEFAULT_LOADERS, LayoutError, Name, OpenError, ReadError, loaders};

/// Which directories to serve. All paths are absolute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// The directories whose files have names: at least one. The first that has a name wins.
    pub roots: Vec<PathBuf>,
    /// Where to look for a boot loader that no root has; missing directories are skipped.
    pub loaders: Vec<PathBuf>,
    /// Directories that links in the roots may lead into, without giving names to their files.
    pub extra_roots: Vec<PathBuf>,
}

impl Layout {
    /// One root, the distribution's loaders, no extra root.
    #[must_use]
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self {
            roots: vec![root.into()],
            loaders: DEFAULT_LOADERS.iter().map(PathBuf::from).collect(),
            extra_roots: Vec::new(),
        }
    }
}

/// The directories that are served. Cheap to clone; clones share what is open.
#[derive(Debug, Clone)]
pub struct Roots(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    roots: Vec<Root>,
    loaders: Vec<PathBuf>,
    /// All roots and extra roots: where a link may end.
    trusted: Vec<PathBuf>,
    shared: Shared,
}

/// One root and its path as the beginning of a name.
#[derive(Debug)]
pub(crate) struct Root {
    pub(crate) path: PathBuf,
    own_name: Option<Name>,
}

impl Roots {
    /// Checks that the directories can be served. Nothing is kept open: a directory may be replaced while it is served.
    ///
    /// # Errors
    /// [`LayoutError`] names the directory, or says that the kernel is too old.
    pub fn open(layout: &Layout) -> Result<Self, LayoutError> {
        if !beneath::is_supported() {
            return Err(LayoutError::NoOpenat2);
        }
        if layout.roots.is_empty() {
            return Err(LayoutError::NoRoot);
        }
        for path in layout.roots.iter().chain(&layout.extra_roots).chain(&layout.loaders) {
            if path.is_relative() {
                return Err(LayoutError::Relative { path: path.clone() });
            }
        }
        for path in layout.roots.iter().chain(&layout.extra_roots) {
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
            rustix::fs::open(path, flags, Mode::empty())
                .map_err(|errno| LayoutError::Directory { path: path.clone(), source: errno.into() })?;
        }
        Ok(Self(Arc::new(Inner {
            roots: layout.roots.iter().cloned().map(Root::new).collect(),
            loaders: layout.loaders.clone(),
            trusted: layout.roots.iter().chain(&layout.extra_roots).cloned().collect(),
            shared: Shared::default(),
        })))
    }

    /// Opens the file behind a name: in the first root that has it, else in the loader directories. It never waits for
    /// anything but the disk, whatever lies there.
    ///
    /// # Errors
    /// [`OpenError`]; an entry that is there but cannot be served hides those of later roots.
    pub fn get(&self, name: &Name) -> Result<Content, OpenError> {
        match self.get_in_roots(name) {
            Err(OpenError::NotFound) => self.get_loader(name),
            done => done,
        }
    }

    /// As [`get`](Self::get), on a thread that may wait.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub async fn fetch(&self, name: &Name) -> Result<Content, OpenError> {
        let (roots, name) = (self.clone(), name.clone());
        let open = move || roots.get(&name);
        tokio::task::spawn_blocking(open)
            .await
            .map_err(|error| OpenError::Failed(std::io::Error::other(error)))?
    }

    /// As [`get`](Self::get), without the loader directories.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub fn get_in_roots(&self, name: &Name) -> Result<Content, OpenError> {
        for root in self.roots() {
            match self.get_in(root, name) {
                Err(OpenError::NotFound) => {}
                done => return done,
            }
        }
        Err(OpenError::NotFound)
    }

    /// Reads a whole small file, such as a configuration, from the roots.
    ///
    /// # Errors
    /// [`OpenError::TooLarge`] when it has more than `max` bytes; [`OpenError::Failed`] when it is being changed just now.
    pub fn read_small(&self, name: &Name, max: u64) -> Result<Bytes, OpenError> {
        read_whole(&self.get_in_roots(name)?, max)
    }

    pub(crate) fn roots(&self) -> &[Root] {
        &self.0.roots
    }

    pub(crate) fn trusted(&self) -> &[PathBuf] {
        &self.0.trusted
    }

    pub(crate) fn get_in(&self, root: &Root, name: &Name) -> Result<Content, OpenError> {
        match self.open_file(&root.path, name.as_str(), self.trusted()) {
            Err(OpenError::NotFound) => {
                let inside = root.own_name.as_ref().and_then(|own| name.strip_prefix(own.as_str()));
                let inside = inside.ok_or(OpenError::NotFound)?;
                self.open_file(&root.path, inside.as_str(), self.trusted())
            }
            done => done,
        }
    }

    fn get_loader(&self, name: &Name) -> Result<Content, OpenError> {
        for (directory, file) in loaders::candidates(&self.0.loaders, name) {
            // Distributions link between these directories, so each may lead into all.
            match self.open_file(directory, file, &self.0.loaders) {
                Err(OpenError::NotFound) => {}
                done => return done,
            }
        }
        Err(OpenError::NotFound)
    }

    fn open_file(&self, root: &Path, path: &str, trusted: &[PathBuf]) -> Result<Content, OpenError> {
        let file = beneath::open_trusting(root, path, trusted, READ)?;
        let stat = beneath::regular(&file)?;
        Ok(Content::file(self.0.shared.adopt(file, &stat)))
    }
}

impl Root {
    fn new(path: PathBuf) -> Self {
        let own_name = path.to_str().and_then(|path| Name::parse(path).ok());
        Self { path, own_name }
    }

    /// The name of a file in this root that an absolute path leads to, written with the root's path as configured or as it
    /// is without links; `None` when it leads elsewhere.
    pub(crate) fn name_of(&self, absolute: &str) -> Option<Name> {
        let absolute = Name::parse(absolute).ok()?;
        let inside = |root: &Name| absolute.strip_prefix(root.as_str());
        self.own_name.as_ref().and_then(inside).or_else(|| {
            let canonical = std::fs::canonicalize(&self.path).ok()?;
            inside(&Name::parse(canonical.to_str()?).ok()?)
        })
    }
}

/// All bytes of content that has at most `max`.
fn read_whole(content: &Content, max: u64) -> Result<Bytes, OpenError> {
    let too_large = OpenError::TooLarge { len: content.len(), max };
    if content.len() > max {
        return Err(too_large);
    }
    let mut bytes = vec![0; usize::try_from(content.len()).map_err(|_| too_large)?];
    match content.read_at_blocking(0, &mut bytes) {
        Ok(_) => Ok(bytes.into()),
        Err(ReadError::Failed(error)) => Err(OpenError::Failed(error)),
        Err(changed) => Err(OpenError::Failed(std::io::Error::other(changed))),
    }
}
