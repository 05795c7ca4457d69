use crate::{
    Tree,
    pxelinux::{Menu, read::MAX_TEXT},
};

/// Files within files that are followed; PXELINUX itself stops at 8.
const MAX_DEPTH: u32 = 8;
/// Most files that one configuration takes in.
const MAX_FILES: u32 = 64;

impl Menu {
    /// As [`Menu::read`], with what `INCLUDE` and `MENU INCLUDE` name taken in from the tree: the entries of Debian's own
    /// netboot menus all stand in such files. What is not there is passed over, as PXELINUX does.
    #[must_use]
    pub fn read_all(tree: &dyn Tree, text: &[u8]) -> Self {
        let mut whole = Vec::new();
        take_in(tree, text, &mut whole, MAX_DEPTH, &mut { MAX_FILES });
        Self::read(&whole)
    }
}

fn take_in(tree: &dyn Tree, text: &[u8], whole: &mut Vec<u8>, depth: u32, files: &mut u32) {
    for line in text.split(|byte| *byte == b'\n') {
        if whole.len() + line.len() >= MAX_TEXT {
            return;
        }
        let included = included(line).filter(|_| depth > 0 && *files > 0);
        if let Some(name) = included {
            *files -= 1;
            if let Some(text) = tree.read(name) {
                take_in(tree, &text, whole, depth - 1, files);
            }
        } else {
            whole.extend_from_slice(line);
            whole.push(b'\n');
        }
    }
}

/// The name in a line that takes in another file.
fn included(line: &[u8]) -> Option<&str> {
    let mut words = std::str::from_utf8(line).ok()?.split_whitespace();
    let mut word = words.next()?;
    if word.eq_ignore_ascii_case("menu") {
        word = words.next()?;
    }
    word.eq_ignore_ascii_case("include").then(|| words.next()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MemoryTree;

    fn tree(files: &[(&str, &str)]) -> MemoryTree {
        let files =
            files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned().into())).collect();
        MemoryTree { files, ..MemoryTree::default() }
    }

    /// The shape of the files in Debian's netboot archive.
    #[test]
    fn the_entries_of_debians_menu_are_found() {
        let tree = tree(&[
            (
                "d-i/menu.cfg",
                "menu hshift 7\ninclude d-i/txt.cfg\nmenu begin advanced\n\tinclude d-i/adtxt.cfg\nmenu end\n",
            ),
            (
                "d-i/txt.cfg",
                "label install\n\tmenu label ^Install\n\tkernel d-i/linux\n\tappend initrd=d-i/initrd.gz --- quiet\n",
            ),
            (
                "d-i/adtxt.cfg",
                "label expert\n\tkernel d-i/linux\n\tappend priority=low initrd=d-i/initrd.gz ---\n",
            ),
        ]);
        let menu = Menu::read_all(
            &tree,
            b"path d-i/\ninclude d-i/menu.cfg\ndefault d-i/vesamenu.c32\nMENU INCLUDE gone.cfg x\n",
        );
        let names: Vec<_> = menu.labels.iter().map(|label| label.name.as_str()).collect();
        assert_eq!(names, ["install", "expert"]);
        assert_eq!(menu.labels[0].initrds, ["d-i/initrd.gz"]);
    }

    #[test]
    fn files_that_take_in_each_other_end() {
        let tree = tree(&[
            ("a", "include a\ninclude a\ninclude a\nlabel x\n"),
            ("big", &format!("include big2\n{}", "# filler\n".repeat(20_000))),
            ("big2", &"# filler\n".repeat(20_000)),
        ]);
        assert!(Menu::read_all(&tree, b"include a\n").labels.len() <= 64);
        let _ = Menu::read_all(&tree, b"include big\ninclude big\nlabel y\n");
    }
}
