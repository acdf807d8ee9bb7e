//! Artifacts in a bucket of an S3-compatible store: moto, which `scripts/s3` installs where it can be reached.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::served::Served;
use crate::support::{Place, signed_greeting};

/// A store on a port of its own; killed when it is dropped.
struct S3 {
    process: Child,
    port: String,
}

impl S3 {
    /// None where it is not installed.
    fn start() -> Option<Self> {
        let Some(program) = std::env::var_os("BLOOM_S3") else {
            eprintln!("SKIPPED: no S3 server; scripts/s3 installs one where PyPI can be reached");
            return None;
        };
        let mut command = Command::new(program);
        command.args(["-H", "127.0.0.1", "-p", "0"]).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut process = command.env("PYTHONUNBUFFERED", "1").spawn().unwrap();
        let lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let mut told = lines.map(Result::unwrap);
        let url = told.find_map(|line| Some(line.split_once("http://127.0.0.1:")?.1.to_owned()));
        let port = url.unwrap().chars().take_while(char::is_ascii_digit).collect();
        // What it tells of requests must go somewhere.
        std::thread::spawn(move || told.for_each(drop));
        let started = Self { process, port };
        // Its first answer takes long, as it loads what it needs for it: not while somebody waits for only so long.
        started.send("GET", "/artifacts", b"");
        Some(started)
    }

    fn send(&self, method: &str, path: &str, body: &[u8]) -> (u16, String) {
        // It wants to be shown a key, and takes any.
        let shown = "authorization: AWS4-HMAC-SHA256 Credential=id/20250101/us-east-1/s3/aws4_request\r\n";
        crate::served::send(&format!("127.0.0.1:{}", self.port), method, path, shown, body)
    }

    /// The keys of all objects.
    fn objects(&self) -> Vec<String> {
        let (status, listed) = self.send("GET", "/artifacts", b"");
        assert_eq!(status, 200, "{listed}");
        let keys = listed.split("<Key>").skip(1).map(|rest| rest.split_once('<').unwrap().0.to_owned());
        keys.collect()
    }

    fn variables(&self) -> [(&str, &str); 6] {
        [
            ("MINIO_ENDPOINT", "127.0.0.1"),
            ("MINIO_PORT", &self.port),
            ("MINIO_USE_SSL", "false"),
            ("MINIO_ACCESS_KEY", "id"),
            ("MINIO_SECRET_KEY", "s3cr3t"),
            ("MINIO_ARTIFACT_BUCKET", "artifacts"),
        ]
    }
}

impl Drop for S3 {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A result of a task that a worker elsewhere brings; gives the artifact's id.
fn bring(server: &Served, output: &str) -> String {
    let (status, worker) =
        server.post("/api/runtime/workers", br#"{"name": "w", "capabilities": {"claude_cli": true}}"#);
    assert!(status == 201 || status == 200, "{worker}");
    let task = json!({ "context_id": "c", "agent_slug": "a", "prompt": "p" }).to_string();
    let (status, task) = server.post("/api/runtime/llm-tasks", task.as_bytes());
    assert_eq!(status, 201, "{task}");
    let at = format!("/api/runtime/llm-tasks/{}", task["id"].as_str().unwrap());
    let ask = json!({ "worker_id": worker["id"] }).to_string();
    let (status, lease) = server.post(&format!("{at}/lease"), ask.as_bytes());
    assert_eq!(status, 201, "{lease}");
    let done = json!({ "status": "success", "output": output, "metrics": { "duration_ms": 1 } }).to_string();
    let (status, done) = server.post(&format!("{at}/complete"), done.as_bytes());
    assert_eq!(status, 200, "{done}");
    assert_eq!(done["artifact"]["content"], output);
    done["artifact"]["id"].as_str().unwrap().to_owned()
}

#[test]
fn artifacts_lie_in_a_bucket_and_outlive_the_server() {
    let Some(s3) = S3::start() else { return };
    let place = Place::new();
    let refused = place.bloom().args(["serve", "--listen", "127.0.0.1:0"]).envs(s3.variables()).output().unwrap();
    let told = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(1), "{told}");
    assert!(told.contains("there is no bucket artifacts at 127.0.0.1") && !told.contains("s3cr3t"), "{told}");

    assert_eq!(s3.send("PUT", "/artifacts", b"").0, 200);
    signed_greeting(&place);
    let server = Served::start_with(&place, &["--workers", "0"], &s3.variables());
    let text = "Звіт за день ".repeat(100);
    let id = bring(&server, &text);
    let digest = bloom_ir::Digest::of(text.as_bytes()).hex();
    assert!(s3.objects().contains(&format!("sha256/{digest}")), "{:?}", s3.objects());
    drop(server);
    let server = Served::start_with(&place, &["--workers", "0"], &s3.variables());
    let at = format!("/api/v1/artifacts/{id}");
    assert_eq!(server.send("GET", &at, "", b""), (200, text.clone()));
    assert_eq!(server.send("GET", &at, "range: bytes=0-7\r\n", b""), (206, text[0..8].to_owned()));

    // Bytes that somebody changed are told, and not served.
    let other = text.replace('З', "з");
    assert_eq!(s3.send("PUT", &format!("/artifacts/sha256/{digest}"), other.as_bytes()).0, 200);
    for headers in ["", "range: bytes=0-7\r\n"] {
        let (status, told) = server.send("GET", &at, headers, b"");
        assert!(status == 500 && !told.contains("віт"), "{status} {told}");
    }
    // A place that is away is no damage: it may come back.
    drop(s3);
    let (status, told) = server.send("GET", &at, "", b"");
    assert_eq!(status, 502, "{told}");
    assert_eq!(server.get("/api/v1/runs")["total"], 0, "the rest is served");
}

#[test]
fn a_place_that_cannot_be_used_stops_the_start() {
    let place = Place::new();
    let start = |variables: &[(&str, &str)]| {
        let output =
            place.bloom().args(["serve", "--listen", "127.0.0.1:0"]).envs(variables.iter().copied()).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, told) = start(&[("MINIO_ENDPOINT", "http://127.0.0.1:1")]);
    assert!(code == Some(2) && told.contains("artifacts.bucket is not set"), "{told}");
    let (code, told) = start(&[("MINIO_ARTIFACT_BUCKET", "artifacts")]);
    assert!(code == Some(2) && told.contains("artifacts.bucket ($MINIO_ARTIFACT_BUCKET) is set"), "{told}");
    let (code, told) = start(&[("MINIO_USE_SSL", "perhaps")]);
    assert!(code == Some(2) && told.contains("artifacts.tls cannot have this value ($MINIO_USE_SSL)"), "{told}");
    let whole = [
        ("MINIO_ENDPOINT", "http://127.0.0.1:1"),
        ("MINIO_ACCESS_KEY", "id"),
        ("MINIO_SECRET_KEY", "s3cr3t"),
        ("MINIO_ARTIFACT_BUCKET", "artifacts"),
    ];
    let (code, told) = start(&whole);
    assert!(code == Some(1) && told.contains("http://127.0.0.1:1, where artifacts are to be put"), "{told}");
    assert!(!told.contains("s3cr3t"), "{told}");
    let shown = place.bloom().args(["config", "show", "--json"]).envs(whole).output().unwrap();
    let told: Value = serde_json::from_slice(&shown.stdout).unwrap();
    let of = |key: &str| told["settings"].as_array().unwrap().iter().find(|entry| entry["key"] == key).unwrap();
    assert_eq!(
        (&of("artifacts.place")["value"], &of("artifacts.bucket")["value"]),
        (&json!("s3"), &json!("artifacts"))
    );
    assert_eq!(of("artifacts.secret_key")["value"], "********");
    assert_eq!(of("artifacts.secret_key")["origin"], "env:MINIO_SECRET_KEY");
}
