//! The published CLI, where `scripts/claude-cli` could install it: does it offer what is used of it, and does it answer as is
//! expected? It asks a stand-in for its provider on this machine, with a key that is none, and reaches nothing else.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use bloom_interpreter::effect::Answer;
use bloom_ir::Value;
use bloom_ir::document::Session;
use bloom_runtime::clock::Clock;
use bloom_runtime::llm::LlmExecutor as _;
use serde_json::{Value as Json, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

use super::{Detection, Login, detect};
use crate::fake::task;

/// The CLI, if it is there.
fn cli() -> Option<PathBuf> {
    let cli = std::env::var_os("BLOOM_CLAUDE").map(PathBuf::from);
    if cli.is_none() {
        eprintln!("SKIPPED: no Claude CLI; scripts/claude-cli installs it where npm can fetch it");
    }
    cli
}

/// What the CLI gets: a home of its own, a key that is none, and a way to this machine only.
fn environment(home: &std::path::Path, provider: &str) -> Vec<(OsString, OsString)> {
    let nowhere = "http://127.0.0.1:9";
    [
        ("PATH", std::env::var("PATH").unwrap().as_str()),
        ("HOME", home.to_str().unwrap()),
        ("ANTHROPIC_BASE_URL", provider),
        ("ANTHROPIC_API_KEY", "a key that is none"),
        ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1"),
        ("HTTPS_PROXY", nowhere),
        ("HTTP_PROXY", nowhere),
        ("NO_PROXY", "127.0.0.1"),
    ]
    .map(|(name, value)| (name.into(), value.into()))
    .into()
}

type Asked = Arc<Mutex<Vec<Json>>>;

/// A provider that answers each message with `{"n": 3}`: by the tool for structured output, if it is offered.
async fn provider() -> (String, Asked) {
    provider_that(false).await
}

/// One that may refuse every key.
async fn provider_that(refuses: bool) -> (String, Asked) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (url, asked) = (format!("http://{}", listener.local_addr().unwrap()), Asked::default());
    let kept = asked.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, kept.clone(), refuses));
        }
    });
    (url, asked)
}

/// One request of a connection.
async fn serve(stream: TcpStream, asked: Asked, refuses: bool) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let (mut length, mut line) = (0, String::new());
    while stream.read_line(&mut line).await? > 2 {
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().unwrap();
        }
        line.clear();
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    let request: Json = serde_json::from_slice(&body).unwrap_or_default();
    let is_message = request.get("messages").is_some();
    let offers_tool = request["tools"].as_array().is_some_and(|tools| !tools.is_empty());
    let (mime, answer) =
        if is_message { ("text/event-stream", events(offers_tool)) } else { ("application/json", "{}".to_owned()) };
    if is_message {
        asked.lock().unwrap().push(request);
    }
    let refusal =
        json!({ "type": "error", "error": { "type": "authentication_error", "message": "invalid x-api-key" } });
    let (status, mime, answer) =
        if refuses { ("401 Unauthorized", "application/json", refusal.to_string()) } else { ("200 OK", mime, answer) };
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: {mime}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        answer.len()
    );
    stream.write_all(format!("{head}{answer}").as_bytes()).await
}

fn events(by_tool: bool) -> String {
    let usage = json!({ "input_tokens": 12, "output_tokens": 1 });
    let message = json!({
        "id": "msg_1", "type": "message", "role": "assistant", "model": "stand-in", "content": [], "stop_reason": null,
        "stop_sequence": null, "usage": usage,
    });
    let (block, delta, reason) = if by_tool {
        let block = json!({ "type": "tool_use", "id": "toolu_1", "name": "StructuredOutput", "input": {} });
        (block, json!({ "type": "input_json_delta", "partial_json": "{\"n\":3}" }), "tool_use")
    } else {
        let delta = json!({ "type": "text_delta", "text": "{\"n\":3}" });
        (json!({ "type": "text", "text": "" }), delta, "end_turn")
    };
    let events = [
        json!({ "type": "message_start", "message": message }),
        json!({ "type": "content_block_start", "index": 0, "content_block": block }),
        json!({ "type": "content_block_delta", "index": 0, "delta": delta }),
        json!({ "type": "content_block_stop", "index": 0 }),
        json!({ "type": "message_delta", "delta": { "stop_reason": reason }, "usage": { "output_tokens": 7 } }),
        json!({ "type": "message_stop" }),
    ];
    let lines = |event: &Json| format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap());
    events.iter().map(lines).collect::<Vec<_>>().concat()
}

#[tokio::test]
async fn published_cli_offers_what_is_used_and_answers() {
    let Some(cli) = cli() else { return };
    let home = tempfile::tempdir().unwrap();
    let (url, asked) = provider().await;
    let found: Detection = detect::detect(cli, environment(home.path(), &url)).await.unwrap();
    assert!(found.version.contains("Claude Code"), "{}", found.version);
    assert_eq!(found.missing_flags, Vec::<&str>::new(), "{}", found.version);
    assert_eq!(found.login, Login::Yes);

    let mut question = task("How many?");
    question.request.system = Some("You count.".to_owned());
    question.request.memory = vec!["Remember two.".into()];
    let answer = found.executor.answer(question).await.unwrap();
    assert_eq!(answer.value, [("n", Value::Int(3))].into_iter().collect());
    let usage = answer.usage.unwrap();
    assert_eq!((usage.input_tokens, usage.output_tokens), (12, 7));

    let asked = asked.lock().unwrap().pop().unwrap();
    let tools: Vec<&Json> = asked["tools"].as_array().unwrap().iter().map(|tool| &tool["name"]).collect();
    assert_eq!(tools, ["StructuredOutput"], "no tool of its own is on");
    let (system, messages) = (asked["system"].to_string(), asked["messages"].to_string());
    assert!(system.contains("You count.") && system.contains("Remember two."), "{system}");
    assert!(messages.contains("How many?"), "{messages}");
}

#[tokio::test]
async fn published_cli_says_at_once_that_its_key_is_refused() {
    let Some(cli) = cli() else { return };
    let home = tempfile::tempdir().unwrap();
    let (url, asked) = provider_that(true).await;
    let executor = detect::detect(cli, environment(home.path(), &url)).await.unwrap().executor;
    let error = executor.answer(task("How many?")).await.unwrap_err();
    assert_eq!((error.code.as_str(), error.retryable), ("not_logged_in", false), "{error}");
    let tries = asked.lock().unwrap().len();
    assert!((1..=3).contains(&tries), "it asks its provider {tries} times");
    assert_eq!(executor.probe().await.unwrap_err().code, "not_logged_in");
}

#[tokio::test]
async fn published_cli_goes_on_with_a_conversation_and_leaves_nothing_of_it() {
    let Some(cli) = cli() else { return };
    let home = tempfile::tempdir().unwrap();
    let (url, asked) = provider().await;
    let found = detect::detect(cli, environment(home.path(), &url)).await.unwrap();
    let talks = home.path().join("talks");
    let executor = found.executor.with_conversations(&talks, Arc::new(At(0)));
    let question = |prompt: &str| {
        let mut question = task(prompt);
        question.request.session = Some(Session::Context);
        question
    };
    let session = |answer: Answer| answer.usage.unwrap().session.unwrap();
    let first = session(executor.answer(question("How many apples?")).await.unwrap());
    let second = session(executor.answer(question("And pears?")).await.unwrap());
    assert_eq!(first, second);
    let messages = asked.lock().unwrap().last().unwrap()["messages"].to_string();
    assert!(messages.contains("How many apples?") && messages.contains("And pears?"), "{messages}");
    let transcript = || {
        let projects = std::fs::read_dir(home.path().join(".claude/projects")).unwrap().flatten();
        projects.map(|project| project.path().join(format!("{first}.jsonl"))).find(|path| path.exists())
    };
    let written = transcript().expect("it is written down");

    // What the CLI has lost begins anew.
    std::fs::remove_file(written).unwrap();
    let third = session(executor.answer(question("And plums?")).await.unwrap());
    assert_ne!(third, first);
    let messages = asked.lock().unwrap().last().unwrap()["messages"].to_string();
    assert!(messages.contains("And plums?") && !messages.contains("apples"), "{messages}");

    drop(executor.with_conversations(&talks, Arc::new(At(25 * 60 * 60 * 1000))));
    let mut left = Vec::new();
    let mut folders = vec![home.path().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            let text =
                std::fs::read(&path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
            if text.contains("apples") || text.contains("plums") {
                left.push(path.clone());
            }
            folders.extend(path.is_dir().then_some(path));
        }
    }
    assert_eq!(left, Vec::<PathBuf>::new(), "nothing of what was said stays");
}

/// A time.
struct At(i64);

impl Clock for At {
    fn now(&self) -> i64 {
        self.0
    }
}
