//! What meets the file system, the limits and the keys: nothing that is there is lost, and what is refused says why.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use bloom_runtime::record::{Actor, ProposalId, Verdict};
use bloom_runtime::store::{Decision, Store as _};
use bloom_store::RedbStore;
use serde_json::Value;

use crate::support::{GREETING, Place, ended, fixture, has_tools, json, script, signed_greeting};

/// The exit status and what was told, of both streams.
fn told(command: &mut assert_cmd::Command) -> (Option<i32>, String) {
    let output = command.output().unwrap();
    (output.status.code(), String::from_utf8([output.stdout, output.stderr].concat()).unwrap())
}

/// Two proposals, and then the end.
const PSEUDOCODE_FREE_DIAGRAM: &str = r#"{"items": {
    "1": {"type": "end"}, "2": {"type": "branch", "branchId": 0, "one": "3"},
    "3": {"type": "action", "content": "x ← 1", "one": "1"}}}"#;

#[test]
fn a_limit_is_raised_by_its_name() {
    if !has_tools() {
        return;
    }
    let place = Place::new();
    let mut command = place.archivist();
    command.args(["--text", "--limit", "max_proposals=3"]);
    let (status, text) = told(&mut command);
    assert_eq!(status, Some(1), "{text}");
    assert!(text.contains("limit_proposals") && text.contains("--limit max_proposals=NUMBER"), "{text}");
    let run = json(place.archivist().args(["--limit", "max_proposals=50", "--limit", "max_tokens=90000"]));
    assert_eq!(run["status"], "completed", "{run}");
    let (_, document) = told(
        place.bloom().arg("compile").arg(fixture("archivist/archivist.drakon")).args(["--limit", "max_proposals=50"]),
    );
    let document: Value = serde_json::from_str(&document).unwrap();
    assert_eq!(document["policy"]["limits"]["max_proposals"], 50, "{document}");
}

#[test]
fn a_limit_that_is_none_is_explained_in_both_languages() {
    let place = Place::new();
    let diagram = place.write("one.drakon", PSEUDOCODE_FREE_DIAGRAM);
    let signed = signed_greeting(&place);
    for (file, limit, english, ukrainian) in [
        (&diagram, "max_proposal=5", "there is no limit max_proposal", "немає обмеження max_proposal"),
        (&diagram, "max_steps=0", "1 or more, not 0", "не меншим за 1, а не 0"),
        (&diagram, "max_steps=many", "whole number", "цілим числом"),
        (&diagram, "max_steps", "is not NAME=VALUE", "не НАЗВА=ЗНАЧЕННЯ"),
        (&diagram, "max_proposals=9999999999", "too large", "завелике"),
        (&signed, "max_steps=5000000", "part of the signed program", "частина підписаної програми"),
    ] {
        for (language, expected) in [("en", english), ("uk", ukrainian)] {
            let mut command = place.bloom();
            command.arg("run").arg(file).args(["--limit", limit, "--lang", language]);
            let (status, text) = told(&mut command);
            assert_eq!(status, Some(2), "{text}");
            assert!(text.contains(expected), "{limit}: {text}");
        }
    }
}

#[test]
fn compiling_does_not_write_over_a_diagram() {
    let place = Place::new();
    let diagram = place.write("one.drakon", PSEUDOCODE_FREE_DIAGRAM);
    let compile =
        |arguments: &[&str]| told(place.bloom().arg("compile").arg(&diagram).arg("-o").arg(&diagram).args(arguments));
    let (status, text) = compile(&[]);
    assert_eq!(status, Some(2), "{text}");
    assert!(
        text.contains("left as it was") || text.contains("left as it is") || text.contains("it was left"),
        "{text}"
    );
    assert_eq!(fs::read_to_string(&diagram).unwrap(), PSEUDOCODE_FREE_DIAGRAM);
    assert_eq!(compile(&["--force"]).0, Some(0));
    // What is an IR document may be replaced: by one with a second signature.
    assert_eq!(compile(&[]).0, Some(0));
}

#[test]
fn compiling_writes_into_devices_and_through_links_and_keeps_the_rights_of_a_file() {
    let place = Place::new();
    let diagram = place.write("one.drakon", PSEUDOCODE_FREE_DIAGRAM);
    let compile = |to: &std::path::Path| told(place.bloom().arg("compile").arg(&diagram).arg("-o").arg(to));
    let target = place.write("target.ir.json", "");
    fs::set_permissions(&target, fs::Permissions::from_mode(0o640)).unwrap();
    let link = place.path("link.ir.json");
    std::os::unix::fs::symlink(&target, &link).unwrap();
    assert_eq!(compile(&link).0, Some(0));
    assert!(link.is_symlink() && fs::metadata(&target).unwrap().len() > 0);
    assert_eq!(fs::metadata(&target).unwrap().permissions().mode() & 0o777, 0o640);

    let pipe = place.path("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let reader = std::thread::spawn({
        let pipe = pipe.clone();
        move || fs::read_to_string(pipe).unwrap()
    });
    assert_eq!(compile(&pipe).0, Some(0));
    assert!(!pipe.is_file(), "it is still a pipe");
    assert!(reader.join().unwrap().contains("\"integrity\""));

    // Devices are beside it, but files in memory are files.
    if std::path::Path::new("/dev/shm").is_dir() {
        let memory = tempfile::tempdir_in("/dev/shm").unwrap();
        let new = memory.path().join("new.ir.json");
        for _ in 0..2 {
            assert_eq!(compile(&new).0, Some(0));
            assert!(fs::metadata(&new).unwrap().len() > 0);
        }
        let diagram = memory.path().join("a.drakon");
        fs::write(&diagram, PSEUDOCODE_FREE_DIAGRAM).unwrap();
        assert_eq!(compile(&diagram).0, Some(2), "a diagram is not written over");
    }

    let mut masked = std::process::Command::new("sh");
    masked.args(["-c", "umask 077; exec \"$0\" compile \"$1\" -o \"$2\""]).arg(env!("CARGO_BIN_EXE_bloom"));
    masked.arg(&diagram).arg(place.path("masked.ir.json")).env("BLOOM_DATA", place.path("data"));
    assert!(masked.status().unwrap().success());
    assert_eq!(fs::metadata(place.path("masked.ir.json")).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn an_unsound_document_is_not_signed() {
    let place = Place::new();
    let unsound = place.write("unsound.json", GREETING.replace(r#""next": "n3""#, r#""next": "n9""#));
    let signed = place.path("unsound.ir.json");
    let (status, text) = told(place.bloom().arg("compile").arg(unsound).arg("-o").arg(&signed));
    assert_eq!(status, Some(1), "{text}");
    assert!(text.contains("n9") && !signed.exists(), "{text}");
}

#[test]
fn a_development_key_that_is_not_trusted_yet_is_trusted_when_it_signs() {
    let place = Place::new();
    let diagram = place.write("one.drakon", PSEUDOCODE_FREE_DIAGRAM);
    // As a crash between the two steps leaves it.
    place.bloom().args(["keys", "new", "development"]).assert().success();
    assert!(!place.path("data/trust.json").exists());
    let run = json(place.bloom().arg("run").arg(&diagram));
    assert_eq!(run["status"], "completed", "{run}");
}

#[test]
fn first_runs_at_once_share_one_key() {
    let place = Place::new();
    let diagram = place.write("one.drakon", PSEUDOCODE_FREE_DIAGRAM);
    let compile = || {
        std::process::Command::new(env!("CARGO_BIN_EXE_bloom"))
            .arg("compile")
            .arg(&diagram)
            .env("BLOOM_DATA", place.path("data"))
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap()
    };
    let all: Vec<_> = (0..4).map(|_| compile()).collect();
    for mut one in all {
        assert!(ended(&mut one).success());
    }
}

#[test]
fn keys_that_are_trusted_at_once_are_all_kept() {
    let place = Place::new();
    let names: Vec<String> = (0..6).map(|index| format!("k{index}")).collect();
    for name in &names {
        place.bloom().args(["keys", "new", name]).assert().success();
    }
    let trust = |name: &String| {
        std::process::Command::new(env!("CARGO_BIN_EXE_bloom"))
            .args(["keys", "trust", name])
            .env("BLOOM_DATA", place.path("data"))
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap()
    };
    let all: Vec<_> = names.iter().map(trust).collect();
    for mut one in all {
        assert!(ended(&mut one).success());
    }
    let list = json(place.bloom().args(["keys", "list", "--json"]));
    assert_eq!(list["trust"]["keys"].as_array().unwrap().len(), names.len(), "{list}");
}

#[test]
fn an_own_key_that_is_not_trusted_says_how_to_trust_it() {
    let place = Place::new();
    let diagram = place.write("one.drakon", PSEUDOCODE_FREE_DIAGRAM);
    let made = json(place.bloom().args(["keys", "new", "release", "--json"]));
    let signed = place.path("one.ir.json");
    place.bloom().arg("compile").arg(&diagram).args(["--key", "release", "-o"]).arg(&signed).assert().success();
    let (status, text) = told(place.bloom().arg("run").arg(&signed));
    assert_eq!(status, Some(3), "{text}");
    assert!(text.contains("your own") && text.contains("bloom keys trust release"), "{text}");
    place.bloom().args(["keys", "trust", made["key_id"].as_str().unwrap()]).assert().success();
    assert_eq!(told(place.bloom().arg("run").arg(&signed)).0, Some(0));
}

#[test]
fn a_data_directory_that_others_can_read_is_closed_or_warned_of() {
    let place = Place::new();
    let data = place.path("data");
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    fs::remove_dir_all(&data).unwrap();
    place.bloom().arg("runs").assert().success();
    assert_eq!(mode(&data), 0o700, "made on first use");
    fs::remove_dir_all(&data).unwrap();
    fs::create_dir(&data).unwrap();
    fs::set_permissions(&data, fs::Permissions::from_mode(0o755)).unwrap();
    place.bloom().arg("runs").assert().success();
    assert_eq!((mode(&data), mode(&data.join("bloom.redb"))), (0o700, 0o600));
    fs::set_permissions(&data, fs::Permissions::from_mode(0o755)).unwrap();
    let (status, text) = told(place.bloom().arg("runs"));
    assert_eq!((status, text.matches("chmod 700").count()), (Some(0), 1), "{text}");
}

#[test]
fn inputs_that_do_not_fit_are_a_usage_error() {
    let place = Place::new();
    let signed = signed_greeting(&place);
    let reply = script(&place, r#""answer": { "text": "Hello!" }"#);
    let twice = place.write("twice.json", r#"{ "name": "a", "name": "b" }"#);
    let large = place.write("large.json", format!(r#"{{ "name": "{}" }}"#, "a".repeat(17 << 20)));
    let number = place.write("number.json", r#"{ "name": 99999999999999999999999999 }"#);
    let of_file = |path: &std::path::Path| vec!["--inputs".to_owned(), path.display().to_string()];
    for (arguments, expected) in [
        (vec!["--input=name=a".to_owned(), "--input=name=b".to_owned()], "given twice"),
        (of_file(&twice), "stands twice"),
        (of_file(&large), "these are no inputs"),
        (of_file(&number), "do not fit"),
    ] {
        let (status, text) = told(place.bloom().arg("run").arg(&signed).arg(&reply).args(&arguments));
        assert_eq!(status, Some(2), "{arguments:?}: {text}");
        assert!(text.contains(expected) || expected == "do not fit", "{arguments:?}: {text}");
    }
    assert_eq!(json(place.bloom().args(["runs", "--json"])), Value::Array(Vec::new()));
}

#[test]
fn nobody_who_could_answer_is_told_before_a_run_is_made() {
    let place = Place::new();
    let signed = signed_greeting(&place);
    let text_file = place.write("notes.txt", "not a program");
    for llm in [
        "command:/nowhere/thinker".to_owned(),
        "command:no-such-program-here".to_owned(),
        format!("command:{}", text_file.display()),
        "scripted:/nowhere.json".to_owned(),
    ] {
        let (status, text) = told(place.bloom().arg("run").arg(&signed).args(["--input", "name=Ann", "--llm", &llm]));
        assert_eq!(status, Some(2), "{llm}: {text}");
    }
    assert_eq!(json(place.bloom().args(["runs", "--json"])), Value::Array(Vec::new()));
    // By its path from here.
    let thinker = place.write("here.sh", "#!/bin/sh\ncat >/dev/null\necho '{\"type\":\"result\",\"is_error\":false,\"result\":\"\",\"structured_output\":{\"text\":\"Hi\"}}'\n");
    fs::set_permissions(&thinker, fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = place.bloom();
    command.current_dir(place.path("")).arg("run").arg(&signed).args([
        "--input",
        "name=Ann",
        "--llm",
        "command:./here.sh",
    ]);
    assert_eq!(json(&mut command)["status"], "completed");
}

#[test]
fn a_run_that_has_ended_tells_its_end_again() {
    let place = Place::new();
    let signed = signed_greeting(&place);
    let reply = script(&place, r#""answer": { "text": "Hello!" }"#);
    json(place.bloom().arg("run").arg(&signed).args(["--input", "name=Ann", &reply]));
    // Without anybody who could answer: it is not asked for.
    let output = place.bloom().args(["run", "--resume", "last", "--llm", "claude"]).env("PATH", "").output().unwrap();
    let (end, note) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert_eq!(output.status.code(), Some(0), "{note}");
    assert!(note.contains("has ended already: completed") && end.contains(r#""status":"completed""#), "{note}{end}");
}

#[test]
fn an_empty_history_proves_nothing() {
    let place = Place::new();
    let signed = signed_greeting(&place);
    let empty = place.write("empty.jsonl", "");
    let (status, text) = told(place.bloom().arg("replay").arg("--ir").arg(signed).arg("--history").arg(empty));
    assert_eq!(status, Some(1), "{text}");
    assert!(text.contains("holds no event"), "{text}");
}

/// The pending proposals, oldest first.
fn pending(place: &Place) -> Vec<Value> {
    json(place.bloom().args(["proposals", "list", "--json"])).as_array().unwrap().clone()
}

#[test]
fn what_a_crash_left_approved_is_applied_by_the_next_command() {
    if !has_tools() {
        return;
    }
    let place = Place::new();
    json(&mut place.archivist());
    let update = pending(&place).into_iter().find(|proposal| proposal["action"] == "memory-update").unwrap();
    let id = update["id"].as_str().unwrap();
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let store = RedbStore::open(place.path("data")).unwrap();
        let by = Actor("owner".to_owned());
        let decision = Decision { proposal: ProposalId::new(id), verdict: Verdict::Approve, by, at: 0, note: None };
        store.decide(decision).await.unwrap();
    });
    let before = fs::read(place.path("memory/archivist/state.json")).unwrap();
    let (status, text) = told(place.bloom().args(["proposals", "list"]));
    assert_eq!(status, Some(0), "{text}");
    assert!(text.contains("Applied after an interruption"), "{text}");
    assert_eq!(json(place.bloom().args(["proposals", "show", id, "--json"]))["status"], "applied");
    assert_ne!(fs::read(place.path("memory/archivist/state.json")).unwrap(), before);
}

#[test]
fn one_proposal_that_cannot_be_applied_does_not_hold_up_the_others() {
    if !has_tools() {
        return;
    }
    let place = Place::new();
    json(&mut place.archivist());
    let pending = pending(&place);
    let id = |index: usize| pending[index]["id"].as_str().unwrap();
    let memory = pending.len() - 1;
    place.write("memory/archivist/state.json", r#"{ "version": 5, "processed_slugs": ["own"] }"#);
    let (status, text) = told(place.bloom().args(["proposals", "approve", id(memory), id(0), id(1)]));
    assert_eq!(status, Some(1), "{text}");
    assert!(text.contains("could not be applied") && text.contains("2 of 3 proposals"), "{text}");
    for index in [0, 1] {
        assert_eq!(json(place.bloom().args(["proposals", "show", id(index), "--json"]))["status"], "approved");
    }
}

#[test]
fn a_run_that_is_shown_tells_what_each_call_was_about_and_its_end_once() {
    if !has_tools() {
        return;
    }
    let place = Place::new();
    json(&mut place.archivist());
    for language in ["en", "uk"] {
        let (_, text) = told(place.bloom().args(["show", "last", "--lang", language]));
        let end = if language == "en" { "Completed." } else { "Виконано." };
        assert_eq!(text.matches(end).count(), 1, "{text}");
        let line = |start: &str| {
            text.lines().find(|line| line.trim_start().starts_with(start)).unwrap_or_else(|| panic!("{start}: {text}"))
        };
        assert!(line("✓ read-context").contains("bow-changes  зміст ← read-context"), "{text}");
        assert!(!line("✓ LLM").contains('#') && line("✓ LLM").contains("резюме ← LLM  "), "{text}");
        assert!(text.contains("#2  резюме ← LLM"), "{text}");
    }
    let signed = signed_greeting(&place);
    let reply = script(&place, r#""answer": { "text": "Hello!" }"#);
    json(place.bloom().arg("run").arg(&signed).args(["--input", "name=Ann", &reply]));
    let (_, text) = told(place.bloom().args(["show", "last"]));
    assert!(text.contains(r#"Result: {"greeting":"Hello!"}"#) && text.matches("Completed.").count() == 1, "{text}");
}
