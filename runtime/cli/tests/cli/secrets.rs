//! Secrets stand in no log, no error, no metric, and not on the command line, where other users of the machine see them.

use std::fs;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::served::Served;
use crate::support::{Place, signed_greeting};

const KEY: &str = "correct-horse-battery-staple";

/// Waits are no longer.
const PATIENCE: Duration = Duration::from_mins(2);

/// A node agent that takes one task, and gives back what it was sent.
fn agent() -> (String, thread::JoinHandle<Value>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let taking = thread::spawn(move || {
        let since = Instant::now();
        loop {
            assert!(since.elapsed() < PATIENCE, "no task was sent");
            match listener.accept() {
                Ok((stream, _)) => {
                    let sent = answered(stream);
                    if sent["runtime_url"].is_string() {
                        return sent;
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => thread::sleep(Duration::from_millis(10)),
                Err(error) => panic!("{error}"),
            }
        }
    });
    (url, taking)
}

/// The body of a request that was answered with nothing.
fn answered(mut stream: TcpStream) -> Value {
    stream.set_nonblocking(false).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut request = Vec::new();
    let body = loop {
        let mut part = [0; 4096];
        let read = stream.read(&mut part).unwrap();
        request.extend_from_slice(&part[..read]);
        let text = String::from_utf8_lossy(&request).into_owned();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let length = head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
        if read == 0 || text.len() > head.len() && body.len() >= length.unwrap_or(0) {
            break body.to_owned();
        }
    };
    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}").unwrap();
    serde_json::from_str(&body).unwrap_or_default()
}

#[test]
fn no_secret_is_told_anywhere() {
    let place = Place::new();
    let flow = fs::read(signed_greeting(&place)).unwrap();
    let password = "a-password-that-nobody-guesses";
    place.bloom().args(["owner", "set", "Ann"]).write_stdin(password).assert().success();
    let log = place.path("server.log");
    let variables = [("RUNTIME_API_KEY", KEY), ("BLOOM_LOG", "trace"), ("BLOOM_LOG_FORMAT", "json")];
    let server =
        Served::start_logging(&place, &["--workers", "0"], &variables, Stdio::from(fs::File::create(&log).unwrap()));
    let mut answers = String::new();
    let mut send = |method: &str, path: &str, key: &str, body: &[u8]| {
        let headers = format!("x-runtime-api-key: {key}\r\ncontent-type: application/json\r\n");
        let (status, body) = server.send(method, path, &headers, body);
        answers.push_str(&body);
        (status, serde_json::from_str::<Value>(&body).unwrap_or_default())
    };
    // The only answer that holds a secret is that which makes it.
    let headers = format!("authorization: Bearer {KEY}\r\ncontent-type: application/json\r\n");
    let (status, issued) = server.send("POST", "/api/v1/worker-keys", &headers, br#"{"worker": "far"}"#);
    assert_eq!(status, 201, "{issued}");
    let issued: Value = serde_json::from_str(&issued).unwrap();
    let secret = issued["secret"].as_str().unwrap();
    let (status, offered) = server.send("POST", "/api/v1/enroll-tokens", &headers, br#"{"worker": "node"}"#);
    assert_eq!(status, 201, "{offered}");
    let offered: Value = serde_json::from_str(&offered).unwrap();
    let enroll = offered["token"].as_str().unwrap();
    assert_eq!(server.send("GET", &format!("/api/runtime/agent-install-script?enroll={enroll}"), "", b"").0, 200);
    let shown = json!({ "token": enroll }).to_string();
    let json = "content-type: application/json\r\n";
    let (status, enrolled) = server.send("POST", "/api/runtime/enroll", json, shown.as_bytes());
    assert_eq!(status, 201, "{enrolled}");
    let enrolled: Value = serde_json::from_str(&enrolled).unwrap();
    let node = enrolled["worker_key"].as_str().unwrap();
    let login = json!({ "name": "Ann", "password": password }).to_string();
    let (status, opened) =
        server.send("POST", "/api/v1/session", "content-type: application/json\r\n", login.as_bytes());
    assert_eq!(status, 201, "{opened}");
    let opened: Value = serde_json::from_str(&opened).unwrap();
    let session = opened["token"].as_str().unwrap();

    assert_eq!(send("POST", "/api/v1/flows", KEY, &flow).0, 201);
    assert_eq!(send("GET", &format!("/api/runtime/agent-install-script?enroll={enroll}"), "", b"").0, 410);
    assert_eq!(send("POST", "/api/runtime/enroll", "", shown.as_bytes()).0, 410);
    assert_eq!(send("POST", "/api/runtime/leases", secret, br#"{"worker_id": "far"}"#).0, 404);
    assert_eq!(send("GET", "/api/v1/runs", secret, b"").0, 403);
    let guess = "a-guess-that-is-wrong";
    assert_eq!(send("GET", "/api/v1/runs", guess, b"").0, 401);
    assert_eq!(send("GET", &format!("/api/v1/runs/{guess}/none"), KEY, b"").0, 404);
    assert_eq!(send("GET", "/api/v1/session", session, b"").0, 200);
    assert_eq!(send("GET", "/api/v1/owners", KEY, b"").0, 200);
    assert_eq!(send("POST", "/api/v1/session", "", login.replace(password, guess).as_bytes()).0, 401);

    let (url, taking) = agent();
    assert_eq!(
        send("POST", "/api/runtime/workers", KEY, json!({ "name": "node", "url": url }).to_string().as_bytes()).0,
        201
    );
    let run = send("POST", "/api/v1/flows/greeting/runs", KEY, br#"{"inputs": {"name": "Ann"}}"#).1;
    let run = format!("/api/v1/runs/{}", run["run_id"].as_str().unwrap());
    let sent = taking.join().unwrap();
    let id = sent["task_id"].as_str().unwrap();
    let path = sent["runtime_url"].as_str().unwrap().split_once("/l/").unwrap();
    let token = path.1;
    let done = json!({ "status": "success", "output": "hello", "metrics": { "duration_ms": 1 } }).to_string();
    assert_eq!(send("POST", &format!("/l/{token}/api/runtime/llm-tasks/{id}/complete"), "", done.as_bytes()).0, 200);
    assert_eq!(send("POST", &format!("/l/{token}/api/runtime/llm-tasks/none/complete"), "", done.as_bytes()).0, 404);
    assert_eq!(send("GET", &run, KEY, b"").0, 200);
    send("GET", "/api/v1/audit?limit=1000", KEY, b"");
    send("GET", "/metrics", KEY, b"");
    send("GET", "/api/runtime/leases", KEY, b"");
    send("GET", "/openapi.json", KEY, b"");

    let told = fs::read_to_string(&log).unwrap();
    assert!(told.lines().count() > 10 && told.contains("\"request_id\""), "{told}");
    let mut line = String::new();
    if cfg!(target_os = "linux") {
        line = fs::read_to_string(format!("/proc/{}/cmdline", server.running.process.id())).unwrap();
        assert!(line.contains("serve"), "{line}");
    }
    let config = place.bloom().args(["config", "show", "--json"]).env("RUNTIME_API_KEY", KEY).output().unwrap();
    let config = String::from_utf8(config.stdout).unwrap();
    for secret in [KEY, secret, guess, token, password, session, enroll, node] {
        for (what, text) in
            [("the log", &told), ("answers", &answers), ("the command line", &line), ("settings", &config)]
        {
            // A path that was asked for is told to who asked for it.
            assert!(!text.contains(secret) || (what == "answers" && secret == guess), "{what} tell {secret}");
        }
    }
}

#[test]
fn what_is_counted_is_told_in_metrics() {
    let place = Place::new();
    let flow = fs::read(signed_greeting(&place)).unwrap();
    let server = Served::start(&place, &[]);
    assert_eq!(server.post("/api/v1/flows", &flow).0, 201);
    let (status, run) = server.post("/api/v1/flows/greeting/runs?wait=60", br#"{"inputs": {"name": "Ann"}}"#);
    assert_eq!((status, &run["status"]), (200, &json!("completed")));
    let wanted = [
        "bloom_runs_started_total 1",
        "bloom_runs_ended_total{flow=\"greeting\",status=\"completed\"} 1",
        "bloom_effect_seconds_count{kind=\"llm\",name=\"default\",outcome=\"completed\"} 1",
        "bloom_http_requests_total{method=\"POST\",route=\"/api/v1/flows\",status=\"201\"} 1",
        "bloom_tasks{status=\"completed\"} 1",
    ];
    let mut text = String::new();
    for _ in 0..600 {
        text = server.send("GET", "/metrics", "", b"").1;
        if wanted.iter().all(|line| text.contains(line)) {
            break;
        }
        thread::sleep(Duration::from_millis(100));
    }
    for line in wanted {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
    assert!(text.contains("bloom_commit_seconds_count") && text.ends_with("# EOF\n"), "{text}");
}
