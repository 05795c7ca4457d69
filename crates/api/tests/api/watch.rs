use nextboot_model::{
    Arch, Attempts, Class, EventKind, Lease, LeaseState, Mac, Outcome, Promise, Timestamp, Via,
};
use nextboot_store::NewEvent;
use serde_json::{Value, json};

use crate::server::Server;

const MAC: &str = "52:54:00:00:00:01";

fn mac() -> Mac {
    MAC.parse().unwrap()
}

fn codes(answer: &Value) -> Vec<String> {
    let events = answer["events"].as_array().unwrap();
    events.iter().map(|event| event["code"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn the_server_says_how_it_is_and_reads_its_configuration_again() {
    let server = Server::start().await;
    server.add("n1", MAC).await;
    assert_eq!(
        server.call("GET /api/status", "").await.json(),
        json!({
            "version": "1.2.3", "started": 7, "mode": "proxy", "interfaces": ["br0"], "config": "/etc/nextboot.toml",
            "revision": 1, "hosts": 1,
        })
    );
    assert_eq!(
        server.call("POST /api/reload", "").await.json(),
        json!({"reloaded": true, "needs_restart": ["log"]})
    );
    *server.made.complaints.lock().unwrap() = Some("line 3: no".into());
    let refused = server.call("POST /api/reload", "").await;
    assert_eq!(refused.error(), (422, "bad-configuration".into()));
    assert_eq!(refused.json()["error"]["message"], "line 3: no");
}

#[tokio::test]
async fn other_servers_are_listed_with_what_to_do_about_them() {
    let server = Server::start().await;
    for call in ["GET /api/neighbours", "POST /api/neighbours/probe"] {
        let answer = server.call(call, "").await.json();
        let known = &answer["neighbours"][0];
        assert_eq!((&known["server"], &known["options"]), (&json!("10.0.0.2"), &json!([53, 54, 60])));
        assert_eq!(known["conflicts"][0]["code"], "pxe-class");
        assert!(known["conflicts"][0]["message"].as_str().unwrap().contains("PXE-E16"));
    }
}

#[tokio::test]
async fn machines_that_boot_are_listed_and_shown_with_their_host() {
    let server = Server::start().await;
    server.add("n1", MAC).await;
    let mut attempts = Attempts::default();
    attempts.asked(Timestamp(1000), mac(), Some(Arch::UEFI_X64), false);
    attempts.asked(Timestamp(2000), "52:54:00:00:00:99".parse().unwrap(), None, false);
    attempts.addressed(Timestamp(3000), mac(), "10.0.0.9".parse().unwrap());
    *server.made.attempts.lock().unwrap() = attempts.iter().cloned().collect();
    let live = server.call("GET /api/attempts", "").await.json();
    assert_eq!(
        live["attempts"][0],
        json!({
            "id": 1000, "mac": MAC, "started": 1000, "heard": 3000, "address": "10.0.0.9", "arch": 7,
            "arch_text": "x86-64 UEFI", "stage": "asking",
        })
    );
    assert_eq!(live["attempts"][1]["mac"], "52:54:00:00:00:99");
    let host = server.call("GET /api/hosts/n1", "").await.json();
    assert_eq!(host["attempt"], live["attempts"][0]);
}

#[tokio::test]
async fn leases_name_their_hosts() {
    let server = Server::start().await;
    server.add("n1", MAC).await;
    let lease = |address: &str, mac: &str| Lease {
        address: address.parse().unwrap(),
        mac: mac.parse().unwrap(),
        client_id: Some(vec![0xff, 0, 0x1a]),
        hostname: Some("box".into()),
        uuid: Some("b8945908-d6a6-41a9-a11d-74a6ab80b83d".parse().unwrap()),
        relay_info: Some(vec![1, 1, 7]),
        state: LeaseState::Bound,
        expires: Timestamp::NEVER,
        heard: Timestamp(5),
    };
    *server.made.leases.lock().unwrap() =
        vec![lease("10.0.0.10", "52:54:00:00:00:02"), lease("10.0.0.9", MAC)];
    let leases = server.call("GET /api/leases", "").await.json();
    assert_eq!(
        leases["leases"][0],
        json!({
            "address": "10.0.0.9", "mac": MAC, "host": "n1", "hostname": "box", "client_id": "ff001a",
            "uuid": "b8945908-d6a6-41a9-a11d-74a6ab80b83d", "relay_info": "010107", "state": "bound",
            "expires": u64::MAX, "heard": 5,
        })
    );
    assert_eq!(leases["leases"][1]["host"], json!(null));
}

#[tokio::test]
async fn the_journal_is_read_from_either_end_and_for_one_machine() {
    let server = Server::start().await;
    server.add("n1", MAC).await;
    server.add("n2", "52:54:00:00:00:02").await;
    server.call("PUT /api/assignments", r#"{"hosts":["n1"],"profile":"rescue"}"#).await;
    let all = server.call("GET /api/events", "").await.json();
    assert_eq!(codes(&all), ["host-added", "host-added", "assigned"]);
    let first = &all["events"][0];
    assert_eq!((&first["host"], &first["mac"]), (&json!("n1"), &json!(MAC)));
    assert_eq!(first["text"], format!("host added, {MAC}"));
    let id = |at: usize| all["events"][at]["id"].as_u64().unwrap();
    let read =
        async |query: String| codes(&server.call(&format!("GET /api/events?{query}"), "").await.json());
    assert_eq!(read("limit=1".into()).await, ["assigned"]);
    assert_eq!(read(format!("after={}&limit=1", id(0))).await, ["host-added"]);
    assert_eq!(read(format!("after={}", id(2))).await, [""; 0]);
    assert_eq!(read(format!("before={}&limit=1", id(1))).await, ["host-added"]);
    assert_eq!(read("host=n1".into()).await, ["host-added", "assigned"]);
    assert_eq!(read("mac=52-54-00-00-00-02".into()).await, ["host-added"]);
    assert_eq!(read("host=nobody".into()).await, [""; 0]);
    assert_eq!(read(format!("limit={}", u64::MAX)).await.len(), 3);
    for query in ["host=..", "mac=x", "after=-1", "limit=x", "attempt=x"] {
        let answer = server.call(&format!("GET /api/events?{query}"), "").await;
        assert_eq!(answer.error(), (400, "bad-request".into()), "{query}");
    }
}

#[tokio::test]
async fn a_host_shows_its_last_attempts_the_newest_first() {
    let server = Server::start().await;
    server.add("n1", MAC).await;
    let mut journal = server.store.follow();
    let mut attempts = Attempts::default();
    let note = |step: nextboot_model::Step| {
        for (attempt, mac, kind) in step.events {
            server.store.note(NewEvent { attempt: Some(attempt), mac: Some(mac), host: None, kind });
        }
    };
    for at in [1000, 2000, 3000] {
        note(attempts.asked(Timestamp(at), mac(), None, false));
        let id = attempts.of(mac()).unwrap().id;
        let profile = "small".parse().unwrap();
        let kind = EventKind::ConfigurationSent { name: "x".into(), profile, via: Via::Tftp };
        server.store.note(NewEvent { attempt: Some(id), mac: Some(mac()), host: None, kind });
        let promise = Promise {
            host: None,
            profile: "small".parse().unwrap(),
            class: Class::Install,
            armed: None,
            needs: Vec::new(),
            kernels: [].into(),
        };
        note(attempts.configured(Timestamp(at + 1), mac(), None, promise));
    }
    note(attempts.called_back(mac()));
    let end = EventKind::AttemptEnded { outcome: Outcome::CalledBack };
    while journal.recv().await.unwrap().kind != end {}
    server.add("n2", "52:54:00:00:00:02").await;

    let shown = server.call("GET /api/hosts/n1/attempts", "").await.json();
    let shown = shown["attempts"].as_array().unwrap();
    let ids: Vec<_> = shown.iter().map(|attempt| attempt["id"].as_u64().unwrap()).collect();
    assert_eq!(ids, [3000, 2000, 1000]);
    assert_eq!(codes(&shown[0]), ["attempt-started", "configuration-sent", "attempt-ended"]);
    assert_eq!((&shown[0]["outcome"], &shown[0]["profile"]), (&json!("called-back"), &json!("small")));
    assert_eq!(shown[1]["outcome"], "started-anew");
    assert!(shown[1]["ended"].is_u64());
    let one = server.call(&format!("GET /api/hosts/{MAC}/attempts?limit=1"), "").await.json();
    assert_eq!(one["attempts"], json!([shown[0]]));
    assert_eq!(server.call("GET /api/hosts/n2/attempts", "").await.json(), json!({"attempts": []}));
    assert_eq!(server.call("GET /api/hosts/n9/attempts", "").await.error(), (404, "unknown-host".into()));
}
