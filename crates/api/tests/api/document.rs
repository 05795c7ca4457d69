use std::collections::BTreeSet;

use crate::server::{From, STRANGER, Server};

/// Every call that there is.
const CALLS: &[(&str, &str)] = &[
    ("delete", "/api/nets/{name}"),
    ("delete", "/api/systems/{name}"),
    ("get", "/api/nets"),
    ("get", "/api/systems/{name}"),
    ("get", "/api/systems/{name}/history"),
    ("post", "/api/nets"),
    ("post", "/api/systems/{name}"),
    ("post", "/api/systems/{name}/history"),
    ("put", "/api/nets/{name}/assignment"),
    ("put", "/api/systems/{name}/assignment"),
    ("delete", "/api/tests/{id}"),
    ("get", "/api/tests"),
    ("get", "/api/tests/names"),
    ("get", "/api/tests/{id}"),
    ("get", "/api/tests/{id}/log"),
    ("post", "/api/tests"),
    ("post", "/api/tests/import"),
    ("post", "/api/tests/{id}/requeue"),
    ("put", "/api/tests/{id}/log"),
    ("delete", "/api/hosts/{name}"),
    ("get", "/api/attempts"),
    ("get", "/api/events"),
    ("get", "/api/events/stream"),
    ("get", "/api/hosts"),
    ("get", "/api/hosts/{name}"),
    ("get", "/api/hosts/{name}/attempts"),
    ("get", "/api/hosts/{name}/power"),
    ("get", "/api/hosts/{name}/preview"),
    ("get", "/api/leases"),
    ("get", "/api/neighbours"),
    ("get", "/api/profiles"),
    ("get", "/api/profiles/{name}"),
    ("get", "/api/status"),
    ("get", "/metrics"),
    ("get", "/v1/bootloaders"),
    ("get", "/v1/configurations"),
    ("get", "/v1/configurations/{name}"),
    ("get", "/v1/healthcheck"),
    ("get", "/v1/hosts"),
    ("patch", "/api/hosts/{name}"),
    ("patch", "/v1/hosts/{name}/off"),
    ("patch", "/v1/hosts/{name}/on"),
    ("patch", "/v1/hosts/{name}/reboot"),
    ("patch", "/v1/refresh"),
    ("post", "/api/cancel"),
    ("post", "/api/hosts"),
    ("post", "/api/neighbours/probe"),
    ("post", "/api/power"),
    ("post", "/api/power/refresh"),
    ("post", "/api/reload"),
    ("post", "/api/rescue"),
    ("put", "/api/assignments"),
    ("put", "/api/hosts/{name}/power"),
    ("put", "/configurations/{name}/deploy"),
    ("put", "/v1/configurations/{name}/deploy"),
];

#[tokio::test]
async fn the_document_describes_exactly_the_calls_that_there_are() {
    let server = Server::start().await;
    let answer = server.ask(From::Address(STRANGER), "GET /api/openapi.json", &[], "").await;
    assert_eq!(answer.status, 200, "it is no secret");
    let document = answer.json();
    assert_eq!(document["openapi"], "3.1.0");
    let described: BTreeSet<(&str, &str)> = document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, calls)| {
            calls.as_object().unwrap().keys().map(|method| (method.as_str(), path.as_str()))
        })
        .collect();
    assert_eq!(described, CALLS.iter().copied().collect());

    server.add("n1", "52:54:00:00:00:01").await;
    let methods = ["get", "put", "post", "patch", "delete"];
    let paths: BTreeSet<&str> = CALLS.iter().map(|(_, path)| *path).collect();
    for path in paths.into_iter().filter(|path| *path != "/api/events/stream") {
        for method in methods {
            // The calls about a host find none that another one forgot.
            server.call("POST /api/hosts", r#"{"name":"grml","macs":["52:54:00:00:00:02"]}"#).await;
            let call =
                format!("{} {}", method.to_uppercase(), path.replace("{name}", "grml").replace("{id}", "1"));
            let status = server.call(&call, "").await.status;
            // pxe-pilot's answer 404, as they did.
            let wrong = if path.starts_with("/api") || path == "/metrics" { 405 } else { 404 };
            assert_eq!(status == wrong, !CALLS.contains(&(method, path)), "{call}: {status}");
        }
    }
}

#[tokio::test]
async fn the_document_is_whole_every_reference_leads_somewhere() {
    let server = Server::start().await;
    let text = server.call("GET /api/openapi.json", "").await.body;
    let document: serde_json::Value = serde_json::from_str(&text).unwrap();
    let mut references = 0;
    for rest in text.split("\"$ref\":\"#").skip(1) {
        let pointer = rest.split('"').next().unwrap();
        assert!(document.pointer(pointer).is_some(), "{pointer}");
        references += 1;
    }
    assert!(references > 20, "{references}");
    for (path, calls) in document["paths"].as_object().unwrap() {
        for (method, call) in calls.as_object().unwrap() {
            assert!(call["summary"].is_string(), "{method} {path} says what it does");
        }
    }
}
