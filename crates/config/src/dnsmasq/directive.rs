//! The main file and what it includes, as directives.

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
};

use super::{
    line,
    note::{Notes, Place},
    source::{Source, Text},
    table::{self, Argument, Meaning},
};

/// How deep files may include each other.
const MAX_DEPTH: usize = 16;
/// Most files of one configuration.
const MAX_FILES: usize = 256;
/// Most lines of all files together.
const MAX_LINES: usize = 200_000;

/// One directive and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Directive {
    pub(super) place: Place,
    pub(super) name: String,
    /// What it is given; empty where nothing is.
    pub(super) argument: String,
}

impl Directive {
    /// What it is given, between commas.
    pub(super) fn parts(&self) -> Vec<String> {
        line::parts(&self.argument)
    }
}

/// Reads a configuration with all that it includes.
pub(super) struct Reading<'a> {
    source: &'a dyn Source,
    pub(super) notes: Notes,
    pub(super) directives: Vec<Directive>,
    /// The files that were read.
    files: HashSet<PathBuf>,
    lines: usize,
}

impl<'a> Reading<'a> {
    pub(super) fn new(source: &'a dyn Source) -> Self {
        Self { source, notes: Notes::default(), directives: Vec::new(), files: HashSet::new(), lines: 0 }
    }

    /// A file; `by` is the directive that names it.
    pub(super) fn file(&mut self, path: &Path, by: &Place, depth: usize) {
        match self.source.read(path, false) {
            Ok(texts) => {
                for (path, text) in texts {
                    self.text(&path, &text, by, depth);
                }
            }
            Err(why) => self.notes.wrong(by, format!("cannot read {}: {why}", path.display())),
        }
    }

    fn text(&mut self, path: &Path, text: &str, by: &Place, depth: usize) {
        // Whoever names a file twice, or one that names itself, has it read once.
        if !self.files.insert(path.to_owned()) {
            return;
        }
        if depth > MAX_DEPTH || self.files.len() > MAX_FILES {
            let text = format!(
                "{} is not read: files include each other more than {MAX_DEPTH} deep, or there are more than {MAX_FILES}",
                path.display()
            );
            return self.notes.wrong(by, text);
        }
        for (at, line) in text.lines().enumerate() {
            let place = Place { file: path.to_owned(), line: at + 1, live: false };
            self.lines += 1;
            if self.lines > MAX_LINES {
                return self.notes.wrong(&place, format!("there are more than {MAX_LINES} lines"));
            }
            match line::plain(line) {
                Err(why) => self.notes.wrong(&place, why),
                Ok(None) => {}
                Ok(Some(line)) => self.directive(&line, place, depth),
            }
        }
    }

    fn directive(&mut self, text: &str, place: Place, depth: usize) {
        let (name, argument) = line::option(text);
        let Some(option) = table::option(&name) else {
            let shown: String = line::reveal(&name).chars().take(60).collect();
            return self.notes.wrong(&place, format!("{shown}: dnsmasq has no such option"));
        };
        match (option.argument, &argument) {
            (Argument::None, Some(_)) => {
                return self.notes.wrong(&place, format!("{name} takes no value; write only its name"));
            }
            (Argument::Needed, None) => {
                return self.notes.wrong(&place, format!("{name} needs a value: {name}=..."));
            }
            _ => {}
        }
        let argument = argument.unwrap_or_default();
        match option.meaning {
            Meaning::Include | Meaning::IncludeDirectory if argument.is_empty() => {}
            Meaning::Include => self.file(Path::new(&line::reveal(&argument)), &place, depth + 1),
            Meaning::IncludeDirectory => self.directory(&argument, &place, depth),
            Meaning::Dns => {
                self.notes.lost(&place, format!("{name}: not taken over: nextboot serves no DNS"))
            }
            Meaning::Lost(why) => self.notes.lost(&place, format!("{name}: not taken over: {why}")),
            Meaning::Otherwise(why) => self.notes.otherwise(&place, format!("{name}: {why}")),
            Meaning::Read => self.directives.push(Directive { place, name, argument }),
        }
    }

    /// Files that only the command line names: in Debian the service names the directory `dnsmasq.d` beside the main file.
    pub(super) fn unnamed(&mut self, main: &Path) {
        let directory = main.with_extension("d");
        if self.files.iter().any(|file| file.starts_with(&directory)) {
            return;
        }
        let says_something =
            |(_, text): &Text| text.lines().any(|line| !matches!(line::plain(line), Ok(None)));
        let texts = self.source.read(&directory, false).unwrap_or_default();
        if let Some((first, _)) = texts.iter().find(|text| says_something(text)) {
            let place = Place { file: main.to_owned(), ..Place::default() };
            let text = format!(
                "{} is not read: it names no conf-dir, and Debian's service does so on dnsmasq's command line; write \
                 conf-dir={} into it",
                first.display(),
                directory.display()
            );
            self.notes.lost(&place, text);
        }
    }

    /// `conf-dir=DIRECTORY[,SUFFIX...]`: `*SUFFIX` are the only ones to read, others those not to.
    fn directory(&mut self, argument: &str, place: &Place, depth: usize) {
        let parts: Vec<String> = line::parts(argument).iter().map(|part| line::reveal(part)).collect();
        let (only, not): (Vec<&str>, Vec<&str>) =
            parts.iter().skip(1).map(String::as_str).partition(|suffix| suffix.starts_with('*'));
        let directory = PathBuf::from(parts.first().map_or("", String::as_str));
        let texts = match self.source.read(&directory, false) {
            Ok(texts) => texts,
            Err(why) => {
                return self.notes.wrong(place, format!("cannot read {}: {why}", directory.display()));
            }
        };
        for (path, text) in texts {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            let ends = |suffix: &&str| name.ends_with(suffix.trim_start_matches('*'));
            let wanted = only.is_empty() || only.iter().any(ends);
            if wanted && !not.iter().any(ends) {
                self.text(&path, &text, place, depth + 1);
            }
        }
    }
}
