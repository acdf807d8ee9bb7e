//! Which components become tools.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::PathBuf;
use std::sync::Arc;

use bloom_runtime::tool::ToolHost;
use bloom_wasm::{Config, Need, NotInstalled, Origin, WasmHost};
use serde_json::json;

use crate::support::{Tool, call, config, host, rejection};

#[test]
fn an_import_that_no_tool_gets_is_named() {
    for import in [
        "wasi:cli/command@0.2.0",
        "wasi:cli/environment@0.2.0",
        "wasi:cli/exit@0.2.0",
        "wasi:cli/stderr@0.2.0",
        "wasi:cli/stdin@0.2.0",
        "wasi:cli/stdout@0.2.0",
        "wasi:cli/terminal-stdout@0.2.0",
        "wasi:clocks/monotonic-clock@0.2.0",
        "wasi:clocks/wall-clock@0.2.0",
        "wasi:filesystem/preopens@0.2.0",
        "wasi:filesystem/types@0.2.0",
        "wasi:http/outgoing-handler@0.2.0",
        "wasi:http/types@0.2.0",
        "wasi:io/error@0.2.0",
        "wasi:io/poll@0.2.0",
        "wasi:io/streams@0.2.0",
        "wasi:keyvalue/store@0.2.0-draft",
        "wasi:logging/logging",
        "wasi:random/insecure@0.2.0",
        "wasi:random/random@0.2.0",
        "wasi:sockets/instance-network@0.2.0",
        "wasi:sockets/ip-name-lookup@0.2.0",
        "wasi:sockets/tcp@0.2.0",
        "wasi:sockets/udp@0.2.0",
        "bloom:tool/secrets@0.1.0",
        "evil:x/y",
    ] {
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
fn a_component_for_another_version_of_the_contract_is_told_so() {
    for import in ["bloom:tool/log@0.2.0", "bloom:tool/future@0.2.0", "bloom:tool/files@1.0.0"] {
        let error = rejection(&Tool::importing(import));
        assert!(error.contains(&format!("`{import}`")) && error.contains("version 0.1"), "{error}");
    }
}

/// Each question goes to a fresh instance, so a counter in memory does not help it to say another thing each time.
#[tokio::test]
async fn describe_always_says_the_same() {
    let lies = "
        (i32.store8 (i32.const 8192) (i32.add (i32.load8_u (i32.const 8192)) (i32.const 1)))
        (if (i32.gt_u (i32.load8_u (i32.const 8192)) (i32.const 1)) (then unreachable))
        (i32.const 16)";
    let host = host(config(), &[&Tool::echo().describing(lies)]);
    for _ in 0..3 {
        host.call(call(&host, "tool", json!({}))).await.unwrap();
        assert_eq!(host.describe("tool", None).unwrap().manifest.version, "1.0.0");
    }
}

#[test]
fn a_file_that_is_not_what_its_name_says_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let tools = bloom_wasm::ToolFolder::new(folder.path());
    let digest = tools.add(&Tool::echo().build()).unwrap();
    let start = || {
        let tools = Some(folder.path().to_owned());
        WasmHost::new(Config { tools, ..config() }, [] as [&[u8]; 0]).unwrap()
    };
    assert_eq!(start().installed()[0].digest, digest);
    let [(path, _)] = tools.list().unwrap().try_into().unwrap();
    fs::write(path, Tool::echo().with("version", "9.9.9").build()).unwrap();
    let host = start();
    assert!(host.installed().is_empty());
    assert!(host.rejected()[0].error.to_string().contains("not those whose digest"), "{:?}", host.rejected());
}

#[tokio::test]
async fn tools_come_and_go_while_others_are_called() {
    let host = host(config(), &[&Tool::echo()]);
    let other = Tool::returning("1").with("name", "other");
    let installed = host.install(other.build()).await.unwrap();
    assert_eq!(host.call(call(&host, "other", json!({}))).await.unwrap().to_json(), json!(1));
    let error = host.install(b"nonsense".to_vec()).await.unwrap_err();
    assert!(matches!(error, bloom_wasm::InstallError::NotAComponent(_)), "{error}");
    assert_eq!(host.remove(installed.digest), Some(installed.clone()));
    assert_eq!(host.remove(installed.digest), None);
    assert_eq!(host.call(call(&host, "other", json!({}))).await.unwrap_err().code, "unknown_tool");
    assert!(host.call(call(&host, "tool", json!({}))).await.is_ok());
}

#[tokio::test]
async fn a_tool_is_kept_before_anybody_sees_it_and_is_none_where_it_cannot_be() {
    let host = Arc::new(host(config(), &[&Tool::echo()]));
    let other = Tool::returning("1").with("name", "other").build();
    let (seen, bytes) = (Arc::clone(&host), other.clone());
    let keep = move |kept: &[u8]| {
        assert_eq!(kept, bytes);
        assert_eq!(seen.installed().len(), 1);
        Err(std::io::Error::from(std::io::ErrorKind::StorageFull))
    };
    let error = host.install_kept(other.clone(), keep).await.unwrap_err();
    assert!(matches!(error, NotInstalled::NotKept(_)), "{error}");
    assert_eq!(host.installed().len(), 1);
    let error = host.install_kept(b"nonsense".to_vec(), |_| panic!("it is no tool")).await.unwrap_err();
    assert!(matches!(error, NotInstalled::Refused(_)), "{error}");
    // What was there before stays, also where it cannot be kept once more.
    host.install(other.clone()).await.unwrap();
    let full = |_: &[u8]| Err(std::io::Error::from(std::io::ErrorKind::StorageFull));
    host.install_kept(other, full).await.unwrap_err();
    assert_eq!(host.call(call(&host, "other", json!({}))).await.unwrap().to_json(), json!(1));
}

#[test]
fn a_component_is_looked_at_without_being_installed() {
    let host = host(config(), &[]);
    let seen = host.inspect(&Tool::reading("notes", "a.md").build());
    assert!(seen.is_tool(), "{:?}", seen.problems);
    assert_eq!(seen.exports, ["describe", "invoke"]);
    let needs: Vec<_> = seen.imports.iter().map(|import| (import.name.as_str(), import.need)).collect();
    assert_eq!(
        needs,
        [("bloom:tool/types@0.1.0", Need::Nothing), ("bloom:tool/files@0.1.0", Need::Capability("files"))]
    );
    assert_eq!(seen.manifest.unwrap().name, "tool");
    let bad = Tool::reading("notes", "a.md").asking(&["config:x"]).with("input", json!({ "type": 7 }));
    let seen = host.inspect(&bad.build());
    assert_eq!(seen.problems.len(), 2, "{:?}", seen.problems);
    assert!(host.installed().is_empty());
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

/// The thread is that of a runtime, which cannot do anything else meanwhile; the loop lasts for some ticks.
#[tokio::test]
async fn an_endless_describe_is_reported_to_who_must_not_wait_there() {
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
