//! What the project takes from others is what `deny.toml` allows. `cargo deny check licenses bans sources` looks at more; this
//! needs nothing but cargo.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use cargo_metadata::MetadataCommand;
use serde_json::Value;

/// Each of them has a lock file of its own.
const WORKSPACES: [&str; 2] = ["", "tools"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn read(file: &Path) -> Value {
    toml::from_str(&fs::read_to_string(file).unwrap()).unwrap()
}

fn rules() -> Value {
    read(&root().join("deny.toml"))
}

/// The texts of a list.
fn texts(list: &Value) -> BTreeSet<String> {
    list.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
}

/// A package of a lock file.
struct Locked {
    name: String,
    /// Where it is from; none for our own.
    source: Option<String>,
    /// The names of what it uses.
    uses: BTreeSet<String>,
}

/// The packages of all lock files.
fn locked() -> Vec<Locked> {
    let packages = WORKSPACES.map(|folder| read(&root().join(folder).join("Cargo.lock"))["package"].take());
    let of = |package: &Value| Locked {
        name: package["name"].as_str().unwrap().to_owned(),
        source: package["source"].as_str().map(str::to_owned),
        // Where there are several versions, the version follows the name.
        uses: package.get("dependencies").map(texts).unwrap_or_default().iter().map(|used| first_word(used)).collect(),
    };
    packages.iter().flat_map(|packages| packages.as_array().unwrap().iter().map(of)).collect()
}

fn first_word(text: &str) -> String {
    text.split(' ').next().unwrap_or_default().to_owned()
}

/// The licences of all packages that are there, by licence.
fn licences() -> BTreeMap<String, BTreeSet<String>> {
    let mut licences: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for folder in WORKSPACES {
        let asked = |more: &[&str]| {
            let options = ["--locked", "--all-features"].iter().chain(more).map(|option| (*option).to_owned());
            let options: Vec<String> = options.collect();
            MetadataCommand::new().manifest_path(root().join(folder).join("Cargo.toml")).other_options(options).exec()
        };
        // Where what other systems need was never fetched, what this one needs may have been; else it is now.
        let host = host();
        let metadata = asked(&["--offline"])
            .or_else(|_| asked(&["--offline", "--filter-platform", &host]))
            .or_else(|_| asked(&["--filter-platform", &host]))
            .unwrap();
        for package in metadata.packages {
            let licence = package.license.unwrap_or_else(|| "none is told".to_owned());
            licences.entry(licence).or_default().insert(package.name.to_string());
        }
    }
    licences
}

/// This machine, as cargo calls it.
fn host() -> String {
    let told = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into())).arg("-vV").output().unwrap();
    let told = String::from_utf8(told.stdout).unwrap();
    told.lines().find_map(|line| line.strip_prefix("host: ")).unwrap().to_owned()
}

/// Whether one may choose licences that are allowed: an expression of SPDX, where `/` once stood for `OR`.
fn allows(allowed: &BTreeSet<String>, expression: &str) -> bool {
    let spaced =
        expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ").replace(" WITH ", "\u{a0}WITH\u{a0}");
    let words: Vec<&str> = spaced.split(' ').filter(|word| !word.is_empty()).collect();
    let mut left = words.as_slice();
    any(allowed, &mut left) && left.is_empty()
}

/// What `OR` joins.
fn any(allowed: &BTreeSet<String>, words: &mut &[&str]) -> bool {
    let mut is_allowed = all(allowed, words);
    while take(words, "OR") {
        is_allowed |= all(allowed, words);
    }
    is_allowed
}

/// What `AND` joins.
fn all(allowed: &BTreeSet<String>, words: &mut &[&str]) -> bool {
    let mut is_allowed = one(allowed, words);
    while take(words, "AND") {
        is_allowed &= one(allowed, words);
    }
    is_allowed
}

fn one(allowed: &BTreeSet<String>, words: &mut &[&str]) -> bool {
    if take(words, "(") {
        let is_allowed = any(allowed, words);
        return take(words, ")") && is_allowed;
    }
    let Some((licence, rest)) = words.split_first() else { return false };
    *words = rest;
    allowed.contains(&licence.replace('\u{a0}', " "))
}

fn take(words: &mut &[&str], word: &str) -> bool {
    match words.split_first() {
        Some((first, rest)) if *first == word => {
            *words = rest;
            true
        }
        _ => false,
    }
}

#[test]
fn every_licence_is_allowed() {
    let allowed = texts(&rules()["licenses"]["allow"]);
    let licences = licences();
    let refused: Vec<_> = licences.iter().filter(|(licence, _)| !allows(&allowed, licence)).collect();
    assert!(refused.is_empty(), "deny.toml does not allow these: {refused:#?}");
    // One that nothing needs is one that nobody looked at.
    for licence in &allowed {
        let mut others = allowed.clone();
        others.remove(licence);
        assert!(licences.keys().any(|all| !allows(&others, all)), "nothing needs {licence}: take it out of deny.toml");
    }
}

#[test]
fn every_package_is_from_one_registry() {
    let sources: BTreeSet<String> = locked().into_iter().filter_map(|package| package.source).collect();
    assert!(sources.len() == 1 && sources.iter().all(|source| source.starts_with("registry+")), "{sources:?}");
    let allowed = &rules()["sources"];
    assert_eq!((allowed["unknown-registry"].as_str(), allowed["unknown-git"].as_str()), (Some("deny"), Some("deny")));
}

#[test]
fn no_package_is_there_that_is_ruled_out() {
    let rules = rules();
    let ruled_out = rules["bans"]["deny"].as_array().unwrap();
    let locked = locked();
    assert!(ruled_out.len() > 1 && locked.len() > 100);
    for rule in ruled_out {
        let name = rule["crate"].as_str().unwrap();
        let users: Vec<&String> = locked.iter().filter(|one| one.uses.contains(name)).map(|one| &one.name).collect();
        // Those may use it that cannot be had without it.
        let allowed = rule.get("wrappers").map(texts).unwrap_or_default();
        let wrong: Vec<_> = users.iter().filter(|user| !allowed.contains(**user)).collect();
        assert!(wrong.is_empty(), "{name} is ruled out, and used by {wrong:?}");
        assert!(allowed.iter().all(|user| users.contains(&user)), "who may use {name} no longer does: {allowed:?}");
    }
}

#[test]
fn licences_are_read_as_spdx_says() {
    let allowed = ["MIT", "Apache-2.0", "Apache-2.0 WITH LLVM-exception", "ISC"].map(str::to_owned).into();
    for licence in [
        "MIT",
        "MIT/Apache-2.0",
        "GPL-2.0-only OR MIT",
        "MIT AND ISC OR GPL-2.0-only",
        "(MIT OR GPL-2.0-only) AND (ISC)",
        "Apache-2.0 WITH LLVM-exception OR X",
    ] {
        assert!(allows(&allowed, licence), "{licence}");
    }
    for licence in [
        "",
        "GPL-2.0-only",
        "MIT AND GPL-2.0-only",
        "(MIT OR ISC) AND X",
        "MIT WITH X",
        "MIT)",
        "(MIT",
        "MIT ISC",
        "OR",
    ] {
        assert!(!allows(&allowed, licence), "{licence}");
    }
}
