use nextboot_model::{HostName, TestName, TestRunId};

/// Where a page is. Slashes at the end do not matter; what a page cannot hold begins anew at `.../before/NUMBER` or
/// `.../after/NAME`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PagePlace {
    /// `/`: systems, versions and tests.
    Front,
    /// `/system`: systems after this one.
    Systems(Option<HostName>),
    /// `/system/NAME`: one, and what it ran before that.
    System(HostName, Option<TestRunId>),
    /// `/tests`: versions older than that.
    Versions(Option<TestRunId>),
    /// `/tests/VERSION`: what ran with one.
    Version(String, Option<TestRunId>),
    /// `/testname/NAME`: what came of one test.
    Test(TestName, Option<TestRunId>),
    /// `/test/NUMBER`: one run, and its lines from that place on.
    Run(TestRunId, usize),
    /// `/testcontent/NUMBER`: its log.
    Content(TestRunId),
    /// `/upload` or `/upload/NUMBER`: a form to send a log by hand.
    Upload(Option<TestRunId>),
}

impl PagePlace {
    /// What a path leads to, percent signs decoded.
    #[must_use]
    pub fn read(path: &str) -> Option<Self> {
        let raw = path.strip_prefix('/')?;
        let path = raw.trim_matches('/');
        if path.is_empty() {
            return Some(Self::Front);
        }
        // A version may be an address itself, and have slashes at its ends.
        if let Some(version) = raw.strip_prefix("tests/").map(|rest| rest.strip_suffix('/').unwrap_or(rest))
            && (version.starts_with('/') || version.ends_with('/'))
            && version.contains(|c| c != '/')
        {
            return Some(Self::Version(version.to_owned(), None));
        }
        let (first, rest) = path.split_once('/').unwrap_or((path, ""));
        let rest = rest.trim_matches('/');
        let (rest, before) = match paged(rest, "before") {
            Some((rest, before)) => (rest, Some(before.parse().ok()?)),
            None => (rest, None),
        };
        Some(match (first, rest) {
            ("system", "") => Self::Systems(None),
            ("system", rest) => match paged(rest, "after") {
                Some(("", after)) => Self::Systems(Some(after.parse().ok()?)),
                _ => Self::System(rest.parse().ok()?, before),
            },
            ("tests", "") => Self::Versions(before),
            ("tests", version) => Self::Version(version.to_owned(), before),
            ("testname", name) => Self::Test(name.parse().ok()?, before),
            ("test", rest) => match paged(rest, "from") {
                Some((run, from)) => Self::Run(run.parse().ok()?, from.parse().ok()?),
                None => Self::Run(rest.parse().ok()?, 0),
            },
            ("testcontent", run) => Self::Content(run.parse().ok()?),
            ("upload", "") => Self::Upload(None),
            ("upload", run) => Self::Upload(Some(run.parse().ok()?)),
            _ => return None,
        })
    }
}

/// `REST/word/VALUE`, or `word/VALUE` alone.
fn paged<'p>(path: &'p str, word: &str) -> Option<(&'p str, &'p str)> {
    let (before, value) = path.rsplit_once('/')?;
    let rest = before.strip_suffix(word)?;
    let rest = if rest.is_empty() { rest } else { rest.strip_suffix('/')? };
    Some((rest, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_to_pages_and_what_is_none_leads_nowhere() {
        let system = |before| PagePlace::System("n1".parse().unwrap(), before);
        let version = |version: &str, before| PagePlace::Version(version.into(), before);
        let id = TestRunId(7);
        for (path, place) in [
            ("/", Some(PagePlace::Front)),
            ("//", Some(PagePlace::Front)),
            ("/system/n1/", Some(system(None))),
            ("/system/n1", Some(system(None))),
            ("/system/n1/before/7/", Some(system(Some(id)))),
            ("/system/", Some(PagePlace::Systems(None))),
            ("/system/after/n1/", Some(PagePlace::Systems("n1".parse().ok()))),
            ("/system/after/", Some(PagePlace::System("after".parse().unwrap(), None))),
            ("/tests/", Some(PagePlace::Versions(None))),
            ("/tests/before/7", Some(PagePlace::Versions(Some(id)))),
            ("/tests/1.2/", Some(version("1.2", None))),
            ("/tests/a/b c/before/7/", Some(version("a/b c", Some(id)))),
            ("/tests/http://ci/build/7/", Some(version("http://ci/build/7", None))),
            ("/tests/http://ci/build/7//", Some(version("http://ci/build/7/", None))),
            ("/tests///x/", Some(version("//x", None))),
            ("/tests//", Some(PagePlace::Versions(None))),
            ("/testname/cpu/", Some(PagePlace::Test("cpu".parse().unwrap(), None))),
            ("/test/7/", Some(PagePlace::Run(id, 0))),
            ("/test/7/from/1000/", Some(PagePlace::Run(id, 1000))),
            ("/testcontent/7/", Some(PagePlace::Content(id))),
            ("/upload/", Some(PagePlace::Upload(None))),
            ("/upload/7/", Some(PagePlace::Upload(Some(id)))),
            ("", None),
            ("/test/", None),
            ("/test/x/", None),
            ("/test/7/x", None),
            ("/test/7/from/x", None),
            ("/system/n1/before/x", None),
            ("/system/a b/", None),
            ("/testname/../x", None),
            ("/testname/", None),
            ("/debian/linux", None),
            ("/testing/", None),
        ] {
            assert_eq!(PagePlace::read(path), place, "{path}");
        }
    }
}
