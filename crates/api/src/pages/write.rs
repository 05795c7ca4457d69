use std::sync::Arc;

use nextboot_model::{HostName, TestName, TestRun, TestRunId, TestStatus, Timestamp};
use nextboot_store::{ReadError, TestQuery};

use super::{
    NoPage, Page, PagePlace,
    html::{Html, escaped, link, part},
};
use crate::{Control, routes::systems::history::given};

/// Systems and runs on a page.
const MOST: usize = 200;
/// Versions on the front page, and on a page of them.
const VERSIONS: usize = 50;
/// Lines of a log on a page.
const LINES: usize = 1000;
/// Requests to boot on the page of a system, as pxemngr shows them.
const BOOTS: usize = 10;

impl From<ReadError> for NoPage {
    fn from(error: ReadError) -> Self {
        tracing::error!(%error, "a page cannot be written");
        Self::Failed("the database did not answer; the server's log says why".into())
    }
}

pub(super) async fn page(control: &dyn Control, place: &PagePlace) -> Result<Page, NoPage> {
    let html = match place {
        PagePlace::Front => front(control).await?,
        PagePlace::Systems(after) => {
            let mut html = Html::new("Systems");
            systems(control, &mut html, after.as_ref());
            html.finish()
        }
        PagePlace::System(name, before) => system(control, name, *before).await?,
        PagePlace::Versions(before) => {
            let mut html = Html::new("Versions");
            versions(control, &mut html, *before).await?;
            html.finish()
        }
        PagePlace::Version(version, before) => of_version(control, version, *before).await?,
        PagePlace::Test(name, before) => of_test(control, name, *before).await?,
        PagePlace::Run(id, from) => run(control, *id, *from).await?,
        PagePlace::Content(id) => {
            known(control, *id).await?;
            return Ok(Page::Log(*id));
        }
        PagePlace::Upload(id) => upload(*id),
    };
    Ok(Page::Html(html))
}

async fn front(control: &dyn Control) -> Result<String, NoPage> {
    let mut html = Html::new("nextboot");
    html.heading("Systems");
    systems(control, &mut html, None);
    html.heading("Versions");
    versions(control, &mut html, None).await?;
    html.heading("Tests");
    let names = control.store().tests_run().await?;
    let items = names.iter().map(|name| link(&format!("/testname/{}/", part(name.as_str())), name.as_str()));
    html.list("ul", 0, items);
    Ok(html.finish())
}

fn systems(control: &dyn Control, html: &mut Html, after: Option<&HostName>) {
    let state = control.store().state();
    let hosts = state.records_after(after).take(MOST + 1).map(|record| &record.host.name);
    let is_next = |name: &&HostName| after.is_none_or(|after| *name > after) && state.host(name).is_none();
    let networks = state.nets().map(|net| &net.name).filter(is_next);
    let mut names: Vec<&HostName> = hosts.chain(networks).collect();
    names.sort_unstable();
    let has_more = names.len() > MOST;
    names.truncate(MOST);
    html.list("ul", 0, names.iter().copied().map(system_link));
    if let Some(last) = names.last().filter(|_| has_more) {
        html.link_line(&format!("/system/after/{}/", part(last.as_str())), "more systems");
    }
}

async fn versions(control: &dyn Control, html: &mut Html, before: Option<TestRunId>) -> Result<(), NoPage> {
    let versions = control.store().test_versions(before, VERSIONS).await?;
    let items = versions.iter().map(|version| {
        let tests = if version.runs == 1 { "test" } else { "tests" };
        format!("{} ({} {tests}, {} errors)", version_link(&version.version), version.runs, version.errors)
    });
    html.list("ul", 0, items);
    if let Some(last) = versions.last().filter(|_| versions.len() == VERSIONS) {
        html.link_line(&format!("/tests/before/{}/", last.first), "older versions");
    }
    Ok(())
}

async fn system(control: &dyn Control, name: &HostName, before: Option<TestRunId>) -> Result<String, NoPage> {
    let query = TestQuery { host: Some(name.clone()), before, limit: MOST, ..TestQuery::default() };
    let runs = control.store().test_runs(query).await?;
    let state = control.store().state();
    if state.host(name).is_none() && state.net(name).is_none() && runs.is_empty() {
        return Err(NoPage::NotFound(format!("no system is named {name}")));
    }
    let mut html = Html::new(name.as_str());
    html.heading("Last 10 PXE requests");
    let boots = given(control.store(), name.clone(), BOOTS).await?;
    let items =
        boots.iter().map(|boot| format!("{} {}", escaped(&date(boot.at)), escaped(boot.profile.as_str())));
    html.list("ul", 0, items);
    html.heading("Tests");
    list_of_runs(&mut html, &runs, &format!("/system/{}", part(name.as_str())));
    Ok(html.finish())
}

async fn of_version(
    control: &dyn Control,
    version: &str,
    before: Option<TestRunId>,
) -> Result<String, NoPage> {
    let query = TestQuery { version: Some(version.into()), before, limit: MOST, ..TestQuery::default() };
    let runs = control.store().test_runs(query).await?;
    if runs.is_empty() {
        return Err(NoPage::NotFound(format!("no test tells of the version {version}")));
    }
    let mut html = Html::new(&format!("Test reports for version {version}"));
    list_of_runs(&mut html, &runs, &format!("/tests/{}", part(version)));
    Ok(html.finish())
}

async fn of_test(
    control: &dyn Control,
    name: &TestName,
    before: Option<TestRunId>,
) -> Result<String, NoPage> {
    let query = TestQuery { test: Some(name.clone()), before, limit: MOST, ..TestQuery::default() };
    let runs = control.store().test_runs(query).await?;
    if runs.is_empty() {
        return Err(NoPage::NotFound(format!("no test named {name} was ever queued")));
    }
    let mut html = Html::new(&format!("Test {name}"));
    list_of_runs(&mut html, &runs, &format!("/testname/{}", part(name.as_str())));
    Ok(html.finish())
}

/// Runs, the newest first, and the way to those before them.
fn list_of_runs(html: &mut Html, runs: &[TestRun], here: &str) {
    let rows = runs.iter().map(|run| {
        let version = run.version.as_deref().map(version_link).unwrap_or_default();
        [
            link(&format!("/test/{}/", run.id), run.test.as_str()),
            result(run),
            system_link(&run.host),
            version,
            escaped(&date(run.at())),
        ]
    });
    html.table(["Test", "Result", "System", "Version", "Date"], rows);
    if let Some(last) = runs.last().filter(|_| runs.len() == MOST) {
        html.link_line(&format!("{here}/before/{}/", last.id), "older tests");
    }
}

/// `(2 errors on n1)` where there is a log, else the status's letter: as pxemngr writes it.
fn result(run: &TestRun) -> String {
    if run.status == TestStatus::Done {
        let class = if run.errors > 0 { " class=\"E\"" } else { "" };
        let what = if run.errors == 1 { "error" } else { "errors" };
        format!("<span{class}>({} {what} on {})</span>", run.errors, escaped(run.host.as_str()))
    } else {
        run.status.letter().to_owned()
    }
}

async fn known(control: &dyn Control, id: TestRunId) -> Result<Arc<TestRun>, NoPage> {
    let run = control.store().test_run(id).await?;
    run.ok_or_else(|| NoPage::NotFound(format!("there is no test run {id}")))
}

async fn run(control: &dyn Control, id: TestRunId, from: usize) -> Result<String, NoPage> {
    let run = known(control, id).await?;
    let mut html = Html::new(&format!("Test {} of {}", run.test, run.host));
    let mut rows = vec![
        ("Name", link(&format!("/testname/{}/", part(run.test.as_str())), run.test.as_str())),
        ("System", system_link(&run.host)),
        ("Date", escaped(&date(run.at()))),
        ("Status", run.status.letter().to_owned()),
    ];
    let is_done = run.status == TestStatus::Done;
    if is_done {
        rows.extend([
            ("Version", run.version.as_deref().map(version_link).unwrap_or_default()),
            ("Errors", run.errors.to_string()),
            ("Warnings", run.warnings.to_string()),
            ("Infos", run.infos.to_string()),
        ]);
    }
    rows.extend(run.note.as_deref().map(|note| ("Note", escaped(note))));
    html.table(["", ""], rows.into_iter().map(|(name, value)| [escaped(name), value]));
    if is_done {
        let lines = control.store().test_lines(id, from, LINES).await?;
        let items = lines.iter().map(|line| {
            let letter = line.kind.letter();
            format!("<span class=\"{letter}\">{letter}: {}</span>", escaped(&line.text))
        });
        html.list("ol", from, items);
        if lines.len() == LINES {
            html.link_line(&format!("/test/{id}/from/{}/", from.saturating_add(LINES)), "more lines");
        }
        html.link_line(&format!("/testcontent/{id}/"), "complete log");
    }
    Ok(html.finish())
}

fn upload(id: Option<TestRunId>) -> String {
    let mut html = Html::new("Upload a log");
    let to = id.map_or_else(|| "/upload/".to_owned(), |id| format!("/upload/{id}/"));
    html.line(&format!("By a script: curl -F file=@LOG http://THIS-SERVER{to}"));
    html.raw(&format!(
        "<form method=\"post\" enctype=\"multipart/form-data\" action=\"{}\">\n<p><input type=\"file\" name=\"file\" \
         aria-label=\"log\"> <input type=\"submit\" value=\"Upload\"></p>\n</form>\n",
        escaped(&to)
    ));
    html.finish()
}

fn system_link(name: &HostName) -> String {
    link(&format!("/system/{}/", part(name.as_str())), name.as_str())
}

fn version_link(version: &str) -> String {
    link(&format!("/tests/{}/", part(version)), version)
}

/// `2026-11-21 07:52:12`, UTC.
fn date(at: Timestamp) -> String {
    let text = at.to_string();
    text.split_once('.').map_or(text.as_str(), |(seconds, _)| seconds).replace('T', " ")
}
