//! A place of its own for each test: data directory, memory, notes.

use std::fs;
use std::os::unix::fs::{DirBuilderExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus};
use std::sync::OnceLock;
use std::time::Duration;

use assert_cmd::Command;
use serde_json::Value;
use tempfile::TempDir;

/// Where a test works.
pub(crate) struct Place {
    folder: TempDir,
}

impl Place {
    /// An empty data directory, and a copy of the memory that the archivist starts with.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let memory = folder.path().join("memory/archivist");
        fs::create_dir_all(&memory).unwrap();
        fs::copy(fixture("archivist/memory/archivist/state.json"), memory.join("state.json")).unwrap();
        let place = Self { folder };
        place.share_compiled_tools();
        place
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    /// `bloom` with this place's data directory, in English, whatever the environment says.
    pub(crate) fn bloom(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bloom"));
        for name in ["LC_ALL", "LC_MESSAGES", "LANG", "BLOOM_LOG", "BLOOM_CONFIG", "PORT", "RUNTIME_API_KEY"] {
            command.env_remove(name);
        }
        command.env("BLOOM_DATA", self.path("data")).env("XDG_CONFIG_HOME", self.path("config"));
        command
    }

    /// Compiles each tool once for all tests, instead of once for each place.
    fn share_compiled_tools(&self) {
        let shared = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled-tools");
        let own = |path: &Path| fs::DirBuilder::new().recursive(true).mode(0o700).create(path).unwrap();
        own(&shared);
        own(&self.path("data"));
        symlink(shared, self.path("data/tools")).unwrap();
    }

    /// `bloom run` of the archivist over the fixture's notes, with the fixture's answers.
    pub(crate) fn archivist(&self) -> Command {
        self.archivist_over(&fixture("archivist/notes"))
    }

    /// The same over other notes.
    pub(crate) fn archivist_over(&self, notes: &Path) -> Command {
        let mut command = self.bloom();
        command.arg("run").arg(fixture("archivist/archivist.drakon"));
        command.arg("--notes").arg(notes).arg("--memory").arg(self.path("memory"));
        command.arg(format!("--llm=scripted:{}", fixture("archivist/answers.json").display()));
        command
    }
}

/// A file that ships with the project.
pub(crate) fn fixture(name: &str) -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures")).join(name)
}

/// The only object on standard output.
pub(crate) fn json(command: &mut Command) -> Value {
    let output = command.output().unwrap();
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {output:?}\n{}", String::from_utf8_lossy(&output.stderr)))
}

/// How a process ended. One that does not end within two minutes is killed, and the test fails.
pub(crate) fn ended(process: &mut Child) -> ExitStatus {
    for _ in 0..2400 {
        if let Some(status) = process.try_wait().unwrap() {
            return status;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    process.kill().unwrap();
    process.wait().unwrap();
    panic!("process {} did not end", process.id());
}

/// Whether the tools that ship were built. Where the target for them is missing, tests that need them are skipped.
pub(crate) fn has_tools() -> bool {
    static BUILT: OnceLock<bool> = OnceLock::new();
    let built = *BUILT.get_or_init(|| {
        let tools = json(Place::new().bloom().args(["tools", "--json"]));
        tools.as_array().is_some_and(|tools| !tools.is_empty())
    });
    // Set where they can be built: there a skipped test is a fault.
    assert!(built || std::env::var_os("BLOOM_REQUIRE_TOOLS").is_none(), "the tools that ship were not built");
    if !built {
        eprintln!("SKIPPED: built without the target wasm32-unknown-unknown, so there are no tools");
    }
    built
}

/// A flow without tools that asks one question, as an unsigned document.
pub(crate) const GREETING: &str = r#"{
  "ir": "0.1",
  "flow": { "id": "greeting", "version": "0.0.0", "title": "Greeting", "kind": "procedure", "locale": "en" },
  "inputs": { "type": "object", "properties": { "name": { "type": "string" } }, "required": ["name"] },
  "outputs": {},
  "policy": { "safe_outputs": ["propose-summary"] },
  "entry": "n1",
  "nodes": {
    "n1": { "type": "llm_call", "prompt": [{ "text": "Greet " }, { "expr": "input.name" }], "into": "answer", "next": "n2",
            "output": { "type": "object", "properties": { "text": { "type": "string" } }, "required": ["text"] } },
    "n2": { "type": "emit", "kind": "proposal", "name": "summary", "action": "propose-summary",
            "value": "{'content': v['answer'].text, 'target': {'path': 'notes/a'}}", "next": "n3" },
    "n3": { "type": "return", "status": "completed", "value": "{'greeting': v['answer'].text}" }
  },
  "source": { "kind": "drakon", "name": "greeting.drakon",
              "sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
              "map": { "n1": { "item": "3", "first": true, "text": "answer ← LLM(name)" },
                       "n2": { "item": "4", "first": true, "text": "create-proposal" },
                       "n3": { "item": "5", "first": true } } }
}"#;

/// The greeting, signed with the key of the place.
pub(crate) fn signed_greeting(place: &Place) -> PathBuf {
    let (unsigned, signed) = (place.write("greeting.json", GREETING), place.path("greeting.ir.json"));
    place.bloom().arg("compile").arg(unsigned).arg("-o").arg(&signed).assert().success();
    signed
}

/// A script that answers the greeting's question.
pub(crate) fn script(place: &Place, reply: &str) -> String {
    let path = place.write("answers.json", format!(r#"{{ "answers": [{{ "item": "3", {reply} }}] }}"#));
    format!("--llm=scripted:{}", path.display())
}
