//! A tool in each language that does as little as can be: it reads its argument and gives it back. It is a project of the
//! language's template with other sources.

use std::fs;
use std::path::{Path, PathBuf};

use bloom_author::compile;
use bloom_author::project::Project;
use bloom_author::template::{self, Language};

/// A tool, or why there is none.
pub(crate) struct Trivial {
    pub(crate) language: &'static str,
    pub(crate) component: Result<Vec<u8>, String>,
}

/// One in each language.
pub(crate) fn all() -> impl Iterator<Item = Trivial> {
    let by_hand = include_bytes!("../../tests/compatibility/0.1.0/echo.wasm");
    let by_hand = Trivial { language: "text", component: Ok(by_hand.to_vec()) };
    let languages = [Language::C, Language::Rust, Language::JavaScript, Language::Python];
    std::iter::once(by_hand)
        .chain(languages.into_iter().map(|language| Trivial { language: language.name(), component: built(language) }))
}

const MANIFEST: &str = r#"{
  "name": "echo", "version": "1.0.0", "description": "Says it again.", "effect": "read",
  "input": { "type": "object", "properties": { "a": { "type": "integer" } }, "required": ["a"] },
  "output": { "type": "object", "properties": { "a": { "type": "integer" } }, "required": ["a"] }
}"#;

const WORLD: &str = "package local:echo;
world tool {
  import bloom:tool/log@0.1.0;
  use bloom:tool/types@0.1.0.{failure};
  export describe: func() -> string;
  export invoke: func(call-id: string, input: string) -> result<string, failure>;
}
";

const RUST: &str = r#"
use bloom_tool::Failure;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Deserialize, JsonSchema)]
struct Input {
    a: i64,
}

#[derive(Serialize, JsonSchema)]
struct Output {
    a: i64,
}

/// Says it again.
#[bloom_tool::tool(name = "echo", effect = "read")]
fn echo(input: Input) -> Result<Output, Failure> {
    Ok(Output { a: input.a })
}
"#;

const C: &str = r#"
#include "../bindings/adapter.h"
#include "json.h"

extern const char manifest[];

void exports_adapter_describe(adapter_string_t *ret) { adapter_string_dup(ret, manifest); }

bool exports_adapter_invoke(adapter_string_t *call_id, adapter_string_t *input, adapter_string_t *ret,
                            adapter_failure_t *err) {
    (void)call_id;
    text a;
    if (!json_member(*input, "a", &a)) {
        *err = (adapter_failure_t){text_of("invalid_input"), text_of("there is no a"), false};
        return false;
    }
    buffer output = {0};
    put(&output, "{\"a\":");
    put_bytes(&output, a.ptr, a.len);
    put(&output, "}");
    *ret = text_in(&output);
    return true;
}
"#;

const JAVASCRIPT: &str = r#"
import manifest from "../build/manifest.js";

export function describe() {
  return JSON.stringify(manifest);
}

export function invoke(callId, input) {
  return JSON.stringify({ a: JSON.parse(input).a });
}
"#;

const PYTHON: &str = r#"
import json
from pathlib import Path

import wit_world

MANIFEST = Path(__file__).with_name("manifest.json").read_text(encoding="utf-8")


class WitWorld(wit_world.WitWorld):
    def describe(self) -> str:
        return MANIFEST

    def invoke(self, call_id: str, input: str) -> str:
        return json.dumps({"a": json.loads(input)["a"]})
"#;

fn built(language: Language) -> Result<Vec<u8>, String> {
    let parent = tempfile::tempdir().map_err(|error| error.to_string())?;
    let folder = parent.path().join("echo");
    template::write(&folder, "echo", language).map_err(|error| error.to_string())?;
    let sources: &[(&str, &str)] = match language {
        Language::Rust => &[("src/lib.rs", RUST)],
        Language::C => &[("src/tool.c", C), ("manifest.json", MANIFEST)],
        Language::JavaScript => {
            &[("src/component.js", JAVASCRIPT), ("manifest.json", MANIFEST), ("wit/tool.wit", WORLD)]
        }
        _ => &[("app.py", PYTHON), ("manifest.json", MANIFEST), ("wit/tool.wit", WORLD)],
    };
    for (path, text) in sources {
        fs::write(folder.join(path), text).map_err(|error| format!("{path}: {error}"))?;
    }
    // What `scripts/tool-chains` fetched.
    let chains = std::env::var_os("BLOOM_TOOL_CHAINS").map(PathBuf::from);
    let chains = chains.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/tool-chains"));
    for (there, here) in [("node_modules", "node_modules"), ("venv", ".venv")] {
        if let Ok(there) = chains.join(there).canonicalize() {
            std::os::unix::fs::symlink(there, folder.join(here)).map_err(|error| error.to_string())?;
        }
    }
    let project = Project::open(&folder).map_err(|error| error.to_string())?;
    let built = compile::build(&project).map_err(|error| error.to_string())?;
    fs::read(built.component).map_err(|error| error.to_string())
}
