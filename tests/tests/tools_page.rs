//! `docs/tools.md` is written from the manifests of the tools that ship.
#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    clippy::format_push_string,
    reason = "tests"
)]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use bloom_ir::capability::Capability;
use bloom_ir::document::ToolEffect;
use bloom_ir::manifest::ToolManifest;
use serde_json::{Map, Value};

const HEAD: &str = "# The tools that ship

Written from the manifests in [`tools/`](../tools) (`BLESS=1 cargo test -p bloom-tests --test tools_page`); `bloom tool list`
shows those of your installation. Tools of your own: [writing-tools.md](writing-tools.md).

A diagram calls a tool by its name: `x ← search-notes(\"смичок\", 5)`, or with named arguments, in English or in Ukrainian:
`x ← search-notes(запит: \"смичок\", скільки: 5)`. What a call returns is recorded, so a replay asks nobody.

Beside the failures below, every call can fail with what [errors.md](errors.md) lists: `not_granted`, `invalid_input`, `timeout` and the
like; what reads files also with `not_found`, `path_refused`, `link_refused` or `file_too_large`, and what sends requests with the
failures of [`http.fetch`](../schemas/wit/bloom-tool/adapter.wit). `on error` in a diagram gets the code.
";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn manifests() -> Vec<ToolManifest> {
    let folders = std::fs::read_dir(root().join("tools")).unwrap().map(|entry| entry.unwrap().path());
    let texts = folders.filter_map(|folder| std::fs::read(folder.join("manifest.json")).ok());
    let mut manifests: Vec<ToolManifest> = texts.map(|text| serde_json::from_slice(&text).unwrap()).collect();
    manifests.sort_by(|one, other| one.name.cmp(&other.name));
    manifests
}

fn page(manifests: &[ToolManifest]) -> String {
    let mut page = String::from(HEAD);
    page += "\n| tool | what it does |\n|---|---|\n";
    for tool in manifests {
        let first = tool.description.split_inclusive(". ").next().unwrap().trim_end();
        writeln!(page, "| [`{0}`](#{0}) | {first} |", tool.name).unwrap();
    }
    for tool in manifests {
        section(&mut page, tool);
    }
    page
}

fn section(page: &mut String, tool: &ToolManifest) {
    writeln!(page, "\n## {}\n\n{}\n", tool.name, tool.description).unwrap();
    let effect = match tool.effect {
        ToolEffect::Read => "It only reads; after a crash it is asked again.",
        ToolEffect::Operational => {
            "It changes something outside; after a crash its outcome is unknown, and it is not repeated by itself."
        }
        ToolEffect::Propose => "What it returns is a proposal, which a person decides on.",
    };
    page.push_str(effect);
    if !tool.also_called.is_empty() {
        write!(page, " Also called {}.", listed(&tool.also_called)).unwrap();
    }
    if let Some(retry) = &tool.retry {
        let delays: Vec<String> = retry.backoff_ms.iter().map(|delay| format!("{}", delay / 1000)).collect();
        write!(page, " Tried up to {} times, after {} seconds.", retry.attempts, delays.join(", ")).unwrap();
    }
    page.push_str("\n\n");
    arguments(page, tool);
    page.push_str("Result: ");
    result(page, &tool.output, 0);
    if !tool.failures.is_empty() {
        page.push_str("\n| failure | meaning |\n|---|---|\n");
        for (code, meaning) in &tool.failures {
            writeln!(page, "| `{code}` | {meaning} |").unwrap();
        }
    }
    grants(page, tool);
}

fn arguments(page: &mut String, tool: &ToolManifest) {
    let Some(properties) = tool.input["properties"].as_object().filter(|properties| !properties.is_empty()) else {
        page.push_str("It takes no arguments.\n\n");
        return;
    };
    let required: Vec<&str> =
        tool.input["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    // Positional ones first, in their order.
    let others = properties.keys().filter(|name| !tool.params.contains(name));
    page.push_str("| argument | in Ukrainian | what it is |\n|---|---|---|\n");
    for name in tool.params.iter().chain(others) {
        let schema = &properties[name];
        let aliases: Vec<String> =
            tool.aliases.iter().filter(|(_, of)| *of == name).map(|(alias, _)| format!("`{alias}`")).collect();
        let must = if required.contains(&name.as_str()) { ", must be given" } else { "" };
        let default = schema.get("default").map(|value| format!(", else `{value}`")).unwrap_or_default();
        let about = schema["description"].as_str().map(|text| format!(" {text}")).unwrap_or_default();
        writeln!(page, "| `{name}` | {} | {}{must}{default}.{about} |", aliases.join(", "), kind(schema)).unwrap();
    }
    if tool.params.len() > 1 {
        writeln!(page, "\nWithout names: {}, in this order.", listed(&tool.params)).unwrap();
    }
    page.push('\n');
}

/// What a schema takes, in words.
fn kind(schema: &Value) -> String {
    if let Some(values) = schema["enum"].as_array() {
        return values.iter().map(|value| format!("`{value}`")).collect::<Vec<_>>().join(", ");
    }
    if let Some(value) = schema.get("const") {
        return format!("`{value}`");
    }
    let names: Vec<&str> = match &schema["type"] {
        Value::String(name) => vec![name],
        Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
        _ => return "anything".to_owned(),
    };
    let word = |name: &str| match name {
        "string" => "a text".to_owned(),
        "integer" => "a whole number".to_owned(),
        "number" => "a number".to_owned(),
        "boolean" => "`true` or `false`".to_owned(),
        "object" => "fields with values".to_owned(),
        "null" => "null".to_owned(),
        "array" => format!("a list, each {}", kind(&schema["items"])),
        other => panic!("{other}"),
    };
    names.into_iter().map(word).collect::<Vec<_>>().join(" or ")
}

/// The fields of a result, those of lists and objects below them.
fn result(page: &mut String, schema: &Value, depth: usize) {
    let indent = "  ".repeat(depth);
    let fields = |schema: &Value| schema["properties"].as_object().cloned().unwrap_or_default();
    let (about, of) = match schema["type"].as_str() {
        Some("array") if !fields(&schema["items"]).is_empty() => {
            ("a list, each with the fields", fields(&schema["items"]))
        }
        Some("object") if !fields(schema).is_empty() => ("the fields", fields(schema)),
        _ => (kind(schema).leak() as &str, Map::new()),
    };
    let note = schema["description"].as_str().map(|text| format!(". {text}")).unwrap_or_default();
    let end = if of.is_empty() { "" } else { ":" };
    writeln!(page, "{about}{}{end}", note.trim_end_matches('.')).unwrap();
    if depth == 0 && !of.is_empty() {
        page.push('\n');
    }
    for (name, schema) in of {
        write!(page, "{indent}- `{name}`: ").unwrap();
        result(page, &schema, depth + 1);
    }
}

fn grants(page: &mut String, tool: &ToolManifest) {
    let capabilities: Vec<Capability> = tool.capabilities.iter().map(|text| text.parse().unwrap()).collect();
    let mut lines = Vec::new();
    let mut table = Vec::new();
    for capability in &capabilities {
        match capability {
            Capability::Files(root) => lines.push(format!(
                "It reads below the root `{root}`: `bloom run --{root} DIR`, or `{root}` in the section `[run]` of `bloom.toml`."
            )),
            Capability::Artifacts(_) => lines.push("It reads artifacts of runs of its own agent, which needs no grant.".to_owned()),
            Capability::Config(key) => table.push(format!("config.{key} = {{ public = \"…\" }}")),
            Capability::Http(ask) => {
                let methods: Vec<&str> = ask.methods.iter().map(|method| method.as_str()).collect();
                table.push(format!("http = [\"https://HOST {}\"]", methods.join(" ")));
            }
            Capability::Unknown(text) => panic!("{text}"),
        }
    }
    if capabilities.is_empty() {
        lines.push("It asks for nothing.".to_owned());
    }
    if !lines.is_empty() {
        write!(page, "\n{}\n", lines.join("\n")).unwrap();
    }
    if !table.is_empty() {
        write!(page, "\nIt works once the operator grants it in `bloom.toml`:\n\n```toml\n[tools.{}]\n", tool.name)
            .unwrap();
        for line in &table {
            writeln!(page, "{line}").unwrap();
        }
        page.push_str("```\n");
    }
}

fn listed(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

#[test]
fn the_page_says_what_the_manifests_say() {
    let page = page(&manifests());
    let path = root().join("docs/tools.md");
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == page,
        "docs/tools.md is not what the manifests say: BLESS=1 cargo test -p bloom-tests --test tools_page"
    );
}

#[test]
fn every_argument_has_a_ukrainian_name_and_every_tool_says_what_it_fails_with() {
    for tool in manifests() {
        let named: BTreeSet<&String> = tool.aliases.values().collect();
        for name in tool.input["properties"].as_object().into_iter().flat_map(Map::keys) {
            let cyrillic = tool.aliases.iter().any(|(alias, of)| of == name && !alias.is_ascii());
            assert!(cyrillic, "{}: `{name}` has no Ukrainian name", tool.name);
        }
        assert!(named.iter().all(|name| tool.input["properties"].get(name.as_str()).is_some()), "{}", tool.name);
        assert!(!tool.failures.is_empty(), "{}", tool.name);
        let is_code =
            |code: &String| code.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
        assert!(tool.failures.keys().all(is_code), "{}", tool.name);
    }
}
