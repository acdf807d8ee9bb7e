use bloom_ir::Value;
use bloom_ir::document::Source;
use bloom_runtime::llm::LlmExecutor;
use proptest::prelude::*;

use super::{ScriptError, Scripted};
use crate::fake::task;

fn script(json: &str) -> Scripted {
    Scripted::parse(json).unwrap()
}

async fn code(json: &str) -> String {
    script(json).answer(task("Summarise the garden")).await.unwrap_err().code
}

async fn number(scripted: &Scripted, prompt: &str) -> Option<i64> {
    scripted.answer(task(prompt)).await.unwrap().value.get("n")?.as_int()
}

#[tokio::test]
async fn the_first_entry_that_fits_replies() {
    let scripted = script(
        r#"{ "answers": [
            { "node": "n12", "visit": 2, "answer": { "n": 1 } },
            { "item": "34", "prompt_contains": "hill", "answer": { "n": 2 } },
            { "prompt_contains": "garden", "answer": { "n": 3 }, "usage": { "input_tokens": 7, "output_tokens": 1 } }
          ], "default": { "answer": { "n": 4 } } }"#,
    );
    let source: Source = serde_json::from_value(serde_json::json!({
        "kind": "drakon", "name": "x.drakon", "sha256": "0".repeat(64), "map": { "n12": { "item": "34" } },
    }))
    .unwrap();
    let scripted = scripted.with_source(&source);
    assert_eq!(number(&scripted, "the hill").await, Some(2));
    assert_eq!(number(&scripted, "the garden").await, Some(3));
    assert_eq!(number(&scripted, "the sea").await, Some(4));
    let mut second = task("the garden");
    second.asked_by.visit = 2;
    assert_eq!(scripted.answer(second).await.unwrap().value.get("n"), Some(&Value::Int(1)));
    let usage = scripted.answer(task("the garden")).await.unwrap().usage.unwrap();
    assert_eq!((usage.input_tokens, usage.latency_ms), (7, 0));
}

#[tokio::test]
async fn a_missing_answer_names_node_and_visit() {
    let error = script("{}").answer(task("Summarise the garden")).await.unwrap_err();
    assert_eq!(error.code, "script_exhausted");
    assert!(error.message.contains("node n12, visit 1") && error.message.contains("Summarise the garden"), "{error}");
}

#[tokio::test]
async fn answers_are_checked_as_a_models_are() {
    assert_eq!(code(r#"{ "answers": [{ "answer": { "n": "one" } }] }"#).await, "invalid_output");
    assert_eq!(code(r#"{ "answers": [{ "raw": "not JSON" }] }"#).await, "invalid_output");
    assert_eq!(code(r#"{ "answers": [{ "answer": null }] }"#).await, "invalid_output");
    let repaired =
        script(r#"{ "answers": [{ "repair": false, "raw": "hm" }, { "raw": "```json\n{\"n\": 5}\n```" }] }"#);
    assert_eq!(number(&repaired, "x").await, Some(5));
}

#[tokio::test]
async fn failures_are_played_as_written() {
    let json = r#"{ "answers": [{ "attempt": 1, "error": { "code": "overloaded", "message": "busy", "retryable": true } },
        { "attempt": 2, "answer": { "n": 6 } }] }"#;
    let error = script(json).answer(task("x")).await.unwrap_err();
    assert_eq!((error.code.as_str(), error.retryable), ("overloaded", true));
    let mut second = task("x");
    second.attempt = 2;
    assert!(script(json).answer(second).await.is_ok());
}

#[test]
fn a_script_that_is_none_is_refused() {
    for json in ["", "[1]", r#"{ "answer": 1 }"#, r#"{ "answers": [{ "nodes": "n1", "answer": 1 }] }"#] {
        assert!(matches!(Scripted::parse(json), Err(ScriptError::Malformed(_))), "{json}");
    }
    let two = Scripted::parse(r#"{ "answers": [{ "answer": 1 }, { "answer": 1, "raw": "x" }] }"#);
    assert_eq!(two.unwrap_err().to_string(), "answers[1] needs exactly one of `answer`, `raw` and `error`");
    let none = Scripted::parse(r#"{ "default": { "node": "n1" } }"#);
    assert_eq!(none.unwrap_err().to_string(), "default needs exactly one of `answer`, `raw` and `error`");
}

proptest! {
    #[test]
    fn whatever_a_model_writes_is_an_answer_or_an_error(raw in "\\PC*|[{}\\[\\]\"`n:,0-9 \n]*") {
        let json = serde_json::json!({ "default": { "raw": raw } }).to_string();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        match runtime.block_on(script(&json).answer(task("x"))) {
            Ok(answer) => prop_assert!(matches!(answer.value.get("n"), Some(Value::Int(_)))),
            Err(error) => prop_assert_eq!(error.code, "invalid_output"),
        }
    }
}
