//! Tests that machines fetch, and the logs that they send.

use std::{
    net::IpAddr,
    sync::{Arc, LazyLock},
};

use nextboot_boot::TestScene;
use nextboot_files::{Layout, Name, OpenError, Roots};
use nextboot_http::{BoxFuture, Claim, Refusal, Upload, Why};
use nextboot_model::{
    Command, EventKind, HostName, Mac, Record, TestCommand, TestName, TestRun, TestRunId, TestStatus,
};
use nextboot_store::{FileError, LogError, LogUpload, SubmitError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Refused;
use crate::{appliance::Appliance, clock};

/// How the file of a test ends.
pub(crate) const SUFFIX: &str = ".test";

/// How many logs may be on their way at once; each may take as much of the disk as a log may have.
const UPLOADS: usize = 64;

/// How often to look again when somebody else took a test from under our nose.
const TRIES: usize = 8;

static ROOM: LazyLock<Arc<Semaphore>> = LazyLock::new(|| Arc::new(Semaphore::new(UPLOADS)));

impl Appliance {
    /// The script of the test that is queued next for the host that asks, or for that of the MAC. With nothing queued, that for
    /// machines that wait. The test counts as started when the script leaves.
    pub(crate) async fn next_test(
        &self,
        from: IpAddr,
        server: IpAddr,
        claim: Claim<'_>,
        mac: Option<Mac>,
    ) -> Result<String, Refused> {
        let host = self.tested(from, claim, mac).await?;
        for _ in 0..TRIES {
            let state = self.store.state();
            let record = state.host(&host);
            let Some(queued) = state.tests().next(&host) else {
                let wait = wait().ok_or_else(|| Refused::Failed("no test".into()))?;
                return self.test_script(record, host.as_str(), &wait, None, server);
            };
            let run = TestRun {
                status: TestStatus::Started,
                started: Some(clock::now()),
                ..TestRun::clone(queued)
            };
            let script = self.test_script(record, host.as_str(), &run.test, Some(&run), server)?;
            match self.store.submit(Command::Test(TestCommand::Start { id: run.id })).await {
                Ok(_) => return Ok(script),
                Err(SubmitError::Refused(_)) => {}
                Err(error) => return Err(Refused::Failed(error.to_string())),
            }
        }
        Err(Refused::Failed("others take the tests of this host just now".into()))
    }

    /// The script of a test as it would be for a host called `system`, to look at.
    pub(crate) fn shown_test(&self, name: &str, server: IpAddr) -> Result<String, Refused> {
        let not_found = || Refused::NotFound(format!("no test is named {}", short(name)));
        let test: TestName = name.parse().map_err(|_| not_found())?;
        if !self.has_test(&test) {
            return Err(not_found());
        }
        self.test_script(None, "system", &test, None, server)
    }

    fn test_script(
        &self,
        record: Option<&Arc<Record>>,
        system: &str,
        test: &TestName,
        run: Option<&TestRun>,
        server: IpAddr,
    ) -> Result<String, Refused> {
        let settings = self.settings.load();
        let (http_port, api_port) = (settings.site.http_port, settings.site.api_port);
        let scene = TestScene { record, system, test, run, server, http_port, api_port };
        let rendered = self
            .test_template(test)
            .and_then(|template| scene.render(&template).map_err(|error| error.to_string()));
        rendered.map_err(|error| {
            let mac = record.and_then(|record| record.host.macs.first().copied());
            let kind = EventKind::TemplateFailed { name: format!("{test}{SUFFIX}"), error: error.clone() };
            self.note_once_in_a_while(mac, None, kind);
            Refused::Template(error)
        })
    }

    fn test_directory(&self) -> Result<Roots, String> {
        let config = &self.settings.load().config;
        let layout = Layout {
            roots: vec![config.tests.directory.clone()],
            loaders: Vec::new(),
            extra_roots: config.files.extra_roots.clone(),
        };
        Roots::open(&layout).map_err(|error| format!("[tests] directory: {error}"))
    }

    fn test_template(&self, test: &TestName) -> Result<String, String> {
        let file = format!("{test}{SUFFIX}");
        let name = Name::parse(&file).map_err(|error| format!("{file}: {error}"))?;
        let most = nextboot_boot::MAX_RENDERED as u64;
        let bytes = self.test_directory()?.read_small(&name, most).map_err(|error| match error {
            OpenError::NotFound => {
                let directory = self.settings.load().config.tests.directory.display().to_string();
                format!("{file} is not in {directory}")
            }
            error => format!("{file} cannot be read: {error}"),
        })?;
        String::from_utf8(bytes.to_vec()).map_err(|_| format!("{file} is not UTF-8"))
    }

    fn has_test(&self, test: &TestName) -> bool {
        self.test_directory().is_ok_and(|directory| is_in(&directory, test))
    }

    /// The tests that there are and that can be had, in the order of their names. Waits for the disk.
    pub(crate) fn test_names(&self) -> Result<Vec<TestName>, String> {
        let directory = self.settings.load().config.tests.directory.clone();
        let entries = std::fs::read_dir(&directory)
            .map_err(|error| format!("[tests] directory: {}: {error}", directory.display()))?;
        let mut names: Vec<TestName> = entries
            .flatten()
            .filter_map(|entry| entry.file_name().to_str()?.strip_suffix(SUFFIX)?.parse().ok())
            .collect();
        // One that cannot be had would hold up a queue.
        let opened = self.test_directory()?;
        names.retain(|test| is_in(&opened, test));
        names.sort();
        Ok(names)
    }

    /// The host that whoever asks may run tests for: its own, or, for whoever may change what others boot, any.
    async fn tested(&self, from: IpAddr, claim: Claim<'_>, mac: Option<Mac>) -> Result<HostName, Refused> {
        let owner = self.owner(from).await;
        let state = self.store.state();
        let host = |mac: Mac| state.by_mac(mac).map(|record| record.host.name.clone());
        let own = owner.and_then(host);
        let Some(mac) = mac else {
            return own.ok_or_else(|| match owner {
                Some(mac) => Refused::NotFound(format!("no host has the MAC address {mac}")),
                None => Refused::NotFound(format!("nothing says whose address {from} is")),
            });
        };
        let wanted =
            host(mac).ok_or_else(|| Refused::NotFound(format!("no host has the MAC address {mac}")))?;
        if own.as_ref() != Some(&wanted) {
            self.authorized(from, claim)?;
        }
        Ok(wanted)
    }

    /// Gets ready for the log of a test run: of this one, else of the oldest that the host of whoever asks is at. Who may not
    /// send it learns no more than that there is none.
    pub(crate) async fn begin_upload(
        self: &Arc<Self>,
        from: IpAddr,
        claim: Claim<'_>,
        run: Option<u64>,
    ) -> Result<TestUpload, Refused> {
        let id = match run {
            None => {
                let host = self.tested(from, claim, None).await?;
                let state = self.store.state();
                let run = state.tests().under_way(&host);
                run.map(|run| run.id)
                    .ok_or_else(|| Refused::NotFound(format!("no test of {host} is under way")))?
            }
            Some(number) => {
                let id = TestRunId(number);
                let unknown = || Refused::NotFound(format!("there is no test run {number} of this host"));
                let owner = self.owner(from).await;
                let state = self.store.state();
                let host = state.tests().host_of(id).ok_or_else(unknown)?;
                let own = owner.and_then(|mac| state.by_mac(mac)).map(|record| &record.host.name);
                if own != Some(host) && self.authorized(from, claim).is_err() {
                    return Err(unknown());
                }
                id
            }
        };
        let busy = || Refused::Failed("too many logs are on their way; try again".into());
        let room = Arc::clone(&ROOM).try_acquire_owned().map_err(|_| busy())?;
        let most = self.settings.load().config.tests.max_log;
        let logs = Arc::clone(self.store.test_logs());
        let begun = tokio::task::spawn_blocking(move || logs.begin(id, most)).await;
        let log = match begun {
            Ok(begun) => begun.map_err(|error| self.not_kept(&error))?,
            Err(error) => return Err(Refused::Failed(error.to_string())),
        };
        Ok(TestUpload { app: Arc::clone(self), log, _room: room })
    }

    /// A log that the disk does not take is told of.
    fn not_kept(&self, error: &LogError) -> Refused {
        if let LogError::Disk(_) = error {
            self.note_once_in_a_while(None, None, EventKind::Trouble { what: error.to_string() });
        }
        Refused::Failed(error.to_string())
    }
}

/// The script for machines that have nothing to do.
fn wait() -> Option<TestName> {
    "wait".parse().ok()
}

fn is_in(directory: &Roots, test: &TestName) -> bool {
    Name::parse(&format!("{test}{SUFFIX}")).is_ok_and(|name| directory.get(&name).is_ok())
}

fn short(name: &str) -> String {
    name.chars().take(100).collect()
}

/// A log that a machine sends.
pub(crate) struct TestUpload {
    app: Arc<Appliance>,
    log: LogUpload,
    _room: OwnedSemaphorePermit,
}

impl TestUpload {
    fn refusal(app: &Appliance, error: &LogError) -> Refusal {
        match error {
            LogError::TooLarge(_) => Refusal::new(Why::TooLarge, error.to_string()),
            error => Refusal::new(Why::Unavailable, app.not_kept(error).to_string()),
        }
    }
}

impl Upload for TestUpload {
    fn write<'u>(&'u mut self, bytes: &'u [u8]) -> BoxFuture<'u, Result<(), Refusal>> {
        Box::pin(async move { self.log.write(bytes).await.map_err(|error| Self::refusal(&self.app, &error)) })
    }

    fn finish(self: Box<Self>) -> BoxFuture<'static, Result<String, Refusal>> {
        let Self { app, log, _room } = *self;
        Box::pin(async move {
            let keep = app.settings.load().config.tests.keep;
            let filed = app.store.file_log(log, keep, None).await;
            filed.map(|_| "uploaded".to_owned()).map_err(|error| match error {
                FileError::Log(error) => Self::refusal(&app, &error),
                FileError::Submit(SubmitError::Refused(refusal)) => Refusal::not_found(refusal.to_string()),
                error => Refusal::new(Why::Unavailable, error.to_string()),
            })
        })
    }

    fn without_file(self: Box<Self>) -> BoxFuture<'static, Refusal> {
        let Self { app, log, _room } = *self;
        Box::pin(async move {
            let how = "the form has no field \"file\" with a log in it; send it with curl -F file=@LOG";
            let (id, keep) = (log.id(), app.settings.load().config.tests.keep);
            // A run that has a good log keeps it.
            let fail = TestCommand::Fail { id, reason: "the upload had no field \"file\"".into(), keep };
            match app.store.submit(Command::Test(fail)).await {
                Ok(_) | Err(SubmitError::Refused(_)) => Refusal::new(Why::Misunderstood, how),
                Err(error) => Refusal::new(Why::Unavailable, error.to_string()),
            }
        })
    }
}
