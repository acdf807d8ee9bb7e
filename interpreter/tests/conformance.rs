//! The published conformance tests of CEL, against the subset.
//!
//! `scripts/cel-vectors` fetches them; without them the test says that it was skipped. `conformance/skipped.txt` lists
//! each one that does not apply, under its reason, and this test holds the list to the truth: what is not listed agrees,
//! and what is listed does not.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a test, which reads its vectors from a file"
)]

use std::collections::BTreeMap;
use std::path::PathBuf;

use bloom_interpreter::expr::{Budget, Environment, Evaluator, RunVars, Slot, compile};
use bloom_ir::Value;
use bloom_ir::expr::parse;
use serde::Deserialize;

const SKIPPED: &str = include_str!("conformance/skipped.txt");

/// A vector, as `scripts/cel-vectors.cjs` writes it; values are JSON texts.
#[derive(Deserialize)]
struct Vector {
    name: String,
    expr: String,
    vars: BTreeMap<String, String>,
    value: Option<String>,
    /// Why it cannot be put in JSON.
    beyond: Option<String>,
}

impl Vector {
    /// Why it does not agree.
    fn disagreement(&self) -> Option<String> {
        if let Some(beyond) = &self.beyond {
            return Some(beyond.clone());
        }
        let tree = match parse(&self.expr) {
            Ok(tree) => tree,
            Err(error) => return Some(format!("not in the subset: {error}")),
        };
        let read = |json: &String| serde_json::from_str::<Value>(json).unwrap();
        let mut variables = Vec::new();
        let program = compile(&tree, &mut |name| {
            variables.push(read(self.vars.get(name)?));
            Some(Slot(u32::try_from(variables.len() - 1).unwrap()))
        });
        let Ok(program) = program else { return Some(String::from("a variable that is not bound")) };
        let (id, flow, version) = ("r".into(), "f".into(), "1".into());
        let run = RunVars { id, flow, version, started_at: 0, now: 0 };
        let input = Value::empty_map();
        let environment = Environment { variables: &variables, input: &input, run: &run, budget: Budget::default() };
        let given = Evaluator::default().evaluate(&program, &environment);
        match (given, self.value.as_ref().map(read)) {
            (Ok(given), Some(value)) if given == value.clone().normalized() => None,
            (Err(_), None) => None,
            (given, value) => Some(format!("{given:?}, and CEL says {value:?}")),
        }
    }
}

/// The names and prefixes (`/suite/*`) of the list, each with its reason.
fn skipped() -> Vec<(&'static str, &'static str)> {
    let mut reason = "";
    let mut skipped = Vec::new();
    for line in SKIPPED.lines().filter(|line| !line.is_empty()) {
        match line.strip_prefix("# ") {
            Some(text) => reason = text,
            None => skipped.push((line, reason)),
        }
    }
    skipped
}

fn covers(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(prefix) => name.starts_with(prefix),
        None => pattern == name,
    }
}

#[test]
fn the_subset_agrees_with_the_published_tests_of_cel() {
    let named = std::env::var_os("BLOOM_CEL_VECTORS").map(PathBuf::from);
    let path =
        named.clone().unwrap_or_else(|| PathBuf::from(concat!(env!("CARGO_TARGET_TMPDIR"), "/cel-spec/vectors.jsonl")));
    let Ok(text) = std::fs::read_to_string(&path) else {
        assert!(named.is_none(), "{} cannot be read", path.display());
        eprintln!("skipped: the tests of CEL are not here; scripts/cel-vectors fetches them");
        return;
    };
    let skipped = skipped();
    let (mut agreed, mut by_reason, mut wrong) = (0, BTreeMap::<&str, usize>::new(), Vec::new());
    let mut used = vec![false; skipped.len()];
    for line in text.lines() {
        let vector: Vector = serde_json::from_str(line).unwrap();
        let listed = skipped.iter().position(|(pattern, _)| covers(pattern, &vector.name));
        match (listed, vector.disagreement()) {
            (None, None) => agreed += 1,
            (Some(at), Some(_)) => {
                used[at] = true;
                *by_reason.entry(skipped[at].1).or_default() += 1;
            }
            (Some(_), None) => wrong.push(format!("{} agrees, and is listed as skipped", vector.name)),
            (None, Some(why)) => wrong.push(format!("{} :: {} :: {why}", vector.name, vector.expr.escape_debug())),
        }
    }
    let unused = skipped
        .iter()
        .zip(used)
        .filter(|(_, used)| !used)
        .map(|((pattern, _), _)| format!("{pattern} matches nothing"));
    wrong.extend(unused);
    assert!(wrong.is_empty(), "{} do not agree:\n{}", wrong.len(), wrong.join("\n"));
    eprintln!("{agreed} tests of CEL agree, {} do not apply:", by_reason.values().sum::<usize>());
    for (reason, count) in by_reason {
        eprintln!("{count:5} {reason}");
    }
}
