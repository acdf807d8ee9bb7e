//! The error codes of runs: every one that the sources make is explained, in both languages and on the page.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The Rust sources below a folder that are not tests.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if path.is_dir() {
            if !["tests", "target", "conformance", "examples", "benches", "templates"].contains(&name.as_str()) {
                sources(&path, found);
            }
        } else if path.extension().is_some_and(|end| end == "rs") && name != "tests.rs" {
            found.push(path);
        }
    }
}

fn literal(text: &str) -> Option<&str> {
    let (code, _) = text.trim_start().strip_prefix('"')?.split_once('"')?;
    let is_code =
        !code.is_empty() && code.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    is_code.then_some(code)
}

/// The codes that a source makes: those handed to what makes an error, and those that a function from a failure to its
/// code has.
fn codes(source: &str, found: &mut BTreeSet<String>) {
    let source = source.split("#[cfg(test)]\nmod tests {").next().unwrap();
    let is_code = |line: &&str| !line.trim_start().starts_with("//");
    let source = &source.lines().filter(is_code).collect::<Vec<_>>().join("\n");
    for maker in [
        "EffectError::new(",
        "permanent(",
        "passing(",
        "Failure::new(",
        "or_fail(",
        "code: ",
        "unwrap_or(",
        "Limit::exceeded(",
    ] {
        for call in source.split(maker).skip(1) {
            let is_code = maker != "unwrap_or(" || call.starts_with("\"failed\")");
            found.extend(literal(call).filter(|_| is_code).map(str::to_owned));
        }
    }
    for function in ["fn code(", "fn of_type(", "fn of_status(", "fn of_phrase("] {
        for body in source.split(function).skip(1) {
            let body = body.split("\n    }\n").next().unwrap();
            let arms = body.split("=> ").skip(1).chain(body.split("], ").skip(1));
            found.extend(arms.filter_map(literal).map(str::to_owned));
        }
    }
}

#[test]
fn every_error_code_of_a_run_is_explained() {
    let mut files = Vec::new();
    for folder in ["interpreter/src", "runtime", "tools"] {
        sources(&root().join(folder), &mut files);
    }
    let mut made = BTreeSet::new();
    for file in files {
        codes(&fs::read_to_string(file).unwrap(), &mut made);
    }
    // Inside the host only: what it stands for has a code of its own.
    made.remove("stopped");
    assert!(made.len() > 60 && made.contains("link_refused") && made.contains("quota"), "{made:?}");

    let page = fs::read_to_string(root().join("docs/errors.md")).unwrap();
    let rows: Vec<&str> = page.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
    let listed: BTreeSet<String> = rows.iter().map(|row| (*row).to_owned()).collect();
    assert_eq!(listed.len(), rows.len(), "a code stands twice on the page");
    assert_eq!(made, listed, "made in the sources, and listed in docs/errors.md");

    for language in ["en", "uk"] {
        let catalogue = fs::read_to_string(root().join(format!("runtime/messages/errors.{language}.ftl"))).unwrap();
        let told: BTreeSet<String> = catalogue
            .lines()
            .zip(catalogue.lines().skip(1))
            .filter(|(_, next)| next.starts_with("    .hint = "))
            .filter_map(|(line, _)| Some(line.split_once(" = ")?.0.replace('-', "_")))
            .collect();
        assert_eq!(told, listed, "told with a hint in {language}, and listed in docs/errors.md");
    }
}
