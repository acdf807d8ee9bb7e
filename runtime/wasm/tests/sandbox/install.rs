//! Which components become tools.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::PathBuf;

use bloom_runtime::tool::ToolHost;
use bloom_wasm::{Config, Origin, WasmHost};
use serde_json::json;

use crate::support::{Tool, call, config, host, rejection};

#[test]
fn an_import_that_no_tool_gets_is_named() {
    for import in
        ["wasi:cli/environment@0.2.0", "wasi:filesystem/types@0.2.0", "wasi:http/outgoing-handler@0.2.0", "evil:x/y"]
    {
        let error = rejection(&Tool::importing(import));
        assert!(error.contains(&format!("`{import}`")), "{error}");
    }
}

#[test]
fn an_import_that_the_manifest_does_not_ask_for_is_named() {
    let error = rejection(&Tool::reading("notes", "a.md").asking(&["config:files"]));
    assert!(error.contains("`bloom:tool/files@0.1.0`") && error.contains("`files:…`"), "{error}");
}

#[test]
fn a_known_interface_with_another_function_does_not_load() {
    let error = rejection(&Tool::importing("bloom:tool/log@0.1.0"));
    assert!(error.contains("bloom:tool/log@0.1.0"), "{error}");
}

#[test]
fn a_trap_in_describe_is_reported() {
    let error = rejection(&Tool::echo().describing("unreachable"));
    assert!(error.contains("`describe` failed") && error.contains("unreachable"), "{error}");
}

#[test]
fn an_endless_describe_is_reported() {
    let error = rejection(&Tool::echo().describing("(loop $again (br $again)) unreachable"));
    assert!(error.contains("fuel"), "{error}");
}

#[test]
fn wrong_manifests_are_reported() {
    for (tool, complaint) in [
        (Tool::echo().with("name", "../../etc"), "kebab-case"),
        (Tool::echo().with("version", "new"), "version"),
        (Tool::echo().with("input", json!({ "type": "objekt" })), "input schema"),
        (Tool::echo().with("output", json!({ "$ref": "https://example.org/schema.json" })), "output schema"),
    ] {
        let error = rejection(&tool);
        assert!(error.contains(complaint), "{error}");
    }
}

#[test]
fn what_is_no_component_is_reported() {
    let module = wat::parse_str("(module)").unwrap();
    let text = b"(component)".to_vec();
    let empty = wat::parse_str("(component)").unwrap();
    let host = WasmHost::new(config(), [module, text, Vec::new(), empty]).unwrap();
    assert_eq!(
        host.rejected().iter().map(|rejected| rejected.origin.clone()).collect::<Vec<_>>(),
        [0, 1, 2, 3].map(Origin::Given)
    );
    assert!(host.rejected()[3].error.to_string().contains("world"), "{:?}", host.rejected());
}

#[tokio::test]
async fn the_operators_folder_is_installed_and_a_bad_file_is_reported() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("any-name.wasm"), Tool::echo().with("name", "honest").build()).unwrap();
    fs::write(folder.path().join("broken.wasm"), "nonsense").unwrap();
    fs::write(folder.path().join("readme.txt"), "not a tool").unwrap();
    let tools = Some(folder.path().to_owned());
    let host = WasmHost::new(Config { tools, ..config() }, [Tool::echo().build()]).unwrap();
    assert_eq!(host.installed().iter().map(|tool| tool.manifest.name.as_str()).collect::<Vec<_>>(), ["honest", "tool"]);
    assert_eq!(host.rejected().len(), 1);
    assert_eq!(host.rejected()[0].origin, Origin::File(folder.path().join("broken.wasm")));
    assert_eq!(host.call(call(&host, "honest", json!({}))).await.unwrap().to_json(), json!({}));
}

#[test]
fn a_missing_folder_of_tools_is_reported() {
    let tools = Some(PathBuf::from("/no/such/folder"));
    let host = WasmHost::new(Config { tools, ..config() }, [Tool::echo().build()]).unwrap();
    assert_eq!((host.installed().len(), host.rejected().len()), (1, 1));
}

#[tokio::test]
async fn compiled_components_are_kept_and_a_damaged_one_is_compiled_anew() {
    let data = tempfile::tempdir().unwrap();
    let cache = data.path().join("cache").join("wasm");
    let start = || host(Config { cache: Some(cache.clone()), ..config() }, &[&Tool::echo()]);
    start();
    let files = || fs::read_dir(&cache).unwrap().map(|entry| entry.unwrap().path()).collect::<Vec<_>>();
    let [file] = files().try_into().unwrap();
    assert_eq!(fs::metadata(&cache).unwrap().permissions().mode() & 0o777, 0o700);
    assert_eq!(file.extension().unwrap(), "cwasm");
    let (whole, inode) = (fs::read(&file).unwrap(), fs::metadata(&file).unwrap().ino());

    start();
    assert_eq!(fs::metadata(&file).unwrap().ino(), inode, "a good file is used, not written again");

    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 1;
    let foreign =
        [&b"\x7fELF of somebody else"[..], bloom_ir::Digest::of(b"\x7fELF of somebody else").as_bytes()].concat();
    for damaged in [flipped, whole[..whole.len() / 2].to_vec(), Vec::new(), foreign] {
        fs::write(&file, damaged).unwrap();
        let host = start();
        assert_eq!(host.call(call(&host, "tool", json!({ "a": 1 }))).await.unwrap().to_json(), json!({ "a": 1 }));
        assert_eq!(fs::read(&file).unwrap(), whole);
        assert_eq!(files().len(), 1);
    }
}

#[tokio::test]
async fn a_cache_folder_that_others_may_write_is_not_used() {
    let cache = tempfile::tempdir().unwrap();
    fs::set_permissions(cache.path(), fs::Permissions::from_mode(0o777)).unwrap();
    let host = host(Config { cache: Some(cache.path().to_owned()), ..config() }, &[&Tool::echo()]);
    assert!(host.call(call(&host, "tool", json!({}))).await.is_ok());
    assert_eq!(fs::read_dir(cache.path()).unwrap().count(), 0);
}
