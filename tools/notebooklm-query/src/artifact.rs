//! What the backend tells of a job: that it works on it, what came of it, or why nothing did.

use bloom_tool::{Failure, OrFail as _};
use serde::Deserialize;
use serde_json::Value;

use crate::{Citation, Output};

/// What was told.
pub(crate) enum Told {
    /// The job is done, and this is its answer.
    Answer(Output),
    /// The job is done, and its answer is kept as an artifact with this id.
    Kept(String),
    /// It is not done; perhaps in so many seconds.
    Later(Option<u64>),
}

/// Everything that the backend may say, in one shape: an acknowledgement, a job's end, an artifact, or an answer as the MCP
/// tool of the same name gives it.
#[derive(Deserialize)]
struct Message {
    accepted: Option<bool>,
    estimated_seconds: Option<u64>,
    status: Option<String>,
    error: Option<Error>,
    artifact_id: Option<String>,
    /// An artifact within a job's end.
    artifact: Option<Box<Value>>,
    content: Option<Brief>,
    #[serde(default)]
    sources: Vec<Source>,
    answer: Option<String>,
    #[serde(default)]
    citations: Vec<Source>,
}

/// The content of a `RESEARCH_BRIEF`; that of a `BRIEF` has a `body`.
#[derive(Default, Deserialize)]
struct Brief {
    #[serde(default)]
    summary: String,
    #[serde(default)]
    body: String,
    #[serde(default)]
    sections: Vec<Section>,
    #[serde(default)]
    conclusions: Vec<String>,
    #[serde(default)]
    open_questions: Vec<String>,
}

#[derive(Deserialize)]
struct Section {
    #[serde(default)]
    heading: String,
    #[serde(default)]
    body: String,
    #[serde(default)]
    sources: Vec<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Source {
    Name(String),
    Quoted {
        #[serde(alias = "source", alias = "title")]
        r#ref: String,
        #[serde(default, alias = "quote", alias = "text")]
        excerpt: String,
    },
}

#[derive(Deserialize)]
struct Error {
    #[serde(default)]
    code: String,
    #[serde(default)]
    message: String,
}

/// Reads it.
pub(crate) fn read(told: &Value) -> Result<Told, Failure> {
    let message = Message::deserialize(told).or_fail("invalid_response")?;
    let status = message.status.as_deref().unwrap_or_default();
    if matches!(status, "FAILED" | "DEAD") {
        return Err(failed(message.error));
    }
    if let Some(artifact) = message.artifact.as_deref() {
        if artifact.get("artifact").is_some() {
            return Err(Failure::new("invalid_response", "there is an artifact within an artifact"));
        }
        return read(artifact);
    }
    let mut output = match (message.answer, message.content) {
        (Some(answer), _) => Output { answer, ..Output::default() },
        (None, Some(brief)) => of_brief(brief),
        (None, None) => {
            return match message.artifact_id {
                Some(id) if matches!(status, "" | "COMPLETE") => Ok(Told::Kept(id)),
                _ if message.accepted == Some(false) => Err(failed(message.error)),
                _ if message.accepted == Some(true) || !matches!(status, "" | "COMPLETE") => {
                    Ok(Told::Later(message.estimated_seconds))
                }
                _ => Err(Failure::new("invalid_response", "the backend says neither that it works nor what it found")),
            };
        }
    };
    if output.answer.trim().is_empty() {
        return Err(Failure::new("invalid_response", "the backend's answer is empty"));
    }
    for source in message.sources.into_iter().chain(message.citations) {
        let (source, excerpt) = match source {
            Source::Name(name) => (name, String::new()),
            Source::Quoted { r#ref, excerpt } => (r#ref, excerpt),
        };
        // A section names its sources; the artifact says what stands in them.
        output.citations.retain(|known| known.source != source || !known.excerpt.is_empty());
        cite(&mut output, source, excerpt);
    }
    output.artifact_id = message.artifact_id;
    Ok(Told::Answer(output))
}

fn of_brief(brief: Brief) -> Output {
    let Brief { summary, body, sections, conclusions, open_questions } = brief;
    let mut output = Output { conclusions, open_questions, ..Output::default() };
    let mut parts: Vec<String> = [summary, body].into_iter().filter(|part| !part.trim().is_empty()).collect();
    for Section { heading, body, sources } in sections {
        parts.push(if heading.is_empty() { body } else { format!("## {heading}\n\n{body}") });
        for source in sources {
            if output.citations.iter().all(|known| known.source != source) {
                cite(&mut output, source, String::new());
            }
        }
    }
    output.answer = parts.join("\n\n");
    output
}

/// Adds what is not there yet.
fn cite(output: &mut Output, source: String, excerpt: String) {
    let citation = Citation { source, excerpt };
    if !output.citations.contains(&citation) {
        output.citations.push(citation);
    }
}

fn failed(error: Option<Error>) -> Failure {
    let Error { code, message } = error.unwrap_or(Error { code: String::new(), message: "no reason was given".into() });
    let message = format!("NotebookLM did not answer: {code} {message}");
    match code.as_str() {
        "VALIDATION_ERROR" => Failure::new("invalid_question", message),
        "RATE_LIMIT" | "CONTEXT_TIMEOUT" => Failure::new("nlm_unavailable", message).retryable(),
        _ => Failure::new("nlm_failed", message),
    }
}
