//! Commands that speak to a server (`--server`), and the same ones without.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use assert_cmd::Command;
use serde_json::{Value, json};

use crate::served::Served;
use crate::support::{GREETING, Place, json as only, signed_greeting};
use crate::tool::{built, manifest};

const KEY: &str = "the key of this test";

/// A command that is told the server's key as operators tell it.
fn told(place: &Place, server: &Served, arguments: &[&str]) -> Command {
    let mut command = place.bloom();
    command.env("BLOOM_CLIENT_API_KEY", KEY).args(arguments).args(["--server", &server.url()]);
    command
}

fn text(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn refused(command: &mut Command, status: i32) -> String {
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(status), "{output:?}");
    String::from_utf8(output.stderr).unwrap()
}

/// The greeting under a name of its own.
fn named_greeting(place: &Place, title: &str) -> std::path::PathBuf {
    let unsigned = GREETING.replace("0.0.0", "1.0.0").replace("\"Greeting\"", &format!("\"{title}\""));
    let (unsigned, signed) = (place.write("named.json", unsigned), place.path("named.ir.json"));
    place.bloom().arg("compile").arg(unsigned).arg("--force").arg("-o").arg(&signed).assert().success();
    signed
}

#[test]
fn a_flow_is_published_and_started_on_a_server() {
    let place = Place::new();
    let flow = named_greeting(&place, "Greeting");
    let server = Served::start_with(&place, &[], &[("RUNTIME_API_KEY", KEY)]);
    let flow = flow.to_str().unwrap();
    let published = only(&mut told(&place, &server, &["flow", "publish", flow, "--json"]));
    assert_eq!((&published["id"], &published["version"]), (&json!("greeting"), &json!("1.0.0")));
    let listed = only(&mut told(&place, &server, &["flow", "--json"]));
    assert_eq!(listed[0]["hash"], published["hash"]);
    assert!(text(&mut told(&place, &server, &["flow", "list"])).contains("greeting@1.0.0"));

    let start =
        ["flow", "start", "greeting@1.0.0", "--input", "name=Ann", "--wait", "--idempotency-key", "k", "--json"];
    let run = only(&mut told(&place, &server, &start));
    assert_eq!((&run["status"], &run["result"]), (&json!("completed"), &json!({ "greeting": "hello" })));
    assert_eq!(only(&mut told(&place, &server, &start))["run_id"], run["run_id"], "the key makes it the same run");
    let other = ["flow", "start", "greeting", "--input", "name=Bea", "--idempotency-key", "k"];
    assert!(refused(&mut told(&place, &server, &other), 1).contains("409"));
    let wrong = ["flow", "start", "greeting", "--input", "nam=Bea"];
    assert!(refused(&mut told(&place, &server, &wrong), 2).contains("name"), "the flow's own schema is asked");
    assert!(refused(&mut told(&place, &server, &["flow", "start", "nothing"]), 1).contains("404"));

    let runs = only(&mut told(&place, &server, &["runs", "--flow", "greeting", "--status", "completed", "--json"]));
    assert_eq!((runs.as_array().unwrap().len(), &runs[0]["run_id"]), (1, &run["run_id"]));
    assert!(text(&mut told(&place, &server, &["runs"])).contains("greeting@1.0.0"));

    let another = named_greeting(&place, "Another");
    let conflict = refused(&mut told(&place, &server, &["flow", "publish", another.to_str().unwrap()]), 3);
    assert!(conflict.contains("409"), "{conflict}");
}

#[test]
fn who_is_trusted_from_now_on_or_no_more_counts_at_once() {
    let place = Place::new();
    let server = Served::start_with(&place, &[], &[("RUNTIME_API_KEY", KEY)]);
    // The key of this machine is made, and trusted, by the first command that signs.
    let flow = named_greeting(&place, "Greeting");
    let publish = ["flow", "publish", flow.to_str().unwrap()];
    text(&mut told(&place, &server, &publish));
    place.bloom().args(["keys", "distrust", "development"]).assert().success();
    let told_so = refused(&mut told(&place, &server, &publish), 3);
    assert!(told_so.contains("422"), "{told_so}");
    let start = ["flow", "start", "greeting", "--input", "name=Ann"];
    assert!(refused(&mut told(&place, &server, &start), 3).contains("422"));
}

#[test]
fn a_diagram_is_published_beside_what_it_was_compiled_to() {
    let shown = |server: &Served, version: &str| {
        let path = format!("/api/v1/flows/hello/versions/{version}/source");
        server.send("GET", &path, &format!("x-runtime-api-key: {KEY}\r\n"), b"")
    };
    let called = ["--id", "hello", "--flow-version"];
    let place = Place::new();
    let diagram = place.write("Вітання.md", "Says hello.\n\nBEGIN \"Вітання\"\n\n  RETURN \"hello\"\n\nEND\n");
    let written = std::fs::read_to_string(&diagram).unwrap();
    let file = diagram.to_str().unwrap();
    let publish = |version: &'static str| [&["flow", "publish", file], &called[..], &[version]].concat();
    // Without a server, and signed before it is published.
    place.bloom().args(publish("1.0.0")).assert().success();
    let server = Served::start_with(&place, &[], &[("RUNTIME_API_KEY", KEY)]);
    text(&mut told(&place, &server, &publish("2.0.0")));
    let signed = place.path("hello.ir.json");
    place.bloom().arg("compile").arg(&diagram).args(called).args(["3.0.0", "-o"]).arg(&signed).assert().success();
    text(&mut told(&place, &server, &["flow", "publish", signed.to_str().unwrap()]));
    for version in ["1.0.0", "2.0.0", "3.0.0"] {
        assert_eq!(shown(&server, version), (200, written.clone()), "{version}");
    }
    // A file that was changed since is not what the document tells of.
    place.write("Вітання.md", written.replace("hello", "good day"));
    place
        .bloom()
        .arg("compile")
        .arg(&diagram)
        .args(called)
        .args(["4.0.0", "--force", "-o"])
        .arg(&signed)
        .assert()
        .success();
    place.write("Вітання.md", &written);
    text(&mut told(&place, &server, &["flow", "publish", signed.to_str().unwrap()]));
    assert_eq!(shown(&server, "4.0.0").0, 404);
}

#[test]
fn a_run_of_a_server_is_forked() {
    let place = Place::new();
    let flow = named_greeting(&place, "Greeting");
    let server = Served::start_with(&place, &[], &[("RUNTIME_API_KEY", KEY)]);
    text(&mut told(&place, &server, &["flow", "publish", flow.to_str().unwrap()]));
    let start = ["flow", "start", "greeting", "--input", "name=Ann", "--wait", "--json"];
    let run = only(&mut told(&place, &server, &start))["run_id"].as_str().unwrap().to_owned();
    let fork = ["fork", &run, "--at", "2", "--wait", "--idempotency-key", "k", "--json"];
    let made = only(&mut told(&place, &server, &fork));
    assert_eq!((&made["status"], &made["origin"]), (&json!("completed"), &json!({ "run_id": run, "at": 2 })));
    assert_eq!(only(&mut told(&place, &server, &fork))["run_id"], made["run_id"], "the key makes it the same fork");
    let listed = text(&mut told(&place, &server, &["runs"]));
    assert!(listed.contains(&format!("{}#2", &run[run.len() - 8..])), "{listed}");
    let by_version = ["fork", &run, "--at", "1", "--ir", "greeting@1.0.0", "--json"];
    assert_ne!(only(&mut told(&place, &server, &by_version))["run_id"], made["run_id"]);
    assert!(refused(&mut told(&place, &server, &["fork", &run, "--at", "99"]), 2).contains("400"));
    assert!(refused(&mut told(&place, &server, &["fork", "none", "--at", "1"]), 1).contains("404"));
    let here = refused(&mut told(&place, &server, &["fork", &run, "--at", "1", "--memory", "."]), 2);
    assert!(here.contains("--memory"), "{here}");
}

#[test]
fn tasks_and_workers_of_a_server_are_listed_and_acted_on() {
    let place = Place::new();
    let server = Served::start_with(&place, &["--workers", "0"], &[("RUNTIME_API_KEY", KEY)]);
    let key = format!("x-runtime-api-key: {KEY}\r\ncontent-type: application/json\r\n");
    let post = |path: &str, body: Value| {
        let (status, body) = server.send("POST", path, &key, body.to_string().as_bytes());
        (status, serde_json::from_str::<Value>(&body).unwrap())
    };
    let capabilities = json!({ "provides": ["llm.command"], "max_concurrency": 2, "labels": ["fast"] });
    let (status, _) = post("/api/runtime/workers", json!({ "name": "w 1", "capabilities": capabilities }));
    assert_eq!(status, 201);
    let (_, task) = post(
        "/api/runtime/llm-tasks",
        json!({ "context_id": "c", "agent_slug": "reader", "prompt": "p", "max_attempts": 1 }),
    );
    let id = task["id"].as_str().unwrap_or_else(|| panic!("{task}"));

    let listed = only(&mut told(&place, &server, &["tasks", "--json"]));
    assert_eq!((&listed[0]["id"], &listed[0]["status"]), (&json!(id), &json!("queued")));
    let shown = text(&mut told(&place, &server, &["tasks", "list", "--status", "queued"]));
    assert!(shown.contains(id) && shown.contains("reader") && shown.contains("0/1"), "{shown}");
    assert!(!text(&mut told(&place, &server, &["tasks", "--status", "dead"])).contains(id));
    assert!(refused(&mut told(&place, &server, &["tasks", "requeue", id]), 1).contains("409"));
    let (status, lease) = post(&format!("/api/runtime/llm-tasks/{id}/lease"), json!({ "worker_id": "w 1" }));
    assert_eq!(status, 201, "{lease}");
    let shown = text(&mut told(&place, &server, &["workers"]));
    assert!(shown.contains("w 1") && shown.contains("1/2") && shown.contains("label:fast"), "{shown}");
    let failed = json!({ "status": "error", "error_message": "no", "metrics": { "duration_ms": 1 } });
    assert_eq!(post(&format!("/api/runtime/llm-tasks/{id}/complete"), failed).0, 200);
    assert!(text(&mut told(&place, &server, &["tasks", "requeue", id])).contains(id));
    assert_eq!(only(&mut told(&place, &server, &["tasks", "--json"]))[0]["status"], "queued");

    assert!(text(&mut told(&place, &server, &["workers", "remove", "w 1"])).contains("w 1"));
    assert_eq!(only(&mut told(&place, &server, &["workers", "--json"])), json!([]));
    assert!(refused(&mut told(&place, &server, &["workers", "remove", "w 1"]), 1).contains("404"));

    // The same without the server.
    server.kill();
    let listed = only(place.bloom().args(["tasks", "--json"]));
    assert_eq!((&listed[0]["id"], &listed[0]["status"]), (&json!(id), &json!("queued")));
    assert!(text(place.bloom().args(["tasks"])).contains("reader"));
    assert!(refused(place.bloom().args(["tasks", "requeue", id]), 1).contains("cannot be queued"));
    assert!(refused(place.bloom().args(["tasks", "requeue", "none"]), 1).contains("no task"));
    assert!(refused(place.bloom().args(["workers", "remove", "w 1"]), 1).contains("no worker"));
}

#[test]
fn the_audit_log_of_a_server_is_exported_and_verified_without_it() {
    let place = Place::new();
    let flow = signed_greeting(&place);
    let server = Served::start_with(&place, &[], &[("RUNTIME_API_KEY", KEY)]);
    text(&mut told(&place, &server, &["flow", "publish", flow.to_str().unwrap()]));
    assert!(text(&mut told(&place, &server, &["audit", "list"])).contains("flow_published"));
    let there = only(&mut told(&place, &server, &["audit", "verify", "--json"]));
    let exported = text(&mut told(&place, &server, &["audit", "export"]));
    server.kill();
    assert_eq!(text(place.bloom().args(["audit", "export"])), exported, "the bytes are the same without a server");

    let nowhere = Place::new();
    let verify = |log: &str| {
        let file = nowhere.write("audit.jsonl", log);
        nowhere.bloom().args(["audit", "verify", "--json"]).arg(file).output().unwrap()
    };
    let sound = verify(&exported);
    let told: Value = serde_json::from_slice(&sound.stdout).unwrap();
    assert_eq!((&told["head"], &told["entries"]), (&there["head"], &there["entries"]));
    assert_eq!(there["checkpoint"]["entries"], there["entries"], "{there}");
    assert!(there["entries"].as_u64().unwrap() >= 1 && there["fault"].is_null(), "{there}");
    let changed = verify(&exported.replace("flow_published", "flow_renounced"));
    assert_eq!(changed.status.code(), Some(1), "{changed:?}");
    let checkpoint = place.bloom().args(["audit", "checkpoint"]).output().unwrap();
    let checkpoint = nowhere.write("checkpoint.json", checkpoint.stdout);
    let keys = only(place.bloom().args(["keys", "list", "--json"]));
    let key = keys["own"].as_array().unwrap().iter().find(|key| key["name"] == "audit").unwrap()["public_key"].clone();
    let against = |log: &str, key: &str| {
        let file = nowhere.write("audit.jsonl", log);
        let mut command = nowhere.bloom();
        command.args(["audit", "verify", "--key", key]).arg(file).arg("--checkpoint").arg(&checkpoint).output().unwrap()
    };
    let key = key.as_str().unwrap();
    let sound = against(&exported, key);
    assert!(String::from_utf8_lossy(&sound.stdout).contains("signed with the key"), "{sound:?}");
    let last = exported.trim_end().rfind('\n').map_or(0, |end| end + 1);
    let cut = against(&exported[..last], key);
    assert!(String::from_utf8_lossy(&cut.stderr).contains("is missing"), "{cut:?}");
    let stranger = against(&exported, "ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=");
    assert_eq!(stranger.status.code(), Some(3), "{stranger:?}");
    let garbage = verify("{}\n");
    assert!(String::from_utf8_lossy(&garbage.stderr).contains("cannot be read"), "{garbage:?}");
}

#[test]
fn a_published_flow_is_started_without_a_server_too() {
    let place = Place::new();
    let flow = named_greeting(&place, "Greeting");
    let published = only(place.bloom().args(["flow", "publish", "--json"]).arg(flow));
    assert_eq!(published["version"], "1.0.0");
    assert_eq!(only(place.bloom().args(["flows", "--json"]))[0]["hash"], published["hash"]);
    let script = place.write("replies.json", r#"{ "default": { "answer": { "text": "hello" } } }"#);
    let mut start = place.bloom();
    start.env("BLOOM_RUN_LLM", format!("scripted:{}", script.display()));
    let run = only(start.args(["flow", "start", "greeting@1.0.0", "--input", "name=Ann"]));
    assert_eq!((&run["status"], &run["result"]), (&json!("completed"), &json!({ "greeting": "hello" })));
}

#[test]
fn a_server_that_refuses_is_told_of_and_its_key_stands_nowhere() {
    let place = Place::new();
    let server = Served::start_with(&place, &["--workers", "0"], &[("RUNTIME_API_KEY", KEY)]);
    let without = refused(place.bloom().args(["runs", "--server", &server.url()]), 3);
    assert!(without.contains("401") && without.contains("client.api_key"), "{without}");
    let wrong = refused(place.bloom().args(["runs", "--server", &server.url()]).env("RUNTIME_API_KEY", "guess"), 3);
    assert!(wrong.contains("401") && !wrong.contains("guess"), "{wrong}");
    for url in ["127.0.0.1:5000", "ftp://x", "http://user:secret@127.0.0.1/", ""] {
        assert!(refused(place.bloom().args(["runs", "--server", url]), 2).contains("not the URL"), "{url}");
    }
    let url = server.url();
    server.kill();
    assert!(refused(place.bloom().args(["runs", "--server", &url]), 1).contains("cannot be reached"));
}

/// A server that answers whatever begins so, as often as it is asked; gives its URL.
fn scripted(answers: Vec<(&'static str, Value)>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let (mut asked, mut part) = (String::new(), [0; 4096]);
            let is_whole = |asked: &str| {
                let Some((head, body)) = asked.split_once("\r\n\r\n") else { return false };
                let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
                body.len() >= length.map_or(0, |length| length.parse().unwrap())
            };
            while !is_whole(&asked) {
                let count = stream.read(&mut part).unwrap();
                assert!(count > 0, "{asked}");
                asked.push_str(std::str::from_utf8(&part[..count]).unwrap());
            }
            let (_, answer) = answers.iter().find(|(what, _)| asked.starts_with(what)).expect(&asked);
            let (head, body) = ("content-type: application/json\r\nconnection: close", answer.to_string());
            write!(stream, "HTTP/1.1 200 OK\r\n{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len()).unwrap();
        }
    });
    url
}

#[test]
fn who_waits_for_a_run_waits_for_the_one_that_goes_on_in_its_place() {
    let run = |id: &str, status: &str, next: Option<&str>| json!({ "run_id": id, "status": status, "finished_at": "2026-01-01T00:00:00Z", "waiting": false, "continued_by_run_id": next });
    let url = scripted(vec![
        ("GET /api/v1/flows/endless ", json!({ "inputs": {} })),
        ("POST /api/v1/flows/endless/runs?wait=", run("r1", "continued", Some("r2"))),
        ("GET /api/v1/runs/r2 ", run("r2", "continued", Some("r3"))),
        ("GET /api/v1/runs/r3 ", run("r3", "failed", None)),
        ("POST /api/v1/flows/endless/runs ", run("r1", "continued", Some("r2"))),
    ]);
    let place = Place::new();
    let start = |more: &[&str]| {
        let mut command = place.bloom();
        command.args(["flow", "start", "endless", "--json", "--server", &url]).args(more);
        let output = command.output().unwrap();
        let told: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"));
        (told["run_id"].clone(), output.status.code())
    };
    assert_eq!(start(&["--wait"]), (json!("r3"), Some(1)));
    assert_eq!(start(&[]), (json!("r1"), Some(0)), "who does not wait is told what was started");
}

#[test]
fn a_tool_is_added_to_a_server_and_is_there_after_a_restart() {
    let place = Place::new();
    let component = std::fs::read(built(&place, "echo", &manifest("1.0.0"))).unwrap();
    let server = Served::start_with(&place, &[], &[("RUNTIME_API_KEY", KEY)]);
    let key = format!("x-runtime-api-key: {KEY}\r\n");
    let headers = format!("{key}content-type: application/wasm\r\n");
    let (status, taken) = server.send("POST", "/api/v1/tools", &headers, &component);
    assert_eq!(status, 202, "{taken}");
    let taken: Value = serde_json::from_str(&taken).unwrap();
    let url = taken["url"].as_str().unwrap();
    let mut told = server.send("GET", url, &key, b"");
    for _ in 0..2400 {
        if told.0 != 202 {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
        told = server.send("GET", url, &key, b"");
    }
    assert_eq!(told.0, 200, "{}", told.1);
    let (status, refused) = server.send("POST", "/api/v1/tools", &headers, b"\0asm\x0d\0\x01\0");
    assert_eq!(status, 202, "{refused}");
    drop(server);
    let server = Served::start_with(&place, &[], &[("RUNTIME_API_KEY", KEY)]);
    let (status, tool) = server.send("GET", url, &key, b"");
    assert_eq!(status, 200, "{tool}");
    assert_eq!(serde_json::from_str::<Value>(&tool).unwrap()["digest"], taken["digest"]);
}
