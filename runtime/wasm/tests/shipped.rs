//! The tools that ship, as components, over real folders.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr, reason = "tests")]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use bloom_interpreter::effect::{EffectError, ToolRequest};
use bloom_ir::Digest;
use bloom_ir::manifest::ToolManifest;
use bloom_runtime::tool::{ToolCall, ToolHost};
use bloom_wasm::{Config, WasmHost};
use serde_json::{Value, json};
use tempfile::TempDir;

/// The manifests of the crates in `tools/`, by name.
fn manifests() -> Vec<ToolManifest> {
    let folders = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tools")).unwrap();
    let texts = folders.filter_map(|folder| fs::read(folder.unwrap().path().join("manifest.json")).ok());
    let mut manifests: Vec<ToolManifest> = texts.map(|text| serde_json::from_slice(&text).unwrap()).collect();
    manifests.sort_by(|one, other| one.name.cmp(&other.name));
    assert!(!manifests.is_empty());
    manifests
}

/// A garden of notes, and a host over it; none where this was built without the tools.
struct Garden {
    folder: TempDir,
    host: WasmHost,
}

impl Garden {
    fn new() -> Option<Self> {
        if bloom_wasm::embedded().len() == 0 {
            eprintln!("skipped: built without the target wasm32-unknown-unknown");
            return None;
        }
        let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cwasm");
        Some(Self::with(&cache, bloom_wasm::embedded().collect()))
    }

    /// With one of the tools, whose compiled code is in a folder that nothing else uses.
    fn with_one(tool: &str) -> Option<(Self, TempDir)> {
        let digest = Self::new()?.host.describe(tool, None).unwrap().digest;
        let cache = tempfile::tempdir().unwrap();
        let one = bloom_wasm::embedded().filter(|bytes| Digest::of(bytes) == digest).collect();
        Some((Self::with(cache.path(), one), cache))
    }

    fn with(cache: &Path, tools: Vec<&[u8]>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let named = ["notes", "context", "memory", "flows"].map(|root| {
            // `context` is the notes themselves, as in `bloom run`.
            let path = folder.path().join(if root == "context" { "notes" } else { root });
            fs::create_dir_all(&path).unwrap();
            (root.to_owned(), path)
        });
        let config = Config { roots: named.into(), cache: Some(cache.to_owned()), ..Config::default() };
        let host = WasmHost::new(config, tools).unwrap();
        assert!(host.rejected().is_empty(), "{:?}", host.rejected());
        Self { folder, host }
    }

    fn write(&self, path: &str, content: &str) {
        let path = self.folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    async fn call(&self, tool: &str, args: Value) -> Result<Value, EffectError> {
        let manifest = self.host.describe(tool, None)?.manifest;
        let call = ToolCall {
            idempotency_key: "run/n1#1".into(),
            agent: "archivist".into(),
            request: ToolRequest {
                tool: tool.into(),
                effect: manifest.effect,
                digest: None,
                args: args.into(),
                timeout_seconds: None,
                retry: None,
                on_unknown: None,
            },
            capabilities: manifest.capabilities,
            timeout_ms: 60_000,
            artifacts: None,
            folders: None,
        };
        Ok(self.host.call(call).await?.to_json())
    }

    async fn fails(&self, tool: &str, args: Value) -> EffectError {
        self.call(tool, args).await.unwrap_err()
    }
}

#[test]
fn every_tool_says_what_its_manifest_says() {
    let Some(garden) = Garden::new() else { return };
    let installed: Vec<_> = garden.host.installed().into_iter().map(|tool| tool.manifest).collect();
    assert_eq!(installed, manifests());
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn compiled_code_is_in_memory_from_the_first_call_on() {
    let Some((garden, cache)) = Garden::with_one("read-memory") else { return };
    let is_mapped = || fs::read_to_string("/proc/self/maps").unwrap().contains(cache.path().to_str().unwrap());
    assert!(fs::read_dir(cache.path()).unwrap().count() == 1 && !is_mapped());
    for _ in 0..2 {
        garden.call("read-memory", json!({})).await.unwrap();
        assert!(is_mapped());
    }
}

#[tokio::test]
async fn a_tool_is_called_when_its_compiled_code_was_deleted_or_damaged() {
    for is_deleted in [true, false] {
        let Some((garden, cache)) = Garden::with_one("read-memory") else { return };
        let file = fs::read_dir(cache.path()).unwrap().next().unwrap().unwrap().path();
        if is_deleted { fs::remove_file(&file) } else { fs::write(&file, "somebody else's") }.unwrap();
        assert_eq!(garden.call("read-memory", json!({})).await.unwrap()["version"], 0);
        assert!(fs::metadata(&file).unwrap().len() > 100_000, "it is compiled, and kept, again");
    }
}

#[tokio::test]
async fn calls_that_load_the_code_at_the_same_time_all_end_well() {
    let Some((garden, _cache)) = Garden::with_one("read-memory") else { return };
    let calls = (0..8).map(|_| garden.call("read-memory", json!({})));
    for done in futures::future::join_all(calls).await {
        assert_eq!(done.unwrap()["version"], 0);
    }
}

#[tokio::test]
async fn notes_are_listed_and_read() {
    let Some(garden) = Garden::new() else { return };
    let front_matter = "---\ntitle: Соната №1\ntags: [бах, соло]\nupdated: 2026-02-14T08:02:34Z\n---\n\n";
    garden.write("notes/скрипка/соната №1.md", &format!("{front_matter}Перша думка."));
    garden.write("notes/english.md", "# Bow changes\n\nNobody hears.");
    garden.write("notes/.obsidian/workspace.md", "not a note");
    garden.write("notes/picture.svg", "<svg/>");
    let notes = garden.call("read-notes", json!({})).await.unwrap();
    assert_eq!(
        notes[1],
        json!({
            "slug": "скрипка/соната №1", "path": "скрипка/соната №1.md", "title": "Соната №1",
            "updated_at": 1_771_056_154_000_i64, "tags": ["бах", "соло"], "words": 2,
        })
    );
    assert_eq!(
        (&notes[0]["slug"], &notes[0]["title"], &notes[0]["words"]),
        (&json!("english"), &json!("Bow changes"), &json!(5))
    );
    assert_eq!(notes.as_array().unwrap().len(), 2);
    assert_eq!(garden.call("read-notes", json!({ "folder": "скрипка" })).await.unwrap(), json!([notes[1]]));
    let text = garden.call("read-context", json!({ "slug": "скрипка/соната №1" })).await.unwrap();
    assert_eq!(text, json!("Перша думка."));
}

#[tokio::test]
async fn thousands_of_notes_come_in_order() {
    let Some(garden) = Garden::new() else { return };
    for n in 0..2100 {
        garden.write(&format!("notes/{n:04}.md"), "слово");
    }
    let notes = garden.call("read-notes", json!({})).await.unwrap();
    let slugs: Vec<&str> = notes.as_array().unwrap().iter().map(|note| note["slug"].as_str().unwrap()).collect();
    assert!(slugs.len() == 2100 && slugs.is_sorted(), "{}", slugs.len());
}

#[tokio::test]
async fn what_cannot_be_read_is_a_clear_error() {
    let Some(garden) = Garden::new() else { return };
    assert_eq!(garden.fails("read-notes", json!({ "folder": "nothing" })).await.code, "not_found");
    assert_eq!(garden.fails("read-notes", json!({ "folder": "../memory" })).await.code, "path_refused");
    assert_eq!(garden.fails("read-notes", json!({ "folder": 7 })).await.code, "invalid_input");
    assert_eq!(garden.fails("read-context", json!({ "slug": "/etc/passwd" })).await.code, "path_refused");
    assert_eq!(garden.fails("read-context", json!({ "slug": "nothing" })).await.code, "not_found");

    symlink("loop.md", garden.folder.path().join("notes/loop.md")).unwrap();
    for (tool, args) in [("read-notes", json!({})), ("read-context", json!({ "slug": "loop" }))] {
        let error = garden.fails(tool, args).await;
        assert!(error.code == "link_refused" && error.message.contains("loop.md"), "{error}");
    }
    fs::remove_file(garden.folder.path().join("notes/loop.md")).unwrap();

    let huge = fs::File::create(garden.folder.path().join("notes/huge.md")).unwrap();
    huge.set_len(50 << 20).unwrap();
    let error = garden.fails("read-notes", json!({})).await;
    assert_eq!(error.code, "file_too_large");
    assert!(["notes/huge.md", "52428800", "8388608"].iter().all(|part| error.message.contains(part)), "{error}");
}

#[tokio::test]
async fn notes_are_found_by_their_words() {
    let Some(garden) = Garden::new() else { return };
    garden.write("notes/скрипка/смичок.md", "---\ntags: [догляд]\n---\n# Смичок\n\nКаніфоль і волос.");
    garden.write("notes/штрихи.md", "Деташе ведуть усім смичком; пам’ять рук.");
    garden.write("notes/глибоко/а/б/в/г/ґ/english.md", "Bow changes: nobody hears.");
    let found = garden.call("search-notes", json!({ "query": "смички памʼяті" })).await.unwrap();
    let slugs: Vec<&str> =
        found["results"].as_array().unwrap().iter().map(|note| note["slug"].as_str().unwrap()).collect();
    assert_eq!((&found["total"], slugs.len()), (&json!(2), 2), "{found}");
    assert!(slugs.contains(&"скрипка/смичок") && slugs.contains(&"штрихи"), "{found}");
    let english = garden.call("search-notes", json!({ "query": "BOWS" })).await.unwrap();
    assert_eq!(english["results"][0]["snippet"], "Bow changes: nobody hears.");
    assert_eq!(garden.fails("search-notes", json!({ "query": "…" })).await.code, "empty_query");
    assert_eq!(garden.fails("search-notes", json!({ "query": "x", "limit": 0 })).await.code, "invalid_input");
    assert_eq!(garden.fails("search-notes", json!({ "query": "x", "folder": "../memory" })).await.code, "path_refused");

    fs::File::create(garden.folder.path().join("notes/huge.md")).unwrap().set_len(50 << 20).unwrap();
    fs::write(
        garden.folder.path().join("notes/binary.md"),
        [b"\xff\0\xfe \xd0 ".as_slice(), "смичок".as_bytes()].concat(),
    )
    .unwrap();
    let found = garden.call("search-notes", json!({ "query": "смичок" })).await.unwrap();
    assert_eq!(
        (&found["total"], &found["skipped"]),
        (&json!(3), &json!([{ "path": "huge.md", "code": "file_too_large" }]))
    );
}

#[tokio::test]
async fn ten_thousand_notes_are_searched_and_listed_within_what_a_call_may_use() {
    let Some(garden) = Garden::new() else { return };
    let words = ["смичок", "скрипка", "нота", "темп", "bow", "slow", "звук", "рука", "струна", "practice"];
    for n in 0..10_000_usize {
        let text: Vec<&str> = (0..200).map(|at| words[(n * 7 + at * at) % words.len()]).collect();
        let rare = if n % 1000 == 0 { "каніфоль" } else { "" };
        let note = format!(
            "---\ntitle: Нотатка {n}\ntags: [а, б{n}]\nupdated: 2026-02-14\n---\n# Вступ\n\n{rare} {}",
            text.join(" ")
        );
        garden.write(&format!("notes/{:02}/{n:05}.md", n % 100), &note);
    }
    let found = garden.call("search-notes", json!({ "query": "каніфоллю смички", "limit": 20 })).await.unwrap();
    assert_eq!((&found["total"], &found["next_offset"]), (&json!(6_000), &json!(20)));
    let best = found["results"].as_array().unwrap().iter().take(10);
    assert!(best.clone().all(|note| note["snippet"].as_str().unwrap().contains("каніфоль")), "{found}");
    assert!(best.map(|note| &note["path"]).is_sorted_by_key(|path| path.as_str().unwrap()));
    let part = garden.call("read-notes", json!({ "limit": 4_000 })).await.unwrap();
    assert_eq!(part.as_array().unwrap().len(), 4_000);
    assert_eq!(garden.fails("read-notes", json!({})).await.code, "too_many_notes");
}

#[tokio::test]
async fn more_notes_than_a_result_can_hold_are_read_in_parts() {
    let Some(garden) = Garden::new() else { return };
    let long = "ї".repeat(100);
    for n in 0..2100 {
        garden.write(&format!("notes/{n:04}{long}.md"), "");
    }
    let refused = garden.fails("read-notes", json!({})).await;
    assert!(refused.code == "too_many_notes" && refused.message.contains("`after`"), "{refused}");
    let part = garden.call("read-notes", json!({ "after": format!("1998{long}"), "limit": 50 })).await.unwrap();
    assert_eq!((part.as_array().unwrap().len(), &part[0]["slug"]), (50, &json!(format!("1999{long}"))));
}

#[tokio::test]
async fn diagrams_are_described() {
    let Some(garden) = Garden::new() else { return };
    let diagram = json!({ "name": "Догляд", "items": {
        "1": { "type": "end" },
        "2": { "type": "branch", "branchId": 0, "one": "3" },
        "3": { "type": "action", "content": "<p>Протри&nbsp;струни</p>", "one": "1" },
    } });
    garden.write("flows/схеми/догляд.drakon", &diagram.to_string());
    let described = garden.call("read-drakon", json!({ "path": "схеми/догляд" })).await.unwrap();
    assert_eq!(described["text"], "Догляд\n1. branch\n2. action: Протри струни\n3. end\n");
    assert_eq!(described["icons"][1]["next"], json!([{ "to": "1", "label": "" }]));
    garden.write("flows/old.drn", "SQLite format 3\0");
    assert_eq!(garden.fails("read-drakon", json!({ "path": "old.drn" })).await.code, "not_a_diagram");
    assert_eq!(garden.fails("read-drakon", json!({ "path": "../notes/a" })).await.code, "path_refused");
}

#[tokio::test]
async fn nothing_is_sent_to_a_host_that_was_not_granted() {
    let Some(garden) = Garden::new() else { return };
    for (tool, args) in [
        ("http-get", json!({ "url": "https://example.org" })),
        ("http-post", json!({ "url": "https://example.org", "json": {} })),
        ("notebooklm-query", json!({ "question": "?" })),
    ] {
        assert_eq!(garden.fails(tool, args).await.code, "not_granted", "{tool}");
    }
}

#[tokio::test]
async fn memory_is_read_and_its_change_proposed() {
    let Some(garden) = Garden::new() else { return };
    let empty = json!({
        "version": 0, "processed_slugs": [], "оброблені_slugs": [], "last_run": null, "останній_run": null,
        "notes": [], "snapshot": "", "facts": "", "open_loops": "",
    });
    assert_eq!(garden.call("read-memory", json!({})).await.unwrap(), empty);

    garden.write(
        "memory/archivist/state.json",
        r#"{"version": 4, "processed_slugs": ["соната"], "last_run": 5, "proposal": "p"}"#,
    );
    garden.write("memory/archivist/facts.md", "# Факти");
    garden.write("memory/another-agent/state.json", r#"{"version": 99}"#);
    let memory = garden.call("read-memory", json!({})).await.unwrap();
    assert_eq!(
        (&memory["version"], &memory["оброблені_slugs"], &memory["facts"]),
        (&json!(4), &json!(["соната"]), &json!("# Факти"))
    );

    let proposal = garden.call("write-memory", json!({ "processed_slugs": ["а"], "last_run": 6 })).await.unwrap();
    let later = garden.call("write-memory", json!({ "processed_slugs": ["а"], "last_run": 7 })).await.unwrap();
    assert_eq!((&proposal["action"], &proposal["base_revision"]), (&json!("memory-update"), &json!(4)));
    assert_eq!(proposal["content"]["set"], json!({ "processed_slugs": ["а"], "last_run": 6 }));
    assert_eq!(proposal["fingerprint"], later["fingerprint"]);
    assert_eq!(garden.fails("write-memory", json!({})).await.code, "invalid_input");

    garden.write("memory/archivist/state.json", "{");
    assert_eq!(garden.fails("read-memory", json!({})).await.code, "invalid_memory");
}

#[tokio::test]
async fn proposals_are_shaped_and_checked() {
    let Some(garden) = Garden::new() else { return };
    let args =
        json!({ "action": "propose-tag", "note": "скрипка/соната", "tags": ["#бах"], "reasoning": "ключове слово" });
    assert_eq!(
        garden.call("create-proposal", args).await.unwrap(),
        json!({
            "action": "propose-tag",
            "target": { "type": "note", "path": "notes/скрипка/соната" },
            "content": { "tags": ["бах"], "reasoning": "ключове слово" },
        })
    );
    for args in [
        json!({ "action": "propose-delete", "note": "a", "content": "x" }),
        json!({ "action": "propose-edit", "content": "x" }),
        json!({ "action": "propose-edit", "note": "a" }),
    ] {
        assert_eq!(garden.fails("create-proposal", args).await.code, "invalid_input");
    }
}
