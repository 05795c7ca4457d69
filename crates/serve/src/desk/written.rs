use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use nextboot_boot::{Body, Client, Language, Plan, Setting, Site};
use nextboot_model::{AttemptId, Promise, Record, Via};

/// How many texts are kept, and how many bytes they have at most.
const MOST: (usize, usize) = (8192, 8 * 1024 * 1024);

/// Texts that were written a moment ago. A loader reads its configuration two or three times, a menu once more.
///
/// Nothing is decided here: whoever asks has decided anew, and a text is what was written before only where everything that it
/// is written from is the same. What a person put into the tree is read anew each time.
#[derive(Debug, Default)]
pub(crate) struct Written(Mutex<Table>);

#[derive(Debug, Default)]
struct Table {
    /// The site that all of them were written for.
    site: Option<Arc<Site>>,
    texts: HashMap<Reader, Kept>,
    bytes: usize,
}

/// Who reads it, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Reader {
    client: Client,
    language: Language,
    server: IpAddr,
    via: Via,
    own_directory: bool,
    foreign: bool,
}

/// What else it was written from, and what came of it.
#[derive(Debug)]
struct Kept {
    name: String,
    attempt: AttemptId,
    record: Option<Arc<Record>>,
    plan: Plan,
    text: Text,
}

/// A text and what it promises.
#[derive(Debug, Clone)]
pub(super) struct Text {
    pub(super) bytes: Bytes,
    pub(super) promise: Arc<Promise>,
}

/// All that a text is written from.
#[derive(Clone, Copy)]
pub(super) struct Sources<'a> {
    pub(super) site: &'a Arc<Site>,
    pub(super) setting: &'a Setting<'a>,
    pub(super) plan: &'a Plan,
    pub(super) language: Language,
    /// The name that it is asked for by: what it promises depends on it.
    pub(super) name: &'a str,
}

impl Sources<'_> {
    fn reader(&self) -> Reader {
        let Setting { client, server, via, own_directory, foreign, .. } = *self.setting;
        Reader { client: *client, language: self.language, server, via, own_directory, foreign }
    }

    fn record(&self) -> Option<&Arc<Record>> {
        let Setting { state, client, .. } = *self.setting;
        state.find(client.mac, client.uuid)
    }

    /// Whether the text was written without looking into the tree, whose files are not among what is compared.
    fn can_be_kept(&self) -> bool {
        !matches!(self.plan.profile.as_ref().map(|profile| &profile.body), Some(Body::File(_)) | None)
    }
}

impl Kept {
    fn is_of(&self, sources: &Sources<'_>) -> bool {
        let is_same_record = match (&self.record, sources.record()) {
            (None, None) => true,
            (Some(kept), Some(now)) => Arc::ptr_eq(kept, now),
            _ => false,
        };
        is_same_record
            && self.attempt == sources.setting.attempt
            && self.plan == *sources.plan
            && self.name == sources.name
    }
}

impl Written {
    /// The text that was written from just these sources, if it is kept.
    pub(super) fn get(&self, sources: &Sources<'_>) -> Option<Text> {
        let table = self.table();
        table.site.as_ref().filter(|site| Arc::ptr_eq(site, sources.site))?;
        let kept = table.texts.get(&sources.reader())?;
        kept.is_of(sources).then(|| kept.text.clone())
    }

    /// Keeps a text that was written from these sources.
    pub(super) fn keep(&self, sources: &Sources<'_>, text: &Text) {
        if !sources.can_be_kept() {
            return;
        }
        let kept = Kept {
            name: sources.name.to_owned(),
            attempt: sources.setting.attempt,
            record: sources.record().cloned(),
            plan: sources.plan.clone(),
            text: text.clone(),
        };
        let mut table = self.table();
        let is_same_site = table.site.as_ref().is_some_and(|site| Arc::ptr_eq(site, sources.site));
        if !is_same_site || table.texts.len() >= MOST.0 || table.bytes + text.bytes.len() > MOST.1 {
            *table = Table { site: Some(Arc::clone(sources.site)), ..Table::default() };
        }
        table.bytes += text.bytes.len();
        if let Some(old) = table.texts.insert(sources.reader(), kept) {
            table.bytes -= old.text.bytes.len();
        }
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        // A poisoned table is as good as any: it is compared with what is true now before anything of it is used.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use nextboot_boot::{Linux, MemoryTree, Profile, Secret, Unknown, decide};
    use nextboot_model::{Assignment, Change, Class, Door, Host, Mac, State, Timestamp, Until};

    use super::*;

    const MAC: Mac = Mac([2, 0, 0, 0, 0, 1]);

    fn site(name: &str, body: Body) -> Arc<Site> {
        let name: nextboot_model::ProfileName = name.parse().unwrap();
        let profile = Profile { name: name.clone(), class: Class::Live, body, ..Profile::local() };
        let profiles = BTreeMap::from([(name.clone(), Arc::new(profile))]);
        Arc::new(Site { profiles, unknown: Unknown::Profile(name), attempts: 3, ..Site::default() })
    }

    fn linux() -> Body {
        Body::Linux(Linux { kernel: "linux".into(), initrds: Vec::new(), args: "{{ host.name }}".into() })
    }

    fn host(state: &mut State, profile: &str, since: u64) {
        let host = Host {
            name: "node1".parse().unwrap(),
            macs: vec![MAC],
            uuid: None,
            address: None,
            loader: None,
            exit: None,
            pxelinux: Default::default(),
            power: None,
            vars: BTreeMap::new(),
        };
        let local = Assignment::local(Timestamp(since), Door::Rule { rule: "test".into() });
        let assignment = Assignment { profile: profile.parse().unwrap(), until: Until::Changed, ..local };
        state.apply(&Change::Put(Arc::new(Record { host, assignment })));
    }

    struct Scene {
        site: Arc<Site>,
        state: State,
        client: Client,
        tree: MemoryTree,
        secret: Secret,
        attempt: AttemptId,
        foreign: bool,
        name: &'static str,
    }

    impl Scene {
        fn new() -> Self {
            let mut state = State::default();
            host(&mut state, "rescue", 1);
            Self {
                site: site("rescue", linux()),
                state,
                client: Client::of(MAC),
                tree: MemoryTree::default(),
                secret: Secret([7; 32]),
                attempt: AttemptId(1),
                foreign: false,
                name: "pxelinux.cfg/01-02-00-00-00-00-01",
            }
        }

        /// What is kept for what is so now, and keeps it if nothing is.
        fn kept(&self, written: &Written) -> bool {
            let plan = decide(&self.site, &self.state, &self.tree, &self.client);
            let setting = Setting {
                site: &self.site,
                state: &self.state,
                tree: &self.tree,
                secret: &self.secret,
                client: &self.client,
                server: [10, 0, 0, 1].into(),
                via: Via::Http,
                own_directory: false,
                attempt: self.attempt,
                foreign: self.foreign,
            };
            let sources = Sources {
                site: &self.site,
                setting: &setting,
                plan: &plan,
                language: Language::Pxelinux,
                name: self.name,
            };
            let fresh = setting.answer(&plan, Language::Pxelinux).unwrap();
            match written.get(&sources) {
                Some(text) => {
                    assert_eq!((text.bytes, (*text.promise).clone()), (fresh.text, fresh.promise));
                    true
                }
                None => {
                    let text = Text { bytes: fresh.text, promise: Arc::new(fresh.promise) };
                    written.keep(&sources, &text);
                    false
                }
            }
        }
    }

    #[test]
    fn a_text_is_written_anew_when_anything_is_new() {
        let (mut scene, written) = (Scene::new(), Written::default());
        assert!(!scene.kept(&written) && scene.kept(&written));
        let mut changed = |what: &str, change: fn(&mut Scene)| {
            change(&mut scene);
            assert!(!scene.kept(&written), "{what}");
            assert!(scene.kept(&written), "{what}");
        };
        changed("another profile", |scene| host(&mut scene.state, "local", 2));
        changed("the same profile again", |scene| host(&mut scene.state, "rescue", 1));
        changed("assigned anew", |scene| host(&mut scene.state, "rescue", 3));
        changed("another attempt", |scene| scene.attempt = AttemptId(2));
        changed("somebody else", |scene| scene.foreign = true);
        changed("an address", |scene| scene.client.address = Some([10, 0, 0, 5].into()));
        changed("another name", |scene| scene.name = "debian/pxelinux.cfg/01-02-00-00-00-00-01");
        changed("another configuration", |scene| scene.site = site("rescue", linux()));
        changed("no host any more", |scene| scene.state = State::default());
    }

    #[test]
    fn what_stands_in_the_tree_is_read_each_time() {
        let (mut scene, written) = (Scene::new(), Written::default());
        scene.tree.files.insert("menu".into(), "DEFAULT x\n".into());
        scene.site = site("rescue", Body::File("menu".into()));
        assert!(!scene.kept(&written) && !scene.kept(&written));
    }

    #[test]
    fn what_is_kept_has_an_end() {
        let (mut scene, written) = (Scene::new(), Written::default());
        scene.state = State::default();
        for number in 0..MOST.0 as u32 + 2 {
            scene.client.address = Some(IpAddr::from(number.to_be_bytes()));
            scene.kept(&written);
        }
        let table = written.table();
        assert_eq!(table.texts.len(), 2);
        assert_eq!(table.bytes, table.texts.values().map(|kept| kept.text.bytes.len()).sum::<usize>());
    }
}
