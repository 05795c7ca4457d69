//! The logs of test runs, a file each beside the database.

use std::{
    collections::HashSet,
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use nextboot_model::{LogReader, TestReport, TestRunId, TestTable};

/// How the name of a log ends that is not whole yet.
const PART: &str = ".part";

/// How much of a log is gathered before it is handed to the disk, bytes.
const PIECE: usize = 64 * 1024;

/// Why a log is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LogError {
    /// Larger than the site allows.
    #[error("a log may have {0} bytes, and this one has more")]
    TooLarge(u64),
    /// Somebody else sends the log of the same run just now.
    #[error("the log of this run is being uploaded already")]
    Busy,
    /// The disk did not take it.
    #[error("the log cannot be written: {0}")]
    Disk(String),
}

impl From<io::Error> for LogError {
    fn from(error: io::Error) -> Self {
        Self::Disk(error.to_string())
    }
}

/// The directory of the logs: `<id>.log`. One that is on its way has another name until it is whole and on the disk, so that
/// half a log never counts.
#[derive(Debug)]
pub struct TestLogs {
    directory: PathBuf,
    /// Whose logs are on their way.
    coming: Mutex<HashSet<TestRunId>>,
    /// Tells one that is on its way from the next.
    count: AtomicU64,
}

impl TestLogs {
    /// Beside the database at `path`; the directory is made when the first log comes.
    pub(crate) fn beside(path: &Path) -> Self {
        let directory = path.parent().unwrap_or_else(|| Path::new("")).join("tests");
        Self { directory, coming: Mutex::default(), count: AtomicU64::new(0) }
    }

    /// Where they are: `<id>.log` each.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    fn coming(&self) -> MutexGuard<'_, HashSet<TestRunId>> {
        self.coming.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn path(&self, id: TestRunId) -> PathBuf {
        self.directory.join(format!("{id}.log"))
    }

    /// Removes what a crash left: halves, and logs of runs that there are not. Whatever else lies there stays.
    pub(crate) fn tidy(&self, runs: &TestTable) {
        let Ok(entries) = fs::read_dir(&self.directory) else { return };
        for entry in entries.flatten() {
            let name = entry.file_name();
            let Some(name) = name.to_str() else { continue };
            let is_orphan = |id: &str| id.parse().is_ok_and(|id| runs.host_of(id).is_none());
            if name.ends_with(PART) || name.strip_suffix(".log").is_some_and(is_orphan) {
                // What cannot be removed is in nobody's way.
                let _ = fs::remove_file(entry.path());
            }
        }
    }

    /// Begins to take the log of a run, of at most `most` bytes.
    ///
    /// # Errors
    /// Why it cannot be taken now.
    pub fn begin(self: &Arc<Self>, id: TestRunId, most: u64) -> Result<LogUpload, LogError> {
        if !self.coming().insert(id) {
            return Err(LogError::Busy);
        }
        let part = format!("{id}.{}{PART}", self.count.fetch_add(1, Ordering::Relaxed));
        let mut upload = LogUpload {
            path: self.directory.join(part),
            logs: Arc::clone(self),
            id,
            file: None,
            reader: LogReader::default(),
            gathered: Vec::new(),
            bytes: 0,
            most,
        };
        if !self.directory.exists() {
            DirBuilder::new().recursive(true).mode(0o700).create(&self.directory)?;
        }
        upload.file = Some(OpenOptions::new().write(true).create_new(true).mode(0o600).open(&upload.path)?);
        Ok(upload)
    }

    /// The log of a run and its size in bytes. Waits for the disk.
    ///
    /// # Errors
    /// That there is none, or that it cannot be read.
    pub fn open(&self, id: TestRunId) -> io::Result<(File, u64)> {
        let file = File::open(self.path(id))?;
        let bytes = file.metadata()?.len();
        Ok((file, bytes))
    }

    /// Forgets the log of a run, if there is one.
    pub(crate) fn remove(&self, id: TestRunId) {
        match fs::remove_file(self.path(id)) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => tracing::warn!(%error, run = id.0, "the log of a test run cannot be removed"),
        }
    }
}

/// A log that is on its way. Dropped, it was never there.
#[derive(Debug)]
pub struct LogUpload {
    logs: Arc<TestLogs>,
    id: TestRunId,
    path: PathBuf,
    file: Option<File>,
    reader: LogReader,
    gathered: Vec<u8>,
    bytes: u64,
    most: u64,
}

impl LogUpload {
    /// Whose log it is.
    #[must_use]
    pub fn id(&self) -> TestRunId {
        self.id
    }

    /// Takes more of it. To be called within a tokio runtime: it writes on one of its threads for blocking work.
    ///
    /// # Errors
    /// Why it is not taken; then it is of no use any more.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), LogError> {
        self.bytes = self.bytes.saturating_add(bytes.len() as u64);
        if self.bytes > self.most {
            return Err(LogError::TooLarge(self.most));
        }
        self.reader.feed(bytes);
        self.gathered.extend_from_slice(bytes);
        if self.gathered.len() >= PIECE { self.flush(false).await } else { Ok(()) }
    }

    async fn flush(&mut self, sync: bool) -> Result<(), LogError> {
        let Some(mut file) = self.file.take() else { return Err(LogError::Disk("it is closed".into())) };
        let gathered = std::mem::take(&mut self.gathered);
        let written = tokio::task::spawn_blocking(move || {
            file.write_all(&gathered)?;
            if sync {
                file.sync_all()?;
            }
            io::Result::Ok(file)
        });
        self.file = Some(written.await.map_err(|error| LogError::Disk(error.to_string()))??);
        Ok(())
    }

    /// Puts it in its place, on the disk for good, over the one that was there; what it says, and how many bytes it has.
    pub(crate) async fn file(mut self) -> Result<(TestReport, u64), LogError> {
        self.flush(true).await?;
        let (from, to, directory) = (self.path.clone(), self.logs.path(self.id), self.logs.directory.clone());
        let moved = tokio::task::spawn_blocking(move || {
            fs::rename(from, to)?;
            File::open(directory)?.sync_all()
        });
        moved.await.map_err(|error| LogError::Disk(error.to_string()))??;
        Ok((std::mem::take(&mut self.reader).finish(), self.bytes))
    }
}

impl Drop for LogUpload {
    fn drop(&mut self) {
        // Not there any more when it was put in its place.
        let _ = fs::remove_file(&self.path);
        self.logs.coming().remove(&self.id);
    }
}
