use nextboot_model::PowerAction;
use serde_json::json;

use crate::server::{Answer, From, MACHINE, OWN_MAC, STRANGER, Server, TOKEN, TRUSTED};

const MAC: &str = "52:54:00:00:00:01";

async fn with_hosts() -> Server {
    let server = Server::start().await;
    server.add("h1", MAC).await;
    server.add("h2", "52:54:00:00:00:02").await;
    server
}

async fn deploy(server: &Server, profile: &str, body: &str) -> Answer {
    let form = ["Content-Type: application/x-www-form-urlencoded"];
    server.ask(From::Token(TOKEN), &format!("PUT /configurations/{profile}/deploy"), &form, body).await
}

#[tokio::test]
async fn the_call_of_the_use_case_answers_to_the_byte() {
    let server = Server::start().await;
    server.add("h1", OWN_MAC).await;
    server.call("PUT /api/assignments", r#"{"hosts":["h1"],"profile":"small"}"#).await;
    let body = r#"{"hosts":[{"macAddress":"23:34:a3:e9:09:cc"}]}"#;
    let answer = deploy(&server, "local", body).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.body, r#"{"hosts":[{"name":"","configuration":"","rebooted":"NO"}]}"#);
    assert!(answer.head.contains("content-type: application/json; charset=utf-8"), "{}", answer.head);
    assert_eq!(server.profile_of("h1").await, "local");
}

#[tokio::test]
async fn every_way_to_name_a_host_works_on_both_paths_and_holds_until_changed() {
    let server = with_hosts().await;
    for body in [
        r#"{"hosts":[{"name":"h1"},{"macAddress":"52:54:00:00:00:02"}]}"#,
        r#"{"HOSTS":[{"NAME":"h1"},{"mac_address":"52-54-00-00-00-02","x":1}]}"#,
        r#"{"hosts":[{"name":"h1","macaddress":"52:54:00:00:00:01"},{"MacAddress":"525400000002"}]}"#,
    ] {
        for path in ["/configurations", "/v1/configurations"] {
            let call = format!("PUT {path}/small/deploy");
            let answer = server.ask(From::Address(TRUSTED), &call, &[], body).await;
            assert_eq!(
                answer.body,
                r#"{"hosts":[{"name":"h1","configuration":"","rebooted":"NO"},{"name":"","configuration":"","rebooted":"NO"}]}"#
            );
            let host = server.call("GET /api/hosts/h2", "").await.json();
            let held = &host["assignment"];
            assert_eq!((&held["profile"], &held["until"]), (&json!("small"), &json!("changed")));
            assert_eq!(held["by"], json!({"door": "deploy", "who": "127.0.1.5 (trusted network)"}));
            server.call("POST /api/cancel", r#"{"hosts":["h1","h2"]}"#).await;
        }
    }
    let reboot = deploy(&server, "grml", r#"{"hosts":[{"name":"h1","reboot":true}]}"#).await;
    assert_eq!(reboot.body, r#"{"hosts":[{"name":"h1","configuration":"","rebooted":"ERROR"}]}"#);
    for body in ["{}", "null", r#"{"hosts":[]}"#, r#"{"hosts":null}"#] {
        let answer = deploy(&server, "grml", body).await;
        assert_eq!((answer.status, answer.body.as_str()), (200, r#"{"hosts":[]}"#), "{body}");
    }
}

#[tokio::test]
async fn refusals_have_the_statuses_and_words_that_scripts_know_and_change_nothing() {
    let server = with_hosts().await;
    for (profile, body, status, text) in [
        ("nope", r#"{"hosts":[{"name":"h1"}]}"#, 404, "Configuration 'nope' does not exists"),
        ("nope", "{}", 404, "Configuration 'nope' does not exists"),
        ("a%2Fb", "{}", 404, "Configuration 'a/b' does not exists"),
        (
            "grml",
            r#"{"hosts":[{"name":"h1","configuration":"x"}]}"#,
            409,
            "Configuration attribute for a host in this context is not allowed",
        ),
        ("grml", r#"{"hosts":[{"name":"h1"},{"name":"h9"}]}"#, 404, "No host declared for name <h9>"),
        (
            "grml",
            r#"{"hosts":[{"name":"h1","macAddress":"52:54:00:00:00:99"}]}"#,
            409,
            "Host <h1> does not match MAC address <52:54:00:00:00:99>",
        ),
        (
            "grml",
            r#"{"hosts":[{"name":"h1","macAddress":"52:54:00:00:00:02"}]}"#,
            409,
            "MAC address <52:54:00:00:00:02> does not match host <h1>",
        ),
        (
            "grml",
            r#"{"hosts":[{"name":"h1"},{"macAddress":"52:54:00:00:00:01"}]}"#,
            409,
            "Host <h1> appears several times in query",
        ),
        (
            "grml",
            r#"{"hosts":[{"name":"h1"},{"macAddress":"52:54:00:00:00:99"}]}"#,
            404,
            "No host declared with MAC address <52:54:00:00:00:99>",
        ),
        (
            "grml",
            r#"{"hosts":[{"name":"h1"},{"macAddress":"no & mac"}]}"#,
            404,
            "No host declared with MAC address <no & mac>",
        ),
        (
            "grml",
            r#"{"hosts":[{"name":"h1"},{}]}"#,
            400,
            "Either Name or MACAddress must be provided for each Host",
        ),
        (
            "grml",
            r#"{"hosts":[{"name":"h1"},null]}"#,
            400,
            "Either Name or MACAddress must be provided for each Host",
        ),
    ] {
        let answer = deploy(&server, profile, body).await;
        assert_eq!(answer.status, status, "{body}");
        assert_eq!(answer.json(), json!({"Message": text, "message": text}), "{body}");
        assert!(!answer.body.contains(['<', '>', '&']), "escaped as Go does: {}", answer.body);
        assert_eq!(server.profile_of("h1").await, "local");
    }
    for body in ["", "[]", "{", "hosts=h1", r#"{"hosts":[{"name":1}]}"#] {
        assert_eq!(deploy(&server, "grml", body).await.status, 400, "{body}");
        assert_eq!(deploy(&server, "nope", body).await.status, 400, "the body is read first");
    }
}

#[tokio::test]
async fn a_machine_may_send_itself_to_local_and_that_is_its_call_back() {
    let server = with_hosts().await;
    server
        .call("POST /api/hosts", &format!(r#"{{"name":"own","macs":["{OWN_MAC}","52:54:00:00:00:07"]}}"#))
        .await;
    for body in [
        r#"{"hosts":[{"macAddress":"23:34:a3:e9:09:cc"}]}"#,
        r#"{"hosts":[{"name":"own"}]}"#,
        r#"{"hosts":[{"name":"own","mac_address":"23-34-A3-E9-09-CC"}]}"#,
        r#"{"hosts":[{"macAddress":"52:54:00:00:00:07"}]}"#,
    ] {
        server.call("PUT /api/assignments", r#"{"hosts":["own"],"profile":"small"}"#).await;
        let answer = server.ask(From::Address(MACHINE), "PUT /configurations/local/deploy", &[], body).await;
        assert_eq!(answer.status, 200, "{body}: {}", answer.body);
        let host = server.call("GET /api/hosts/own", "").await.json();
        assert_eq!(host["assignment"]["by"], json!({"door": "machine", "from": "127.0.2.7"}));
        assert_eq!(host["assignment"]["profile"], "local");
    }
    let events = server.call("GET /api/events?host=own", "").await.json();
    let codes: Vec<_> =
        events["events"].as_array().unwrap().iter().map(|event| event["code"].clone()).collect();
    assert_eq!(codes.iter().filter(|code| **code == "called-back").count(), 4);
}

#[tokio::test]
async fn a_machine_may_do_nothing_else_and_nobody_else_may_do_it_for_the_machine() {
    let server = with_hosts().await;
    server.add("own", OWN_MAC).await;
    server.call("PUT /api/assignments", r#"{"hosts":["own","h1"],"profile":"small"}"#).await;
    let own = r#"{"hosts":[{"macAddress":"23:34:a3:e9:09:cc"}]}"#;
    for (from, profile, body) in [
        (MACHINE, "grml", own),
        (MACHINE, "small", own),
        (MACHINE, "nope", own),
        (MACHINE, "local", r#"{"hosts":[{"name":"h1"}]}"#),
        (MACHINE, "local", r#"{"hosts":[{"name":"nope"}]}"#),
        (MACHINE, "local", r#"{"hosts":[{"macAddress":"52:54:00:00:00:01"}]}"#),
        (MACHINE, "local", r#"{"hosts":[{"name":"own","macAddress":"52:54:00:00:00:01"}]}"#),
        (MACHINE, "local", r#"{"hosts":[{"name":"h1","macAddress":"23:34:a3:e9:09:cc"}]}"#),
        (MACHINE, "local", r#"{"hosts":[{"name":"own"},{"name":"h1"}]}"#),
        (MACHINE, "local", r#"{"hosts":[{"name":"own","configuration":"small"}]}"#),
        (MACHINE, "local", r#"{"hosts":[{}]}"#),
        (MACHINE, "local", r#"{"hosts":[]}"#),
        (MACHINE, "local", "not JSON"),
        (STRANGER, "local", own),
        (STRANGER, "local", r#"{"hosts":[{"name":"own"}]}"#),
    ] {
        let call = format!("PUT /configurations/{profile}/deploy");
        let answer = server.ask(From::Address(from), &call, &[], body).await;
        assert_eq!(answer.status, 401, "{from} {profile} {body}");
        let said = answer.json();
        assert!(said["Message"].as_str().unwrap().contains("Authorization: Bearer"), "{said}");
        assert_eq!(said["Message"], said["message"]);
        assert!(answer.head.contains("www-authenticate: bearer"), "{}", answer.head);
    }
    let browser = ["Origin: http://evil.example"];
    let call = "PUT /configurations/local/deploy";
    // A call of this length is not even read.
    let long = format!("{own}{}", " ".repeat(4096));
    assert_eq!(server.ask(From::Address(MACHINE), call, &[], &long).await.status, 401);
    assert_eq!(server.ask(From::Address(MACHINE), call, &browser, own).await.status, 401);
    assert_eq!(server.profile_of("own").await, "small");
    assert_eq!(server.profile_of("h1").await, "small");
}

/// An operator's own machine is a host, too, and it may be named in its own call.
#[tokio::test]
async fn a_machine_that_has_the_token_restarts_itself_when_it_says_so() {
    let server = with_hosts().await;
    server.add("own", OWN_MAC).await;
    server.call("PATCH /api/hosts/own", r#"{"power":{"kind":"wol"}}"#).await;
    let token = [&*format!("Authorization: Bearer {TOKEN}")];
    let body = r#"{"hosts":[{"name":"own","reboot":true}]}"#;
    let call = "PUT /configurations/local/deploy";
    let answer = server.ask(From::Address(MACHINE), call, &token, body).await;
    assert_eq!(answer.body, r#"{"hosts":[{"name":"own","configuration":"","rebooted":"YES"}]}"#);
    let switched = || std::mem::take(&mut *server.made.switched.lock().unwrap());
    assert_eq!(switched(), [("own".parse().unwrap(), PowerAction::Reboot)]);
    assert_eq!(server.profile_of("own").await, "local");
    let answer = server.ask(From::Address(MACHINE), call, &[], body).await;
    assert_eq!(answer.body, r#"{"hosts":[{"name":"own","configuration":"","rebooted":"ERROR"}]}"#);
    assert!(switched().is_empty(), "without one it may go back to its disk, and nothing else");
}

#[tokio::test]
async fn a_machine_that_calls_back_over_and_over_does_not_fill_the_journal() {
    let server = Server::start().await;
    let body = r#"{"hosts":[{"macAddress":"23:34:a3:e9:09:cc"}]}"#;
    for _ in 0..5 {
        let call = "PUT /configurations/local/deploy";
        assert_eq!(server.ask(From::Address(MACHINE), call, &[], body).await.status, 200);
    }
    let events = server.call("GET /api/events", "").await.json();
    assert_eq!(events["events"].as_array().unwrap().len(), 2, "{events}");
}

#[tokio::test]
async fn a_machine_that_is_no_host_becomes_one_by_its_call_back() {
    let server = Server::start().await;
    let body = r#"{"hosts":[{"macAddress":"23:34:A3:E9:09:CC"}]}"#;
    let answer = server.ask(From::Address(MACHINE), "PUT /v1/configurations/local/deploy", &[], body).await;
    assert_eq!(answer.body, r#"{"hosts":[{"name":"","configuration":"","rebooted":"NO"}]}"#);
    let host = server.call("GET /api/hosts/23-34-a3-e9-09-cc", "").await.json();
    assert_eq!(host["macs"], json!([OWN_MAC]));
    assert_eq!(host["assignment"]["profile"], "local");
    // Others do not make hosts this way.
    let other = r#"{"hosts":[{"macAddress":"52:54:00:00:00:55"}]}"#;
    assert_eq!(deploy(&server, "local", other).await.status, 404);
    assert_eq!(server.store.state().len(), 1);
}
