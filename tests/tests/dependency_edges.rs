//! The direction of dependencies, as ARCHITECTURE.md draws it: `ir ← compiler`, `ir ← interpreter ← runtime ← store | wasm |
//! server | worker ← cli`. A new edge is a decision, and this test is where it is made.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::collections::BTreeSet;

use cargo_metadata::{DependencyKind, MetadataCommand};

/// Which of our packages each of them may use.
const ALLOWED: [(&str, &[&str]); 11] = [
    ("bloom-ir", &[]),
    ("bloom-compiler", &["bloom-ir"]),
    ("bloom-interpreter", &["bloom-ir"]),
    ("bloom-runtime", &["bloom-interpreter", "bloom-ir"]),
    ("bloom-store", &["bloom-interpreter", "bloom-ir", "bloom-runtime"]),
    ("bloom-wasm", &["bloom-interpreter", "bloom-ir", "bloom-runtime"]),
    ("bloom-server", &["bloom-interpreter", "bloom-ir", "bloom-runtime", "bloom-worker"]),
    ("bloom-worker", &["bloom-interpreter", "bloom-ir", "bloom-runtime"]),
    ("bloom-author", &[]),
    (
        "bloom",
        &[
            "bloom-author",
            "bloom-compiler",
            "bloom-interpreter",
            "bloom-ir",
            "bloom-runtime",
            "bloom-server",
            "bloom-store",
            "bloom-wasm",
            "bloom-worker",
        ],
    ),
    (
        "bloom-tests",
        &[
            "bloom-compiler",
            "bloom-interpreter",
            "bloom-ir",
            "bloom-runtime",
            "bloom-server",
            "bloom-store",
            "bloom-wasm",
            "bloom-worker",
        ],
    ),
];

/// What must not reach the crates that know no outside world.
const FORBIDDEN: [(&str, &[&str]); 3] = [
    ("bloom-ir", &["tokio", "redb", "wasmtime", "tracing", "uuid", "rand", "getrandom"]),
    ("bloom-compiler", &["tokio", "redb", "wasmtime", "tracing", "uuid", "rand", "getrandom"]),
    ("bloom-interpreter", &["tokio", "redb", "wasmtime", "tracing", "uuid", "rand", "getrandom"]),
];

/// For each package of the workspace, the names of what it depends on outside of tests.
fn dependencies() -> Vec<(String, BTreeSet<String>)> {
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml");
    let metadata = MetadataCommand::new().manifest_path(manifest).no_deps().exec().unwrap();
    let named = |package: cargo_metadata::Package| {
        let used = package.dependencies.into_iter().filter(|used| used.kind != DependencyKind::Development);
        (package.name.to_string(), used.map(|used| used.name).collect())
    };
    metadata.packages.into_iter().map(named).collect()
}

#[test]
fn packages_depend_on_each_other_as_drawn() {
    let ours: BTreeSet<String> = dependencies().into_iter().map(|(name, _)| name).collect();
    for (name, used) in dependencies() {
        let allowed = ALLOWED.iter().find(|(known, _)| *known == name);
        let (_, allowed) = allowed.unwrap_or_else(|| panic!("{name} is new: say here what it may use"));
        for edge in used.intersection(&ours) {
            assert!(allowed.contains(&edge.as_str()), "{name} must not depend on {edge}");
        }
    }
}

#[test]
fn the_core_knows_no_outside_world() {
    for (name, used) in dependencies() {
        let Some((_, forbidden)) = FORBIDDEN.iter().find(|(core, _)| *core == name) else { continue };
        for outside in *forbidden {
            assert!(!used.contains(*outside), "{name} must not depend on {outside}");
        }
    }
}
