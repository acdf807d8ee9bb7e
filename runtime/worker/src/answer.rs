//! From what a model wrote to an answer that satisfies the schema, with one repair.

use std::future::Future;
use std::time::Duration;

use bloom_interpreter::effect::{Answer, EffectError, LlmRequest, Usage};
use bloom_ir::{CompiledSchema, Digest, Value};
use bloom_runtime::llm::LlmTask;

use crate::failure;
use crate::prompt::Question;

/// What a model wrote.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reply {
    /// Its text.
    pub(crate) text: String,
    /// Its JSON, where the program returns that apart from the text.
    pub(crate) structured: Option<serde_json::Value>,
    /// What it cost, as far as the program says.
    pub(crate) usage: Option<Usage>,
}

/// Asks, checks, and asks once more where the answer does not fit. The task's time limit covers both.
pub(crate) async fn answer<F>(task: &LlmTask, mut ask: impl FnMut(Question) -> F) -> Result<Answer, EffectError>
where
    F: Future<Output = Result<Reply, EffectError>>,
{
    let request = &task.request;
    let schema = compiled(request)?;
    // What is paid for by then, also where the time is over before the rest comes.
    let mut used: Vec<Usage> = Vec::new();
    let asking = async {
        let first = noted(&mut used, ask(Question::first(request)).await)?;
        let problems = match fitting(&schema, &first) {
            Ok(value) => return Ok(value),
            Err(problems) => problems,
        };
        let written = first.structured.as_ref().map_or_else(|| first.text.clone(), ToString::to_string);
        let second = noted(&mut used, ask(Question::repair(request, &written, &problems)).await)?;
        fitting(&schema, &second).map_err(|problems| failure::invalid_output(&problems))
    };
    let answered = tokio::time::timeout(Duration::from_millis(task.timeout_ms), asking).await;
    let usage = total(request, used);
    match answered.unwrap_or_else(|_| Err(failure::timeout(task.timeout_ms))) {
        Ok(value) => Ok(Answer { value, usage }),
        Err(error) => Err(EffectError { usage: usage.map(Box::new), ..error }),
    }
}

/// Takes note of what a call has used, whether it came to an answer or not.
fn noted(used: &mut Vec<Usage>, reply: Result<Reply, EffectError>) -> Result<Reply, EffectError> {
    match &reply {
        Ok(reply) => used.extend(reply.usage.clone()),
        Err(error) => used.extend(error.usage.as_deref().cloned()),
    }
    reply
}

/// Reads what a worker wrote elsewhere: the result envelope of the Claude CLI, or its text alone. `usage` is what is known of
/// the cost where the envelope does not say it. Where a text is wanted, a text that is no JSON is taken as it is.
pub fn read_answer(request: &LlmRequest, output: &str, usage: Usage) -> Result<Answer, EffectError> {
    let schema = compiled(request)?;
    let reply = crate::envelope::reply_of_text(output, usage.latency_ms)?;
    let value = fitting(&schema, &reply).or_else(|problems| {
        let wants_text = request.output.get("type").is_some_and(|kind| kind == "string");
        let text = Value::from(reply.text.as_str());
        if wants_text && schema.validate(&text).is_ok() { Ok(text) } else { Err(failure::invalid_output(&problems)) }
    });
    let usage = Usage { prompt: usage.prompt, ..reply.usage.unwrap_or(usage) };
    match value {
        Ok(value) => Ok(Answer { value, usage: Some(usage) }),
        Err(error) => Err(EffectError { usage: Some(Box::new(usage)), ..error }),
    }
}

/// Whether an answer that was made elsewhere satisfies the request's schema.
pub fn check_answer(request: &LlmRequest, answer: &Answer) -> Result<(), EffectError> {
    compiled(request)?
        .validate(&answer.value)
        .map_err(|violations| failure::invalid_output(&violations.iter().map(ToString::to_string).collect::<Vec<_>>()))
}

fn compiled(request: &LlmRequest) -> Result<CompiledSchema, EffectError> {
    CompiledSchema::compile(&request.output)
        .map_err(|error| failure::permanent("invalid_schema", format!("the node's output schema: {error}")))
}

/// The reply's value, or what is wrong with it.
fn fitting(schema: &CompiledSchema, reply: &Reply) -> Result<Value, Vec<String>> {
    let json = match &reply.structured {
        Some(json) => json.clone(),
        None => json_of(&reply.text).map_err(|problem| vec![problem])?,
    };
    let value = Value::from(json);
    match schema.validate(&value) {
        Ok(()) => Ok(value),
        Err(violations) => Err(violations.iter().map(ToString::to_string).collect()),
    }
}

/// The JSON of a text that is JSON, alone or as its only fenced block.
fn json_of(text: &str) -> Result<serde_json::Value, String> {
    let text = text.trim();
    serde_json::from_str(text).or_else(|error| {
        fenced(text)
            .and_then(|block| serde_json::from_str(block).ok())
            .ok_or_else(|| format!("the answer is not JSON: {error}"))
    })
}

fn fenced(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once("```")?;
    let (_language, rest) = rest.split_once('\n')?;
    let (block, after) = rest.split_once("```")?;
    (!after.contains("```")).then_some(block)
}

/// What all calls of an answer cost together.
fn total(request: &LlmRequest, calls: Vec<Usage>) -> Option<Usage> {
    let mut sum = calls.into_iter().reduce(|sum, usage| Usage {
        input_tokens: sum.input_tokens.saturating_add(usage.input_tokens),
        output_tokens: sum.output_tokens.saturating_add(usage.output_tokens),
        cost_micro_usd: match (sum.cost_micro_usd, usage.cost_micro_usd) {
            (Some(a), Some(b)) => Some(a.saturating_add(b)),
            (a, b) => a.or(b),
        },
        model: usage.model.or(sum.model),
        prompt: None,
        session: usage.session.or(sum.session),
        latency_ms: sum.latency_ms.saturating_add(usage.latency_ms),
    })?;
    sum.prompt = Some(Digest::of(request.prompt.as_bytes()));
    Some(sum)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::fake::task;

    #[tokio::test]
    async fn a_schema_that_is_none_is_refused_before_anything_is_asked() {
        let mut task = task("How many?");
        task.request.output = json!({ "type": "no type" });
        let asked = std::cell::Cell::new(0);
        let answered = answer(&task, |_| {
            asked.set(asked.get() + 1);
            std::future::ready(Ok(Reply::default()))
        });
        assert_eq!(answered.await.unwrap_err().code, "invalid_schema");
        assert_eq!(asked.get(), 0);
    }

    #[expect(clippy::unnecessary_wraps, reason = "as an executor gives it")]
    fn replying(text: &str, tokens: u64) -> Result<Reply, EffectError> {
        let usage = Usage { input_tokens: tokens, output_tokens: 1, cost_micro_usd: Some(5), ..Usage::default() };
        Ok(Reply { text: text.to_owned(), structured: None, usage: Some(usage) })
    }

    /// The code, and the tokens and the cost that the failure had all the same.
    async fn failing(replies: Vec<Result<Reply, EffectError>>) -> (String, Option<(u64, Option<u64>)>) {
        let mut task = task("How many?");
        task.timeout_ms = 50;
        let replies = std::cell::RefCell::new(replies.into_iter());
        let answered = answer(&task, |_| {
            let reply = replies.borrow_mut().next();
            async {
                match reply {
                    Some(reply) => reply,
                    None => std::future::pending().await,
                }
            }
        });
        let error = answered.await.unwrap_err();
        (error.code, error.usage.map(|usage| (usage.tokens(), usage.cost_micro_usd)))
    }

    #[tokio::test(start_paused = true)]
    async fn a_failure_says_what_it_has_used() {
        let no_json = || replying("no JSON", 10);
        let refused = || {
            let usage = Usage { input_tokens: 7, cost_micro_usd: Some(2), ..Usage::default() };
            Err(EffectError { usage: Some(Box::new(usage)), ..failure::permanent("refused", "no") })
        };
        assert_eq!(failing(vec![no_json(), no_json()]).await, ("invalid_output".to_owned(), Some((22, Some(10)))));
        assert_eq!(failing(vec![no_json()]).await, ("timeout".to_owned(), Some((11, Some(5)))));
        assert_eq!(failing(vec![refused()]).await, ("refused".to_owned(), Some((7, Some(2)))));
        assert_eq!(failing(vec![no_json(), refused()]).await, ("refused".to_owned(), Some((18, Some(7)))));
        assert_eq!(failing(vec![]).await, ("timeout".to_owned(), None), "nothing is known of it");
    }

    #[test]
    fn what_was_written_elsewhere_is_read_and_checked() {
        let request = |schema: serde_json::Value| LlmRequest { output: schema, ..task("How many?").request };
        let read = |schema, output: &str| {
            let usage = Usage { latency_ms: 5, output_tokens: 2, ..Usage::default() };
            read_answer(&request(schema), output, usage)
        };
        let text = || json!({ "type": "string" });
        let answer = read(text(), "plain words").unwrap();
        assert_eq!((answer.value, answer.usage.unwrap().output_tokens), ("plain words".into(), 2));
        let envelope =
            r#"{"type":"result","is_error":false,"result":"words","usage":{"input_tokens":3,"output_tokens":4}}"#;
        let answer = read(text(), envelope).unwrap();
        assert_eq!((answer.value, answer.usage.unwrap().tokens()), ("words".into(), 7));
        assert_eq!(read(json!({}), "{\"a\":1}").unwrap().value.to_json(), json!({ "a": 1 }));
        assert_eq!(read(json!({}), "no JSON").unwrap_err().code, "invalid_output");
        let wrong = read(json!({ "type": "integer" }), "many").unwrap_err();
        assert_eq!((wrong.code.as_str(), wrong.usage.unwrap().latency_ms), ("invalid_output", 5));
        let failed = read(text(), r#"{"type":"result","is_error":true,"result":"Prompt is too long"}"#);
        assert!(failed.is_err());
        for silent in [
            r#"{"type":"result","is_error":true,"api_error_status":530}"#,
            r#"{"type":"result","result":" ","stop_reason":"refusal"}"#,
        ] {
            assert_eq!(read(text(), silent).unwrap_err().message, "the program did not say why");
        }

        let answer = |value: i64| Answer { value: value.into(), usage: None };
        let number = request(json!({ "type": "integer", "maximum": 3 }));
        assert_eq!(check_answer(&number, &answer(3)), Ok(()));
        assert_eq!(check_answer(&number, &answer(4)).unwrap_err().code, "invalid_output");
    }

    #[test]
    fn json_is_found_alone_or_in_its_only_fence() {
        for text in ["{\"a\":1}", "  {\"a\":1}\n", "```json\n{\"a\":1}\n```", "Here it is:\n```\n{\"a\":1}\n```\nDone."]
        {
            assert_eq!(json_of(text), Ok(json!({ "a": 1 })), "{text}");
        }
        for text in ["", "a summary", "{\"a\":1} and more", "```\n1\n```\n```\n2\n```", "```json\n{\"a\":\n```"] {
            assert!(json_of(text).is_err(), "{text}");
        }
    }
}
