//! Any program as an executor.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Instant;

use async_trait::async_trait;
use bloom_interpreter::effect::{Answer, EffectError};
use bloom_runtime::llm::{LlmExecutor, LlmTask};

use crate::answer::{self, Reply};
use crate::prompt::{Ahead, Question};
use crate::{envelope, environment, failure, process};

/// Asks a program: system prompt, memory context, prompt and schema on its standard input, in this order; the result
/// envelope of the Claude CLI on its standard output:
///
/// ```json
/// { "result": "text with JSON", "structured_output": {}, "is_error": false, "usage": { "input_tokens": 1, "output_tokens": 1 } }
/// ```
///
/// Either `result` or `structured_output` is required. It runs in an empty folder, with a scrubbed environment.
#[derive(Clone, Debug)]
pub struct Command {
    program: PathBuf,
    args: Vec<OsString>,
    passed: Vec<String>,
}

/// More on standard output is an error.
pub(crate) const MAX_STDOUT: u64 = 8 * 1024 * 1024;

impl Command {
    /// Asks this program. A path with a folder in it should be absolute, because the program runs elsewhere.
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Self { program: program.into(), args: Vec::new(), passed: Vec::new() }
    }

    /// With these arguments, which other users of the machine can read.
    #[must_use]
    pub fn args(mut self, args: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// With this environment variable besides the usual few, as the name of its API key.
    #[must_use]
    pub fn pass_variable(mut self, name: impl Into<String>) -> Self {
        self.passed.push(name.into());
        self
    }

    async fn ask(&self, task: &LlmTask, question: Question) -> Result<Reply, EffectError> {
        let scratch = scratch()?;
        let started = Instant::now();
        let output = process::run(process::Invocation {
            program: self.program.clone(),
            args: self.args.clone(),
            environment: environment::scrubbed(std::env::vars_os(), |name| self.passed.iter().any(|own| own == name)),
            folder: scratch.path().to_owned(),
            stdin: Ahead::ALL.of(&task.request, &question).into_bytes(),
            max_stdout: MAX_STDOUT,
        })
        .await
        .map_err(|error| failure::of_process(&error))?;
        envelope::reply(&output, millis_since(started))
    }
}

#[async_trait]
impl LlmExecutor for Command {
    fn provides(&self) -> &'static str {
        "llm.command"
    }

    async fn answer(&self, task: LlmTask) -> Result<Answer, EffectError> {
        refuse_session(&task)?;
        answer::answer(&task, |question| self.ask(&task, question)).await
    }
}

/// A new empty folder, only for this user.
pub(crate) fn scratch() -> Result<tempfile::TempDir, EffectError> {
    tempfile::Builder::new()
        .prefix("bloom-llm-")
        .tempdir()
        .map_err(|error| failure::passing("executor_failed", format!("cannot make a scratch folder: {error}")))
}

pub(crate) fn millis_since(started: Instant) -> u64 {
    u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// To answer without the conversation that the node asks for would be another question.
pub(crate) fn refuse_session(task: &LlmTask) -> Result<(), EffectError> {
    match task.request.session {
        None => Ok(()),
        Some(_) => Err(session_unsupported()),
    }
}

pub(crate) fn session_unsupported() -> EffectError {
    failure::permanent("session_unsupported", "this executor keeps no conversation between calls")
}

#[cfg(test)]
mod tests {
    use bloom_ir::Value;

    use super::*;
    use crate::fake::{FakeProgram, task};

    #[tokio::test]
    async fn the_program_reads_all_on_stdin_and_prints_the_envelope() {
        let program = FakeProgram::new(
            r#"cat > "$here/stdin"; env > "$here/env"; echo "$1" > "$here/args"; echo '{"result":"{\"n\":1}","usage":{"input_tokens":4,"output_tokens":2}}'"#,
        );
        let mut asked = task("How many?");
        asked.request.system = Some("You count.".to_owned());
        let executor = Command::new(program.path()).args(["--fast"]).pass_variable("CARGO_PKG_NAME");
        let answer = executor.answer(asked).await.unwrap();
        assert_eq!(answer.value.get("n"), Some(&Value::Int(1)));
        assert_eq!(answer.usage.unwrap().input_tokens, 4);
        let stdin = program.wrote("stdin");
        assert!(stdin.starts_with("You count.\n\nHow many?\n\n") && stdin.contains("\"integer\""), "{stdin}");
        assert_eq!(program.wrote("args"), "--fast\n");
        let environment = program.wrote("env");
        assert!(environment.contains("CARGO_PKG_NAME=bloom-worker\n"));
        assert!(!environment.contains("CARGO_MANIFEST_DIR="));
    }

    #[tokio::test]
    async fn plain_text_is_asked_for_once_more_and_plain_json_will_do() {
        let program = FakeProgram::new(r#"cat > /dev/null; echo >> "$here/calls"; echo 'Sure! There are three.'"#);
        let error = Command::new(program.path()).answer(task("x")).await.unwrap_err();
        assert_eq!((error.code.as_str(), program.wrote("calls").as_str()), ("invalid_output", "\n\n"));
        let program = FakeProgram::new(r#"cat > /dev/null; echo '{"n":1}'"#);
        let answer = Command::new(program.path()).answer(task("x")).await.unwrap();
        assert_eq!(answer.value.get("n"), Some(&Value::Int(1)));
    }
}
