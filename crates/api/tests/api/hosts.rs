use nextboot_boot::Kind;
use serde_json::json;

use crate::server::Server;

const MAC: &str = "52:54:00:00:00:01";

#[tokio::test]
async fn a_host_is_added_shown_changed_and_forgotten() {
    let server = Server::start().await;
    let new = json!({
        "name": "n1", "macs": [MAC, "52-54-00-00-00-02"], "uuid": "b8945908-d6a6-41a9-a11d-74a6ab80b83d",
        "address": "10.0.0.9", "vars": {"disk": "/dev/vda"},
    });
    let added = server.call("POST /api/hosts", &new.to_string()).await;
    assert_eq!(added.status, 201);
    assert!(added.head.contains("content-type: application/json; charset=utf-8"), "{}", added.head);
    let host = added.json();
    assert_eq!(host["macs"], json!([MAC, "52:54:00:00:00:02"]));
    assert_eq!(host["vars"], json!({"disk": "/dev/vda"}));
    let assignment = &host["assignment"];
    assert_eq!(
        (&assignment["profile"], &assignment["class"], &assignment["until"]),
        (&json!("local"), &json!("local"), &json!("changed"))
    );
    assert_eq!(assignment["by"]["door"], "api");
    assert_eq!(host["boots"]["profile"], "local");

    for name in ["n1", MAC, "52-54-00-00-00-02", "525400000001"] {
        assert_eq!(server.call(&format!("GET /api/hosts/{name}"), "").await.json(), host, "{name}");
    }
    let change = r#"{"uuid":null,"vars":{"disk":null,"x":"y"},"macs":["52:54:00:00:00:03"]}"#;
    let changed = server.call("PATCH /api/hosts/n1", change).await.json();
    assert_eq!(changed["uuid"], json!(null));
    assert_eq!(changed["address"], "10.0.0.9", "what is absent stays");
    assert_eq!(changed["vars"], json!({"x": "y"}));
    assert_eq!(changed["macs"], json!(["52:54:00:00:00:03"]));
    let gone = server.call("DELETE /api/hosts/n1", "").await;
    assert_eq!((gone.status, gone.body.as_str()), (204, ""));
    assert_eq!(server.call("GET /api/hosts/n1", "").await.error(), (404, "unknown-host".into()));
    assert_eq!(server.call("DELETE /api/hosts/n1", "").await.error(), (404, "unknown-host".into()));
    assert_eq!(server.call("PATCH /api/hosts/n1", "{}").await.error(), (404, "unknown-host".into()));
}

#[tokio::test]
async fn a_host_may_have_a_loader_of_its_own() {
    let server = Server::start().await;
    let new = json!({"name": "n1", "macs": [MAC], "loader": "/lab/ipxe.efi"});
    assert_eq!(server.call("POST /api/hosts", &new.to_string()).await.json()["loader"], "lab/ipxe.efi");
    let change =
        async |loader: &str| server.call("PATCH /api/hosts/n1", &format!(r#"{{"loader":{loader}}}"#)).await;
    assert_eq!(change(r#""script""#).await.json()["loader"], "script");
    assert_eq!(change(r#""../x""#).await.error(), (400, "bad-request".into()));
    assert_eq!(server.call("GET /api/hosts/n1", "").await.json()["loader"], "script");
    assert_eq!(change("null").await.json()["loader"], json!(null));
    let change =
        async |exit: &str| server.call("PATCH /api/hosts/n1", &format!(r#"{{"exit":{exit}}}"#)).await;
    assert_eq!(change(r#""grub-chain""#).await.json()["exit"], "grub-chain");
    assert_eq!(change(r#""reboot""#).await.error(), (400, "bad-request".into()));
    assert_eq!(change("null").await.json()["exit"], json!(null));
}

#[tokio::test]
async fn a_host_shows_its_loader_for_what_it_was_last_and_else_for_each_kind() {
    let server = Server::start().await;
    server.add("n1", MAC).await;
    server.call("PUT /api/assignments", r#"{"hosts":["n1"],"profile":"rescue"}"#).await;
    let loaders = async || server.call("GET /api/hosts/n1", "").await.json()["loaders"].clone();
    let all = loaders().await;
    assert_eq!(all.as_array().unwrap().len(), Kind::ALL.len(), "{all}");
    assert_eq!(all[0], json!({"as": "bios", "loader": "pxelinux.0", "why": "[boot.loaders] bios"}));
    *server.made.sightings.lock().unwrap() = vec![Kind::client("http-uefi-riscv64").unwrap()];
    let why = "RISC-V 64 UEFI has no loader; set [boot.loaders] uefi-riscv64";
    assert_eq!(loaders().await, json!([{"as": "http-uefi-riscv64", "loader": null, "why": why}]));
    let list = server.call("GET /api/hosts", "").await.json();
    assert_eq!(list["hosts"][0]["loaders"], json!(null), "not for a thousand of them");
}

#[tokio::test]
async fn a_preview_is_the_decision_for_such_a_machine() {
    let server = Server::start().await;
    server.add("n1", MAC).await;
    server.call("PUT /api/assignments", r#"{"hosts":["n1"],"profile":"small"}"#).await;
    let preview = async |query: &str| server.call(&format!("GET /api/hosts/n1/preview{query}"), "").await;
    let bios = preview("?as=bios").await.json();
    assert_eq!(
        (&bios["as"], &bios["profile"], &bios["class"], &bios["loader"], &bios["loader_why"]),
        (
            &json!("bios"),
            &json!("small"),
            &json!("install"),
            &json!("pxelinux.0"),
            &json!("[boot.loaders] bios")
        )
    );
    assert_eq!(
        (&bios["boot_file"], &bios["reads"], &bios["text"]),
        (&json!("pxelinux.0"), &json!("PXELINUX"), &json!("a text"))
    );
    let http = preview("?as=http-uefi-ia32").await.json();
    assert_eq!(http["boot_file"], json!(null));
    assert!(http.to_string().contains("syslinux.efi does not start by HTTP Boot"), "{http}");
    let arm = preview("?as=uefi-arm32").await.json();
    assert_eq!((&arm["loader"], &arm["text"]), (&json!(null), &json!(null)));
    assert_eq!(preview("?as=toaster").await.error(), (400, "bad-request".into()));
    assert_eq!(preview("").await.error(), (400, "bad-request".into()), "it was never seen");
    *server.made.sightings.lock().unwrap() = vec![Kind::client("ipxe-uefi").unwrap()];
    assert_eq!(preview("").await.json()["boot_file"], format!("http://10.0.0.1:8080/ipxe/{MAC}"));
    assert_eq!(server.call("GET /api/hosts/n9/preview?as=bios", "").await.error().0, 404);
}

#[tokio::test]
async fn hosts_that_cannot_be_are_refused_and_say_why() {
    let server = Server::start().await;
    let first = json!({
        "name": "n1", "macs": [MAC], "uuid": "b8945908-d6a6-41a9-a11d-74a6ab80b83d", "address": "10.0.0.9",
    });
    server.call("POST /api/hosts", &first.to_string()).await;
    let refused = async |change: serde_json::Value| {
        let mut new = json!({"name": "n2", "macs": ["52:54:00:00:00:02"]});
        new.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let answer = server.call("POST /api/hosts", &new.to_string()).await;
        (answer.error(), answer.json()["error"]["message"].as_str().unwrap().to_owned())
    };
    for (change, status, code) in [
        (json!({"name": "n1"}), 409, "name-taken"),
        (json!({"macs": [MAC]}), 409, "mac-taken"),
        (json!({"uuid": "b8945908-d6a6-41a9-a11d-74a6ab80b83d"}), 409, "uuid-taken"),
        (json!({"address": "10.0.0.9"}), 409, "address-taken"),
        (json!({"macs": []}), 400, "bad-host"),
        (json!({"macs": ["00:00:00:00:00:00"]}), 400, "bad-host"),
        (json!({"address": "255.255.255.255"}), 400, "bad-host"),
        (json!({"vars": {"a b": ""}}), 400, "bad-host"),
        (json!({"name": "../x"}), 400, "bad-request"),
        (json!({"macs": ["nope"]}), 400, "bad-request"),
        (json!({"nickname": "x"}), 400, "bad-request"),
    ] {
        let (error, message) = refused(change.clone()).await;
        assert_eq!(error, (status, code.into()), "{change}: {message}");
        assert!(status == 400 || message.contains("n1"), "the message names the owner: {message}");
    }
    for body in ["", "{", "[]", "null", r#"{"name":"n3"}"#] {
        assert_eq!(server.call("POST /api/hosts", body).await.error(), (400, "bad-request".into()), "{body}");
    }
    assert_eq!(server.call(r"PATCH /api/hosts/n1", r#"{"name":"n9"}"#).await.error().0, 400);
    assert_eq!(server.store.state().len(), 1);
}

#[tokio::test]
async fn the_list_comes_in_pages_in_the_order_of_names() {
    let server = Server::start().await;
    for (name, mac) in [("c", "52:54:00:00:00:03"), ("a", "52:54:00:00:00:01"), ("b", "52:54:00:00:00:02")] {
        server.add(name, mac).await;
    }
    let page = async |query: &str| {
        let page = server.call(&format!("GET /api/hosts{query}"), "").await.json();
        let names: Vec<String> = page["hosts"]
            .as_array()
            .unwrap()
            .iter()
            .map(|host| host["name"].as_str().unwrap().into())
            .collect();
        (names.join(","), page["next"].clone())
    };
    assert_eq!(page("").await, ("a,b,c".into(), json!(null)));
    assert_eq!(page("?limit=2").await, ("a,b".into(), json!("b")));
    assert_eq!(page("?limit=2&after=b").await, ("c".into(), json!(null)));
    assert_eq!(page("?limit=3").await, ("a,b,c".into(), json!(null)));
    assert_eq!(page("?limit=0").await, ("a".into(), json!("a")));
    assert_eq!(server.call("GET /api/hosts?limit=x", "").await.error(), (400, "bad-request".into()));
    assert_eq!(server.call("GET /api/hosts?after=..", "").await.error(), (400, "bad-request".into()));
}

#[tokio::test]
async fn a_profile_is_assigned_for_as_long_as_is_usual_for_its_class_or_as_was_said() {
    let server = Server::start().await;
    server.add("n1", MAC).await;
    let assign = async |profile: &str, until: &str| {
        let body = format!(r#"{{"hosts":["n1"],"profile":"{profile}"{until}}}"#);
        let answer = server.call("PUT /api/assignments", &body).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()["hosts"][0]["assignment"].clone()
    };
    let held = assign("small", "").await;
    assert_eq!((&held["until"], &held["class"]), (&json!("done"), &json!("install")));
    assert_eq!(assign("rescue", "").await["until"], "changed");
    assert_eq!(assign("grml", "").await["class"], "unclassified");
    let once = assign("small", r#","until":"once""#).await;
    assert_eq!(once["until"], "once");
    assert_eq!(once["before"], json!({"profile": "grml", "until": "changed"}));
    let cancelled = server.call("POST /api/cancel", r#"{"hosts":["n1"]}"#).await.json();
    assert_eq!(cancelled["hosts"][0]["assignment"]["profile"], "grml");
    let cancelled = server.call("POST /api/cancel", r#"{"hosts":["n1"]}"#).await.json();
    assert_eq!(cancelled["hosts"][0]["assignment"]["profile"], "local");
}

#[tokio::test]
async fn an_assignment_is_for_all_its_hosts_or_for_none() {
    let server = Server::start().await;
    server.add("n1", MAC).await;
    server.add("n2", "52:54:00:00:00:02").await;
    let put = async |hosts: &str, profile: &str| {
        let body = format!(r#"{{"hosts":{hosts},"profile":"{profile}"}}"#);
        server.call("PUT /api/assignments", &body).await
    };
    for (hosts, profile, status, code) in [
        (r#"["n1","nope"]"#, "small", 404, "unknown-host"),
        (r#"["n1","52:54:00:00:00:99"]"#, "small", 404, "unknown-host"),
        (r#"["n1","not a name"]"#, "small", 404, "unknown-host"),
        (r#"["n1"]"#, "nope", 404, "unknown-profile"),
        (r#"["n1"]"#, "../x", 404, "unknown-profile"),
        (r#"["n1","52:54:00:00:00:01"]"#, "small", 409, "host-twice"),
        ("[]", "small", 400, "number-of-hosts"),
    ] {
        assert_eq!(put(hosts, profile).await.error(), (status, code.into()), "{hosts} {profile}");
        assert_eq!(server.profile_of("n1").await, "local");
    }
    let many = format!("[{}]", vec![r#""n1""#; 10_001].join(","));
    assert_eq!(put(&many, "small").await.error(), (400, "number-of-hosts".into()));
    let until = r#"{"hosts":["n1"],"profile":"small","until":"tomorrow"}"#;
    assert_eq!(server.call("PUT /api/assignments", until).await.error(), (400, "bad-request".into()));

    let both = put(r#"["52-54-00-00-00-02","n1"]"#, "small").await.json();
    let names: Vec<_> = both["hosts"].as_array().unwrap().iter().map(|host| host["name"].clone()).collect();
    assert_eq!(names, ["n2", "n1"], "in the order of the call");
    for (body, status, code) in [
        (r#"{"hosts":["n1","nope"]}"#, 404, "unknown-host"),
        (r#"{"hosts":["n1","n1"]}"#, 409, "host-twice"),
        (r#"{"hosts":[]}"#, 400, "number-of-hosts"),
    ] {
        assert_eq!(server.call("POST /api/cancel", body).await.error(), (status, code.into()), "{body}");
    }
    assert_eq!(server.profile_of("n1").await, "small");
}

#[tokio::test]
async fn profiles_are_listed_and_shown_with_their_text() {
    let server = Server::start().await;
    let list = server.call("GET /api/profiles", "").await.json();
    let kinds: Vec<_> = list["profiles"]
        .as_array()
        .unwrap()
        .iter()
        .map(|profile| (profile["name"].as_str().unwrap(), profile["kind"].as_str().unwrap()))
        .collect();
    assert_eq!(kinds, [("grml", "file"), ("local", "local"), ("rescue", "linux"), ("small", "linux")]);
    let grml = server.call("GET /api/profiles/grml", "").await.json();
    assert_eq!(grml["content"], "DEFAULT grml\n\u{fffd}\n");
    assert_eq!(grml["file"], "pxelinux.cfg/conf/grml");
    let small = server.call("GET /api/profiles/small", "").await.json();
    assert_eq!(
        (&small["class"], &small["kernel"], &small["initrds"], &small["args"], &small["seed"]),
        (
            &json!("install"),
            &json!("small/vmlinuz"),
            &json!(["small/initrd"]),
            &json!("quiet"),
            &json!("node.seed")
        )
    );
    for name in ["nope", "..", "..%2f..%2fetc%2fpasswd", "a%20b"] {
        let answer = server.call(&format!("GET /api/profiles/{name}"), "").await;
        assert_eq!(answer.error(), (404, "unknown-profile".into()), "{name}");
    }
}

#[tokio::test]
async fn what_switches_a_host_is_shown_without_its_password() {
    let server = Server::start().await;
    let power = r#"{"kind":"ipmi","address":"10.0.9.1","user":"admin","password":"s3cr3t w0rd"}"#;
    let body = format!(r#"{{"name":"n1","macs":["52:54:00:00:00:01"],"power":{power}}}"#);
    let answer = server.call("POST /api/hosts", &body).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    let shown = &answer.json()["power"];
    assert_eq!(shown["address"], "10.0.9.1");
    assert_eq!(shown["has_password"], true);
    for call in ["GET /api/hosts/n1", "GET /api/hosts", "GET /api/events"] {
        let answer = server.call(call, "").await;
        assert!(!answer.body.contains("s3cr3t"), "{call}: {}", answer.body);
    }
    let pdu = r#"{"power":{"kind":"command","adapter":"pdu","vars":{"key":"s3cr3t","port":"7"}}}"#;
    let answer = server.call("PATCH /api/hosts/n1", pdu).await;
    assert_eq!(answer.json()["power"]["vars"], serde_json::json!(["key", "port"]));
    assert!(!answer.body.contains("s3cr3t"), "{}", answer.body);
    let wrong = r#"{"power":{"kind":"ipmi","address":"-x","password":"s3cr3t"}}"#;
    let answer = server.call("PATCH /api/hosts/n1", wrong).await;
    assert_eq!(answer.error(), (400, "bad-host".into()));
    assert!(answer.body.contains("power address: use an address or a host name"), "{}", answer.body);
    let answer = server.call("PATCH /api/hosts/n1", r#"{"power":null}"#).await;
    assert!(answer.json().get("power").is_none(), "{}", answer.body);
}
