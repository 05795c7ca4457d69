//! pxe-pilot's calls but the deployment.

use serde_json::{Value, json};

use crate::server::{From, STRANGER, Server, TOKEN, TRUSTED};

const MAC: &str = "52:54:00:00:00:01";

#[tokio::test]
async fn whether_it_lives_anybody_may_ask_and_nothing_else() {
    let server = Server::start().await;
    server.add("h1", MAC).await;
    for prefix in ["", "/v1"] {
        let ask = async |call: &str| {
            let (method, path) = call.split_once(' ').unwrap();
            server.ask(From::Address(STRANGER), &format!("{method} {prefix}{path}"), &[], "").await
        };
        let alive = ask("GET /healthcheck").await;
        assert_eq!((alive.status, alive.body.as_str()), (204, ""));
        for call in ["GET /hosts", "GET /configurations", "GET /configurations/local", "GET /bootloaders"] {
            let refused = ask(call).await;
            assert_eq!(refused.status, 401, "{call}");
            assert!(refused.head.contains("www-authenticate: bearer"), "{}", refused.head);
            let body = refused.json();
            assert_eq!(body["Message"], body["message"]);
            assert!(body["message"].as_str().unwrap().contains("Authorization: Bearer"), "{body}");
        }
    }
}

#[tokio::test]
async fn where_there_is_nothing_it_answers_as_it_did() {
    let server = Server::start().await;
    let token = From::Token(TOKEN);
    for call in [
        "GET /v1",
        "GET /v1/",
        "GET /v1/nothing",
        "POST /v1/hosts",
        "GET /v1/configurations/grml/deploy",
        "DELETE /v1/configurations/grml",
        "POST /hosts",
        "GET /v1/hosts/h1",
        "PUT /v1/healthcheck/",
    ] {
        let answer = server.ask(token, call, &[], "").await;
        assert_eq!((answer.status, answer.body.as_str()), (404, "404 page not found"), "{call}");
        assert!(answer.head.contains("content-type: text/plain"), "{}", answer.head);
    }
    let moved = server.ask(token, "GET /v1/configurations/?x=1", &[], "").await;
    assert_eq!(moved.status, 301);
    assert!(moved.head.contains("location: /v1/configurations?x=1\r\n"), "{}", moved.head);
    assert_eq!(server.ask(token, "PUT /v1/configurations/grml/deploy/", &[], "{}").await.status, 307);
}

#[tokio::test]
async fn configurations_are_a_bare_array_and_shown_with_their_text() {
    let server = Server::start().await;
    let all = server.ask(From::Address(TRUSTED), "GET /v1/configurations", &[], "").await;
    assert!(all.head.contains("content-type: application/json; charset=utf-8"), "{}", all.head);
    let all = all.json();
    let names: Vec<&str> = all.as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert!(names.contains(&"local") && names.contains(&"grml") && names.is_sorted(), "{names:?}");
    let usual = json!({"name": "pxelinux", "file": "pxelinux.0", "config_path": ""});
    assert_eq!(all[0]["bootloader"], usual);
    let shown = server.call("GET /configurations/grml", "").await.json();
    assert_eq!(shown["name"], "grml");
    let own = server.call("GET /api/profiles/grml", "").await.json();
    assert_eq!(shown["content"], own["content"]);
    let kernel = server.call("GET /v1/configurations/small", "").await.json();
    assert!(kernel["content"].as_str().unwrap().contains("LINUX small/vmlinuz"), "{kernel}");
    for name in ["nope", "a%2Fb"] {
        let unknown = server.call(&format!("GET /v1/configurations/{name}"), "").await;
        let decoded = name.replace("%2F", "/");
        assert_eq!(unknown.status, 404);
        assert_eq!(unknown.json()["Message"], format!("Configuration '{decoded}' does not exists"));
    }
    assert_eq!(server.call("GET /v1/bootloaders", "").await.body, "[]");
}

#[tokio::test]
async fn hosts_show_what_they_boot_and_no_password() {
    let server = Server::start().await;
    let new = json!({"name": "h1", "macs": [MAC, "52-54-00-00-00-02"], "held": {},
        "power": {"kind": "ipmi", "address": "10.0.9.1", "mac": "52:54:00:00:0a:01", "user": "root", "password": "geheim"}});
    assert_eq!(server.call("POST /api/hosts", &new.to_string()).await.status, 201);
    let new = json!({"name": "h2", "macs": ["52:54:00:00:00:03"],
        "power": {"kind": "command", "adapter": "shell", "address": "pdu", "vars": {"outlet": "geheim"}}});
    assert_eq!(server.call("POST /api/hosts", &new.to_string()).await.status, 201);
    server.add("h3", "52:54:00:00:00:04").await;
    let list = async || server.call("GET /v1/hosts?status=false", "").await;
    let answer = list().await;
    assert!(!answer.body.contains("geheim"), "{}", answer.body);
    let hosts = answer.json();
    assert_eq!(
        hosts[0],
        json!({
            "name": "h1", "macAddresses": [MAC, "52:54:00:00:00:02"], "configuration": null, "powerState": "Unknown",
            "ipmi": {"macAddress": "52:54:00:00:0a:01", "username": "root", "password": "", "interface": "",
                "hostname": "10.0.9.1", "subnet": ""},
            "management": null,
        })
    );
    let management = json!({"macAddress": "", "ipAddress": "pdu", "adapter": "shell", "subnet": "",
        "vars": [{"name": "outlet", "value": ""}]});
    assert_eq!((&hosts[1]["ipmi"], &hosts[1]["management"]), (&Value::Null, &management));
    assert_eq!(hosts[1]["configuration"]["name"], "local", "added here, so somebody has spoken");
    assert_eq!((&hosts[2]["powerState"], &hosts[2]["ipmi"]), (&json!(""), &Value::Null));
    let body = r#"{"hosts":[{"name":"h1"}]}"#;
    assert_eq!(server.call("PUT /v1/configurations/grml/deploy", body).await.status, 200);
    assert_eq!(list().await.json()[0]["configuration"]["name"], "grml");
    assert_eq!(server.call("GET /hosts?status=maybe", "").await.status, 400);
}

#[tokio::test]
async fn a_host_comes_with_what_it_booted_elsewhere() {
    let server = Server::start().await;
    let add = async |held: Value| {
        let new = json!({"name": "h1", "macs": [MAC], "held": held});
        server.call("POST /api/hosts", &new.to_string()).await
    };
    assert_eq!(add(json!({"profile": "nope"})).await.error(), (404, "unknown-profile".into()));
    assert_eq!(add(json!({"profil": "grml"})).await.status, 400);
    let held = add(json!({"profile": "grml", "since": 7})).await.json()["assignment"].clone();
    assert_eq!(
        (&held["profile"], &held["since"], &held["until"]),
        (&json!("grml"), &json!(7), &json!("changed"))
    );
}
