//! The attribute, as a tool uses it.

#![allow(clippy::unwrap_used, reason = "tests")]

use bloom_tool::testing::{Host, response};
use bloom_tool::{Failure, OrFail as _, artifacts, call_id, config, files, http, log};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Input {
    /// Which note.
    note: String,
    folder: Folder,
    #[serde(default)]
    words: u32,
    author: Option<String>,
}

#[derive(Deserialize, JsonSchema)]
struct Folder {
    path: String,
}

#[derive(Debug, PartialEq, Serialize, JsonSchema)]
struct Output {
    text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    author: Option<String>,
}

/// Quotes a note
/// in full.
///
/// What follows is for people who read the source.
#[bloom_tool::tool(
    effect = "read",
    aliases = { "нотатка" = "note", "тека" = "folder" },
    also_called = ["quote"],
    failures = { "empty" = "there is nothing to quote" },
    capabilities = ["files:notes", "config:prefix"],
)]
fn quote_note(input: Input) -> Result<Output, Failure> {
    log::info(format!("{} of call {}, {} words", input.note, call_id(), input.words));
    let text = files::read_text("notes", &format!("{}/{}", input.folder.path, input.note))?;
    let prefix = config::get("prefix").or_else(|failure| match failure.code.as_str() {
        "not_granted" => Ok(String::new()),
        _ => Err(failure),
    })?;
    Ok(Output { text: prefix + &text, author: input.author })
}

mod described {
    use super::{Deserialize, Failure};

    #[derive(Deserialize)]
    pub(crate) struct Nothing {
        #[serde(default)]
        fail: bool,
    }

    #[bloom_tool::tool(manifest = "tests/manifest.json")]
    pub(crate) fn by_file(nothing: Nothing) -> Result<String, Failure> {
        if nothing.fail { Err(Failure::new("told_to", "fail")) } else { Ok("done".into()) }
    }

    /// Says nothing.
    #[bloom_tool::tool(effect = "operational", name = "short-name", version = "2.1.0", params = [], description = "Silent.")]
    pub(crate) fn by_attribute(_: super::Empty) -> Result<(), Failure> {
        Err(Failure::new("busy", "come again").retryable().about("line 1"))
    }
}

#[derive(Deserialize, JsonSchema)]
struct Empty {}

fn manifest(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn a_manifest_follows_from_the_function_and_its_types() {
    assert_eq!(
        manifest(&quote_note::manifest()),
        json!({
            "name": "quote-note",
            "version": "0.1.0",
            "description": "Quotes a note in full.",
            "effect": "read",
            "input": {
                "type": "object",
                "properties": {
                    "note": { "type": "string", "description": "Which note." },
                    "folder": { "type": "object", "properties": { "path": { "type": "string" } }, "required": ["path"] },
                    "words": { "type": "integer", "format": "uint32", "minimum": 0, "default": 0 },
                    "author": { "type": ["string", "null"] },
                },
                "required": ["note", "folder"],
                "additionalProperties": false,
            },
            "output": {
                "type": "object",
                "properties": { "text": { "type": "string" }, "author": { "type": ["string", "null"] } },
                "required": ["text"],
            },
            "params": ["note", "folder"],
            "aliases": { "нотатка": "note", "тека": "folder" },
            "capabilities": ["files:notes", "config:prefix"],
            "also_called": ["quote"],
            "failures": { "empty": "there is nothing to quote" },
        })
    );
}

#[test]
fn what_the_attribute_says_goes_before_what_is_derived() {
    let manifest = manifest(&described::by_attribute::manifest());
    assert_eq!(
        (&manifest["name"], &manifest["version"], &manifest["description"], &manifest["params"]),
        (&json!("short-name"), &json!("2.1.0"), &json!("Silent."), &json!([]))
    );
    assert_eq!(manifest["output"], json!({ "type": "null" }));
}

#[test]
fn a_manifest_can_be_a_file() {
    assert_eq!(manifest(&described::by_file::manifest())["name"], "by-file");
    assert_eq!(described::by_file::invoke("c".into(), "{}".into()), Ok("\"done\"".into()));
}

#[test]
fn a_tool_runs_natively_within_a_host() {
    let host = Host::new().file("notes", "бах/соната.md", "Соната").config("prefix", "> ");
    bloom_tool::testing::set_call_id("run/n1#1");
    let input =
        Input {
            note: "соната.md".into(), folder: Folder { path: "бах".into() }, words: 3, author: Some("Ада".into())
        };
    let output = host.run(|| quote_note(input)).unwrap();
    assert_eq!(output, Output { text: "> Соната".into(), author: Some("Ада".into()) });
    assert_eq!(host.log(), ["info: соната.md of call run/n1#1, 3 words"]);
}

#[test]
fn a_call_in_json_answers_in_json() {
    let host = Host::new().file("notes", "a/b", "text");
    let call = |input: Value| host.run(|| quote_note::invoke("call".into(), input.to_string()));
    let answer = call(json!({ "note": "b", "folder": { "path": "a" } })).unwrap();
    assert_eq!(manifest(&answer), json!({ "text": "text" }));
    assert_eq!(host.log(), ["info: b of call call, 0 words"]);
    let unknown = call(json!({ "note": "b", "folder": { "path": "a" }, "x": 1 })).unwrap_err();
    assert_eq!(unknown.code, "invalid_input");
    assert!(unknown.message.contains("unknown field `x`"), "{unknown:?}");
    assert_eq!(call(json!({ "note": "c", "folder": { "path": "a" } })).unwrap_err().code, "not_found");
}

#[test]
fn a_failure_keeps_what_flows_decide_by() {
    let failure = described::by_attribute::invoke(String::new(), "{}".into()).unwrap_err();
    assert_eq!(
        (failure.code.as_str(), failure.message.as_str(), failure.retryable),
        ("busy", "line 1: come again", true)
    );
}

#[test]
fn nothing_is_granted_that_was_not_given() {
    let host = Host::new().root("notes");
    host.run(|| {
        assert_eq!(files::list("notes", "").unwrap(), []);
        assert_eq!(files::read("notes", "a").unwrap_err().code, "not_found");
        let refused = [
            files::read("memory", "a").unwrap_err(),
            config::get("key").unwrap_err(),
            artifacts::latest("report").unwrap_err(),
            http::Request::get("https://example.org").send().unwrap_err(),
        ];
        assert!(refused.iter().all(|failure| failure.code == "not_granted"), "{refused:?}");
    });
    assert_eq!(config::get("key").unwrap_err().code, "not_granted", "outside of a host");
}

#[test]
fn a_listing_has_all_files_in_the_order_of_their_paths() {
    let host =
        ["c", "d/e", "a", "d/f", "b", "dd"].iter().fold(Host::new(), |host, path| host.file("notes", path, *path));
    let paths = |folder: &str| {
        let entries = host.run(|| files::list("notes", folder)).unwrap();
        entries.into_iter().map(|entry| entry.path).collect::<Vec<_>>()
    };
    assert_eq!(paths(""), ["a", "b", "c", "d/e", "d/f", "dd"]);
    assert_eq!(paths("d"), ["d/e", "d/f"]);
}

#[test]
fn the_latest_artifact_of_a_name_is_found() {
    let host = Host::new().artifact("report", "r1", "sha256:1", "old").artifact("report", "r2", "sha256:2", "new");
    host.run(|| {
        let latest = artifacts::latest("report").unwrap();
        assert_eq!((latest.run.as_str(), artifacts::read(&latest.digest).unwrap()), ("r2", b"new".to_vec()));
        assert_eq!(artifacts::of_run("report", "r1").unwrap().digest, "sha256:1");
        assert_eq!(artifacts::of_run("report", "r3").unwrap_err().code, "not_found");
    });
}

#[derive(Deserialize)]
struct Weather {
    degrees: f64,
}

#[test]
fn a_request_is_built_and_a_response_is_read() {
    let host = Host::new().http(|request| {
        assert_eq!(request.url, "https://example.org/v1?q=%D0%B1%D0%B0%D1%85%20%26&n=1");
        assert_eq!((request.method.as_str(), request.timeout_ms), ("POST", Some(500)));
        assert_eq!(request.headers[0].name, "content-type");
        assert_eq!(request.body.as_deref(), Some(br#"{"a":1}"#.as_slice()));
        Ok(response(200, r#"{ "degrees": 3.5 }"#))
    });
    let request = http::Request::post("https://example.org/v1").query([("q", "бах &"), ("n", "1")]).timeout_ms(500);
    let request = request.json(&json!({ "a": 1 })).unwrap();
    let answer = host.run(|| request.send()).unwrap().error_for_status().unwrap();
    assert!((answer.json::<Weather>().unwrap().degrees - 3.5).abs() < f64::EPSILON);
    assert_eq!(answer.json::<Vec<u8>>().unwrap_err().code, "invalid_response");
    assert_eq!(response(200, [0xff]).text().unwrap_err().code, "invalid_response");
}

#[test]
fn a_status_that_is_no_success_is_a_failure_that_names_it() {
    let failure = |status| response(status, "").error_for_status().unwrap_err();
    assert_eq!((failure(404).code.as_str(), failure(404).retryable), ("http_404", false));
    assert_eq!([408, 429, 503].map(|status| failure(status).retryable), [true, true, true]);
    assert!(response(204, "").error_for_status().is_ok());
}

#[test]
fn settings_are_read_as_what_they_are_and_not_told() {
    let host = Host::new().config("limit", "12").config("secret", "s3cret");
    host.run(|| {
        assert_eq!(config::parse::<u8>("limit"), Ok(12));
        let failure = config::parse::<u8>("secret").unwrap_err();
        assert!(failure.code == "invalid_config" && !failure.message.contains("s3cret"), "{failure:?}");
    });
}

#[test]
fn other_libraries_errors_become_failures() {
    let error = "x".parse::<u8>().or_fail("invalid_number").unwrap_err();
    assert_eq!(error, Failure::new("invalid_number", "invalid digit found in string"));
}
