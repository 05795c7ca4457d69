//! Tests that hosts are to run, and what came of them.

use crate::server::{From, MACHINE, STRANGER, Server, TRUSTED};

const N1: &str = "52:54:00:00:00:01";

async fn server() -> Server {
    let server = Server::start().await;
    server.add("n1", N1).await;
    server
}

async fn queue(server: &Server, host: &str, tests: &str) -> (u16, String) {
    let body = format!(r#"{{"host":"{host}","tests":{tests}}}"#);
    let answer = server.call("POST /api/tests", &body).await;
    (answer.status, answer.body)
}

async fn log(server: &Server, id: u64, text: &str) -> u16 {
    server.call(&format!("PUT /api/tests/{id}/log"), text).await.status
}

async fn json(server: &Server, path: &str) -> serde_json::Value {
    server.call(&format!("GET {path}"), "").await.json()
}

#[tokio::test]
async fn tests_are_queued_in_order_and_only_those_that_there_are() {
    let server = server().await;
    let (status, body) = queue(&server, N1, r#"["cpu","mem"]"#).await;
    assert_eq!(status, 201, "{body}");
    let runs = json(&server, "/api/tests?host=n1").await;
    let seen: Vec<_> = runs["tests"]
        .as_array()
        .unwrap()
        .iter()
        .map(|run| {
            (run["id"].as_u64().unwrap(), run["test"].as_str().unwrap(), run["letter"].as_str().unwrap())
        })
        .collect();
    assert_eq!(seen, [(2, "mem", "R"), (1, "cpu", "R")]);
    for (host, tests, status, says) in [
        ("n1", r#"["nothing"]"#, 404, "unknown-test"),
        ("n2", r#"["cpu"]"#, 404, "unknown-host"),
        ("n1", r#"[]"#, 400, "at least one"),
        ("n1", r#"["../cpu"]"#, 400, "cannot name a test"),
    ] {
        let (found, body) = queue(&server, host, tests).await;
        assert!(found == status && body.contains(says), "{tests}: {found} {body}");
    }
    let many = format!("[{}]", vec!["\"cpu\""; 255].join(","));
    let (status, body) = queue(&server, "n1", &many).await;
    assert!(status == 409 && body.contains("test-queue-full"), "{status} {body}");
    assert_eq!(json(&server, "/api/tests/names").await["tests"], serde_json::json!(["cpu", "mem", "wait"]));
}

#[tokio::test]
async fn a_log_finishes_its_run_and_a_later_one_replaces_it() {
    let server = server().await;
    queue(&server, "n1", r#"["cpu"]"#).await;
    assert_eq!(server.call("GET /api/tests/1/log", "").await.error(), (404, "no-log".into()));
    assert_eq!(server.call("POST /api/tests/1/requeue", "").await.error(), (409, "test-run-status".into()));
    assert_eq!(log(&server, 1, "V: 1.1\nE: a\nE: b\n").await, 200);
    assert_eq!(log(&server, 1, "V: 1.2\nE: <b>\nI: c\n").await, 200);
    let run = json(&server, "/api/tests/1").await;
    assert_eq!((&run["status"], &run["version"], &run["errors"]), (&"done".into(), &"1.2".into(), &1.into()));
    assert_eq!(run["lines"].as_array().unwrap().len(), 2);
    let text = server.call("GET /api/tests/1/log", "").await;
    assert!(text.head.contains("content-type: text/plain") && text.head.contains("content-length: 19"));
    assert_eq!(text.body, "V: 1.2\nE: <b>\nI: c\n");
    assert_eq!(log(&server, 1, &"x".repeat(10_001)).await, 413);
    assert_eq!(json(&server, "/api/tests/1").await["errors"], 1, "what is refused changes nothing");
    assert_eq!(log(&server, 7, "x").await, 404);
    assert_eq!(server.call("DELETE /api/tests/1", "").await.status, 204);
    for call in ["GET /api/tests/1", "GET /api/tests/1/log", "DELETE /api/tests/1", "GET /api/tests/x"] {
        assert_eq!(server.call(call, "").await.error(), (404, "unknown-test-run".into()), "{call}");
    }
}

#[tokio::test]
async fn runs_of_another_system_are_taken_over_whole_or_not_at_all() {
    let server = server().await;
    let run = |id: u64, host: &str| {
        format!(
            r#"{{"id":{id},"host":"{host}","test":"cpu","status":"done","at":1000,"version":"0.9",
                "lines":[{{"kind":"E","text":"bad"}},{{"kind":"W","text":"hm"}}]}}"#
        )
    };
    let import = |runs: String| format!(r#"{{"tests":[{runs}]}}"#);
    let mixed = import(format!("{},{}", run(5, "n1"), run(6, "n9")));
    assert_eq!(server.call("POST /api/tests/import", &mixed).await.error(), (404, "unknown-host".into()));
    assert_eq!(server.call("GET /api/tests/5", "").await.status, 404);
    let answer =
        server.call("POST /api/tests/import", &import(format!("{},{}", run(5, "n1"), run(5, "n1")))).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    let ids: Vec<_> =
        answer.json()["tests"].as_array().unwrap().iter().map(|run| run["id"].clone()).collect();
    assert_eq!(ids, [5, 6], "the number that is taken gives way");
    assert_eq!(log(&server, 5, "E: bad\n").await, 200);
    let run = json(&server, "/api/tests/5").await;
    assert_eq!((&run["finished"], &run["errors"], &run["warnings"]), (&1000.into(), &1.into(), &0.into()));
}

#[tokio::test]
async fn the_pages_show_what_there_is_and_everything_in_them_is_text() {
    let server = server().await;
    queue(&server, "n1", r#"["cpu","mem"]"#).await;
    let nasty = "<script>alert(1)</script>";
    assert_eq!(log(&server, 1, &format!("V: {nasty}/1\nE: {nasty}\n E: no\n")).await, 200);
    let page = async |path: &str| {
        let answer = server.call(&format!("GET {path}"), "").await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        assert!(answer.head.contains("content-security-policy: default-src 'none'"), "{}", answer.head);
        assert!(answer.head.contains("x-content-type-options: nosniff"), "{}", answer.head);
        assert!(!answer.body.contains("<script"), "{path}: {}", answer.body);
        answer.body
    };
    let version = "/tests/%3Cscript%3Ealert%281%29%3C%2Fscript%3E%2F1/";
    let front = page("/").await;
    for link in ["/system/n1/", version, "/testname/cpu/"] {
        assert!(front.contains(&format!("href=\"{link}\"")), "{link}: {front}");
    }
    assert!(page(version).await.contains("(1 error on n1)"));
    let system = page("/system/n1/").await;
    assert!(system.contains("Last 10 PXE requests") && system.contains("href=\"/test/1/\""), "{system}");
    assert!(page("/testname/mem/").await.contains("<td>R</td>"));
    let run = page("/test/1/").await;
    assert!(run.contains("E: &lt;script&gt;") && run.contains("/testcontent/1/"), "{run}");
    assert!(!page("/test/2/").await.contains("complete log"), "there is none");
    let log = server.call("GET /testcontent/1/", "").await;
    assert!(log.head.contains("content-type: text/plain") && log.body.contains("\n E: no\n"));
    for path in ["/test/3/", "/system/n9/", "/tests/9/", "/testname/x/", "/testcontent/3/", "/testcontent/2/"]
    {
        assert_eq!(server.call(&format!("GET {path}"), "").await.status, 404, "{path}");
    }
    for from in [From::Address(STRANGER), From::Address(MACHINE)] {
        assert_eq!(server.ask(from, "GET /", &[], "").await.status, 401);
    }
    assert_eq!(server.ask(From::Address(TRUSTED), "GET /", &[], "").await.status, 200);
}

#[tokio::test]
async fn the_page_of_a_system_lists_what_it_was_last_told_to_boot() {
    let server = server().await;
    for boot in ["rescue", "local", "rescue"] {
        let body = format!(r#"{{"hosts":["n1"],"profile":"{boot}"}}"#);
        assert_eq!(server.call("PUT /api/assignments", &body).await.status, 200);
    }
    let page = server.call("GET /system/n1/", "").await.body;
    assert_eq!(page.matches("rescue</li>").count(), 2, "{page}");
    for _ in 0..10 {
        server.call("PUT /api/assignments", r#"{"hosts":["n1"],"profile":"local"}"#).await;
    }
    let page = server.call("GET /system/n1/", "").await.body;
    assert_eq!((page.matches("rescue</li>").count(), page.matches("local</li>").count()), (0, 10), "{page}");
}
