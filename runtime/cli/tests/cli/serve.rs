//! The server as a process, over HTTP.

use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};

use crate::served::Served;
use crate::support::{Place, ended, signed_greeting};

const ANN: &[u8] = br#"{"inputs": {"name": "Ann"}}"#;

#[test]
fn a_flow_is_published_run_and_followed_over_http() {
    let place = Place::new();
    // The key that signs is trusted before the server reads whom it trusts.
    signed_greeting(&place);
    let server = Served::start(&place, &[]);
    server.publish(&place);
    let (status, run) = server.post("/api/v1/flows/greeting/runs?wait=60", ANN);
    assert_eq!((status, &run["status"], &run["result"]), (200, &json!("completed"), &json!({ "greeting": "hello" })));
    let id = run["run_id"].as_str().unwrap();
    let (status, events) = server.send("GET", &format!("/api/v1/runs/{id}/events"), "", b"");
    assert!(status == 200 && events.contains("event: run.completed"), "{events}");
    assert_eq!(server.get(&format!("/api/v1/runs/{id}/trace"))["agrees"], true);
    let (status, drawn) = server.send("GET", "/docs", "", b"");
    assert!(status == 200 && drawn.contains("<h1>"), "{drawn}");
}

#[test]
fn a_second_server_on_the_same_store_ends_at_once_and_names_the_first() {
    let place = Place::new();
    let server = Served::start(&place, &["--workers", "0"]);
    let (data, holder) = (place.path("data"), format!("is in use by process {} (", server.running.process.id()));
    for _ in 0..2 {
        let mut second = place.bloom();
        second.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(&data);
        let output = second.timeout(Duration::from_mins(2)).output().unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{told}");
        assert!(told.contains(&holder) && told.contains("bloom.redb"), "{told}");
        assert!(told.contains("name another data directory with --data"), "{told}");
        assert!(output.stdout.is_empty(), "it never listened");
        assert_eq!(server.get("/api/v1/runs")["total"], 0, "the first one serves on");
    }
    server.kill();
    // What a killed one leaves behind keeps nobody out.
    let next = Served::start(&place, &["--workers", "0"]);
    assert_eq!(next.get("/api/v1/runs")["total"], 0);
}

#[test]
fn a_killed_server_goes_on_where_it_was() {
    let place = Place::new();
    signed_greeting(&place);
    // Nobody answers: the run waits for a worker.
    let server = Served::start(&place, &["--workers", "0"]);
    server.publish(&place);
    let (status, run) = server.post("/api/v1/flows/greeting/runs", ANN);
    assert_eq!(status, 202, "{run}");
    let id = run["run_id"].as_str().unwrap().to_owned();
    server.kill();
    let server = Served::start(&place, &[]);
    let done = (0..600).find_map(|_| {
        let run = server.get(&format!("/api/v1/runs/{id}"));
        std::thread::sleep(Duration::from_millis(100));
        (run["status"] != "running" && run["status"] != "queued").then_some(run)
    });
    let done = done.expect("the run ends");
    assert_eq!((&done["status"], &done["result"]), (&json!("completed"), &json!({ "greeting": "hello" })));
}

#[test]
fn a_killed_server_has_runs_begin_in_the_order_in_which_they_came() {
    let place = Place::new();
    signed_greeting(&place);
    let server = Served::start(&place, &["--workers", "0"]);
    server.publish(&place);
    let submit = || server.post("/api/v1/flows/greeting/runs", ANN);
    let mut runs: Vec<String> = Vec::new();
    for position in 0..6 {
        let (status, run) = submit();
        assert_eq!(status, 202, "{run}");
        let turn = if position == 0 { Value::Null } else { json!(position) };
        assert_eq!((&run["queue_position"], run["started_at"].is_null()), (&turn, position > 0), "{run}");
        runs.push(run["run_id"].as_str().unwrap().to_owned());
    }
    let (status, refused) = submit();
    assert_eq!((status, &refused["error"]["code"]), (429, &json!("RATE_LIMITED")), "{refused}");
    server.kill();

    let server = Served::start(&place, &["--workers", "0"]);
    let third = server.get(&format!("/api/v1/runs/{}", runs[2]));
    assert_eq!((&third["status"], &third["queue_position"]), (&json!("queued"), &json!(2)));
    let (status, refused) = server.post("/api/v1/flows/greeting/runs", ANN);
    assert_eq!(status, 429, "{refused}");
    server.kill();

    let server = Served::start(&place, &[]);
    let mut before = String::new();
    for run in &runs {
        let done = (0..600).find_map(|_| {
            let run = server.get(&format!("/api/v1/runs/{run}"));
            std::thread::sleep(Duration::from_millis(100));
            (run["status"] == "completed").then_some(run)
        });
        let done = done.expect("the run ends");
        let began = done["started_at"].as_str().unwrap();
        assert!(began >= before.as_str(), "{began} {before}");
        before = done["finished_at"].as_str().unwrap().to_owned();
    }
    let (status, run) = server.post("/api/v1/flows/greeting/runs?wait=60", ANN);
    assert_eq!((status, &run["status"]), (200, &json!("completed")));
}

#[test]
#[cfg(unix)]
fn a_server_that_is_asked_to_stop_ends_well() {
    let place = Place::new();
    let mut server = Served::start(&place, &["--workers", "0"]);
    let process = rustix::process::Pid::from_child(&server.running.process);
    rustix::process::kill_process(process, rustix::process::Signal::TERM).unwrap();
    assert_eq!(ended(&mut server.running.process).code(), Some(0));
    assert!(TcpStream::connect(&server.address).is_err());
}

#[test]
fn a_server_does_not_start_where_it_would_let_everybody_in() {
    let place = Place::new();
    let open = place.bloom().args(["serve", "--listen", "0.0.0.0:0"]).output().unwrap();
    assert_eq!(open.status.code(), Some(3), "{open:?}");
    assert!(String::from_utf8_lossy(&open.stderr).contains("would let everybody in"), "{open:?}");
    let unhonoured = place.bloom().args(["serve"]).env("DATABASE_URL", "postgres://x").output().unwrap();
    assert_eq!(unhonoured.status.code(), Some(2), "{unhonoured:?}");
    assert!(String::from_utf8_lossy(&unhonoured.stderr).contains("DATABASE_URL"), "{unhonoured:?}");
}

#[test]
fn settings_are_shown_with_where_they_come_from() {
    let place = Place::new();
    let file = place.write("bloom.toml", "[server]\napi_key = \"hidden\"\nworkers = 3\n");
    let shown = place
        .bloom()
        .args(["config", "show", "--json"])
        .arg("--config")
        .arg(&file)
        .env("PORT", "7001")
        .output()
        .unwrap();
    let text = String::from_utf8(shown.stdout).unwrap();
    assert!(!text.contains("hidden"), "{text}");
    let told: Value = serde_json::from_str(&text).unwrap();
    let of = |key: &str| told["settings"].as_array().unwrap().iter().find(|entry| entry["key"] == key).unwrap().clone();
    assert_eq!(
        (&of("server.listen")["value"], &of("server.listen")["origin"]),
        (&json!("127.0.0.1:7001"), &json!("env:PORT"))
    );
    assert_eq!(of("server.workers")["origin"], format!("file:{}:3", file.display()));
    let wrong = place.write("wrong.toml", "[server]\nlisen = 1\n");
    let refused = place.bloom().args(["config", "show"]).arg("--config").arg(wrong).output().unwrap();
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("did you mean listen?"), "{refused:?}");
}

#[test]
fn a_client_that_is_none_is_not_served() {
    let place = Place::new();
    let folder = place.path("no-client");
    std::fs::create_dir(&folder).unwrap();
    for folder in [folder, place.path("nowhere")] {
        let output = place.bloom().args(["serve", "--listen", "127.0.0.1:0", "--web"]).arg(&folder).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(told.contains("index.html") && told.contains(folder.to_str().unwrap()), "{told}");
    }
}
