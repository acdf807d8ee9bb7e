//! The server as a process, over HTTP.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Place, ended, signed_greeting};

/// `bloom serve` on a port of its own; killed when it is dropped.
pub(crate) struct Served {
    process: Child,
    pub(crate) address: String,
}

impl Served {
    pub(crate) fn start(place: &Place, options: &[&str]) -> Self {
        Self::start_at(place, "127.0.0.1:0", options, &[])
    }

    /// At an address, and with more variables in its environment.
    pub(crate) fn start_at(place: &Place, address: &str, options: &[&str], variables: &[(&str, &str)]) -> Self {
        let script = place.write("replies.json", r#"{ "default": { "answer": { "text": "hello" } } }"#);
        let bloom = place.bloom();
        let mut command = Command::new(bloom.get_program());
        for (name, value) in bloom.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command.env("BLOOM_RUN_LLM", format!("scripted:{}", script.display()));
        command.envs(variables.iter().copied());
        command.args(["serve", "--listen", address]).args(options);
        let mut process = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let told: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"));
        let address = told["listening"].as_str().unwrap().strip_prefix("http://").unwrap().to_owned();
        Self { process, address }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Sends a request, and gives the status and the body.
    fn send(&self, method: &str, path: &str, headers: &str, body: &[u8]) -> (u16, String) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_mins(2))).unwrap();
        let (host, length) = (&self.address, body.len());
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n"
        );
        stream.write_all(&[head.as_bytes(), body].concat()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let answer = String::from_utf8(answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
    }

    pub(crate) fn get(&self, path: &str) -> Value {
        let (status, body) = self.send("GET", path, "", b"");
        assert_eq!(status, 200, "{body}");
        serde_json::from_str(&body).unwrap()
    }

    pub(crate) fn post(&self, path: &str, body: &[u8]) -> (u16, Value) {
        let (status, body) = self.send("POST", path, "content-type: application/json\r\n", body);
        (status, serde_json::from_str(&body).unwrap())
    }

    pub(crate) fn publish(&self, place: &Place) {
        let bytes = std::fs::read(signed_greeting(place)).unwrap();
        let (status, told) = self.post("/api/v1/flows", &bytes);
        assert_eq!(status, 201, "{told}");
        let hash = told["hash"].as_str().unwrap().to_owned();
        assert_eq!(self.get("/api/v1/flows/greeting")["hash"], hash);
    }

    pub(crate) fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

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

    let second = place.bloom().args(["serve", "--listen", "127.0.0.1:0"]).output().unwrap();
    let told = String::from_utf8(second.stderr).unwrap();
    assert!(!second.status.success() && told.contains("is in use by process"), "{told}");
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
#[cfg(unix)]
fn a_server_that_is_asked_to_stop_ends_well() {
    let place = Place::new();
    let mut server = Served::start(&place, &["--workers", "0"]);
    let process = rustix::process::Pid::from_child(&server.process);
    rustix::process::kill_process(process, rustix::process::Signal::TERM).unwrap();
    assert_eq!(ended(&mut server.process).code(), Some(0));
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
