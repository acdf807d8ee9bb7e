//! The operator's pages in a browser: what `tests/browser/` says of them, with the binary, its workers and headless Chromium.
//!
//! `scripts/browser` installs what it takes, into the folder that `BLOOM_BROWSER` names. Where that could not be had, the tests are
//! skipped and say so; where `BLOOM_REQUIRE_BROWSER` is set, they fail.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, clippy::print_stderr, reason = "tests")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Runs a file of tests; what it prints stands in the report of this one.
fn passes(name: &str) {
    let shared = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let folder = std::env::var_os("BLOOM_BROWSER").map_or_else(|| shared.join("browser"), PathBuf::from);
    if !folder.join("browser").is_file() {
        let why = fs::read_to_string(folder.join("missing"));
        let why = why.map_or_else(|_| "scripts/browser was not run".to_owned(), |why| why.trim().to_owned());
        assert!(std::env::var_os("BLOOM_REQUIRE_BROWSER").is_none(), "the pages cannot be tested: {why}");
        eprintln!("SKIPPED: the pages in a browser: {why}");
        return;
    }
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/browser");
    let mut node = Command::new("node");
    node.arg("--test-reporter=spec").arg(tests.join(format!("{name}.test.mjs")));
    node.env("BLOOM", env!("CARGO_BIN_EXE_bloom"))
        .env("BLOOM_BROWSER", folder)
        .env("BLOOM_TARGET", shared.parent().unwrap());
    let output = node.output().unwrap();
    println!("{}", String::from_utf8_lossy(&output.stdout));
    eprintln!("{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "tests/browser/{name}.test.mjs: {}", output.status);
}

/// A test for each file, so that they are run side by side, and the report names what failed.
macro_rules! files {
    ($($file:ident)*) => {
        $(#[test]
        fn $file() {
            passes(stringify!($file));
        })*

        #[test]
        fn every_file_of_tests_is_run() {
            let run = [$(stringify!($file)),*];
            let there = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/browser")).unwrap();
            for name in there.map(|entry| entry.unwrap().file_name().into_string().unwrap()) {
                let Some(file) = name.strip_suffix(".test.mjs") else { continue };
                assert!(run.contains(&file), "nothing runs {name}");
            }
        }
    };
}

files! { access appearance flows large live people travel }
