use nextboot_model::PowerAction;
use serde_json::json;

use crate::server::Server;

async fn server() -> Server {
    let server = Server::start().await;
    server.add("n1", "52:54:00:00:00:01").await;
    server.add("n2", "52:54:00:00:00:02").await;
    let answer = server.call("PATCH /api/hosts/n1", r#"{"power":{"kind":"wol"}}"#).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    server
}

fn actions(server: &Server) -> Vec<(String, PowerAction)> {
    let switched = std::mem::take(&mut *server.made.switched.lock().unwrap());
    switched.into_iter().map(|(host, action)| (host.to_string(), action)).collect()
}

#[tokio::test]
async fn hosts_are_switched_one_by_one_and_many_at_a_time() {
    let server = server().await;
    let answer = server.call("PUT /api/hosts/52-54-00-00-00-01/power", r#"{"action":"cycle"}"#).await;
    assert_eq!((answer.status, answer.json()["ok"].clone()), (200, json!(true)));
    assert_eq!(actions(&server), [("n1".into(), PowerAction::Cycle)]);
    let answer = server.call("GET /api/hosts/n1/power", "").await;
    assert_eq!(answer.json()["state"], "on");
    assert_eq!(actions(&server), [("n1".into(), PowerAction::Status)]);
    let answer = server.call("POST /api/power", r#"{"hosts":["n2","n1"],"action":"off"}"#).await;
    let hosts = answer.json()["hosts"].clone();
    assert_eq!((&hosts[0]["host"], &hosts[0]["error"]["code"]), (&json!("n2"), &json!("no-power")));
    assert_eq!((&hosts[1]["host"], &hosts[1]["ok"]), (&json!("n1"), &json!(true)));
    for (call, body, error) in [
        ("PUT /api/hosts/n9/power", r#"{"action":"on"}"#, (404, "unknown-host")),
        ("PUT /api/hosts/n1/power", r#"{"action":"explode"}"#, (400, "bad-request")),
        ("POST /api/power", r#"{"hosts":["n1","n1"],"action":"on"}"#, (409, "host-twice")),
        ("POST /api/power", r#"{"hosts":["n1","n9"],"action":"on"}"#, (404, "unknown-host")),
        ("POST /api/power", r#"{"hosts":[],"action":"on"}"#, (400, "number-of-hosts")),
    ] {
        actions(&server);
        assert_eq!(server.call(call, body).await.error(), (error.0, error.1.into()), "{call} {body}");
        assert!(actions(&server).is_empty(), "{call} {body}");
    }
}

#[tokio::test]
async fn a_rescue_assigns_restarts_and_is_taken_back() {
    let server = server().await;
    let answer = server.call("POST /api/rescue", r#"{"hosts":["n1"]}"#).await;
    assert_eq!(answer.error(), (404, "no-rescue-profile".into()));
    assert!(answer.body.contains("911boot"), "{}", answer.body);
    let server = Server::with_rescue("rescue").await;
    server.add("n1", "52:54:00:00:00:01").await;
    server.add("n2", "52:54:00:00:00:02").await;
    server.call("PATCH /api/hosts/n1", r#"{"power":{"kind":"wol"}}"#).await;
    let answer = server.call("POST /api/rescue", r#"{"hosts":["n1","n2"]}"#).await;
    let hosts = answer.json()["hosts"].clone();
    assert_eq!((&hosts[0]["boots"], &hosts[0]["power"]["ok"]), (&json!("rescue"), &json!(true)));
    assert_eq!(
        (&hosts[1]["boots"], &hosts[1]["power"]["error"]["code"]),
        (&json!("rescue"), &json!("no-power"))
    );
    assert_eq!(actions(&server), [("n1".into(), PowerAction::BootNetwork)]);
    server.call("PUT /api/assignments", r#"{"hosts":["n2"],"profile":"small"}"#).await;
    let answer = server.call("POST /api/rescue", r#"{"hosts":["n1","n2"],"off":true}"#).await;
    let hosts = answer.json()["hosts"].clone();
    assert_eq!((&hosts[0]["boots"], &hosts[0]["changed"]), (&json!("local"), &json!(true)));
    assert_eq!((&hosts[1]["boots"], &hosts[1]["changed"]), (&json!("small"), &json!(false)), "not a rescue");
    assert!(actions(&server).is_empty(), "it is not restarted unasked");
    server.call("POST /api/rescue", r#"{"hosts":["n1"],"restart":false}"#).await;
    assert!(actions(&server).is_empty());
    server.call("POST /api/rescue", r#"{"hosts":["n1"],"off":true,"restart":true}"#).await;
    assert_eq!(actions(&server), [("n1".into(), PowerAction::Cycle)]);
}

#[tokio::test]
async fn an_installer_is_no_rescue() {
    let server = Server::with_rescue("small").await;
    server.add("n1", "52:54:00:00:00:01").await;
    let answer = server.call("POST /api/rescue", r#"{"hosts":["n1"]}"#).await;
    assert_eq!(answer.error(), (409, "rescue-installs".into()));
    assert_eq!(server.profile_of("n1").await, "local");
}
