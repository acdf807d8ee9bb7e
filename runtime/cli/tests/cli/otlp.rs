//! Spans for a collector: a stand-in on this machine that hears what is sent to it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::served::Served;
use crate::support::{Place, ended, signed_greeting};

/// The longest that spans are waited for.
const PATIENCE: Duration = Duration::from_mins(2);

/// Gives where it listens, and the head (in small letters) and the body of each request that comes.
fn collector() -> (String, Receiver<(String, Vec<u8>)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (told, heard) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.unwrap());
            let mut head = String::new();
            while stream.read_line(&mut head).unwrap() > 2 {}
            let head = head.to_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            let mut body = vec![0; length.unwrap().trim().parse().unwrap()];
            stream.read_exact(&mut body).unwrap();
            let answer = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
            stream.get_mut().write_all(answer).unwrap();
            if told.send((head, body)).is_err() {
                return;
            }
        }
    });
    (url, heard)
}

fn end(server: &mut Served) {
    let process = &mut server.running.process;
    kill_process(Pid::from_child(process), Signal::TERM).unwrap();
    assert_eq!(ended(process).code(), Some(0));
}

fn greet(server: &Served) -> String {
    let (status, run) = server.post("/api/v1/flows/greeting/runs?wait=60", br#"{"inputs": {"name": "Ann"}}"#);
    assert_eq!((status, &run["status"]), (200, &"completed".into()), "{run}");
    run["run_id"].as_str().unwrap().to_owned()
}

#[test]
fn spans_of_a_run_reach_the_collector() {
    let (url, heard) = collector();
    let place = Place::new();
    signed_greeting(&place);
    let mut server = Served::start_with(&place, &[], &[("OTEL_EXPORTER_OTLP_ENDPOINT", &url)]);
    server.publish(&place);
    let id = greet(&server);
    // What was not sent before is sent when it ends.
    end(&mut server);
    let mut spans = Vec::new();
    let said = ["bloom", "request", "request_id", "run", "task", "worker", "node", "commit", &id];
    let has = |spans: &[u8], text: &str| spans.windows(text.len()).any(|bytes| bytes == text.as_bytes());
    while let Some(missing) = said.iter().find(|text| !has(&spans, text)) {
        let heard = heard.recv_timeout(PATIENCE);
        let (head, body) = heard.unwrap_or_else(|error| panic!("no {missing} in {} bytes: {error}", spans.len()));
        assert!(head.starts_with("post /v1/traces http/1.1\r\n"), "{head}");
        assert!(head.contains("content-type: application/x-protobuf"), "{head}");
        spans.extend(body);
    }
    spans.extend(heard.try_iter().flat_map(|(_, body)| body));
    assert!(!has(&spans, "Ann"), "what a run is given stays here");
}

#[test]
fn a_collector_that_is_away_stops_nothing() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    // This one takes connections, and never answers.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    for address in [closed, silent.local_addr().unwrap()] {
        let place = Place::new();
        signed_greeting(&place);
        let url = format!("http://{address}");
        let mut server = Served::start_with(&place, &[], &[("BLOOM_TELEMETRY_OTLP_ENDPOINT", &url)]);
        server.publish(&place);
        greet(&server);
        end(&mut server);
    }
}

#[test]
fn what_is_no_url_of_a_collector_is_refused() {
    let place = Place::new();
    for wrong in ["collector", "ftp://127.0.0.1", "grpc://127.0.0.1:4317"] {
        let mut bloom = place.bloom();
        let output = bloom.arg("serve").env("BLOOM_TELEMETRY_OTLP_ENDPOINT", wrong).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{wrong}: {output:?}");
    }
}
