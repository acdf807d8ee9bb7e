//! Tools in each language that there is a template for, with the tool chains that people use: what docs/writing-tools.md says,
//! command by command, in an empty folder.
//!
//! `scripts/tool-chains` installs what it takes into the folder that `BLOOM_TOOL_CHAINS` names. What is not there is skipped, and
//! the test says so; where `BLOOM_REQUIRE_TOOL_CHAINS` names the language, it fails.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr, reason = "tests")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

const PAGE: &str = include_str!("../../../../docs/writing-tools.md");

/// The commands of a language, in the order of the page: its own, and those for all.
fn commands(language: &str) -> Vec<&'static str> {
    let mut commands = Vec::new();
    let mut ours = false;
    for line in PAGE.lines() {
        if let Some(info) = line.strip_prefix("```") {
            let mut words = info.split(' ');
            ours = words.next() == Some("sh") && words.next().is_some_and(|of| of == language || of == "all");
        } else if ours {
            commands.push(line);
        }
    }
    commands
}

fn tool_chains() -> Option<PathBuf> {
    std::env::var_os("BLOOM_TOOL_CHAINS").map(PathBuf::from)
}

fn has(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

fn prints(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// What of a language's tool chain is not here.
fn missing(language: &str) -> Option<&'static str> {
    let installed = |path: &str| tool_chains().is_some_and(|folder| folder.join(path).exists());
    let there = match language {
        "rust" => prints("rustc", &["--print", "target-libdir", "--target", "wasm32-unknown-unknown"])
            .is_some_and(|folder| has("rustup") && Path::new(&folder).is_dir()),
        "c" => ["clang", "wasm-ld", "make"].into_iter().all(has),
        "javascript" => has("npm") && installed("node_modules/componentize-qjs"),
        "assemblyscript" => has("npm") && installed("node_modules/assemblyscript"),
        "python" => installed("wheels"),
        other => panic!("{other}"),
    };
    (!there).then_some(match language {
        "rust" => "rustup and the target wasm32-unknown-unknown",
        "c" => "clang, wasm-ld and make",
        "python" => "the wheel of componentize-py (scripts/tool-chains)",
        _ => "the packages of npm (scripts/tool-chains)",
    })
}

fn follow(language: &str) {
    if let Some(missing) = missing(language) {
        let required = std::env::var("BLOOM_REQUIRE_TOOL_CHAINS").unwrap_or_default();
        assert!(!required.split(' ').any(|required| required == language), "{language}: {missing} not here");
        eprintln!("SKIPPED: {language}: {missing} not here");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let bloom = Path::new(env!("CARGO_BIN_EXE_bloom")).parent().unwrap();
    let path = std::env::join_paths(
        std::iter::once(bloom.to_owned()).chain(std::env::split_paths(&std::env::var_os("PATH").unwrap())),
    );
    let start = Instant::now();
    let mut shell = Command::new("sh");
    // `set -x` tells which command failed.
    shell.arg("-c").arg(format!("set -eux\n{}", commands(language).join("\n"))).current_dir(folder.path());
    shell.env("PATH", path.unwrap()).env("BLOOM_DATA", folder.path().join("data")).env("LC_ALL", "C");
    for outer in ["CARGO_TARGET_DIR", "CARGO_BUILD_TARGET", "RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "VIRTUAL_ENV"] {
        shell.env_remove(outer);
    }
    // What was fetched once is not asked for again.
    if let Some(chains) = tool_chains() {
        shell.env("npm_config_cache", chains.join("npm-cache")).env("npm_config_prefer_offline", "true");
        shell.env("PIP_NO_INDEX", "1").env("PIP_FIND_LINKS", chains.join("wheels"));
    }
    let output = shell.output().unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{language}: {stdout}\n{stderr}");
    assert!(stdout.contains("✓ bach") && stdout.contains("✓ empty"), "{language}: {stdout}\n{stderr}");
    assert_eq!(stdout.matches("\"title\": \"Sonata in G minor\"").count(), 2, "{language}: {stdout}");
    assert_eq!(stdout.matches("\"words\": 9").count(), 2, "{language}: {stdout}");
    eprintln!("{language}: the page took {:.0} s", start.elapsed().as_secs_f64());
}

#[test]
fn the_page_has_commands_for_every_language() {
    for language in ["rust", "c", "javascript", "python", "assemblyscript"] {
        let commands = commands(language);
        for part in ["bloom tool new", "bloom tool build", "bloom tool check", "bloom tool call .", "bloom tool add"] {
            assert!(commands.iter().any(|command| command.starts_with(part)), "{language}: {part}");
        }
    }
}

#[test]
fn a_tool_in_rust_follows_the_page() {
    follow("rust");
}

#[test]
fn a_tool_in_c_follows_the_page() {
    follow("c");
}

#[test]
fn a_tool_in_javascript_follows_the_page() {
    follow("javascript");
}

#[test]
fn a_tool_in_python_follows_the_page() {
    follow("python");
}

#[test]
fn a_tool_in_assemblyscript_follows_the_page() {
    follow("assemblyscript");
}
