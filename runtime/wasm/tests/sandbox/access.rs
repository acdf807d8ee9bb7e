//! What a call can reach.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::sync::Arc;

use bloom_runtime::tool::{Folders, ToolCall, ToolHost};
use bloom_wasm::Config;
use bloom_wasm::grant::{Setting, ToolGrants};
use serde_json::json;

use crate::support::{Tool, call, config, host, run, with_root};

#[tokio::test]
async fn a_file_below_the_root_is_read() {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir(root.path().join("тека")).unwrap();
    fs::write(root.path().join("тека/нотатка.md"), "\"привіт\"").unwrap();
    let read = run(with_root("notes", root.path()), &Tool::reading("notes", "тека/нотатка.md")).await;
    assert_eq!(read.unwrap().to_json(), json!("привіт"));
}

#[tokio::test]
async fn no_path_leaves_the_root() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("notes");
    fs::create_dir_all(root.join("sub")).unwrap();
    fs::write(folder.path().join("secret"), "\"secret\"").unwrap();
    fs::write(root.join("plain"), "\"plain\"").unwrap();
    fs::write(root.join(".hidden"), "\"hidden\"").unwrap();
    symlink(folder.path().join("secret"), root.join("link")).unwrap();
    symlink("../secret", root.join("relative")).unwrap();
    symlink("..", root.join("up")).unwrap();
    symlink("plain", root.join("inside")).unwrap();
    symlink("cycle", root.join("cycle")).unwrap();
    let absolute = folder.path().join("secret").to_str().unwrap().to_owned();
    for (path, code) in [
        ("../secret", "path_refused"),
        ("sub/../../secret", "path_refused"),
        ("sub/..", "path_refused"),
        (absolute.as_str(), "path_refused"),
        ("/", "path_refused"),
        ("", "path_refused"),
        ("sub//plain", "path_refused"),
        ("./plain", "path_refused"),
        ("plain/", "path_refused"),
        ("plain\0", "path_refused"),
        (".hidden", "path_refused"),
        ("link", "link_refused"),
        ("relative", "link_refused"),
        ("up/secret", "link_refused"),
        ("up/notes/plain", "link_refused"),
        ("inside", "link_refused"),
        ("cycle", "link_refused"),
        ("cycle/plain", "link_refused"),
        ("plain/plain", "not_a_file"),
        ("sub", "not_a_file"),
        ("nothing", "not_found"),
        ("nothing/nothing", "not_found"),
    ] {
        let error = run(with_root("notes", &root), &Tool::reading("notes", path)).await.unwrap_err();
        assert_eq!(error.code, code, "{path}: {error}");
    }
}

#[tokio::test]
async fn a_device_or_a_pipe_is_refused_and_not_opened() {
    let root = tempfile::tempdir().unwrap();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        root.path().join("pipe"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
        0,
    )
    .unwrap();
    let error = run(with_root("notes", root.path()), &Tool::reading("notes", "pipe")).await.unwrap_err();
    assert_eq!(error.code, "not_a_file");
}

#[tokio::test]
async fn a_huge_file_is_refused_with_its_size() {
    let root = tempfile::tempdir().unwrap();
    fs::File::create(root.path().join("huge.md")).unwrap().set_len(50_000_000).unwrap();
    let error = run(with_root("notes", root.path()), &Tool::reading("notes", "huge.md")).await.unwrap_err();
    assert_eq!(error.code, "file_too_large");
    assert!(error.message.contains("50000000") && error.message.contains("8388608"), "{error}");
}

#[tokio::test]
async fn a_folder_that_the_operator_did_not_name_is_not_granted() {
    let error = run(config(), &Tool::reading("notes", "a.md")).await.unwrap_err();
    assert_eq!(error.code, "not_granted");
    assert!(error.message.contains("`files:notes`"), "{error}");
}

#[test]
fn what_is_not_granted_is_known_before_any_call() {
    let root = tempfile::tempdir().unwrap();
    let may_call = |config, agent: &str, carried: &[&str]| {
        let host = host(config, &[&Tool::reading("memory", "a.md")]);
        let tool = host.installed().remove(0);
        let carried: Vec<String> = carried.iter().map(ToString::to_string).collect();
        host.may_call(&tool, agent, &carried).map_err(|error| error.code)
    };
    let (named, refused) = (with_root("memory", root.path()), Err("not_granted".to_owned()));
    assert_eq!(may_call(named.clone(), "archivist", &["files:memory"]), Ok(()));
    assert_eq!(may_call(config(), "archivist", &["files:memory"]), refused);
    assert_eq!(may_call(named.clone(), "archivist", &[]), refused);
    assert!(may_call(named, "../other", &["files:memory"]).is_err());
}

#[tokio::test]
async fn a_root_that_is_gone_is_an_error() {
    let root = tempfile::tempdir().unwrap();
    let error = run(with_root("notes", &root.path().join("gone")), &Tool::reading("notes", "a.md")).await.unwrap_err();
    assert_eq!(error.code, "root_unreadable");
}

#[tokio::test]
async fn what_the_signed_policy_does_not_carry_is_not_granted() {
    let root = tempfile::tempdir().unwrap();
    let host = host(with_root("notes", root.path()), &[&Tool::reading("notes", "a.md")]);
    let mut call = call(&host, "tool", json!({}));
    call.capabilities = vec!["files:context".into()];
    let error = host.call(call).await.unwrap_err();
    assert_eq!(error.code, "not_granted");
    assert!(error.message.contains("`files:notes`") && error.message.contains("policy"), "{error}");
}

#[tokio::test]
async fn a_root_that_the_manifest_does_not_ask_for_is_not_there() {
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join("a.md"), "\"a\"").unwrap();
    let roots = ["notes", "context"].map(|name| (name.to_owned(), root.path().to_owned())).into();
    let tool = Tool::reading("context", "a.md").asking(&["files:notes"]);
    let error = run(Config { roots, ..config() }, &tool).await.unwrap_err();
    assert_eq!(error.code, "not_granted");
    assert!(error.message.contains("`files:context`"), "{error}");
}

#[tokio::test]
async fn a_capability_of_tomorrow_is_not_granted() {
    let error = run(config(), &Tool::echo().asking(&["http:example.org"])).await.unwrap_err();
    assert_eq!(error.code, "not_granted");
    assert!(error.message.contains("`http:example.org`"), "{error}");
}

#[tokio::test]
async fn an_agent_sees_its_own_memory_only() {
    let memory = tempfile::tempdir().unwrap();
    for agent in ["archivist", "poet"] {
        fs::create_dir(memory.path().join(agent)).unwrap();
        fs::write(memory.path().join(agent).join("name.json"), format!("\"{agent}\"")).unwrap();
    }
    let host = host(with_root("memory", memory.path()), &[&Tool::reading("memory", "name.json")]);
    let mut call = call(&host, "tool", json!({}));
    assert_eq!(host.call(call.clone()).await.unwrap().to_json(), json!("archivist"));
    call.agent = "poet".into();
    assert_eq!(host.call(call.clone()).await.unwrap().to_json(), json!("poet"));
    call.agent = "nobody-yet".into();
    assert_eq!(host.call(call.clone()).await.unwrap_err().code, "not_found");
    for agent in ["..", ".", "", "poet/..", "/", "a\0"] {
        call.agent = agent.into();
        assert_eq!(host.call(call.clone()).await.unwrap_err().code, "invalid_agent", "{agent:?}");
    }
}

fn with_setting(tool: &str, value: &str) -> Config {
    let config = BTreeMap::from([("key".to_owned(), Setting::Secret(value.to_owned()))]);
    let grants = ToolGrants { config, ..ToolGrants::default() };
    Config { grants: BTreeMap::from([(tool.to_owned(), grants)]), ..self::config() }
}

#[tokio::test]
async fn a_tool_gets_its_own_settings_only() {
    // Without quotes the setting is no JSON, so what comes of it shows that the tool got it.
    let error = run(with_setting("tool", "s3cret"), &Tool::telling("key", false)).await.unwrap_err();
    assert_eq!(error.code, "invalid_output");
    let error = run(with_setting("another-tool", "s3cret"), &Tool::telling("key", false)).await.unwrap_err();
    assert_eq!(error.code, "not_granted");
    assert!(error.message.contains("`config:key`"), "{error}");
}

#[tokio::test]
async fn a_setting_does_not_leak_through_an_error() {
    let error = run(with_setting("tool", "s3cret"), &Tool::telling("key", true)).await.unwrap_err();
    assert_eq!((error.code.as_str(), error.message.as_str()), ("key", "tool: ***"));
    // The code that the tool fails with is `key`.
    let error = run(with_setting("tool", "key"), &Tool::telling("key", true)).await.unwrap_err();
    assert_eq!((error.code.as_str(), error.message.as_str()), ("tool_failed", "tool: ***: ***"));
}

#[tokio::test]
async fn a_setting_does_not_leave_with_the_output() {
    // A number, so that the tool can return it as JSON; it violates the schema, too, which would be quoted.
    let tool = Tool::telling("key", false).with("output", json!({ "type": "string" }));
    let error = run(with_setting("tool", "12345678"), &tool).await.unwrap_err();
    assert_eq!(error.code, "secret_returned");
    assert!(error.message.contains("`key`") && !error.message.contains("12345678"), "{error}");
    assert_eq!(error.details, None);
}

/// The folders of another host, for an agent.
fn folders(config: Config, agent: &str) -> Arc<dyn Folders> {
    host(config, &[]).folders(agent).unwrap()
}

#[tokio::test]
async fn shared_roots_are_read_where_the_call_says() {
    let (theirs, own) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fs::create_dir_all(theirs.path().join("memory/archivist")).unwrap();
    fs::write(theirs.path().join("memory/archivist/a.json"), "\"theirs\"").unwrap();
    fs::create_dir_all(own.path().join("archivist")).unwrap();
    fs::write(own.path().join("archivist/a.json"), "\"own\"").unwrap();
    fs::write(own.path().join("a.json"), "\"a note\"").unwrap();
    let elsewhere = folders(with_root("memory", &theirs.path().join("memory")), "archivist");
    let read = async |root: &str, own: Config| {
        let host = host(own, &[&Tool::reading(root, "a.json")]);
        let call = ToolCall { folders: Some(elsewhere.clone()), ..call(&host, "tool", json!({})) };
        host.call(call).await.map(|value| value.to_json()).map_err(|error| error.code)
    };
    assert_eq!(read("memory", with_root("memory", own.path())).await, Ok(json!("theirs")));
    assert_eq!(read("memory", config()).await, Ok(json!("theirs")), "no folder is named here");
    assert_eq!(read("context", with_root("context", own.path())).await, Err("not_granted".into()), "nor there");
    assert_eq!(read("notes", with_root("notes", own.path())).await, Ok(json!("a note")), "notes are this machine's");
}

#[tokio::test]
async fn folders_are_read_for_others_as_tools_see_them() {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir_all(root.path().join("archivist")).unwrap();
    fs::create_dir_all(root.path().join("other")).unwrap();
    fs::write(root.path().join("archivist/a.md"), "text").unwrap();
    fs::write(root.path().join("other/b.md"), "secret").unwrap();
    let memory = folders(with_root("memory", root.path()), "archivist");
    let listed = memory.list("memory", "").await.unwrap();
    assert_eq!(listed.iter().map(|file| (file.path.as_str(), file.size)).collect::<Vec<_>>(), [("a.md", 4)]);
    assert_eq!(memory.read("memory", "a.md").await.unwrap(), b"text");
    for (root, path, code) in [
        ("memory", "b.md", "not_found"),
        ("memory", "../other/b.md", "path_refused"),
        ("context", "a.md", "not_granted"),
    ] {
        assert_eq!(memory.read(root, path).await.unwrap_err().code, code, "{root}/{path}");
    }
    let nobody = folders(with_root("memory", root.path()), "../other");
    assert!(nobody.read("memory", "b.md").await.is_err());
}

#[tokio::test]
async fn components_are_handed_to_who_lacks_them() {
    let (tools, tool) = (tempfile::tempdir().unwrap(), Tool::new("(call $ok (local.get $input) (local.get $size))"));
    fs::write(tools.path().join("any.wasm"), tool.build()).unwrap();
    let has = host(Config { tools: Some(tools.path().to_owned()), ..config() }, &[]);
    let installed = has.describe("tool", None).unwrap();
    let component = has.component(installed.digest).await.unwrap().unwrap();
    assert_eq!(component, tool.build());
    assert_eq!(has.component(bloom_ir::Digest::of(b"another")).await.unwrap(), None);
    let lacks = host(config(), &[]);
    assert_eq!(lacks.take_in(component).await.unwrap(), installed);
    assert_eq!(lacks.describe("tool", Some(installed.digest)).unwrap(), installed);
    assert_eq!(lacks.take_in(b"no component".to_vec()).await.unwrap_err().code, "unavailable");
}
