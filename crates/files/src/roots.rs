use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use crate::beneath::{self, READ};
use crate::kept::Kept;
use crate::look::Absent;
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
    /// Where a link in a root may end: all roots and extra roots.
    trusted: Vec<PathBuf>,
    /// Where a link in a loader directory may end.
    trusted_by_loaders: Vec<PathBuf>,
    shared: Shared,
    kept: Kept,
    absent: Absent,
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
            trusted_by_loaders: layout.loaders.iter().cloned().chain([loaders::LINKED.into()]).collect(),
            shared: Shared::default(),
            kept: Kept::default(),
            absent: Absent::default(),
        })))
    }

    /// Opens the file behind a name: in the first root that has it, else in the loader directories. A SYSLINUX for EFI that
    /// came out of `efi64/` or `efi32/` asks for everything beneath that, so what is not there is looked for without it. It
    /// never waits for anything but the disk, whatever lies there.
    ///
    /// # Errors
    /// [`OpenError`]; an entry that is there but cannot be served hides those of later roots.
    pub fn get(&self, name: &Name) -> Result<Content, OpenError> {
        match self.get_in_roots(name) {
            Err(OpenError::NotFound) => match (self.get_loader(name), loaders::without_flavour(name)) {
                (Err(OpenError::NotFound), Some(plain)) => self.get_in_roots(&plain),
                (done, _) => done,
            },
            done => done,
        }
    }

    /// What [`get`](Self::get) gives when a root has the file and the kernel knows it without asking a disk, so that nobody
    /// waits; nothing in all other cases.
    #[must_use]
    pub fn get_known(&self, name: &Name) -> Option<Content> {
        if let Some(content) = self.0.kept.get(name) {
            return Some(content);
        }
        for (at, root) in self.roots().iter().enumerate() {
            match beneath::open_known(&root.path, name.as_str()) {
                Ok(file) => {
                    let stat = beneath::regular(&file).ok()?;
                    let content = Content::file(self.0.shared.adopt(file, &stat));
                    let before = self.roots().iter().take(at).map(|root| root.path.as_path());
                    self.0.kept.keep(name, &root.path, before, &stat, &content);
                    return Some(content);
                }
                Err(Errno::NOENT) if root.inside(name).is_none() => {}
                Err(_) => return None,
            }
        }
        None
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
        match self.get_known(name) {
            Some(content) => read_whole(&content, max),
            None => read_whole(&self.get_in_roots(name)?, max),
        }
    }

    #[cfg(test)]
    pub(crate) fn kept(&self, name: &Name) -> Option<Content> {
        self.0.kept.get(name)
    }

    pub(crate) fn roots(&self) -> &[Root] {
        &self.0.roots
    }

    pub(crate) fn absent(&self) -> &Absent {
        &self.0.absent
    }

    pub(crate) fn trusted(&self) -> &[PathBuf] {
        &self.0.trusted
    }

    pub(crate) fn get_in(&self, root: &Root, name: &Name) -> Result<Content, OpenError> {
        match self.open_file(&root.path, name.as_str(), self.trusted()) {
            Err(OpenError::NotFound) => {
                let inside = root.inside(name).ok_or(OpenError::NotFound)?;
                self.open_file(&root.path, inside.as_str(), self.trusted())
            }
            done => done,
        }
    }

    fn get_loader(&self, name: &Name) -> Result<Content, OpenError> {
        for (directory, file) in loaders::candidates(&self.0.loaders, name) {
            match self.open_file(directory, file, &self.0.trusted_by_loaders) {
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

    /// The rest of a name that begins with the root's own path.
    pub(crate) fn inside(&self, name: &Name) -> Option<Name> {
        self.own_name.as_ref().and_then(|own| name.strip_prefix(own.as_str()))
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
    if let Some(bytes) = content.as_bytes() {
        return Ok(bytes.clone());
    }
    let mut bytes = vec![0; usize::try_from(content.len()).map_err(|_| too_large)?];
    match content.read_at_blocking(0, &mut bytes) {
        Ok(_) => Ok(bytes.into()),
        Err(ReadError::Failed(error)) => Err(OpenError::Failed(error)),
        Err(changed) => Err(OpenError::Failed(std::io::Error::other(changed))),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::net::UnixListener;

    use proptest::prelude::*;

    use super::*;
    use crate::testing::{Tree, fifo, name, text};

    fn refused(roots: &Roots, sent: &str) -> OpenError {
        text(roots, sent).expect_err(sent)
    }

    #[test]
    fn a_file_has_every_spelling_of_its_name() {
        let tree = Tree::new();
        tree.file("root/grml/vmlinuz", "kernel");
        let roots = tree.roots();
        for sent in [
            "grml/vmlinuz",
            "/grml/vmlinuz",
            "//grml//vmlinuz",
            "./grml/./vmlinuz",
            r"\grml\vmlinuz",
            "x/../grml/vmlinuz",
        ] {
            assert_eq!(text(&roots, sent).unwrap(), "kernel", "{sent}");
        }
        assert!(matches!(refused(&roots, "grml/nothing"), OpenError::NotFound));
        assert!(matches!(refused(&roots, "grml/vmlinuz/x"), OpenError::NotFound));
        assert!(matches!(refused(&roots, &"x/".repeat(512)), OpenError::NotFound));
    }

    #[test]
    fn a_name_may_begin_with_the_roots_own_path() {
        let tree = Tree::new();
        tree.file("root/linux", "kernel");
        let own = tree.path("root/linux");
        assert_eq!(text(&tree.roots(), own.to_str().unwrap()).unwrap(), "kernel");
        let secret = tree.path("secret/key");
        assert!(matches!(refused(&tree.roots(), secret.to_str().unwrap()), OpenError::NotFound));
    }

    #[test]
    fn the_first_root_that_has_a_name_wins() {
        let tree = Tree::new();
        tree.file("root/a", "first");
        tree.file("extra/a", "second");
        tree.file("extra/b", "second");
        let mut layout = tree.layout();
        layout.roots.push(tree.path("extra"));
        let roots = Roots::open(&layout).unwrap();
        assert_eq!(text(&roots, "a").unwrap(), "first");
        assert_eq!(text(&roots, "b").unwrap(), "second");
    }

    #[test]
    fn what_the_kernel_knows_is_what_is_found_otherwise() {
        let tree = Tree::new();
        tree.file("root/a", "first");
        tree.file("root/d/to", "linked");
        tree.link("root/inside", "d/../d/to");
        tree.link("root/out", "@secret/key");
        tree.link("root/extra", "@extra/b");
        tree.file("extra/a", "second");
        tree.file("extra/b", "second");
        fs::create_dir(tree.path("root/directory")).unwrap();
        fifo(&tree.path("root/fifo"));
        tree.file("loaders/pxelinux.0", "from the distribution");
        let mut layout = tree.layout();
        layout.roots.push(tree.path("extra"));
        let roots = Roots::open(&layout).unwrap();
        let own = tree.path("root/a");
        let names =
            ["a", "b", "inside", "out", "extra", "directory", "fifo", "pxelinux.0", "nothing", "d/to"];
        for sent in names.into_iter().chain([own.to_str().unwrap()]) {
            let name = name(sent);
            let found = roots.get(&name);
            let Some(known) = roots.get_known(&name) else { continue };
            assert_eq!(known.etag(), found.unwrap().etag(), "{sent}");
        }
        for sent in ["out", "extra", "directory", "fifo", "pxelinux.0", "nothing"] {
            assert!(roots.get_known(&name(sent)).is_none(), "{sent}");
        }
        tree.file("root/b", "now the first");
        assert_ne!(roots.get_known(&name("b")).map(|b| b.len()), Some(6), "the first root has it now");
    }

    #[test]
    fn a_syslinux_for_efi_finds_the_roots_beneath_its_own_directory() {
        let tree = Tree::new();
        tree.file("root/debian/linux", "kernel");
        tree.file("root/efi32/own", "its own");
        tree.file("root/own", "another");
        let roots = tree.roots();
        assert_eq!(text(&roots, "efi32/debian/linux").unwrap(), "kernel");
        assert_eq!(text(&roots, "efi32/own").unwrap(), "its own");
        assert!(matches!(refused(&roots, "efi16/debian/linux"), OpenError::NotFound));
        assert!(matches!(refused(&roots, "efi32"), OpenError::NotAFile));
    }

    #[test]
    fn links_inside_the_root_work_relative_absolute_and_in_chains() {
        let tree = Tree::new();
        tree.file("root/debian/amd64/pxelinux.cfg/default", "menu");
        tree.link("root/pxelinux.cfg", "debian/amd64/pxelinux.cfg");
        tree.link("root/absolute", "@root/pxelinux.cfg/default");
        tree.link("root/sub/up", "../pxelinux.cfg/default");
        tree.link("root/chain", "sub/up");
        tree.link("root/over", "../root/chain");
        let roots = tree.roots();
        for sent in ["pxelinux.cfg/default", "absolute", "sub/up", "chain", "over"] {
            assert_eq!(text(&roots, sent).unwrap(), "menu", "{sent}");
        }
    }

    #[test]
    fn links_out_of_the_root_are_refused_unless_they_end_in_an_extra_root() {
        let tree = Tree::new();
        tree.file("extra/iso/linux", "kernel");
        tree.link("root/relative", "../secret/key");
        tree.link("root/absolute", "@secret/key");
        tree.link("root/directory", "@secret");
        tree.link("root/chain", "absolute");
        tree.link("extra/back", "@secret/key");
        tree.link("root/through", "@extra/back");
        tree.link("root/passwd", "/etc/passwd");
        tree.link("root/prefix", "@extra-not");
        tree.file("extra-not", "a path that begins alike");
        tree.link("root/fine", "@extra/iso/linux");
        tree.link("root/iso", "@extra/iso");
        let roots = tree.roots();
        for sent in ["relative", "absolute", "directory/key", "chain", "through", "passwd", "prefix"] {
            assert!(matches!(refused(&roots, sent), OpenError::Outside), "{sent}");
        }
        assert_eq!(text(&roots, "fine").unwrap(), "kernel");
        assert_eq!(text(&roots, "iso/linux").unwrap(), "kernel");
        assert!(matches!(refused(&roots, "iso"), OpenError::NotAFile));
    }

    #[test]
    fn magic_links_of_proc_lead_nowhere() {
        let tree = Tree::new();
        let held = fs::File::open(tree.path("secret/key")).unwrap();
        let magic = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&held));
        tree.link("root/magic", &magic);
        assert!(matches!(refused(&tree.roots(), "magic"), OpenError::Outside));
    }

    #[test]
    fn links_that_lead_nowhere_or_in_circles_are_errors() {
        let tree = Tree::new();
        tree.link("root/dangling", "gone");
        tree.link("root/dangling-out", "@gone");
        tree.link("root/self", "self");
        tree.link("root/one", "two");
        tree.link("root/two", "one");
        tree.link("root/far", "@root/far");
        let roots = tree.roots();
        for sent in ["dangling", "dangling-out"] {
            assert!(matches!(refused(&roots, sent), OpenError::NotFound), "{sent}");
        }
        for sent in ["self", "one", "far"] {
            assert!(matches!(refused(&roots, sent), OpenError::Loop), "{sent}");
        }
    }

    #[test]
    fn what_is_not_a_regular_file_is_refused_and_nothing_waits() {
        let tree = Tree::new();
        fs::create_dir(tree.path("root/directory")).unwrap();
        fifo(&tree.path("root/fifo"));
        tree.link("root/to-fifo", "fifo");
        let _socket = UnixListener::bind(tree.path("root/socket")).unwrap();
        let roots = tree.roots();
        for sent in ["directory", "directory/", "fifo", "to-fifo", "socket"] {
            assert!(matches!(refused(&roots, sent), OpenError::NotAFile), "{sent}");
        }
    }

    #[test]
    fn a_root_that_is_replaced_is_seen_by_the_next_request() {
        let tree = Tree::new();
        tree.file("root/a", "old");
        let roots = tree.roots();
        let open = roots.get(&name("a")).unwrap();
        fs::rename(tree.path("root"), tree.path("before")).unwrap();
        assert!(matches!(refused(&roots, "a"), OpenError::NotFound));
        tree.file("root/a", "new");
        assert_eq!(text(&roots, "a").unwrap(), "new");
        let mut bytes = [0; 3];
        open.read_at_blocking(0, &mut bytes).unwrap();
        assert_eq!(&bytes, b"old");
    }

    #[test]
    fn loaders_are_found_when_no_root_has_them() {
        let tree = Tree::new();
        tree.file("loaders/pxelinux.0", "from the distribution");
        tree.file("loaders/real.efi", "efi");
        tree.link("loaders/link.efi", "@loaders/real.efi");
        tree.link("loaders/out", "@secret/key");
        let roots = tree.roots();
        assert_eq!(text(&roots, "pxelinux.0").unwrap(), "from the distribution");
        assert_eq!(text(&roots, "boot/x/pxelinux.0").unwrap(), "from the distribution");
        assert_eq!(text(&roots, "link.efi").unwrap(), "efi");
        assert!(matches!(refused(&roots, "out"), OpenError::Outside));
        assert!(matches!(roots.get_in_roots(&name("pxelinux.0")), Err(OpenError::NotFound)));
        tree.file("root/pxelinux.0", "the site's own");
        assert_eq!(text(&roots, "pxelinux.0").unwrap(), "the site's own");
    }

    #[test]
    fn readers_of_one_file_share_one_descriptor_until_it_is_replaced() {
        let tree = Tree::new();
        tree.file("root/initrd", "one");
        let roots = tree.roots();
        let descriptors = || fs::read_dir("/proc/self/fd").unwrap().count();
        let first = roots.get(&name("initrd")).unwrap();
        let etag = first.etag();
        let before = descriptors();
        let more: Vec<Content> = (0..50).map(|_| roots.get(&name("initrd")).unwrap()).collect();
        // Other tests of this process open files meanwhile, but not fifty.
        assert!(descriptors() < before + 50);
        assert!(more.iter().all(|content| content.etag() == etag));
        tree.file("root/next", "two");
        fs::rename(tree.path("root/next"), tree.path("root/initrd")).unwrap();
        assert_eq!(text(&roots, "initrd").unwrap(), "two");
        assert_ne!(roots.get(&name("initrd")).unwrap().etag(), etag);
    }

    #[test]
    fn small_files_are_read_whole_within_their_bound() {
        let tree = Tree::new();
        tree.file("root/default", "menu");
        tree.file("root/empty", "");
        let roots = tree.roots();
        assert_eq!(roots.read_small(&name("default"), 4).unwrap(), "menu");
        assert_eq!(roots.read_small(&name("empty"), 4).unwrap(), "");
        assert!(matches!(roots.read_small(&name("default"), 3), Err(OpenError::TooLarge { len: 4, max: 3 })));
    }

    #[test]
    fn a_file_that_may_not_be_read_is_denied() {
        let tree = Tree::new();
        tree.file("root/private", "x");
        fs::set_permissions(tree.path("root/private"), fs::Permissions::from_mode(0o000)).unwrap();
        // Root may read everything.
        if !rustix::process::geteuid().is_root() {
            assert!(matches!(refused(&tree.roots(), "private"), OpenError::Denied));
        }
    }

    #[test]
    fn a_layout_that_cannot_be_served_is_refused_by_name() {
        let tree = Tree::new();
        let missing = Layout { roots: vec![tree.path("gone")], ..tree.layout() };
        assert!(
            matches!(Roots::open(&missing), Err(LayoutError::Directory { path, .. }) if path == tree.path("gone"))
        );
        let file = Layout { roots: vec![tree.path("secret/key")], ..tree.layout() };
        assert!(matches!(Roots::open(&file), Err(LayoutError::Directory { .. })));
        let none = Layout { roots: vec![], ..tree.layout() };
        assert!(matches!(Roots::open(&none), Err(LayoutError::NoRoot)));
        let relative = Layout { roots: vec!["tftp".into()], ..tree.layout() };
        assert!(matches!(Roots::open(&relative), Err(LayoutError::Relative { .. })));
        let loaders = Layout { loaders: vec![tree.path("gone")], ..tree.layout() };
        assert!(Roots::open(&loaders).is_ok());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Whatever links lie in the tree and whatever is asked for: the secret never comes out.
        #[test]
        fn nothing_outside_is_ever_served(
            links in proptest::collection::vec(
                (
                    prop_oneof![Just("a"), Just("b"), Just("d/a"), Just("d/b")],
                    prop_oneof![
                        Just("a"), Just("b"), Just("d"), Just("../a"), Just(".."), Just("../.."), Just("../../secret"),
                        Just("../secret/key"), Just("@secret"), Just("@secret/key"), Just("@root"), Just("@root/d/a"),
                        Just("@extra"), Just("@"),
                    ],
                ),
                0..4,
            ),
            asked in proptest::collection::vec(
                prop_oneof![Just("a"), Just("b"), Just("d"), Just(".."), Just("secret"), Just("key"), Just("root")], 1..6,
            ),
        ) {
            let tree = Tree::new();
            for (at, to) in links {
                if fs::symlink_metadata(tree.path("root").join(at)).is_err() {
                    tree.link(&format!("root/{at}"), to);
                }
            }
            if let Ok(name) = Name::parse(&asked.join("/")) {
                prop_assert!(!matches!(tree.roots().read_small(&name, 100), Ok(bytes) if bytes == "secret"));
            }
        }
    }
}
