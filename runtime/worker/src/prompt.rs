//! What is written to a model.

use bloom_interpreter::effect::LlmRequest;
use bloom_ir::Value;

/// Characters of the original prompt that a repair prompt repeats.
const REPAIR_PROMPT_CHARS: usize = 16_000;
/// Characters of the answer that a repair prompt quotes.
const REPAIR_ANSWER_CHARS: usize = 4_000;
/// Problems that a repair prompt quotes.
const REPAIR_PROBLEMS: usize = 20;

/// A question to a model: the request's own, or the one repair.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    pub(crate) prompt: String,
    pub(crate) is_repair: bool,
}

impl Question {
    pub(crate) fn first(request: &LlmRequest) -> Self {
        Self { prompt: request.prompt.clone(), is_repair: false }
    }

    /// Asks again after an answer that does not fit, with a shortened prompt that quotes what is wrong.
    pub(crate) fn repair(request: &LlmRequest, answer: &str, problems: &[String]) -> Self {
        let list: Vec<&str> = problems.iter().take(REPAIR_PROBLEMS).map(String::as_str).collect();
        let prompt = format!(
            "Your answer to the task below does not satisfy its JSON Schema.\n\nProblems:\n- {}\n\n\
             Your answer:\n{}\n\nThe task:\n{}\n\n\
             Answer again, with JSON that satisfies this schema and with nothing else:\n{}\n",
            list.join("\n- "),
            shortened(answer, REPAIR_ANSWER_CHARS),
            shortened(&request.prompt, REPAIR_PROMPT_CHARS),
            request.output,
        );
        Self { prompt, is_repair: true }
    }
}

/// The memory context as one text.
pub(crate) fn memory(request: &LlmRequest) -> Option<String> {
    if request.memory.is_empty() {
        return None;
    }
    let parts: Vec<String> = request
        .memory
        .iter()
        .map(|part| match part {
            Value::String(text) => text.to_string(),
            other => String::from_utf8_lossy(&other.to_bytes()).into_owned(),
        })
        .collect();
    Some(parts.join("\n\n"))
}

/// What stands ahead of a prompt when there is no other way to say it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ahead {
    pub(crate) system: bool,
    pub(crate) memory: bool,
    pub(crate) schema: bool,
}

impl Ahead {
    pub(crate) const ALL: Self = Self { system: true, memory: true, schema: true };

    /// The text for stdin.
    pub(crate) fn of(self, request: &LlmRequest, question: &Question) -> String {
        let mut text = String::new();
        if self.system
            && let Some(system) = &request.system
        {
            text.push_str(system);
            text.push_str("\n\n");
        }
        if self.memory
            && let Some(memory) = memory(request)
        {
            text.push_str(&memory);
            text.push_str("\n\n");
        }
        text.push_str(&question.prompt);
        // A repair prompt carries the schema already.
        if self.schema && !question.is_repair {
            text.push_str("\n\nAnswer with JSON that satisfies this JSON Schema and with nothing else:\n");
            text.push_str(&request.output.to_string());
            text.push('\n');
        }
        text
    }
}

fn shortened(text: &str, chars: usize) -> String {
    match text.char_indices().nth(chars) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}\n[… shortened]", text.get(..end).unwrap_or_default()),
    }
}
