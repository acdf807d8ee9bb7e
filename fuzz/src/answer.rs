//! What a program that answers questions printed: the envelope of the Claude CLI, or a text.

use bloom_interpreter::effect::{LlmRequest, Usage};
use bloom_worker::{Scripted, check_answer, read_answer};
use serde_json::json;

/// What is taken as an answer satisfies the schema, and what is not says why.
pub fn answers_or_explains(text: &str) {
    let schemas = [
        json!({}),
        json!({ "type": "string" }),
        json!({ "type": "object", "properties": { "n": { "type": "integer" } }, "required": ["n"] }),
        json!({ "type": "array", "items": { "enum": ["a", "b"] }, "maxItems": 3 }),
    ];
    for schema in schemas {
        let request = LlmRequest {
            prompt: String::from("?"),
            system: None,
            memory: Vec::new(),
            model: None,
            max_tokens: None,
            session: None,
            output: schema,
            timeout_seconds: None,
            retry: None,
        };
        match read_answer(&request, text, Usage { latency_ms: 1, ..Usage::default() }) {
            Ok(answer) => {
                assert_eq!(check_answer(&request, &answer), Ok(()));
                // What it cost is added up later.
                let usage = answer.usage.expect("it was told");
                assert!(usage.tokens() >= usage.input_tokens.max(usage.output_tokens));
            }
            Err(error) => assert!(!error.code.is_empty() && !error.message.is_empty(), "{error:?}"),
        }
    }
    let _ = Scripted::parse(text);
}
