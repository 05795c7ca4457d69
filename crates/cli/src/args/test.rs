use std::path::PathBuf;

use clap::{Args, Subcommand};
use nextboot_model::{TestName, TestRunId, TestStatus};

/// What to do with tests.
#[derive(Debug, Clone, Subcommand)]
pub enum TestCommand {
    /// Have a host run tests: its machine takes them one after the other by /nexttest/ on the boot side.
    #[command(after_help = "\
Examples:
  nextboot test queue node1 cpu memory     what `nextboot test names` lists
  nextboot test ls node1                   how far they are")]
    Queue {
        /// Its name or MAC address.
        #[arg(value_name = "HOST")]
        host: String,
        /// The tests, in the order in which they are to be run.
        #[arg(required = true, value_name = "TEST")]
        tests: Vec<TestName>,
    },
    /// Queue tests and follow them, for scripts: with --wait the exit code says whether all passed.
    #[command(after_help = "\
Examples:
  nextboot test run node1 cpu memory --wait --timeout 3600
  nextboot test run node1 cpu --wait --junit results.xml

Exit codes with --wait:
  0  all are done, and none has an error
  1  one has errors, has no log, or was removed; or not all were done in time")]
    Run(TestRunArgs),
    /// List test runs, the newest first.
    #[command(visible_alias = "list")]
    Ls(TestWanted),
    /// Show a test run and the lines of its log that tell of something.
    Show {
        /// Its number.
        #[arg(value_name = "NUMBER")]
        id: TestRunId,
    },
    /// Print the log of a test run as the machine sent it.
    Log {
        /// Its number.
        #[arg(value_name = "NUMBER")]
        id: TestRunId,
        /// Wait for it if it is not there yet.
        #[arg(long, short)]
        follow: bool,
    },
    /// Forget test runs and their logs.
    #[command(visible_alias = "remove")]
    Rm {
        /// Their numbers.
        #[arg(required = true, value_name = "NUMBER")]
        ids: Vec<TestRunId>,
    },
    /// Give a machine a test again that it began and will not finish, say because it crashed.
    Requeue {
        /// Its number.
        #[arg(value_name = "NUMBER")]
        id: TestRunId,
    },
    /// List the tests that there are: the files NAME.test in the server's [tests] directory.
    Names,
    /// Write test runs for programs that read JUnit's XML.
    #[command(after_help = "\
Examples:
  nextboot test report --host node1 --junit results.xml
  nextboot test report --of-version 1.2 --junit -       to standard output
  nextboot test report 17 18 19 --junit results.xml")]
    Report(TestReportArgs),
}

/// Which tests to run, and how long to wait.
#[derive(Debug, Clone, Args)]
pub struct TestRunArgs {
    /// Its name or MAC address.
    #[arg(value_name = "HOST")]
    pub host: String,
    /// The tests, in the order in which they are to be run.
    #[arg(required = true, value_name = "TEST")]
    pub tests: Vec<TestName>,
    /// Wait until all are done, and tell of each step on standard error.
    #[arg(long)]
    pub wait: bool,
    /// How long to wait, in seconds; they stay queued when it is over.
    #[arg(long, value_name = "SECONDS", requires = "wait", value_parser = clap::value_parser!(u64).range(1..))]
    pub timeout: Option<u64>,
    /// Write what came of them as JUnit's XML into this file; "-" is standard output.
    #[arg(long, value_name = "FILE", requires = "wait")]
    pub junit: Option<PathBuf>,
}

/// Which test runs.
#[derive(Debug, Clone, Default, Args)]
pub struct TestWanted {
    /// Only of this host: its name or MAC address.
    #[arg(value_name = "HOST")]
    pub host: Option<String>,
    /// Only of this test.
    #[arg(long, value_name = "TEST")]
    pub test: Option<TestName>,
    /// Only of this version, as logs name it (`V: `).
    #[arg(long, value_name = "VERSION")]
    pub of_version: Option<String>,
    /// Only those that are "queued", "started", "done" or "error".
    #[arg(long, value_name = "STATUS")]
    pub status: Option<TestStatus>,
    /// How many of the newest.
    #[arg(long, short = 'n', value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub limit: u32,
}

/// Which test runs, and where to.
#[derive(Debug, Clone, Args)]
pub struct TestReportArgs {
    /// Their numbers; without any, those that the options name.
    #[arg(value_name = "NUMBER")]
    pub ids: Vec<TestRunId>,
    /// Of this host: its name or MAC address.
    #[arg(long, value_name = "HOST", conflicts_with = "ids")]
    pub host: Option<String>,
    /// Of this test.
    #[arg(long, value_name = "TEST", conflicts_with = "ids")]
    pub test: Option<TestName>,
    /// Of this version, as logs name it (`V: `).
    #[arg(long, value_name = "VERSION", conflicts_with = "ids")]
    pub of_version: Option<String>,
    /// How many of the newest.
    #[arg(long, short = 'n', value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub limit: u32,
    /// The file; "-" is standard output.
    #[arg(long, value_name = "FILE")]
    pub junit: PathBuf,
}
