//! `notebooklm-query`: a question to `NotebookLM`, by way of its backend: `POST /jobs/process` with a job of type `RESEARCH`.
//!
//! The backend knows a job by its id, and returns the artifact of a job that is done without doing it again. The id is made
//! of the call's, so each attempt asks for the same job: the first one starts it, and one that comes when it is done gets the
//! answer.

mod artifact;

use bloom_tool::http::{Request, Response};
use bloom_tool::{Failure, call_id, config};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// What the backend takes of one query, in bytes.
const MOST_BYTES: usize = 50_000;

/// How long the backend is asked to wait for the answer (RFC 7240), in seconds. One that does not answers at once.
const WAIT: &str = "wait=30";

/// The arguments.
#[derive(Debug, Deserialize)]
pub struct Input {
    /// What to answer.
    pub question: String,
    /// What to answer it from, beside the sources.
    pub context: Option<String>,
    /// The sources to use; all of the notebook where there are none.
    #[serde(default)]
    pub sources: Vec<String>,
    /// Entities that the question is about.
    #[serde(default)]
    pub entity_refs: Vec<String>,
    /// What the answer must keep to.
    #[serde(default)]
    pub constraints: serde_json::Map<String, Value>,
}

/// The answer.
#[derive(Debug, Default, PartialEq, Serialize)]
pub struct Output {
    /// In Markdown, where it has sections.
    pub answer: String,
    /// What it rests on.
    pub citations: Vec<Citation>,
    /// What follows from it.
    pub conclusions: Vec<String>,
    /// What it leaves open.
    pub open_questions: Vec<String>,
    /// The artifact that the backend keeps, where it does.
    pub artifact_id: Option<String>,
}

/// What an answer rests on.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Citation {
    /// The source.
    pub source: String,
    /// What it says; empty where the backend does not tell.
    pub excerpt: String,
}

/// Asks.
#[bloom_tool::tool(manifest = "manifest.json")]
pub fn notebooklm_query(input: Input) -> Result<Output, Failure> {
    let Input { question, context, sources, entity_refs, constraints } = input;
    let size = question.len() + context.as_deref().map_or(0, str::len);
    if size > MOST_BYTES {
        let message =
            format!("question and context have {size} bytes, more than the {MOST_BYTES} that NotebookLM takes");
        return Err(Failure::new("question_too_large", message));
    }
    let base = config::get("url")?;
    let base = base.trim_end_matches('/');
    let job = job_id(&call_id());
    let body = json!({
        "job_id": job,
        "job_type": "RESEARCH",
        "payload": { "query": question, "context_snapshot": context, "sources": sources, "constraints": constraints },
        "context": { "entity_refs": entity_refs },
    });
    let request = Request::post(format!("{base}/jobs/process")).header("prefer", WAIT).json(&body)?;
    let told = told(&request.send().map_err(unavailable)?)?;
    match artifact::read(&told)? {
        artifact::Told::Answer(output) => Ok(output),
        artifact::Told::Kept(id) => {
            let request = Request::get(format!("{base}/artifacts/{}", segment(&id)?));
            match artifact::read(&self::told(&request.send().map_err(unavailable)?)?)? {
                artifact::Told::Answer(output) => Ok(output),
                _ => Err(Failure::new("invalid_response", format!("the artifact {id} of the backend has no content"))),
            }
        }
        artifact::Told::Later(seconds) => {
            let seconds = seconds.map_or_else(|| "some".to_owned(), |seconds| seconds.to_string());
            Err(Failure::new("not_ready", format!("NotebookLM still works on job {job}, for about {seconds} seconds"))
                .retryable())
        }
    }
}

/// The body of a response, as JSON; a failure where the backend says that it is one.
fn told(response: &Response) -> Result<Value, Failure> {
    let said = || -> String {
        let text = String::from_utf8_lossy(&response.body).split_whitespace().collect::<Vec<_>>().join(" ");
        text.chars().take(300).collect()
    };
    let status = response.status;
    match status {
        200..=299 => response.json(),
        400 | 413 | 422 => {
            Err(Failure::new("invalid_question", format!("the backend refused the question ({status}): {}", said())))
        }
        401 | 403 => Err(Failure::new(
            "not_authorised",
            format!("the backend wants another key ({status}): the operator sets it"),
        )),
        408 | 429 | 500..=599 => {
            Err(Failure::new("nlm_unavailable", format!("the backend answered {status}: {}", said())).retryable())
        }
        _ => Err(Failure::new("invalid_response", format!("the backend answered {status}: {}", said()))),
    }
}

/// A backend that cannot be reached is one that is not there.
fn unavailable(failure: Failure) -> Failure {
    if failure.retryable { Failure { code: "nlm_unavailable".into(), ..failure } } else { failure }
}

/// The id of a call as that of a job: a UUID of version 8 (RFC 9562) over its SHA-256.
fn job_id(call: &str) -> String {
    let mut bytes: [u8; 16] = [0; 16];
    bytes.iter_mut().zip(Sha256::digest(call)).for_each(|(byte, digest)| *byte = digest);
    bytes[6] = bytes[6] & 0x0f | 0x80;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let mut id = String::with_capacity(36);
    for (index, byte) in bytes.into_iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            id.push('-');
        }
        id.extend([byte >> 4, byte & 15].map(|nibble| char::from(b"0123456789abcdef"[usize::from(nibble)])));
    }
    id
}

/// An id of the backend, as a part of a path.
fn segment(id: &str) -> Result<&str, Failure> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if !id.is_empty() && id.len() <= 200 && id.bytes().all(is_plain) {
        return Ok(id);
    }
    Err(Failure::new("invalid_response", format!("`{}` is no artifact's id", id.escape_debug())))
}

#[cfg(test)]
mod tests;
