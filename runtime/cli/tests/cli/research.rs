//! A flow over notes, the web and `NotebookLM`: granted by the operator, run against a stand-in, replayed without it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use serde_json::{Value, json};

use crate::support::{Place, fixture, has_tools, json};

const KEY: &str = "s3cret-of-notebooklm";
const QUESTION: &str = "Як доглядати смичок?";

/// What was asked.
#[derive(Clone, Debug)]
struct Asked {
    /// As `GET /terms?…`.
    line: String,
    /// In lower case.
    headers: Vec<String>,
    body: String,
}

/// A server on this machine: a dictionary under `/terms`, and the backend of `NotebookLM` under `/jobs/process`.
struct StandIn {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl StandIn {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (asked, is_over) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let (seen, over) = (Arc::clone(&asked), Arc::clone(&is_over));
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if over.load(Ordering::SeqCst) {
                    return;
                }
                // A client that goes away is none of our business.
                let _ = serve(stream.unwrap(), &seen);
            }
        });
        Self { address, asked, is_over, thread: Some(thread) }
    }

    fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

fn serve(stream: TcpStream, seen: &Mutex<Vec<Asked>>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let (mut headers, mut length) = (Vec::new(), 0);
    loop {
        let mut header = String::new();
        reader.read_line(&mut header)?;
        let header = header.trim().to_ascii_lowercase();
        if header.is_empty() {
            break;
        }
        if let Some(value) = header.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        headers.push(header);
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let line = line.trim().trim_end_matches(" HTTP/1.1").to_owned();
    let asked = Asked { line, headers, body: String::from_utf8(body).unwrap() };
    seen.lock().unwrap().push(asked.clone());
    let (status, answer) = answer(&asked);
    let answer = answer.to_string();
    let length = answer.len();
    let mut stream = stream;
    write!(
        stream,
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{answer}"
    )?;
    stream.flush()
}

fn answer(asked: &Asked) -> (&'static str, Value) {
    if asked.line.starts_with("GET /terms?") {
        return ("200 OK", json!({ "терміни": ["каніфоль"] }));
    }
    if !asked.headers.contains(&format!("authorization: bearer {KEY}")) {
        return ("401 Unauthorized", json!({ "detail": "who are you?" }));
    }
    let job: Value = serde_json::from_str(&asked.body).unwrap();
    let context = job["payload"]["context_snapshot"].as_str().unwrap();
    let brief = json!({
        "artifact_id": "art-1", "job_id": job["job_id"], "type": "RESEARCH_BRIEF", "finalized": true,
        "content": { "title": "Brief", "summary": format!("Про це: {}", context.lines().last().unwrap()), "sections": [] },
        "sources": [{ "ref": "sources/догляд.md", "excerpt": "рівно" }],
    });
    ("200 OK", brief)
}

/// `bloom run` of the fixture.
fn run(place: &Place, address: SocketAddr) -> assert_cmd::Command {
    let mut command = place.bloom();
    command.arg("run").arg(fixture("research/research.drakon")).arg("--notes").arg(fixture("research/notes"));
    command.arg("--memory").arg(place.path("memory"));
    command.args(["--input", &format!("питання={QUESTION}"), "--input", &format!("адреса=http://{address}/terms")]);
    command.env("NOTEBOOKLM_KEY", KEY);
    command
}

/// One of the two is reached by a name that only the operator knows.
fn grant(place: &Place, address: SocketAddr) {
    let named = format!("notebooks.test:{}", address.port());
    let config = format!(
        "[network]\nhosts = {{ 'Notebooks.Test' = ['127.0.0.1'] }}\n\n\
         [tools.http-get]\nhttp = ['http://{address} GET']\n\n[tools.notebooklm-query]\n\
         config = {{ url = {{ public = 'http://{named}' }}, key = {{ env = 'NOTEBOOKLM_KEY' }} }}\n\
         http = [{{ to = 'http://{named} GET POST', addresses = ['127.0.0.1'], headers = {{ authorization = 'Bearer {{key}}' }} }}]\n"
    );
    place.write("data/bloom.toml", config);
}

#[test]
fn notes_the_web_and_notebooklm_become_proposals_and_a_replay_needs_none_of_them() {
    if !has_tools() {
        return;
    }
    let place = Place::new();
    let server = StandIn::start();
    grant(&place, server.address);
    let result = json(&mut run(&place, server.address));
    assert_eq!(result["status"], "completed", "{result}");
    let proposals = result["proposals"].as_array().unwrap();
    let targets: Vec<&str> = proposals.iter().map(|proposal| proposal["target"].as_str().unwrap()).collect();
    assert_eq!(targets, ["notes/смичок", "notes/bow-changes"]);
    assert_eq!(
        proposals[0]["content"],
        json!({
            "content": "Про це: Після гри волос смичка послаблюють.",
            "citations": [{ "source": "sources/догляд.md", "excerpt": "рівно" }],
        })
    );

    let asked = server.asked();
    let lines: Vec<&str> = asked.iter().map(|asked| asked.line.split('?').next().unwrap()).collect();
    assert_eq!(lines, ["GET /terms", "POST /jobs/process", "GET /terms", "POST /jobs/process"]);
    assert!(asked[0].line.contains("%D0%94%D0%BE%D0%B3%D0%BB%D1%8F%D0%B4"), "{}", asked[0].line);
    let job: Value = serde_json::from_str(&asked[1].body).unwrap();
    assert_eq!((&job["job_type"], &job["payload"]["query"]), (&json!("RESEARCH"), &json!(QUESTION)));
    assert_eq!(job["payload"]["constraints"], json!({ "терміни": ["каніфоль"] }));
    let ids: Vec<Value> =
        [1, 3].map(|at| serde_json::from_str::<Value>(&asked[at].body).unwrap()["job_id"].clone()).into();
    assert_ne!(ids[0], ids[1]);

    drop(server);
    place.bloom().args(["replay", "last"]).assert().success();
    let history = place.bloom().args(["history", "last", "--json"]).output().unwrap();
    let history = String::from_utf8(history.stdout).unwrap();
    assert!(history.contains("RESEARCH_BRIEF") || history.contains("Про це"), "{history}");
    assert!(!history.contains(KEY), "the key was recorded");
}

#[test]
fn a_flow_that_asks_for_more_than_was_granted_is_refused_with_what_to_write() {
    if !has_tools() {
        return;
    }
    let place = Place::new();
    let server = StandIn::start();
    let output = run(&place, server.address).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(3), "{stderr}");
    for line in [
        "[tools.http-get]",
        "http = [\"https://HOST GET\"]",
        "[tools.notebooklm-query]",
        "config.url = { public = \"…\" }",
        "http = [\"https://HOST GET POST\"]",
    ] {
        assert!(stderr.contains(line), "{line}: {stderr}");
    }
    assert!(server.asked().is_empty());
}
