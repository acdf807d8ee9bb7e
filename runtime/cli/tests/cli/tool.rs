//! `bloom tool`, with tools written as WebAssembly text: no tool chain is needed.

use std::fs;
use std::path::PathBuf;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::process::Running;
use crate::support::{Place, json as json_of};

/// What a tool says of itself that gives back what it gets.
pub(crate) fn manifest(version: &str) -> Value {
    json!({
        "name": "echo", "version": version, "description": "Says it again.", "effect": "read",
        "input": { "type": "object", "properties": { "text": { "type": "string" } } }, "output": { "type": "object" },
        "params": ["text"],
    })
}

/// A core module that answers with its input; `imports` come first in it.
pub(crate) fn module(manifest: &Value, imports: &str) -> Vec<u8> {
    let manifest = manifest.to_string();
    let data = manifest.bytes().map(|byte| format!("\\{byte:02x}")).collect::<Vec<_>>().concat();
    let size: String =
        u32::try_from(manifest.len()).unwrap().to_le_bytes().map(|byte| format!("\\{byte:02x}")).concat();
    wat::parse_str(format!(
        r#"(module
          {imports}
          (memory (export "memory") 2)
          (global $free (mut i32) (i32.const 65536))
          (data (i32.const 1024) "{data}")
          (data (i32.const 16) "\00\04\00\00{size}")
          (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
            (global.set $free (i32.and (i32.add (global.get $free) (i32.const 7)) (i32.const -8)))
            (global.get $free)
            (global.set $free (i32.add (global.get $free) (local.get 3))))
          (func (export "describe") (result i32) (i32.const 16))
          (func (export "invoke") (param $id i32) (param $id-size i32) (param $at i32) (param $size i32) (result i32)
            (i32.store8 (i32.const 32) (i32.const 0))
            (i32.store (i32.const 36) (local.get $at))
            (i32.store (i32.const 40) (local.get $size))
            (i32.const 32)))"#
    ))
    .unwrap()
}

/// A component that `bloom tool build` made.
pub(crate) fn built(place: &Place, name: &str, manifest: &Value) -> PathBuf {
    let core = place.write(&format!("{name}.core.wasm"), module(manifest, ""));
    let component = place.path(&format!("{name}.wasm"));
    place.bloom().args(["tool", "build"]).arg(core).arg("-o").arg(&component).assert().success();
    component
}

/// What is said on the standard error when a file is built or checked.
fn complaint(place: &Place, command: &str, file: &PathBuf) -> String {
    let output = place.bloom().args(["tool", command]).arg(file).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    String::from_utf8(output.stderr).unwrap() + &String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_core_module_becomes_a_tool_that_is_checked_called_and_installed() {
    let place = Place::new();
    let component = built(&place, "echo", &manifest("1.0.0"));

    let checked = json_of(place.bloom().args(["tool", "check", "--json"]).arg(&component));
    assert_eq!((&checked["ok"], &checked["manifest"]["name"]), (&json!(true), &json!("echo")), "{checked}");
    assert_eq!(checked["exports"], json!(["describe", "invoke"]));

    let called = json_of(place.bloom().args(["tool", "call", "--json"]).arg(&component).arg(r#"{"text": "ї"}"#));
    assert_eq!((&called["output"], &called["error"]), (&json!({ "text": "ї" }), &Value::Null), "{called}");
    assert!(called["fuel"].as_u64().unwrap() > 0 && called["memory_bytes"] == 131_072, "{called}");

    let refused = json_of(place.bloom().args(["tool", "call", "--json"]).arg(&component).arg(r#"{"text": 1}"#));
    assert_eq!((&refused["output"], &refused["error"]["code"]), (&Value::Null, &json!("invalid_input")));

    place.bloom().args(["tool", "add"]).arg(&component).assert().success();
    let listed = json_of(place.bloom().args(["tool", "--json"]));
    let echo = listed.as_array().unwrap().iter().find(|tool| tool["manifest"]["name"] == "echo").unwrap();
    assert_eq!(echo["digest"], checked["digest"]);
    let by_name = json_of(place.bloom().args(["tool", "call", "echo", r#"{"text": "a"}"#, "--json"]));
    assert_eq!(by_name["output"], json!({ "text": "a" }));

    place.bloom().args(["tool", "remove", "echo"]).assert().success();
    let listed = json_of(place.bloom().args(["tools", "--json"]));
    assert!(listed.as_array().unwrap().iter().all(|tool| tool["manifest"]["name"] != "echo"), "{listed}");
    place.bloom().args(["tool", "remove", "echo"]).assert().code(1);
}

#[test]
fn a_measured_tool_tells_its_times() {
    let place = Place::new();
    let component = built(&place, "echo", &manifest("1.0.0"));
    let bench = json_of(place.bloom().args(["tool", "bench", "--calls", "3", "--json"]).arg(&component));
    assert_eq!((&bench["tool"], &bench["calls"]), (&json!("echo@1.0.0"), &json!(3)), "{bench}");
    assert!(bench["tool_microseconds"]["p50"].is_u64() && bench["load_microseconds"].is_u64(), "{bench}");
}

#[test]
fn what_is_no_tool_is_told_why() {
    let place = Place::new();
    let file = |name: &str, bytes: Vec<u8>| place.write(name, bytes);
    let imports = |name: &str, text: &str| file(name, module(&manifest("1.0.0"), text));
    for (file, words) in [
        (file("script.wasm", b"#!/bin/sh".to_vec()), vec!["no WebAssembly", "#!/bin/sh"]),
        (file("empty.wasm", wat::parse_str("(module)").unwrap()), vec!["`describe`, `invoke`", "cabi_realloc"]),
        (file("cut.wasm", module(&manifest("1.0.0"), "")[..60].to_vec()), vec!["damaged"]),
        (
            imports(
                "wasi.wasm",
                r#"(import "wasi_snapshot_preview1" "fd_write" (func (param i32 i32 i32 i32) (result i32)))"#,
            ),
            vec!["`wasi_snapshot_preview1.fd_write`", "--stub-wasi"],
        ),
        (imports("env.wasm", r#"(import "env" "printf" (func))"#), vec!["`env.printf`", "linker"]),
        (
            imports("version.wasm", r#"(import "bloom:tool/log@0.2.0" "write" (func (param i32 i32 i32)))"#),
            vec!["bloom:tool/log@0.2.0", "bloom:tool@0.1.0"],
        ),
        (imports("odd.wasm", r#"(import "bloom:tool/log@0.1.0" "shout" (func))"#), vec!["does not fit", "shout"]),
    ] {
        let complaint = complaint(&place, "build", &file);
        for word in words {
            assert!(complaint.contains(word), "{}: {word}: {complaint}", file.display());
        }
        assert!(!file.with_extension("component.wasm").exists());
    }
    let huge = place.path("huge.wasm");
    fs::File::create(&huge).unwrap().set_len(200 << 20).unwrap();
    for command in ["build", "check", "add"] {
        assert!(complaint(&place, command, &huge).contains("more than"), "{command}");
    }
    let missing = place.path("missing.wasm");
    assert!(complaint(&place, "check", &missing).contains("cannot be read"));
}

#[test]
fn a_core_module_is_named_as_such_where_a_component_is_meant() {
    let place = Place::new();
    let core = place.write("core.wasm", module(&manifest("1.0.0"), ""));
    for command in ["check", "add", "call"] {
        let complaint = complaint(&place, command, &core);
        assert!(complaint.contains("is a core module") && complaint.contains("bloom tool build"), "{complaint}");
    }
}

#[test]
fn wasi_of_a_c_library_can_be_stubbed() {
    let place = Place::new();
    let import = r#"(import "wasi_snapshot_preview1" "fd_write" (func (param i32 i32 i32 i32) (result i32)))"#;
    let core = place.write("core.wasm", module(&manifest("1.0.0"), import));
    let component = place.path("tool.wasm");
    place.bloom().args(["tool", "build", "--stub-wasi", "-o"]).arg(&component).arg(core).assert().success();
    let called = json_of(place.bloom().args(["tool", "call", "--json"]).arg(component).arg(r#"{"text": "a"}"#));
    assert_eq!(called["output"], json!({ "text": "a" }));
}

#[test]
fn a_manifest_that_lies_is_found_out() {
    let place = Place::new();
    let with = |field: &str, value: Value| {
        let mut manifest = manifest("1.0.0");
        manifest[field] = value;
        manifest
    };
    for (manifest, word) in [
        (with("name", json!("Echo!")), "kebab-case"),
        (with("version", json!("new")), "version"),
        (with("input", json!({ "type": "objekt" })), "input schema"),
        (with("params", json!(["txt"])), "\"txt\""),
        (with("capabilities", json!(["notes"])), "\"notes\""),
        (json!({ "name": "echo" }), "manifest"),
    ] {
        let component = built(&place, "liar", &manifest);
        for command in ["check", "add"] {
            let complaint = complaint(&place, command, &component);
            assert!(complaint.contains(word), "{command}: {word}: {complaint}");
        }
    }
    // What it imports it must ask for.
    let files = r#"(import "bloom:tool/files@0.1.0" "read" (func (param i32 i32 i32 i32 i32)))"#;
    let core = place.write("files.core.wasm", module(&manifest("1.0.0"), files));
    let component = place.path("files.wasm");
    place.bloom().args(["tool", "build", "-o"]).arg(&component).arg(core).assert().success();
    let complaint = complaint(&place, "check", &component);
    assert!(complaint.contains("bloom:tool/files@0.1.0") && complaint.contains("say files:…"), "{complaint}");
    // What it asks for and does not use is a remark.
    let vain = built(&place, "vain", &with("capabilities", json!(["http:api.example.org"])));
    let checked = json_of(place.bloom().args(["tool", "check", "--json"]).arg(vain));
    assert!(
        checked["ok"] == true && checked["remarks"][0].as_str().unwrap().contains("http:api.example.org"),
        "{checked}"
    );
}

#[test]
fn samples_say_what_should_come_of_a_call() {
    let place = Place::new();
    let component = built(&place, "echo", &manifest("1.0.0"));
    place.write("samples/good.json", r#"{ "input": { "text": "a" }, "output": { "text": "a" } }"#);
    let check = || {
        let mut bloom = place.bloom();
        bloom.args(["tool", "check", "--json"]).arg(&component).arg("--samples").arg(place.path("samples"));
        bloom
    };
    assert_eq!(json_of(&mut check())["ok"], true);
    place.write("samples/other.json", r#"{ "input": { "text": "a" }, "output": { "text": "b" } }"#);
    place.write("samples/refused.json", r#"{ "input": { "text": 1 }, "failure": "invalid_input" }"#);
    place.write("samples/unmet.json", r#"{ "input": {}, "failure": "nothing" }"#);
    let checked = json_of(&mut check());
    let passed: Vec<_> = checked["samples"].as_array().unwrap().iter().map(|sample| sample["passed"].clone()).collect();
    assert_eq!(
        (&checked["ok"], passed),
        (&json!(false), [true, false, true, false].map(Value::from).to_vec()),
        "{checked}"
    );
    assert!(checked["samples"][1]["difference"].as_str().unwrap().contains(r#"{"text":"b"}"#));
    check().assert().code(1);
    place.write("samples/odd.json", r#"{ "inptu": {} }"#);
    let output = check().output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("odd.json"));
}

#[test]
fn what_is_asked_for_and_not_granted_is_refused_with_the_way_to_grant_it() {
    let place = Place::new();
    let mut manifest = manifest("1.0.0");
    manifest["capabilities"] = json!(["config:key"]);
    let component = built(&place, "asking", &manifest);
    let call = |options: &[&str]| {
        place.bloom().args(["tool", "call"]).arg(&component).arg("{}").args(options).output().unwrap()
    };
    let refused = call(&[]);
    let stderr = String::from_utf8(refused.stderr).unwrap();
    assert!(refused.status.code() == Some(1) && stderr.contains("not_granted") && stderr.contains("--set"), "{stderr}");
    assert!(call(&["--set", "key=value"]).status.success());
    assert_eq!(call(&["--set", "key"]).status.code(), Some(2));
    assert_eq!(call(&["--http", "example.org"]).status.code(), Some(2));
    assert_eq!(call(&["--files", "notes=no/such/folder"]).status.code(), Some(2));
    // What the operator grants to a tool of this name is not for any file that says it has the name.
    place.bloom().args(["tool", "grant", "echo", "--set", "key=s3cret"]).assert().success();
    assert_eq!(call(&[]).status.code(), Some(1));
    place.bloom().args(["tool", "add"]).arg(&component).assert().success();
    place.bloom().args(["tool", "call", "echo", "{}"]).assert().success();
}

#[test]
fn a_grant_changes_the_operators_file_and_keeps_its_comments() {
    let place = Place::new();
    let file = place.write("bloom.toml", "# mine\n[tools.weather] # the sky\nhttp = [\"https://a.example\"]\n");
    let grant = |options: &[&str]| {
        place.bloom().arg("--config").arg(&file).args(["tool", "grant", "weather"]).args(options).output().unwrap()
    };
    assert!(grant(&["--http", "https://b.example GET POST", "--set-env", "key=WEATHER_KEY"]).status.success());
    let text = fs::read_to_string(&file).unwrap();
    for kept in ["# mine", "# the sky", "https://a.example", "https://b.example GET POST", "WEATHER_KEY"] {
        assert!(text.contains(kept), "{kept}: {text}");
    }
    let (host, header) = ("http://wiki.internal:8080 GET", "Authorization: Bearer {key}");
    let with = ["--http", host, "--header", header, "--address", "10.0.0.7", "--artifacts", "all"];
    assert!(grant(&with).status.success());
    let text = fs::read_to_string(&file).unwrap();
    let entry =
        format!(r#"{{ to = "{host}", headers = {{ authorization = "Bearer {{key}}" }}, addresses = ["10.0.0.7"] }}"#);
    assert!(text.contains(&entry) && text.contains("artifacts = \"all\"") && text.contains("# mine"), "{text}");
    for options in [
        &[][..],
        &["--http", "b.example"],
        &["--set", "key"],
        &["--header", header],
        &["--http", host, "--header", "authorization"],
        &["--http", host, "--header", "host: x"],
        &["--http", host, "--header", "x: {key"],
        &["--http", host, "--address", "here"],
        &["--digest", "sha256:12"],
        &["--artifacts", "mine"],
    ] {
        assert_eq!(grant(options).status.code(), Some(2), "{options:?}");
    }
    assert_eq!(fs::read_to_string(&file).unwrap(), text, "what is wrong changes nothing");
}

#[test]
fn what_is_granted_to_one_component_is_not_for_another_of_its_name() {
    let place = Place::new();
    let mut asking = manifest("1.0.0");
    asking["capabilities"] = json!(["config:key"]);
    let add = |manifest: &Value| {
        let component = built(&place, "asking", manifest);
        json_of(place.bloom().args(["tool", "add", "--json"]).arg(component))["digest"].clone()
    };
    let grant = |options: &[&str]| place.bloom().args(["tool", "grant", "echo"]).args(options).output().unwrap();
    let called = || json_of(place.bloom().args(["tool", "call", "echo", "{}", "--json"]))["error"]["code"].clone();
    assert_eq!(grant(&["--digest", "installed"]).status.code(), Some(1), "there is none of the name");
    let first = add(&asking);
    assert!(grant(&["--set", "key=s3cret", "--digest", "installed"]).status.success());
    let config = json_of(place.bloom().args(["config", "show", "--json"]));
    assert!(config.to_string().contains(first.as_str().unwrap()) && !config.to_string().contains("s3cret"), "{config}");
    assert_eq!(called(), Value::Null);
    // Whoever puts a component of that name beside it gets nothing.
    asking["version"] = json!("2.0.0");
    let second = add(&asking);
    assert_eq!(called(), "not_granted");
    assert!(grant(&["--digest", second.as_str().unwrap()]).status.success());
    assert_eq!(called(), Value::Null);
    assert!(grant(&["--any-digest"]).status.success());
    assert_eq!(called(), Value::Null);
}

/// A signed flow that calls the echo of this digest.
pub(crate) fn asker(place: &Place, digest: &Value) -> PathBuf {
    let flow = json!({
        "ir": "0.1",
        "flow": { "id": "asker", "version": "0.0.0", "title": "Asker", "kind": "procedure", "locale": "en" },
        "inputs": { "type": "object" }, "outputs": {},
        "policy": { "allowed_tools": { "echo": { "effect": "read", "digest": digest } } },
        "entry": "n1",
        "nodes": {
            "n1": { "type": "action", "op": "tool", "tool": "echo", "args": { "text": "'a'" }, "into": "answer", "next": "n2" },
            "n2": { "type": "return", "status": "completed", "value": "v['answer']" },
        },
        "source": { "kind": "drakon", "name": "asker.drakon",
            "sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "map": {} },
    });
    let (unsigned, signed) = (place.write("asker.json", flow.to_string()), place.path("asker.ir.json"));
    place.bloom().arg("compile").arg(unsigned).arg("-o").arg(&signed).assert().success();
    signed
}

#[test]
fn a_tool_that_a_flow_pins_stays_unless_forced() {
    let place = Place::new();
    let component = built(&place, "echo", &manifest("1.0.0"));
    let digest = json_of(place.bloom().args(["tool", "add", "--json"]).arg(&component))["digest"].clone();
    let run = json_of(place.bloom().arg("run").arg(asker(&place, &digest)));
    assert_eq!((&run["status"], &run["result"]), (&json!("completed"), &json!({ "text": "a" })), "{run}");

    let refused = place.bloom().args(["tool", "remove", "echo"]).output().unwrap();
    let stderr = String::from_utf8(refused.stderr).unwrap();
    assert!(
        refused.status.code() == Some(3) && stderr.contains("asker@0.0.0") && stderr.contains("--force"),
        "{stderr}"
    );
    // A newer version is added beside it, and says which flows keep the old one.
    let newer = built(&place, "newer", &manifest("1.1.0"));
    let added = json_of(place.bloom().args(["tool", "add", "--json"]).arg(newer));
    assert_eq!(added["still_pinned_by"], json!(["asker@0.0.0"]));
    place.bloom().args(["tool", "remove", "echo@1.1.0"]).assert().success();
    place.bloom().args(["tool", "remove", "echo", "--force"]).assert().success();
}

/// A project whose build copies a module.
fn project(place: &Place) -> PathBuf {
    place.write("project/module.core", module(&manifest("1.0.0"), ""));
    place.write("project/samples/a.json", r#"{ "input": { "text": "a" }, "output": { "text": "a" } }"#);
    let build = "[build]\ncommand = [\"cp\", \"module.core\", \"build/module.wasm\"]\noutput = \"build/module.wasm\"\n";
    place.write("project/bloom-tool.toml", format!("component = \"echo.wasm\"\n{build}"));
    place.path("project")
}

#[test]
fn a_project_is_built_as_its_file_says() {
    let place = Place::new();
    let project = project(&place);
    let bloom = |arguments: &[&str]| place.bloom().current_dir(&project).arg("tool").args(arguments).output().unwrap();
    let early = bloom(&["check"]);
    assert_eq!(early.status.code(), Some(2));
    assert!(String::from_utf8(early.stderr).unwrap().contains("bloom tool build"));
    assert!(bloom(&["build"]).status.success());
    assert!(bloom(&["check"]).status.success());
    assert!(bloom(&["call", ".", "{}"]).status.success());
    place.write("project/module.core", "nonsense");
    assert_eq!(bloom(&["build"]).status.code(), Some(1));
    assert!(bloom(&["check"]).status.success(), "the component before it is still there");
    let elsewhere = place.bloom().current_dir(place.path("memory")).args(["tool", "build"]).output().unwrap();
    assert_eq!(elsewhere.status.code(), Some(2));
    assert!(String::from_utf8(elsewhere.stderr).unwrap().contains("bloom tool new"));
}

#[test]
fn a_build_that_fails_or_writes_nothing_says_so() {
    let place = Place::new();
    let project = project(&place);
    for (command, word) in [
        (r#"["false"]"#, "false failed"),
        (r#"["true"]"#, "did not write"),
        (r#"["no-such-compiler"]"#, "no-such-compiler"),
    ] {
        let text = format!("component = \"echo.wasm\"\n[build]\ncommand = {command}\noutput = \"build/none.wasm\"\n");
        place.write("project/bloom-tool.toml", text);
        let output = place.bloom().current_dir(&project).args(["tool", "build"]).output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(1) && stderr.contains(word), "{command}: {stderr}");
    }
}

#[test]
fn a_watched_project_is_checked_again_when_it_changes() {
    let place = Place::new();
    let project = project(&place);
    let mut bloom = std::process::Command::new(env!("CARGO_BIN_EXE_bloom"));
    bloom.env("BLOOM_DATA", place.path("data")).current_dir(&project).args(["tool", "watch", "--json"]);
    let watching = Running::start(bloom.stderr(Stdio::null()));
    let round = || serde_json::from_str::<Value>(&watching.line()).unwrap();
    assert_eq!(round()["manifest"]["version"], "1.0.0");
    // The change may come before the first round is told of, and then counts all the same.
    // It comes as a whole: half a module would be a round, too.
    let changed = place.write("changed", module(&manifest("2.0.0"), ""));
    std::fs::rename(changed, place.path("project/module.core")).unwrap();
    assert_eq!(round()["manifest"]["version"], "2.0.0");
    watching.kill();
}

#[test]
fn every_language_begins_with_a_project() {
    let place = Place::new();
    for language in ["rust", "c", "js", "python", "assemblyscript"] {
        let folder = place.path(language);
        let new = || {
            let mut bloom = place.bloom();
            bloom.args(["tool", "new", "word-count", "--json", "--lang", language, "--folder"]).arg(&folder);
            bloom
        };
        let made = json_of(&mut new());
        assert!(folder.join("README.md").is_file() && made["files"].as_array().unwrap().len() > 8, "{made}");
        new().assert().code(2);
    }
    place.bloom().args(["tool", "new", "Word_Count", "--lang", "c"]).assert().code(2);
    place.bloom().args(["tool", "new", "word-count", "--lang", "cobol"]).assert().code(2);
}
