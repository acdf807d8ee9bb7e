mod digests;
mod functions;
mod limits;
mod manual;
mod semantics;
mod types;

use std::sync::LazyLock;

use bloom_ir::Value;
use bloom_ir::expr::parse;

use super::{Budget, Environment, EvalError, Evaluator, RunVars, Slot, compile};

/// The variables that the tests' expressions see; any other one is not set.
pub(super) const VARIABLES: &str = r#"{
    "i": 41, "half": 0.5, "text": "Їжак і вуж", "notes": [
        {"slug": "a", "tags": ["x"], "words": 120},
        {"slug": "б", "tags": [], "words": 250},
        {"slug": "c", "words": 90}
    ],
    "done": {"b": true, "a": false}, "nothing": null, "big": 9007199254740993, "deep": {"a": {"b": [1, {"c": "d"}]}}
}"#;

pub(super) const INPUT: &str = r#"{"folder": "notes", "ключ": 7}"#;

pub(super) fn run_vars() -> RunVars {
    RunVars {
        id: "01J".into(),
        flow: "archivist".into(),
        version: "1.2.0".into(),
        started_at: 1_763_712_000_000,
        now: 1_763_712_001_500,
    }
}

pub(super) fn evaluate_tree(expr: &bloom_ir::expr::Expr, budget: Budget) -> Result<Value, EvalError> {
    static VALUES: LazyLock<[Value; 2]> =
        LazyLock::new(|| [VARIABLES, INPUT].map(|json| serde_json::from_str(json).unwrap()));
    let [variables, input] = &*VALUES;
    let mut slots = Vec::new();
    let program = compile(expr, &mut |name| {
        slots.push(variables.get(name).cloned().unwrap_or_default());
        Some(Slot(u32::try_from(slots.len() - 1).unwrap()))
    })
    .unwrap();
    let environment = Environment { variables: &slots, input, run: &run_vars(), budget };
    let mut evaluator = Evaluator::default();
    let first = evaluator.evaluate(&program, &environment);
    assert_eq!(evaluator.evaluate(&program, &environment), first, "an evaluator keeps nothing");
    first
}

pub(super) fn evaluate_within(text: &str, budget: Budget) -> Result<Value, EvalError> {
    evaluate_tree(&parse(text).unwrap_or_else(|error| panic!("{text}: {error}")), budget)
}

pub(super) fn evaluate(text: &str) -> Result<Value, EvalError> {
    evaluate_within(text, Budget::default())
}

#[track_caller]
pub(super) fn gives(text: &str, json: &str) {
    let value = evaluate(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    assert_eq!(String::from_utf8(value.to_bytes()).unwrap(), json, "{text}");
}

#[track_caller]
pub(super) fn fails(text: &str, code: &str, message: &str) {
    let error = evaluate(text).expect_err(text);
    assert_eq!((error.code(), error.to_string().as_str()), (code, message), "{text}");
}
