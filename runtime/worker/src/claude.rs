//! The Claude CLI as an executor.

mod conversation;
mod detect;
mod flags;

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bloom_interpreter::effect::{Answer, EffectError, LlmRequest, NodeRef};
use bloom_ir::document::NodeId;
use bloom_runtime::clock::Clock;
use bloom_runtime::llm::{LlmExecutor, LlmTask};
use bloom_runtime::record::ContextId;

use self::conversation::{Conversation, Conversations};
pub use self::detect::{Detection, Login, Unavailable};
use self::flags::Flags;
use crate::answer::{self, Reply};
use crate::command::{MAX_STDOUT, millis_since, scratch, session_unsupported};
use crate::prompt::{self, Ahead, Question};
use crate::{envelope, environment, failure, process};

/// Asks the Claude CLI of this machine, with the login that its user has.
///
/// Each question is one `claude --print --output-format json` in an empty folder: no tools and no MCP servers; no hooks, no
/// settings of projects or users, and no conversation that stays, as far as the CLI's version can switch them off. A node may
/// ask for a conversation: see [`Claude::with_conversations`].
#[derive(Clone, Debug)]
pub struct Claude {
    program: PathBuf,
    flags: Flags,
    environment: Vec<(OsString, OsString)>,
    conversations: Option<Conversations>,
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

    /// The same, which keeps conversations in a folder where nodes ask for that: one for each execution context, for 24 hours
    /// by this clock. No other worker may have the folder. What was left in it and is over goes at once. Needs a tokio runtime.
    #[must_use]
    pub fn with_conversations(self, folder: impl Into<PathBuf>, clock: Arc<dyn Clock>) -> Self {
        let variable =
            |name: &str| self.environment.iter().find(|(key, _)| key == name).map(|(_, value)| Path::new(value));
        let settings = variable("CLAUDE_CONFIG_DIR").map(Path::to_owned);
        let settings = settings.or_else(|| Some(variable("HOME")?.join(".claude")));
        Self { conversations: Some(Conversations::of(folder.into(), settings, clock)), ..self }
    }

    async fn ask(&self, task: &LlmTask, question: Question) -> Result<Reply, EffectError> {
        let scratch = scratch()?;
        let work = scratch.path().join("work");
        let made =
            std::fs::create_dir(&work).and_then(|()| self.invocation(task, &question, scratch.path(), work, None));
        let (output, latency_ms) = run(made).await?;
        envelope::reply(&output, latency_ms)
    }

    /// Asks where the conversation stands. One that the CLI has lost begins anew, which costs nothing more.
    async fn ask_within(
        &self,
        task: &LlmTask,
        question: Question,
        within: &Conversation,
    ) -> Result<Reply, EffectError> {
        let scratch = scratch()?;
        let made = |session: io::Result<[OsString; 2]>| {
            self.invocation(task, &question, scratch.path(), within.work(), Some(session?))
        };
        let (mut output, mut latency_ms) = run(made(within.go_on())).await?;
        if conversation::is_lost(&output) {
            (output, latency_ms) = run(made(within.begin())).await?;
        }
        if let Some(id) = envelope::session(&output) {
            within.is_called(id).map_err(|error| no_folder(&error))?;
        }
        let mut reply = envelope::reply(&output, latency_ms);
        let usage = match &mut reply {
            Ok(reply) => reply.usage.as_mut(),
            Err(error) => error.usage.as_deref_mut(),
        };
        if let Some(usage) = usage {
            usage.session = within.session();
        }
        reply
    }

    /// The whole of it within the task's time, the wait for others in the same conversation, too.
    async fn converse(&self, mut task: LlmTask) -> Result<Answer, EffectError> {
        let Some(conversations) = self.conversations.as_ref().filter(|_| self.flags.keeps_conversations()) else {
            return Err(session_unsupported());
        };
        let (started, limit) = (Instant::now(), task.timeout_ms);
        let opened = tokio::time::timeout(Duration::from_millis(limit), conversations.open(&task.context)).await;
        let conversation = opened.map_err(|_| failure::timeout(limit))?.map_err(|error| no_folder(&error))?;
        task.timeout_ms = limit.saturating_sub(millis_since(started));
        answer::answer(&task, |question| self.ask_within(&task, question, &conversation)).await
    }

    /// A call of the CLI in a folder, with its texts in the scratch folder; `session` says in which conversation.
    fn invocation(
        &self,
        task: &LlmTask,
        question: &Question,
        scratch: &Path,
        work: PathBuf,
        session: Option<[OsString; 2]>,
    ) -> io::Result<process::Invocation> {
        let request = &task.request;
        // The texts lie beside the folder that the CLI works in, which stays empty.
        let texts = scratch.join("texts");
        std::fs::create_dir_all(&texts)?;

        let mut args = self.flags.isolation(session.is_some());
        args.extend(session.into_iter().flatten());
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

/// Runs what could be made ready; tells what came of it, and how long it took in milliseconds.
async fn run(made: io::Result<process::Invocation>) -> Result<(process::Output, u64), EffectError> {
    let invocation = made.map_err(|error| no_folder(&error))?;
    let started = Instant::now();
    let output = process::run(invocation).await.map_err(|error| failure::of_process(&error))?;
    Ok((output, millis_since(started)))
}

fn no_folder(error: &io::Error) -> EffectError {
    failure::passing("executor_failed", format!("cannot write to the folder of a question: {error}"))
}

/// Writes a file that only this user can read.
fn private_file(folder: &Path, name: &str, text: &str) -> io::Result<OsString> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let path = folder.join(name);
    let mut file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&path)?;
    file.write_all(text.as_bytes())?;
    Ok(path.into())
}

#[async_trait]
impl LlmExecutor for Claude {
    fn provides(&self) -> &'static str {
        "llm.claude_cli"
    }

    async fn answer(&self, task: LlmTask) -> Result<Answer, EffectError> {
        if task.request.session.is_some() {
            return self.converse(task).await;
        }
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
        let (context, timeout_ms) = (ContextId::new("probe"), PROBE_MS);
        match self.answer(LlmTask { idempotency_key, asked_by, context, request, timeout_ms, attempt: 1 }).await {
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
