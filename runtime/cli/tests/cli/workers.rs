//! Servers and workers as processes, with a stand-in for the Claude CLI that counts how often it is asked.

use std::fs;
use std::io::{ErrorKind, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::interrupt::interrupt;
use crate::process::Running;
use crate::served::{Port, Served};
use crate::support::{Place, ended as process_ended, has_tools, json as told_by, signed_greeting};
use crate::unknown;

/// Soon enough for a test that waits for the end of a lease, and long enough for a worker that lives on a slow machine.
const QUICK: [(&str, &str); 2] = [("BLOOM_TASKS_LEASE_TTL_SECONDS", "8"), ("BLOOM_TASKS_REAP_EVERY_SECONDS", "1")];
const ANN: &[u8] = br#"{"inputs": {"name": "Ann"}}"#;

/// A folder with a `claude` that answers once it may.
struct StandIn {
    folder: PathBuf,
}

impl StandIn {
    fn new(place: &Place, name: &str) -> Self {
        let folder = place.path(name);
        fs::create_dir_all(&folder).unwrap();
        let here = folder.display();
        // It waits for a minute at most: nothing is left behind when nobody ends it.
        let script = format!(
            r#"#!/bin/sh
case "$1" in
--version) echo '9.9.9 (Claude Code)'; exit ;;
--help) printf '%s\n' '--print --output-format --model --json-schema --tools --strict-mcp-config --setting-sources' \
    '--settings --disable-slash-commands --no-session-persistence --system-prompt-file --append-system-prompt-file' \
    'Commands:' '  auth  Manage authentication'; exit ;;
auth) [ -e '{here}/logged-out' ] || exit 0; echo 'Not logged in'; exit 1 ;;
esac
cat > /dev/null
echo asked >> '{here}/calls'
call=$(wc -l < '{here}/calls')
for _ in $(seq 1200); do [ ! -e '{here}/go' ] && [ ! -e "{here}/go-$call" ] || break; sleep 0.05; done
echo '{{"type":"result","is_error":false,"result":"","structured_output":{{"text":"hello"}},
    "usage":{{"input_tokens":10,"output_tokens":5}},"total_cost_usd":0.01}}'
"#
        );
        let new = place.write(&format!("{name}/new"), script);
        fs::set_permissions(&new, fs::Permissions::from_mode(0o755)).unwrap();
        // Copied by another process: a file that this one had open for writing when another test forked cannot be executed.
        assert!(Command::new("cp").arg("-p").arg(&new).arg(folder.join("claude")).status().unwrap().success());
        Self { folder }
    }

    /// One that answers at once.
    fn quick(place: &Place, name: &str) -> Self {
        let claude = Self::new(place, name);
        claude.go();
        claude
    }

    fn go(&self) {
        fs::write(self.folder.join("go"), "").unwrap();
    }

    /// Lets it answer one of the calls, from 1.
    fn answer(&self, call: usize) {
        fs::write(self.folder.join(format!("go-{call}")), "").unwrap();
    }

    fn calls(&self) -> usize {
        fs::read_to_string(self.folder.join("calls")).unwrap_or_default().lines().count()
    }
}

pub(crate) fn bloom_worker(place: &Place, folder: &Path, server: &str, options: &[&str]) -> Command {
    let bloom = place.bloom();
    let mut command = Command::new(bloom.get_program());
    for (name, value) in bloom.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    let temporary = place.path("tmp");
    fs::create_dir_all(&temporary).unwrap();
    let path = format!("{}:/usr/local/bin:/usr/bin:/bin", folder.display());
    command.env("PATH", path).env("TMPDIR", temporary).env("BLOOM_DATA", folder.join("data"));
    command.args(["worker", "--server", server]).args(options);
    command
}

/// `bloom worker`.
fn working(place: &Place, claude: &StandIn, server: &Served, name: &str) -> Running {
    working_in(place, claude, server, name, &claude.folder.join("data"))
}

/// With this data directory, and so with whom that trusts.
fn working_in(place: &Place, claude: &StandIn, server: &Served, name: &str, data: &Path) -> Running {
    let mut command = bloom_worker(place, &claude.folder, &server.url(), &["--name", name]);
    command.env("BLOOM_DATA", data);
    let log = fs::File::create(place.path(&format!("{name}.log"))).unwrap();
    let worker = Running::start(command.stderr(log));
    let line = worker.line();
    let told: Value = serde_json::from_str(&line).unwrap_or_else(|error| {
        panic!("{error}: {line:?}: {}", fs::read_to_string(place.path(&format!("{name}.log"))).unwrap())
    });
    assert_eq!((&told["worker"], &told["slots"]), (&json!(name), &json!(1)));
    worker
}

/// What is there once it is as it shall be.
fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    for _ in 0..1200 {
        if let Some(found) = look() {
            return found;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("{what}: it never came to that");
}

fn started(server: &Served) -> String {
    let (status, run) = server.post("/api/v1/flows/greeting/runs", ANN);
    assert_eq!(status, 202, "{run}");
    run["run_id"].as_str().unwrap().to_owned()
}

/// The run, once it has ended.
fn ended(server: &Served, run: &str) -> Value {
    until("the run ends", || {
        let run = server.get(&format!("/api/v1/runs/{run}"));
        (run["status"] != "running" && run["status"] != "queued").then_some(run)
    })
}

/// The only task, once it stands so.
fn task(server: &Served, status: &str) -> Value {
    until(status, || {
        let tasks = server.get("/api/runtime/llm-tasks");
        (tasks[0]["status"] == status).then(|| tasks[0].clone())
    })
}

fn actions(server: &Served) -> Vec<String> {
    let log = server.get("/api/runtime/audit");
    log.as_array().unwrap().iter().map(|entry| entry["action"].as_str().unwrap().to_owned()).collect()
}

/// A server without workers of its own, to which the greeting is published.
fn serving(place: &Place, variables: &[(&str, &str)]) -> Served {
    serving_at(place, "127.0.0.1:0", variables)
}

fn serving_at(place: &Place, address: &str, variables: &[(&str, &str)]) -> Served {
    signed_greeting(place);
    let server = Served::start_at(place, address, &["--workers", "0"], variables);
    server.publish(place);
    server
}

fn completed_once(run: &Value) {
    assert_eq!((&run["status"], &run["result"]), (&json!("completed"), &json!({ "greeting": "hello" })), "{run}");
    assert_eq!((&run["tokens"], &run["cost_micro_usd"]), (&json!(15), &json!(10_000)), "billed once: {run}");
}

#[test]
fn worker_does_what_a_flow_asks_and_what_a_client_asks() {
    let place = Place::new();
    let server = serving(&place, &[]);
    let run = started(&server);
    let claude = StandIn::new(&place, "claude");
    let _worker = working(&place, &claude, &server, "w1");
    let held = task(&server, "running");
    assert_eq!((&held["worker_id"], &held["attempts"]), (&json!("w1"), &json!(1)), "it was heard of");
    let lease = server.get("/api/runtime/leases?status=active");
    assert_eq!((&lease[0]["worker_id"], &lease[0]["id"]), (&json!("w1"), &held["lease_id"]));
    claude.go();
    completed_once(&ended(&server, &run));

    let seat = server.get("/api/runtime/workers/w1");
    assert_eq!((&seat["status"], &seat["capabilities"]["claude_cli"]), (&json!("online"), &json!(true)));
    assert_eq!(seat["capabilities"]["provides"], json!(["llm.claude_cli"]));
    assert_eq!(server.get("/api/runtime/leases?status=released")[0]["id"], held["lease_id"]);
    let result = server.get(&format!("/api/runtime/artifacts?task_id={}", held["id"].as_str().unwrap()));
    assert_eq!((&result[0]["content"], &result[0]["job_id"]), (&json!(r#"{"text":"hello"}"#), &json!(run)));

    let asked = br#"{"context_id": "c", "agent_slug": "a", "prompt": "Say hello", "desired_format": "json"}"#;
    let (status, posted) = server.post("/api/runtime/llm-tasks", asked);
    assert_eq!(status, 201, "{posted}");
    let path = format!("/api/runtime/artifacts?task_id={}", posted["id"].as_str().unwrap());
    let result = until("the client's task is done", || server.get(&path).as_array().unwrap().first().cloned());
    assert_eq!(result["content"], r#"{"text":"hello"}"#);
    assert_eq!(claude.calls(), 2);

    let actions = actions(&server);
    for action in ["worker_registered", "run_started", "task_leased", "task_completed", "run_completed", "task_created"]
    {
        assert!(actions.iter().any(|one| one == action), "{action} is not in {actions:?}");
    }
    let left: Vec<_> = fs::read_dir(place.path("tmp")).unwrap().collect();
    assert!(left.is_empty(), "nothing is kept of a task: {left:?}");
}

#[test]
fn another_worker_does_what_a_killed_one_held() {
    let place = Place::new();
    let server = serving(&place, &QUICK);
    let run = started(&server);
    let (first, second) = (StandIn::new(&place, "first"), StandIn::quick(&place, "second"));
    let killed = working(&place, &first, &server, "w1");
    until("it is asked", || (first.calls() == 1).then_some(()));
    killed.kill();
    let _worker = working(&place, &second, &server, "w2");
    completed_once(&ended(&server, &run));
    let done = task(&server, "completed");
    assert_eq!((&done["attempts"], second.calls()), (&json!(2), 1));
    assert_eq!(server.get("/api/runtime/leases?status=expired")[0]["worker_id"], "w1");
    first.go();
}

#[test]
fn answer_outlives_the_server_that_asked_for_it() {
    let place = Place::new();
    let port = Port::new();
    let server = serving_at(&place, &port.address(), &[]);
    let run = started(&server);
    let claude = StandIn::new(&place, "claude");
    let _worker = working(&place, &claude, &server, "w1");
    task(&server, "running");
    server.kill();
    // It is answered while nobody is there to hear it.
    claude.go();
    let server = Served::start_at(&place, &port.address(), &["--workers", "0"], &[]);
    completed_once(&ended(&server, &run));
    assert_eq!((claude.calls(), &task(&server, "completed")["attempts"]), (1, &json!(1)));
    let again = started(&server);
    completed_once(&ended(&server, &again));
    assert_eq!(claude.calls(), 2, "the worker goes on with the new server");
}

#[test]
fn worker_that_is_asked_to_stop_ends_what_it_holds_first() {
    let place = Place::new();
    let server = serving(&place, &[]);
    let run = started(&server);
    let claude = StandIn::new(&place, "claude");
    let mut worker = working(&place, &claude, &server, "w1");
    task(&server, "running");
    interrupt(&worker.process, Signal::TERM);
    let log = place.path("w1.log");
    until("it says so", || fs::read_to_string(&log).unwrap().contains("brought to its end").then_some(()));
    claude.go();
    assert_eq!(process_ended(&mut worker.process).code(), Some(0));
    completed_once(&ended(&server, &run));

    // One that is asked twice gives it back, and the attempt does not count.
    let (run, slow) = (started(&server), StandIn::new(&place, "slow"));
    let mut worker = working(&place, &slow, &server, "w2");
    task(&server, "running");
    interrupt(&worker.process, Signal::TERM);
    let log = place.path("w2.log");
    until("it says so", || fs::read_to_string(&log).unwrap().contains("brought to its end").then_some(()));
    interrupt(&worker.process, Signal::TERM);
    assert_eq!(process_ended(&mut worker.process).code(), Some(0));
    assert_eq!(task(&server, "queued")["attempts"], 0);
    assert_eq!(server.get(&format!("/api/v1/runs/{run}"))["status"], "running");
    slow.go();
}

#[test]
fn worker_that_could_do_nothing_says_why() {
    let place = Place::new();
    let claude = StandIn::new(&place, "claude");
    let run = |command: &mut Command| -> (Option<i32>, String) {
        let Output { status, stderr, .. } = command.output().unwrap();
        (status.code(), String::from_utf8(stderr).unwrap())
    };
    let missing = place.path("nothing");
    fs::create_dir_all(&missing).unwrap();
    let nobody = "http://127.0.0.1:1";
    let (status, told) = run(bloom_worker(&place, &missing, nobody, &[]).env("PATH", &missing));
    assert!(status == Some(1) && told.contains("could do nothing") && told.contains("is not there"), "{told}");
    fs::write(claude.folder.join("logged-out"), "").unwrap();
    let (status, told) = run(&mut bloom_worker(&place, &claude.folder, nobody, &[]));
    assert!(status == Some(1) && told.contains("Not logged in"), "{told}");
    fs::remove_file(claude.folder.join("logged-out")).unwrap();
    let (status, told) = run(bloom_worker(&place, &claude.folder, nobody, &[]).args(["--slots", "33"]));
    assert!(status == Some(2) && told.contains("33"), "{told}");
    let (status, told) = run(&mut bloom_worker(&place, &claude.folder, "ftp://x", &[]));
    assert!(status == Some(2) && told.contains("is not the URL of a server"), "{told}");

    let server = Served::start_at(&place, "127.0.0.1:0", &["--workers", "0"], &[("RUNTIME_API_KEY", "a key")]);
    let (status, told) = run(&mut bloom_worker(&place, &claude.folder, &server.url(), &[]));
    assert!(status == Some(3) && told.contains("does not let this worker in"), "{told}");
    assert_eq!(claude.calls(), 0);
}

#[test]
fn a_token_that_the_command_makes_is_taken_by_the_server() {
    let place = Place::new();
    let made = told_by(place.bloom().args(["workers", "enroll", "rpi5", "--json"]));
    let bad = place.bloom().args(["workers", "enroll", "a/b"]).output().unwrap();
    assert_eq!(bad.status.code(), Some(2), "{bad:?}");
    let server = Served::start_at(&place, "127.0.0.1:0", &["--workers", "0"], &[("RUNTIME_API_KEY", "a key")]);
    let exchange = |token: &str| {
        let body = json!({ "token": token }).to_string();
        let answered =
            server.send("POST", "/api/runtime/enroll", "content-type: application/json\r\n", body.as_bytes());
        (answered.0, serde_json::from_str::<Value>(&answered.1).unwrap())
    };
    let (status, enrolled) = exchange(made["token"].as_str().unwrap());
    assert_eq!((status, &enrolled["worker_id"]), (201, &json!("rpi5")), "{enrolled}");

    let mut command = place.bloom();
    command.args(["workers", "enroll", "rpi6", "--server", &server.url()]).env("BLOOM_CLIENT_API_KEY", "a key");
    let told = String::from_utf8(command.output().unwrap().stdout).unwrap();
    let (token, rest) = told.split_once('\n').unwrap();
    assert!(rest.contains("the node rpi6, once, until"), "{told}");
    assert_eq!(exchange(token).0, 201);
    assert_eq!(exchange(token).1["code"], "ENROLL_USED");
}

/// Asks twice, proposes, and returns both answers.
fn publish_two(place: &Place, server: &Served) {
    let ask = |into: &str, next: &str| {
        json!({
            "type": "llm_call", "prompt": [{ "text": "Say hello" }], "into": into, "next": next,
            "output": { "type": "object", "properties": { "text": { "type": "string" } }, "required": ["text"] },
        })
    };
    let flow = json!({
        "ir": "0.1",
        "flow": { "id": "two", "version": "0.0.0", "title": "Two", "kind": "procedure", "locale": "en" },
        "inputs": { "type": "object" }, "outputs": {}, "policy": { "safe_outputs": ["propose-summary"] }, "entry": "n1",
        "nodes": {
            "n1": ask("a", "n2"), "n2": ask("b", "n3"),
            "n3": { "type": "emit", "kind": "proposal", "name": "summary", "action": "propose-summary",
                    "value": "{'content': v['b'].text, 'target': {'path': 'notes/a'}}", "next": "n4" },
            "n4": { "type": "return", "status": "completed", "value": "{'both': [v['a'].text, v['b'].text]}" },
        },
    });
    let (unsigned, signed) = (place.write("two.json", flow.to_string()), place.path("two.ir.json"));
    place.bloom().arg("compile").arg(unsigned).arg("-o").arg(&signed).assert().success();
    let (status, told) = server.post("/api/v1/flows", &fs::read(signed).unwrap());
    assert_eq!(status, 201, "{told}");
}

#[test]
fn whole_run_goes_on_with_another_worker_where_a_killed_one_was() {
    let place = Place::new();
    let port = Port::new();
    let server = serving_at(&place, &port.address(), &QUICK);
    publish_two(&place, &server);
    let (status, run) = server.post("/api/v1/flows/two/runs", br#"{"dispatch": "worker"}"#);
    assert_eq!(status, 202, "{run}");
    let run = run["run_id"].as_str().unwrap().to_owned();
    let (first, second, data) = (StandIn::new(&place, "first"), StandIn::new(&place, "second"), place.path("data"));
    first.answer(1);
    let killed = working_in(&place, &first, &server, "w1", &data);
    until("the second question is being thought about", || (first.calls() == 2).then_some(()));
    killed.kill();
    let _worker = working_in(&place, &second, &server, "w2", &data);
    until("the other one is asked", || (second.calls() == 1).then_some(()));
    // The server is killed, too: the answer waits for the next one.
    server.kill();
    second.go();
    let server = Served::start_at(&place, &port.address(), &["--workers", "0"], &QUICK);
    let ended = ended(&server, &run);
    assert_eq!((&ended["status"], &ended["result"]), (&json!("completed"), &json!({ "both": ["hello", "hello"] })));
    assert_eq!((&ended["tokens"], &ended["cost_micro_usd"]), (&json!(30), &json!(20_000)), "billed once: {ended}");
    assert_eq!((first.calls(), second.calls()), (2, 1), "what was answered is not asked again");
    assert_eq!(ended["proposals_created"].as_array().unwrap().len(), 1);
    assert_eq!(server.get(&format!("/api/v1/runs/{run}/trace"))["agrees"], true);
    first.go();
}

/// Asks, posts an order, and returns both answers; signed.
fn ordering(place: &Place, address: &str, on_unknown: &str) -> PathBuf {
    let program = format!(
        "BEGIN\n  answer ← http-post(\"http://{address}/orders\", {{strings: 4}})\n  RETURN answer.body\nEND\n"
    );
    let program = place.write("order.md", program);
    let mut document = told_by(place.bloom().arg("compile").arg(program));
    document.as_object_mut().unwrap().remove("integrity");
    let id = format!("order-{on_unknown}");
    (document["flow"]["id"], document["flow"]["version"]) = (json!(id), json!("1.0.0"));
    document["nodes"]["n1"]["on_unknown"] = json!(on_unknown);
    let order = document["entry"].clone();
    document["nodes"]["n0"] = json!({
        "type": "llm_call", "prompt": [{ "text": "Say hello" }], "into": "hello", "next": order,
        "output": { "type": "object", "properties": { "text": { "type": "string" } }, "required": ["text"] },
    });
    document["entry"] = json!("n0");
    let unsigned = place.write("order.json", document.to_string());
    let signed = place.path("order.ir.json");
    place.bloom().arg("compile").arg("--force").arg(unsigned).arg("-o").arg(&signed).assert().success();
    signed
}

/// The kinds of the events of a run.
fn kinds(server: &Served, run: &str) -> Vec<String> {
    let history = server.get(&format!("/api/v1/runs/{run}/history"));
    history["events"].as_array().unwrap().iter().map(|event| event["type"].as_str().unwrap().to_owned()).collect()
}

/// A worker is killed after its call of an operational tool has arrived, and before its outcome has.
#[test]
fn call_that_a_killed_worker_made_is_repeated_only_where_the_flow_says_so() {
    if !has_tools() {
        return;
    }
    let place = Place::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    place.write("data/bloom.toml", format!("[tools.http-post]\nhttp = ['http://{address} POST']\n"));
    let server = serving(&place, &QUICK);
    let data = place.path("data");
    let start = |on_unknown: &str| {
        let bytes = fs::read(ordering(&place, &address, on_unknown)).unwrap();
        let (status, told) = server.post("/api/v1/flows", &bytes);
        assert_eq!(status, 201, "{told}");
        server.post(&format!("/api/v1/flows/order-{on_unknown}/runs"), br#"{"dispatch": "worker"}"#)
    };
    for on_unknown in ["fail", "retry"] {
        let (status, run) = start(on_unknown);
        assert_eq!(status, 202, "{run}");
        let run = run["run_id"].as_str().unwrap().to_owned();
        let first = StandIn::quick(&place, &format!("first-{on_unknown}"));
        let second = StandIn::quick(&place, &format!("second-{on_unknown}"));
        let mut killed = working_in(&place, &first, &server, &format!("w1-{on_unknown}"), &data);
        let (body, stream) = unknown::asked(&listener, &mut killed.process);
        assert_eq!(body, r#"{"strings":4}"#);
        let requested = ["run.started", "effect.requested", "effect.completed", "effect.requested"];
        assert_eq!(kinds(&server, &run), requested, "the request was recorded before the call");
        killed.kill();
        drop(stream);

        let mut worker = working_in(&place, &second, &server, &format!("w2-{on_unknown}"), &data);
        if on_unknown == "retry" {
            let (body, mut stream) = unknown::asked(&listener, &mut worker.process);
            assert_eq!(body, r#"{"strings":4}"#);
            let head = "HTTP/1.1 201 Created\r\ncontent-type: application/json\r\nconnection: close\r\n";
            write!(stream, "{head}content-length: 11\r\n\r\n{{\"order\":8}}").unwrap();
        }
        let end = ended(&server, &run);
        if on_unknown == "retry" {
            assert_eq!((&end["status"], &end["result"]), (&json!("completed"), &json!({ "order": 8 })), "{end}");
        } else {
            assert_eq!(end["error_details"]["code"], "outcome_unknown", "{end}");
        }
        listener.set_nonblocking(true).unwrap();
        assert_eq!(listener.accept().unwrap_err().kind(), ErrorKind::WouldBlock, "it is not called once more");
        assert_eq!((first.calls(), second.calls()), (1, 0), "what was answered is not asked again");
        assert_eq!((&end["tokens"], &end["cost_micro_usd"]), (&json!(15), &json!(10_000)), "billed once: {end}");
        assert_eq!(server.get(&format!("/api/v1/runs/{run}/trace"))["agrees"], true);
        drop(worker);
    }
    // A person could not be asked while a worker holds the run.
    let (status, refused) = start("ask");
    assert_eq!((status, &refused["error"]["code"]), (422, &json!("POLICY_REFUSED")), "{refused}");
    assert!(refused.to_string().contains("may have to ask a person"), "{refused}");
}
