use serde_json::json;

use crate::server::{From, STRANGER, Server};

const MAC: &str = "52:54:00:00:00:01";

#[tokio::test]
async fn networks_are_named_assigned_and_forgotten() {
    let server = Server::start().await;
    let net = server.call("POST /api/nets", r#"{"name":"lab","networks":["10.34","10.35.0.0/24"]}"#).await;
    assert_eq!(net.status, 200);
    assert_eq!(net.json()["networks"], json!(["10.34.0.0/16", "10.35.0.0/24"]));
    assert_eq!(net.json()["pxelinux"], json!(["0A22", "0A2300"]));
    let taken = server.call("POST /api/nets", r#"{"name":"other","networks":["10.34.0.0/16"]}"#).await;
    assert_eq!(taken.error(), (409, "network-taken".into()));
    for (body, code) in [
        (r#"{"name":"x","networks":[]}"#, "bad-net"),
        (r#"{"name":"x","networks":["10.34.1.0/16"]}"#, "bad-request"),
        (r#"{"name":"x","networks":["0.0.0.0/0"]}"#, "bad-net"),
    ] {
        assert_eq!(server.call("POST /api/nets", body).await.error(), (400, code.into()), "{body}");
    }
    let assigned = server.call("PUT /api/nets/lab/assignment", r#"{"profile":"local"}"#).await.json();
    assert_eq!(assigned["assignment"]["profile"], "local");
    for (call, body, code) in [
        ("PUT /api/nets/none/assignment", r#"{"profile":"local"}"#, "unknown-net"),
        ("PUT /api/nets/lab/assignment", r#"{"profile":"nothing"}"#, "unknown-profile"),
        ("DELETE /api/nets/none", "", "unknown-net"),
    ] {
        assert_eq!(server.call(call, body).await.error(), (404, code.into()), "{call}");
    }
    let freed = server.call("PUT /api/nets/lab/assignment", r#"{"profile":null}"#).await.json();
    assert_eq!(freed["assignment"], json!(null));
    assert_eq!(server.call("DELETE /api/nets/lab", "").await.status, 204);
    assert_eq!(server.call("GET /api/nets", "").await.json(), json!({ "nets": [] }));
}

#[tokio::test]
async fn a_system_takes_over_what_others_have_and_remembers() {
    let server = Server::start().await;
    server.add("n1", MAC).await;
    let body = json!({ "macs": [MAC], "networks": ["10.34"] }).to_string();
    let system = server.call("POST /api/systems/n2", &body).await.json();
    assert_eq!(system["macs"], json!([{ "mac": MAC, "address": null }]));
    assert_eq!(system["networks"], json!([{ "network": "10.34.0.0/16", "pxelinux": "0A22" }]));
    assert_eq!(server.call("GET /api/hosts/n1", "").await.status, 404, "it has no card any more");
    for key in ["n2", MAC, "10.34.0.9", "10.34"] {
        assert_eq!(server.call(&format!("GET /api/systems/{key}"), "").await.json(), system, "{key}");
    }
    let past = r#"{"from":"pxemngr","history":[{"at":5000,"profile":"inst"},{"at":6000,"profile":"live"}]}"#;
    assert_eq!(server.call("POST /api/systems/n2/history", past).await.status, 204);
    server.call("PUT /api/systems/n2/assignment", r#"{"profile":"local"}"#).await;
    let history = server.call("GET /api/systems/n2/history", "").await.json();
    let profiles: Vec<&str> = history["history"]
        .as_array()
        .unwrap()
        .iter()
        .map(|given| given["profile"].as_str().unwrap())
        .collect();
    assert_eq!(profiles, ["local", "live", "inst"], "the newest first, each once");
    assert_eq!(history["history"][2]["at"], 5000);
    let many = json!({ "from": "x", "history": vec![json!({ "at": 1, "profile": "x" }); 1001] }).to_string();
    let refused = server.call("POST /api/systems/n2/history", &many).await;
    assert_eq!(refused.status, 400, "{}", refused.body);
    for (call, body) in [
        ("POST /api/systems/n3", "{}"),
        ("POST /api/systems/default", r#"{"networks":["10.35"]}"#),
        ("POST /api/systems/n%203", r#"{"networks":["10.35"]}"#),
    ] {
        assert_eq!(server.call(call, body).await.status, 400, "{call}");
    }
    assert_eq!(server.call("DELETE /api/systems/n2", "").await.status, 204);
    for call in ["GET /api/systems/n2", "GET /api/systems/10.34", "DELETE /api/systems/n2"] {
        assert_eq!(server.call(call, "").await.error(), (404, "unknown-system".into()), "{call}");
    }
    let stranger = server.ask(From::Address(STRANGER), "GET /api/systems/n2", &[], "").await;
    assert_eq!(stranger.status, 401);
}
