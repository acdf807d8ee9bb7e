//! Conversations with the server over its routes, each request made of the description that the server gives of them.

use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use libfuzzer_sys::arbitrary::{Result, Unstructured};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::program::mutate::mutate;
use crate::program::value;
use crate::schema::Maker;
use crate::serving::{long, play, world};
use crate::world::{World, asking, asking_llm, awaiting, plain, proposing, signed};

/// A conversation has so many requests.
const REQUESTS: usize = 12;

/// A request that may be made.
struct Operation {
    method: String,
    /// With its parameters in braces.
    path: String,
    /// In the query or the header, with what they take.
    parameters: Vec<(Place, String, Value)>,
    /// What the body may be, by its type.
    bodies: Vec<(String, Value)>,
    /// Whether the answer has no end.
    streams: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum Place {
    Query,
    Header,
}

static DESCRIPTION: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(&bloom_server::openapi::document()).expect("the description is JSON"));

static OPERATIONS: LazyLock<Vec<Operation>> = LazyLock::new(|| {
    let members = |value: &'static Value| value.as_object().into_iter().flatten();
    let paths = members(&DESCRIPTION["paths"]);
    paths.flat_map(|(path, item)| members(item).map(|(method, told)| operation(method, path, told))).collect()
});

fn operation(method: &str, path: &str, told: &Value) -> Operation {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let parameter = |told: &Value| {
        let place = match told["in"].as_str()? {
            "query" => Place::Query,
            "header" => Place::Header,
            _ => return None,
        };
        Some((place, text(&told["name"]), told["schema"].clone()))
    };
    let bodies = told["requestBody"]["content"].as_object().into_iter().flatten();
    Operation {
        method: method.to_uppercase(),
        path: path.to_owned(),
        parameters: told["parameters"].as_array().into_iter().flatten().filter_map(parameter).collect(),
        bodies: bodies.map(|(kind, body)| (kind.clone(), body["schema"].clone())).collect(),
        streams: !told["responses"]["200"]["content"]["text/event-stream"].is_null(),
    }
}

/// Whatever a server is asked, in whatever order: no handler panics, no answer is a fault of the server or one that it does not
/// describe, and its store agrees with itself afterwards.
pub fn answers_whatever_it_is_asked(bytes: &[u8]) -> Result<()> {
    let bytes = long(bytes);
    play(async {
        let world = world(true);
        let mut client = Client { world: &world, words: WORDS.iter().map(|word| (*word).to_owned()).collect() };
        let mut input = Unstructured::new(&bytes);
        for _ in 0..REQUESTS {
            let asked = if input.ratio(1, 4)? { client.run(&mut input).await } else { client.ask(&mut input).await };
            if input.is_empty() || asked.is_err() {
                break;
            }
            // What the request began goes on.
            tokio::time::sleep(Duration::from_millis(input.int_in_range(0..=50)?)).await;
        }
        let found = world.store.verify().await.expect("the store can be read");
        assert_eq!(found.faults, Vec::<String>::new());
        Ok(())
    })
}

/// Texts that the API knows, beside those that its answers told. Nobody is behind the URL.
const WORDS: &[&str] = &[
    "",
    "a",
    "http://127.0.0.1:9",
    "llm.command",
    "ir:0.1",
    "go",
    "text",
    "approved",
    "rejected",
    "completed",
    "queued",
    "success",
    "error",
    "notes/a",
    "memory",
    "own",
    "all",
    "1.0.0",
    "bytes=0-3",
    "2026-01-01T00:00:00Z",
    "\"hello\"",
    "{\"text\": \"hello\"}",
    "fl:0",
    "worker",
];

/// What an answer calls what somebody may ask for later.
const NAMES: &[&str] = &["id", "name", "digest", "sha256", "version", "key", "hash", "url", "node", "effect", "cursor"];

struct Client<'a> {
    world: &'a World,
    words: Vec<String>,
}

impl Client<'_> {
    /// Publishes a flow that waits for something, and has it run.
    async fn run(&mut self, input: &mut Unstructured<'_>) -> Result<()> {
        let flows = [plain("a", "1.0.0"), asking_llm("b"), awaiting("c"), asking("d"), proposing("e")];
        let flow = input.choose(&flows)?;
        let id = flow["flow"]["id"].as_str().unwrap_or_default();
        let published = [("content-type", "application/json")];
        self.send("POST", "/api/v1/flows", &published, signed(flow), "/api/v1/flows").await;
        let mut body = json!({ "inputs": {} });
        if input.ratio(1, 3)? {
            body["dispatch"] = "worker".into();
        }
        let path = format!("/api/v1/flows/{id}/runs");
        self.send("POST", &path, &published, body.to_string().into_bytes(), "/api/v1/flows/{id}/runs").await;
        Ok(())
    }

    async fn ask(&mut self, input: &mut Unstructured<'_>) -> Result<()> {
        let operation = input.choose(&OPERATIONS)?;
        let (path, headers, body) = self.request(operation, input)?;
        let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        if operation.streams {
            let mut request = Request::builder().method("GET").uri(path).header("host", "127.0.0.1:5000");
            for (name, value) in headers {
                request = request.header(name, value);
            }
            let request = request.body(Body::empty()).expect("it is well formed");
            let answered = self.world.router.clone().oneshot(request).await.expect("it cannot fail");
            assert!(answered.status().as_u16() < 500);
            return Ok(());
        }
        self.send(&operation.method, &path, &headers, body, &operation.path).await;
        Ok(())
    }

    fn request(
        &self,
        operation: &Operation,
        input: &mut Unstructured<'_>,
    ) -> Result<(String, BTreeMap<String, String>, Vec<u8>)> {
        let maker = Maker { schemas: &DESCRIPTION["components"]["schemas"], words: &self.words };
        let mut path = String::new();
        for segment in operation.path.split('/').skip(1) {
            path.push('/');
            path += &if segment.starts_with('{') { encoded(&maker.text(input)?) } else { segment.to_owned() };
        }
        let (mut query, mut headers) = (Vec::new(), BTreeMap::new());
        for (place, name, schema) in &operation.parameters {
            if !input.ratio(2, 3)? {
                continue;
            }
            let text = match maker.value(schema, input, 3)? {
                Value::String(text) => text,
                other => other.to_string(),
            };
            match place {
                // Who waits is told at once that nothing else happens.
                Place::Query => query.push(format!("{name}={}", encoded(&text))),
                Place::Header => {
                    let shown = |c: &char| (' '..='~').contains(c);
                    drop(headers.insert(name.to_lowercase(), text.chars().filter(shown).collect()));
                }
            }
        }
        if !query.is_empty() {
            path = format!("{path}?{}", query.join("&"));
        }
        let Some((kind, schema)) = operation.bodies.get(input.choose_index(operation.bodies.len()).unwrap_or(0)) else {
            return Ok((path, headers, Vec::new()));
        };
        headers.insert("content-type".to_owned(), kind.clone());
        let body = match kind.as_str() {
            "application/json" if !input.ratio(1, 24)? => {
                let mut body = maker.value(schema, input, 6)?;
                if input.ratio(1, 6)? {
                    mutate(&mut body, input)?;
                }
                body.to_string().into_bytes()
            }
            "application/x-www-form-urlencoded" => {
                format!("name={}&password={}", encoded(&maker.text(input)?), encoded(&maker.text(input)?)).into_bytes()
            }
            "application/octet-stream" | "application/wasm" if input.arbitrary()? => b"\0asm\x0d\0\x01\0".to_vec(),
            _ => value::short(input)?.into_bytes(),
        };
        Ok((path, headers, body))
    }

    async fn send(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: Vec<u8>, operation: &str) {
        let answered = self.world.send(method, path, headers, &body).await;
        let status = answered.status;
        assert!(
            status < 500 || may_be(operation, status),
            "{method} {path} {}: {status} {}",
            String::from_utf8_lossy(&body),
            String::from_utf8_lossy(&answered.bytes)
        );
        if let Ok(told) = serde_json::from_slice(&answered.bytes) {
            self.learn(&told);
        }
    }

    /// Remembers what an answer names.
    fn learn(&mut self, told: &Value) {
        match told {
            Value::Object(members) => {
                for (name, member) in members {
                    let is_name = NAMES.contains(&name.as_str()) || name.ends_with("_id");
                    match member.as_str() {
                        Some(text) if is_name && text.len() <= 80 && !self.words.iter().any(|word| word == text) => {
                            self.words.push(text.to_owned());
                        }
                        _ => self.learn(member),
                    }
                }
            }
            Value::Array(items) => items.iter().for_each(|item| self.learn(item)),
            _ => {}
        }
    }
}

/// Statuses that say that somebody else failed, as the contract has them: nobody is behind the URLs of node agents and of the
/// control plane here.
fn may_be(operation: &str, status: u16) -> bool {
    let asks_others = ["/api/membridge/", "/agent-", "/clone", "/propagate", "/sync-memory", "/dispatch"];
    match status {
        502 => asks_others.iter().any(|part| operation.contains(part)),
        // No worker has a place.
        503 => {
            operation.ends_with("/lease") || operation.ends_with("/dispatch") || operation.contains("/api/membridge/")
        }
        _ => false,
    }
}

fn encoded(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(byte).collect()
}
