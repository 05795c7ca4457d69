use std::{collections::BTreeMap, fmt, str::FromStr};

use nextboot_model::ProfileName;

use crate::{Tree, answer::clean};

/// Longest name of a directory of profiles, in bytes.
const MAX_DIRECTORY: usize = 1024;

/// A directory whose files are profiles: all of them (`pxelinux.cfg/conf`), or those whose names fit
/// (`pxelinux.cfg/profiles/*.prof`; what stands for the `*` is the profile's name).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileDir {
    directory: String,
    before: String,
    after: String,
}

/// The text names no directory of profiles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "use a directory beneath the roots, e.g. \"pxelinux.cfg/conf\", or one and how its files are called, with one * for the \
     profile's name: \"pxelinux.cfg/profiles/*.prof\""
)]
pub struct BadProfileDir;

impl ProfileDir {
    /// The file of a profile of that name.
    #[must_use]
    pub fn file(&self, name: &ProfileName) -> String {
        let Self { directory, before, after } = self;
        if directory.is_empty() {
            format!("{before}{name}{after}")
        } else {
            format!("{directory}/{before}{name}{after}")
        }
    }

    /// The name of the profile whose file this is, if it is one.
    #[must_use]
    pub fn name_of(&self, file: &str) -> Option<ProfileName> {
        let inside = match self.directory.as_str() {
            "" => file,
            directory => file.strip_prefix(directory)?.strip_prefix('/')?,
        };
        inside.strip_prefix(self.before.as_str())?.strip_suffix(self.after.as_str())?.parse().ok()
    }
}

impl FromStr for ProfileDir {
    type Err = BadProfileDir;

    fn from_str(text: &str) -> Result<Self, BadProfileDir> {
        let sound = (1..=MAX_DIRECTORY).contains(&text.len())
            && !text.contains(['\\', ':'])
            && !text.chars().any(char::is_control)
            && !text.split('/').any(|part| part == "..");
        if !sound {
            return Err(BadProfileDir);
        }
        let whole = |directory: String| Self { directory, before: String::new(), after: String::new() };
        let directory = match text.rsplit_once('/').unwrap_or(("", text)) {
            (directory, last) if last.contains('*') => {
                let (before, after) = last.split_once('*').ok_or(BadProfileDir)?;
                Self { before: before.to_owned(), after: after.to_owned(), ..whole(clean(directory)) }
            }
            _ => whole(clean(text)),
        };
        // Everything in the root would be a profile, and a second star stands for nothing.
        let names_something = !directory.directory.is_empty() || !directory.after.is_empty();
        let stars = [&directory.directory, &directory.after].iter().any(|part| part.contains('*'));
        if names_something && !stars { Ok(directory) } else { Err(BadProfileDir) }
    }
}

impl fmt::Display for ProfileDir {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { directory, before, after } = self;
        match (before.as_str(), after.as_str(), directory.as_str()) {
            ("", "", _) => out.write_str(directory),
            (_, _, "") => write!(out, "{before}*{after}"),
            _ => write!(out, "{directory}/{before}*{after}"),
        }
    }
}

/// What pxe-pilot calls a directory of profiles: the boot loader that they are for. Nothing is decided by it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bootloader {
    /// Its name.
    pub name: String,
    /// The file that machines load.
    pub file: String,
    /// Where it looks for its configuration.
    pub config_path: String,
    /// The profiles for it.
    pub directory: ProfileDir,
}

/// Where file profiles stand beneath the roots. Of two files that are profiles of one name, the one in the earlier directory is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileDirs(Vec<ProfileDir>);

/// A file that is no profile because an earlier directory has one of that name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hidden {
    /// The name.
    pub name: ProfileName,
    /// The file that is the profile.
    pub file: String,
    /// The file that is not.
    pub hidden: String,
}

impl Default for ProfileDirs {
    /// pxe-pilot's `pxelinux.cfg/conf/NAME`, then pxemngr's `pxelinux.cfg/profiles/NAME.prof`.
    fn default() -> Self {
        let plain = |directory: &str, after: &str| ProfileDir {
            directory: directory.to_owned(),
            before: String::new(),
            after: after.to_owned(),
        };
        Self(vec![plain("pxelinux.cfg/conf", ""), plain("pxelinux.cfg/profiles", ".prof")])
    }
}

impl ProfileDirs {
    /// These directories, best first; each once.
    #[must_use]
    pub fn new(directories: impl IntoIterator<Item = ProfileDir>) -> Self {
        let mut all: Vec<ProfileDir> = Vec::new();
        for directory in directories {
            if !all.contains(&directory) {
                all.push(directory);
            }
        }
        Self(all)
    }

    /// The directories, best first.
    pub fn iter(&self) -> impl Iterator<Item = &ProfileDir> {
        self.0.iter()
    }

    /// The file that is the profile of that name, and what stands in it.
    pub(crate) fn find(&self, tree: &dyn Tree, name: &ProfileName) -> Option<String> {
        self.0.iter().map(|directory| directory.file(name)).find(|file| tree.read(file).is_some())
    }

    /// True when a profile of that name could stand in this file.
    pub(crate) fn may_be(&self, name: &ProfileName, file: &str) -> bool {
        self.0.iter().any(|directory| directory.file(name) == file)
    }

    /// The name of the profile that could stand in this file.
    pub(crate) fn name_of(&self, file: &str) -> Option<ProfileName> {
        self.0.iter().find_map(|directory| directory.name_of(file))
    }

    /// Every file that may be a profile, by the profile's name; of each name the best first.
    fn files(&self, tree: &dyn Tree) -> BTreeMap<ProfileName, Vec<String>> {
        let mut files: BTreeMap<ProfileName, Vec<String>> = BTreeMap::new();
        for directory in &self.0 {
            for file in tree.list(&directory.directory) {
                let file = match directory.directory.as_str() {
                    "" => file,
                    beneath => format!("{beneath}/{file}"),
                };
                if let Some(name) = directory.name_of(&file) {
                    files.entry(name).or_default().push(file);
                }
            }
        }
        files
    }

    /// The names of all profiles that are files.
    pub(crate) fn names(&self, tree: &dyn Tree) -> impl Iterator<Item = ProfileName> {
        self.files(tree).into_keys()
    }

    /// The files that are no profiles because others are.
    #[must_use]
    pub fn hidden(&self, tree: &dyn Tree) -> Vec<Hidden> {
        let mut hidden = Vec::new();
        for (name, files) in self.files(tree) {
            let mut files = files.into_iter().filter(|file| tree.read(file).is_some());
            let Some(first) = files.next() else { continue };
            let others = files.filter(|file| *file != first);
            hidden.extend(others.map(|other| Hidden {
                name: name.clone(),
                file: first.clone(),
                hidden: other,
            }));
        }
        hidden
    }
}

impl fmt::Display for Hidden {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, file, hidden } = self;
        write!(out, "{hidden} is no profile, because {file} is {name} already; give one of them another name")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MemoryTree;

    fn dirs(texts: &[&str]) -> ProfileDirs {
        ProfileDirs::new(texts.iter().map(|text| text.parse().unwrap()))
    }

    fn tree(files: &[&str]) -> MemoryTree {
        let files = files.iter().map(|name| ((*name).to_owned(), "DEFAULT x\n".into())).collect();
        MemoryTree { files, ..MemoryTree::default() }
    }

    #[test]
    fn a_star_stands_for_the_profiles_name() {
        let local = ProfileName::local();
        for (text, file) in [
            ("pxelinux.cfg/conf", "pxelinux.cfg/conf/local"),
            ("/pxelinux.cfg//conf/", "pxelinux.cfg/conf/local"),
            ("pxelinux.cfg/profiles/*.prof", "pxelinux.cfg/profiles/local.prof"),
            ("boot/pxe-*", "boot/pxe-local"),
            ("*.prof", "local.prof"),
        ] {
            let directory: ProfileDir = text.parse().unwrap();
            assert_eq!(directory.file(&local), file, "{text}");
            assert_eq!(directory.name_of(file), Some(local.clone()), "{text}");
            assert_eq!(directory.to_string().parse(), Ok(directory), "{text}");
        }
        let profiles: ProfileDir = "profiles/*.prof".parse().unwrap();
        for file in ["profiles/local", "profiles/.prof", "profiles/a/b.prof", "local.prof", "profiles"] {
            assert_eq!(profiles.name_of(file), None, "{file}");
        }
        for text in ["", "/", "*", "a/../b", "a/*/b", "a/*.*", "a\\b", "C:/x"] {
            assert_eq!(text.parse::<ProfileDir>(), Err(BadProfileDir), "{text}");
        }
    }

    #[test]
    fn of_one_name_in_two_directories_the_first_is_the_profile_and_the_other_is_named() {
        let dirs = dirs(&["conf", "profiles/*.prof"]);
        let tree = tree(&["conf/local", "profiles/local.prof", "profiles/inst.prof", "profiles/notes.txt"]);
        let find = |name: &str| dirs.find(&tree, &name.parse().unwrap());
        assert_eq!(find("local").as_deref(), Some("conf/local"));
        assert_eq!(find("inst").as_deref(), Some("profiles/inst.prof"));
        assert_eq!(find("notes.txt"), None);
        let names: Vec<String> = dirs.names(&tree).map(String::from).collect();
        assert_eq!(names, ["inst", "local"]);
        let hidden: Vec<String> = dirs.hidden(&tree).iter().map(ToString::to_string).collect();
        assert_eq!(
            hidden,
            [
                "profiles/local.prof is no profile, because conf/local is local already; give one of them another name"
            ]
        );
    }
}
