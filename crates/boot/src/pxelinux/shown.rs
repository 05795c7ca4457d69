use crate::{
    Linux,
    pxelinux::{Boot, Menu, Untranslatable, read::kernel},
};

/// One entry in words that every loader has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// What a menu shows.
    pub title: String,
    /// The kernel; nothing for the local disk.
    pub linux: Option<Linux>,
    /// The bits of `SYSAPPEND`.
    pub sysappend: u32,
}

/// What a machine does with a configuration when another loader reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown {
    /// It boots this at once.
    One(Entry),
    /// It shows a menu.
    Menu {
        /// The heading.
        title: Option<String>,
        /// The entries, of which there is one at least.
        entries: Vec<Entry>,
        /// Which of them is booted when nobody touches a key.
        default: usize,
        /// After how many tenths of a second; nothing where it waits for ever.
        timeout: Option<u32>,
        /// The names of the entries that only a SYSLINUX loader can run.
        left_out: Vec<String>,
    },
}

impl Menu {
    /// What this configuration does, as far as other loaders can follow it.
    ///
    /// # Errors
    /// When what it boots by default is something that only a SYSLINUX loader can run.
    pub fn shown(&self) -> Result<Shown, Untranslatable> {
        let by_module = match &self.default {
            Some(default) => {
                self.named(first_word(default)).is_none_or(|label| matches!(label.boot, Boot::Module(_)))
            }
            None => false,
        };
        let module =
            self.default.as_deref().map(first_word).filter(|word| by_module && word.ends_with("menu.c32"));
        if self.ui.is_none() && module.is_none() && !self.prompt {
            return self.at_once().map(Shown::One);
        }
        let mut entries = Vec::new();
        let mut left_out = Vec::new();
        let mut default = None;
        for label in &self.labels {
            let entry = Entry::of(label);
            let chosen = match self.marked() {
                Some(marked) => std::ptr::eq(marked, label),
                None => self.is_default(&label.name),
            };
            match entry {
                _ if label.withheld => {}
                Some(entry) => {
                    default = default.or_else(|| chosen.then_some(entries.len()));
                    entries.push(entry);
                }
                None if chosen => return Err(Untranslatable::Module(label.name.clone())),
                None => left_out.push(label.name.clone()),
            }
        }
        if entries.is_empty() {
            return Err(Untranslatable::Empty);
        }
        let timeout = Some(self.timeout).filter(|timeout| *timeout > 0);
        let title = self.title.clone();
        Ok(Shown::Menu { title, entries, default: default.unwrap_or(0), timeout, left_out })
    }

    /// What is booted when no menu and no prompt comes before: an entry, one with more arguments, or a bare command line.
    fn at_once(&self) -> Result<Entry, Untranslatable> {
        let default = self.default.as_deref().unwrap_or("");
        let (word, more) = default.split_once(char::is_whitespace).unwrap_or((default, ""));
        let bare = match kernel(word) {
            Boot::Kernel(_) if !word.is_empty() && self.named(word).is_none() && self.marked().is_none() => {
                Some(Self::read(format!("LABEL {word}\nLINUX {word}\nAPPEND {more}\n").as_bytes()))
            }
            _ => None,
        };
        let menu = bare.as_ref().unwrap_or(self);
        let label = if bare.is_some() {
            menu.labels.first().ok_or(Untranslatable::Empty)?
        } else {
            menu.default_label()?
        };
        let mut entry = Entry::of(label).ok_or(Untranslatable::Empty)?;
        if bare.is_none()
            && self.is_default(&label.name)
            && let Some(linux) = entry.linux.as_mut().filter(|_| !more.trim().is_empty())
        {
            linux.args = format!("{} {}", linux.args, more.trim()).trim().to_owned();
        }
        Ok(entry)
    }

    fn named(&self, name: &str) -> Option<&super::Label> {
        self.labels.iter().find(|label| label.name.eq_ignore_ascii_case(name))
    }

    fn is_default(&self, name: &str) -> bool {
        self.default.as_deref().is_some_and(|default| first_word(default).eq_ignore_ascii_case(name))
    }
}

impl Entry {
    fn of(label: &super::Label) -> Option<Self> {
        let linux = label.as_linux();
        if linux.is_none() && !matches!(label.boot, Boot::Local(_)) {
            return None;
        }
        let title = label.title.clone().unwrap_or_else(|| label.name.clone());
        Some(Self { name: label.name.clone(), title, linux, sysappend: label.sysappend })
    }
}

fn first_word(text: &str) -> &str {
    text.split_whitespace().next().unwrap_or("")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Result<Shown, Untranslatable> {
        Menu::read(text.as_bytes()).shown()
    }

    #[test]
    fn without_a_menu_the_default_boots_at_once_with_its_own_arguments() {
        let text =
            "PROMPT 0\nDEFAULT b single\nLABEL a\nLOCALBOOT 0\nLABEL b\nLINUX /k\nAPPEND quiet\nIPAPPEND 2\n";
        let Ok(Shown::One(entry)) = shown(text) else { panic!("{:?}", shown(text)) };
        assert_eq!((entry.name.as_str(), entry.sysappend), ("b", 2));
        assert_eq!(entry.linux.unwrap().args, "quiet single");
        let Ok(Shown::One(bare)) = shown("DEFAULT vmlinuz initrd=a,b quiet\n") else {
            panic!("a bare command line")
        };
        let linux = bare.linux.unwrap();
        assert_eq!(
            (linux.kernel.as_str(), linux.args.as_str(), linux.initrds.len()),
            ("vmlinuz", "quiet", 2)
        );
        assert_eq!(shown("DEFAULT memtest.bin\n"), Err(Untranslatable::Module("memtest.bin".into())));
    }

    #[test]
    fn a_menu_keeps_its_titles_its_default_and_its_timeout() {
        let text = "UI vesamenu.c32\nMENU TITLE Choose\nTIMEOUT 50\nLABEL a\nMENU LABEL ^Own disk\nLOCALBOOT 0\n\
                    LABEL b\nMENU DEFAULT\nTEXT HELP\nDEFAULT nonsense\nLABEL nonsense\nENDTEXT\nLINUX k\n\
                    LABEL c\nCOM32 hdt.c32\nLABEL d\nMENU PASSWD x\nLINUX secret\n";
        let Ok(Shown::Menu { title, entries, default, timeout, left_out }) = shown(text) else {
            panic!("{:?}", shown(text))
        };
        assert_eq!((title.as_deref(), default, timeout), (Some("Choose"), 1, Some(50)));
        let titles: Vec<_> = entries.iter().map(|entry| entry.title.as_str()).collect();
        assert_eq!(titles, ["Own disk", "b"], "what is behind a password is not offered without one");
        assert_eq!(left_out, ["c"]);
    }

    #[test]
    fn the_first_entry_is_the_default_of_a_menu_that_marks_none_and_no_timeout_waits() {
        for head in ["DEFAULT menu.c32", "DEFAULT boot-screens/vesamenu.c32", "UI menu.c32", "PROMPT 1"] {
            let text = format!("{head}\nLABEL a\nKERNEL a\nLABEL b\nKERNEL b\n");
            let menu = shown(&text);
            assert!(matches!(menu, Ok(Shown::Menu { default: 0, timeout: None, .. })), "{head}: {menu:?}");
        }
        let text = "UI menu.c32\nLABEL a\nMENU DEFAULT\nCOM32 hdt.c32\nLABEL b\nKERNEL b\n";
        assert_eq!(
            shown(text),
            Err(Untranslatable::Module("a".into())),
            "never another entry than the one it marks"
        );
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_have_a_meaning_or_a_reason(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..2000)) {
            let _ = Menu::read(&bytes).shown();
        }

        #[test]
        fn any_lines_have_a_meaning_or_a_reason(lines in proptest::collection::vec(
            "(default|label|menu (default|label|hide|title)|ui|linux|kernel|append|initrd|localboot|timeout|prompt|text help|endtext|sysappend) ?[a-z0-9.= ,]{0,9}", 0..30)) {
            let menu = Menu::read(lines.join("\n").as_bytes());
            if let Ok(Shown::Menu { entries, default, .. }) = menu.shown() {
                proptest::prop_assert!(default < entries.len());
            }
        }
    }
}
