//! `bloom serve` as a process.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use tokio::net::TcpSocket;

use crate::process::Running;
use crate::support::{Place, signed_greeting};

/// A port that nobody but this test's servers gets, also while none of them listens: one that listens at it may be there
/// beside a socket that only has it.
pub(crate) struct Port(TcpSocket);

impl Port {
    pub(crate) fn new() -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_reuseaddr(true).unwrap();
        socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
        Self(socket)
    }

    pub(crate) fn address(&self) -> String {
        self.0.local_addr().unwrap().to_string()
    }
}

/// `bloom serve` on a port of its own; killed when it is dropped.
pub(crate) struct Served {
    pub(crate) running: Running,
    pub(crate) address: String,
    scheme: String,
}

impl Served {
    pub(crate) fn start(place: &Place, options: &[&str]) -> Self {
        Self::start_with(place, options, &[])
    }

    /// At an address, and with more variables in its environment.
    pub(crate) fn start_at(place: &Place, address: &str, options: &[&str], variables: &[(&str, &str)]) -> Self {
        let options = [&["--listen", address], options].concat();
        Self::start_with(place, &options, variables)
    }

    /// With these variables.
    pub(crate) fn start_with(place: &Place, options: &[&str], variables: &[(&str, &str)]) -> Self {
        Self::start_logging(place, options, variables, Stdio::null())
    }

    /// With what it tells on its standard error going somewhere.
    pub(crate) fn start_logging(place: &Place, options: &[&str], variables: &[(&str, &str)], log: Stdio) -> Self {
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
        command.arg("serve");
        if !options.contains(&"--listen") {
            command.args(["--listen", "127.0.0.1:0"]);
        }
        command.args(options);
        let running = Running::start(command.stderr(log));
        let line = running.line();
        let told: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"));
        let (scheme, address) = told["listening"].as_str().unwrap().split_once("://").unwrap();
        Self { running, address: address.to_owned(), scheme: scheme.to_owned() }
    }

    pub(crate) fn url(&self) -> String {
        format!("{}://{}", self.scheme, self.address)
    }

    /// Sends a request, and gives the status and the body.
    pub(crate) fn send(&self, method: &str, path: &str, headers: &str, body: &[u8]) -> (u16, String) {
        send(&self.address, method, path, headers, body)
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

    pub(crate) fn kill(self) {
        self.running.kill();
    }
}

/// Sends a request to whoever listens at an address, and gives the status and the body.
pub(crate) fn send(address: &str, method: &str, path: &str, headers: &str, body: &[u8]) -> (u16, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_mins(2))).unwrap();
    let length = body.len();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n"
    );
    stream.write_all(&[head.as_bytes(), body].concat()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let answer = String::from_utf8(answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}
