//! The Claude CLI as an executor.

mod detect;
mod flags;

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Instant;

use async_trait::async_trait;
use bloom_interpreter::effect::{Answer, EffectError, LlmRequest, NodeRef};
use bloom_ir::document::NodeId;
use bloom_runtime::llm::{LlmExecutor, LlmTask};

pub use self::detect::{Detection, Login, Unavailable};
use self::flags::Flags;
use crate::answer::{self, Reply};
use crate::command::{MAX_STDOUT, millis_since, refuse_session, scratch};
use crate::prompt::{self, Ahead, Question};
use crate::{envelope, environment, failure, process};

/// Asks the Claude CLI of this machine, with the login that its user has.
///
/// Each question is one `claude --print --output-format json` in an empty folder: no tools and no MCP servers; no hooks, no
/// settings of projects or users and no session that stays, as far as the CLI's version can switch them off.
#[derive(Clone, Debug)]
pub struct Claude {
    program: PathBuf,
    flags: Flags,
    environment: Vec<(OsString, OsString)>,
}

/// How often the CLI asks its provider again. By itself it does so ten times, for minutes, also where a key is refused; tries are
/// the task's matter. A few are left to it: that is how it renews a login.
const RETRIES: &str = "CLAUDE_CODE_MAX_RETRIES";
const FEW: &str = "2";

/// The longest that a probe takes.
const PROBE_MS: u64 = 60_000;

/// An argument that is longer goes to standard input: Linux takes 128 KiB.
const MAX_ARGUMENT: usize = 100 * 1024;

impl Claude {
    /// Looks for the CLI and asks it, without paying for anything, what it can do and whether it is logged in. Give
    /// `claude` to search the `PATH`, or a path to the program.
    pub async fn detect(program: impl Into<PathBuf>) -> Result<Detection, Unavailable> {
        detect::detect(program.into(), environment::scrubbed(std::env::vars_os(), environment::is_claude_setting)).await
    }

    async fn ask(&self, task: &LlmTask, question: Question) -> Result<Reply, EffectError> {
        let scratch = scratch()?;
        let invocation = self.invocation(task, &question, scratch.path()).map_err(|error| {
            failure::passing("executor_failed", format!("cannot write to the scratch folder: {error}"))
        })?;
        let started = Instant::now();
        let output = process::run(invocation).await.map_err(|error| failure::of_process(&error))?;
        envelope::reply(&output, millis_since(started))
    }

    fn invocation(&self, task: &LlmTask, question: &Question, scratch: &Path) -> io::Result<process::Invocation> {
        let request = &task.request;
        // The texts lie beside the folder that the CLI works in, which stays empty.
        let (work, texts) = (scratch.join("work"), scratch.join("texts"));
        std::fs::create_dir(&work)?;
        std::fs::create_dir(&texts)?;

        let mut args = self.flags.isolation();
        let mut ahead = Ahead::ALL;
        if let (true, Some(system)) = (self.flags.system_prompt_file, &request.system) {
            args.extend(["--system-prompt-file".into(), private_file(&texts, "system", system)?]);
            ahead.system = false;
        }
        if let (true, Some(memory)) = (self.flags.append_system_prompt_file, prompt::memory(request)) {
            args.extend(["--append-system-prompt-file".into(), private_file(&texts, "memory", &memory)?]);
            ahead.memory = false;
        }
        let schema = request.output.to_string();
        if self.flags.json_schema && schema.len() <= MAX_ARGUMENT {
            args.extend(["--json-schema".into(), schema.into()]);
            ahead.schema = false;
        }
        if let Some(model) = &request.model {
            args.extend(["--model".into(), model.into()]);
        }
        let mut environment = self.environment.clone();
        if !environment.iter().any(|(name, _)| name == RETRIES) {
            environment.push((RETRIES.into(), FEW.into()));
        }
        if let Some(tokens) = request.max_tokens {
            environment.push(("CLAUDE_CODE_MAX_OUTPUT_TOKENS".into(), tokens.to_string().into()));
        }
        Ok(process::Invocation {
            program: self.program.clone(),
            args,
            environment,
            folder: work,
            stdin: ahead.of(request, question).into_bytes(),
            max_stdout: MAX_STDOUT,
        })
    }
}

/// Writes a file that only this user can read.
fn private_file(folder: &Path, name: &str, text: &str) -> io::Result<OsString> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let path = folder.join(name);
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
    file.write_all(text.as_bytes())?;
    Ok(path.into())
}

#[async_trait]
impl LlmExecutor for Claude {
    fn provides(&self) -> &'static str {
        "llm.claude_cli"
    }

    async fn answer(&self, task: LlmTask) -> Result<Answer, EffectError> {
        refuse_session(&task)?;
        answer::answer(&task, |question| self.ask(&task, question)).await
    }

    /// What the CLI says of its login is not whether its provider takes it, so a question is asked: one that is refused costs
    /// nothing.
    async fn probe(&self) -> Result<(), EffectError> {
        let request = LlmRequest {
            prompt: "Answer with {}.".to_owned(),
            system: None,
            memory: Vec::new(),
            model: None,
            max_tokens: None,
            session: None,
            output: serde_json::json!({ "type": "object" }),
            timeout_seconds: None,
            retry: None,
        };
        let asked_by = NodeRef { node: NodeId::new("probe"), visit: 1 };
        let idempotency_key = "probe".to_owned();
        match self.answer(LlmTask { idempotency_key, asked_by, request, timeout_ms: PROBE_MS, attempt: 1 }).await {
            // Whoever has something else to say was let in.
            Err(error) if !matches!(error.code.as_str(), "invalid_output" | "quota" | "refused") => Err(error),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod real;
#[cfg(test)]
mod tests;
