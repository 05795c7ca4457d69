use std::{collections::BTreeMap, fmt, net::IpAddr, sync::Arc};

use minijinja::{
    Value,
    value::{Object, ObjectRepr},
};
use nextboot_model::{Record, TestName, TestRun};

use crate::{
    TemplateError,
    render::{base, render},
};

/// Everything that the script of a test sees. pxemngr's `system`, `testname` and `log` are as they were there.
#[derive(Debug, Clone)]
pub struct TestScene<'a> {
    /// The host, if it is for one.
    pub record: Option<&'a Arc<Record>>,
    /// The host's name, or what stands for it.
    pub system: &'a str,
    /// The test.
    pub test: &'a TestName,
    /// The run; none while there is nothing to do.
    pub run: Option<&'a TestRun>,
    /// Our address on the machine's network.
    pub server: IpAddr,
    /// Port of the boot side of HTTP.
    pub http_port: u16,
    /// Port of the control API.
    pub api_port: u16,
}

impl TestScene<'_> {
    /// Renders the script. An undefined name is an error, so that no machine runs half a test.
    ///
    /// # Errors
    /// What is wrong with the template, and in which line.
    pub fn render(&self, template: &str) -> Result<String, TemplateError> {
        render(&format!("{}.test", self.test), template, || self.names())
    }

    fn names(&self) -> Value {
        let http = base(self.server, self.http_port);
        let mut names = BTreeMap::from([
            ("system", Value::from(self.system)),
            ("testname", self.test.as_str().into()),
            ("log", Value::from_object(Log(self.run.cloned()))),
            (
                "server",
                Value::from_pairs([
                    ("address", Value::from(self.server.to_string())),
                    ("http", http.as_str().into()),
                    ("api", base(self.server, self.api_port).into()),
                ]),
            ),
            ("nexttest_url", format!("{http}/nexttest/").into()),
        ]);
        names.extend(self.run.map(|run| ("upload_url", format!("{http}/upload/{}/", run.id).into())));
        names.extend(self.record.map(|record| ("host", host(record))));
        names.into()
    }
}

fn host(record: &Record) -> Value {
    let host = &record.host;
    let macs: Vec<String> = host.macs.iter().map(ToString::to_string).collect();
    let mut names = BTreeMap::from([
        ("name", Value::from(host.name.as_str())),
        ("mac", macs.first().cloned().unwrap_or_default().into()),
        ("macs", macs.into()),
        ("vars", Value::from_pairs(host.vars.clone())),
        ("profile", record.assignment.profile.as_str().into()),
    ]);
    names.extend(host.address.map(|address| ("address", address.to_string().into())));
    names.extend(host.uuid.map(|uuid| ("uuid", uuid.to_string().into())));
    names.into()
}

/// A run as scripts know it: `{{ log.id }}`, `{{ log.status }}`, and printed `cpu S`. Without a run it is not true, prints
/// `None`, and everything of it is empty: the script for machines that wait is written by the same people as the others.
#[derive(Debug)]
struct Log(Option<TestRun>);

impl Object for Log {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let run = self.0.as_ref();
        let text = |text: Option<String>| Some(text.unwrap_or_default().into());
        match key.as_str()? {
            "id" => Some(run.map_or_else(|| "".into(), |run| run.id.0.into())),
            "status" => text(run.map(|run| run.status.letter().to_owned())),
            "system" => text(run.map(|run| run.host.to_string())),
            "test_name" => text(run.map(|run| run.test.to_string())),
            "date" => text(run.map(|run| run.at().to_string())),
            _ => None,
        }
    }

    fn is_true(self: &Arc<Self>) -> bool {
        self.0.is_some()
    }

    fn render(self: &Arc<Self>, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(run) => fmt::Display::fmt(run, out),
            None => out.write_str("None"),
        }
    }
}

#[cfg(test)]
mod tests {
    use nextboot_model::{Assignment, Door, Host, TestRunId, TestStatus, Timestamp};

    use super::*;

    fn run() -> TestRun {
        TestRun {
            status: TestStatus::Started,
            started: Some(Timestamp(1000)),
            ..TestRun::queued(TestRunId(17), "n1".parse().unwrap(), "cpu".parse().unwrap(), Timestamp(0))
        }
    }

    fn render(template: &str, run: Option<&TestRun>) -> Result<String, String> {
        let mut host = Host::new("n1".parse().unwrap(), vec!["52:54:00:00:00:01".parse().unwrap()]);
        host.vars.insert("disk".into(), "/dev/sda".into());
        let by = Door::Rule { rule: "test".into() };
        let record = Arc::new(Record { host, assignment: Assignment::local(Timestamp(0), by) });
        let scene = TestScene {
            record: run.map(|_| &record),
            system: "n1",
            test: &"cpu".parse().unwrap(),
            run,
            server: [10, 0, 0, 1].into(),
            http_port: 8080,
            api_port: 3478,
        };
        scene.render(template).map_err(|error| error.to_string())
    }

    #[test]
    fn a_script_sees_its_system_its_test_and_its_run() {
        let run = run();
        for (template, text) in [
            ("{{ system }} {{ testname }} {{ log.id }} {{ log.status }} {{ log }}\n", "n1 cpu 17 S cpu S\n"),
            ("curl http://x/upload/{{log.id}}/", "curl http://x/upload/17/"),
            ("{% if log %}yes{% else %}no{% endif %}", "yes"),
            ("{{ upload_url }}", "http://10.0.0.1:8080/upload/17/"),
            ("{{ nexttest_url }} {{ server.address }}", "http://10.0.0.1:8080/nexttest/ 10.0.0.1"),
            ("{{ host.mac }} {{ host.vars.disk }}", "52:54:00:00:00:01 /dev/sda"),
            ("{{ log.date }} {{ log.system }} {{ log.test_name }}", "1970-01-01T00:00:01.000Z n1 cpu"),
        ] {
            assert_eq!(render(template, Some(&run)).as_deref(), Ok(text), "{template}");
        }
    }

    #[test]
    fn without_a_run_what_is_of_it_is_empty() {
        let template =
            "sleep 60 # [{{ log.id }}{{ log.status }}] {{ log }}{% if log %}!{% endif %} {{ system }}";
        assert_eq!(render(template, None).as_deref(), Ok("sleep 60 # [] None n1"));
    }

    #[test]
    fn what_is_wrong_is_named_with_its_file_and_line() {
        for (template, says) in [
            ("one\n{{ sistem }}", "sistem"),
            ("one\n{{ log.nothing }}", "undefined"),
            ("one\n{{ system|default:\"x\" }}", "syntax"),
            ("one\n{% if %}", "syntax"),
        ] {
            let error = render(template, Some(&run())).unwrap_err();
            assert!(error.contains("cpu.test, line 2") && error.contains(says), "{error}");
        }
    }
}
