//! Is the CLI there, which version, what can it do, is it logged in.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Claude;
use super::flags::Flags;
use crate::process::{self, ProcessError};

/// The CLI as it was found.
#[derive(Clone, Debug)]
pub struct Detection {
    /// Ready to ask.
    pub executor: Claude,
    /// Its version, as it says.
    pub version: String,
    /// Whether it is logged in.
    pub login: Login,
    /// The flags that this version lacks: what they switch off stays on, or what they say goes to standard input.
    pub missing_flags: Vec<&'static str>,
}

/// Whether the CLI is logged in, as far as can be told without paying.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Login {
    /// It has credentials.
    Yes,
    /// It has none; the reason, as it says.
    No(String),
    /// It cannot be told: the first question will.
    Unknown,
}

/// Why the CLI cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Unavailable {
    /// There is no such program.
    #[error("`{}` is not there or cannot be started", program.display())]
    Missing {
        /// What was looked for.
        program: PathBuf,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// It does not answer as the Claude CLI does.
    #[error("`{} {argument}` does not answer as the Claude CLI does: {problem}", program.display())]
    NotClaude {
        /// What was started.
        program: PathBuf,
        /// With what.
        argument: &'static str,
        /// What it did.
        problem: String,
    },
    /// It is too old.
    #[error("Claude CLI {version} lacks {}", flags.join(", "))]
    TooOld {
        /// Its version.
        version: String,
        /// What it lacks.
        flags: Vec<&'static str>,
    },
}

const PROBE_TIME: Duration = Duration::from_secs(20);
const MAX_PROBE_OUTPUT: u64 = 1024 * 1024;

pub(super) async fn detect(program: PathBuf, environment: Vec<(OsString, OsString)>) -> Result<Detection, Unavailable> {
    let folder = tempfile::tempdir().map_err(|source| Unavailable::Missing { program: program.clone(), source })?;
    let probe = Probe { program: &program, environment: &environment, folder: folder.path() };
    let version = probe.text("--version").await?.trim().to_owned();
    let help = probe.text("--help").await?;
    let flags = Flags::of_help(&help).map_err(|flags| Unavailable::TooOld { version: version.clone(), flags })?;
    let login = probe.login(&help).await;
    let missing_flags = flags.missing();
    Ok(Detection {
        version,
        login,
        missing_flags,
        executor: Claude { program, flags, environment, conversations: None },
    })
}

struct Probe<'a> {
    program: &'a Path,
    environment: &'a [(OsString, OsString)],
    folder: &'a Path,
}

impl Probe<'_> {
    async fn text(&self, argument: &'static str) -> Result<String, Unavailable> {
        let not_claude =
            |problem: String| Unavailable::NotClaude { program: self.program.to_owned(), argument, problem };
        match self.run(&[argument]).await {
            None => Err(not_claude(format!("no answer within {} s", PROBE_TIME.as_secs()))),
            Some(Err(ProcessError::Start { program, source })) => Err(Unavailable::Missing { program, source }),
            Some(Err(error)) => Err(not_claude(error.to_string())),
            Some(Ok(output)) if !output.status.success() => Err(not_claude(output.status.to_string())),
            Some(Ok(output)) => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        }
    }

    /// Newer versions say; of older ones the credentials are looked for where they are kept.
    async fn login(&self, help: &str) -> Login {
        let has_command = help.lines().any(|line| line.split_whitespace().next() == Some("auth"));
        if has_command && let Some(Ok(output)) = self.run(&["auth", "status"]).await {
            if output.status.success() {
                return Login::Yes;
            }
            let said = String::from_utf8_lossy(&output.stdout).trim().chars().take(200).collect();
            return Login::No(said);
        }
        let variable = |name: &str| {
            self.environment
                .iter()
                .find(|(key, _)| key == name)
                .map(|(_, value)| value)
                .filter(|value| !value.is_empty())
        };
        let has_key = ["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN"]
            .into_iter()
            .any(|name| variable(name).is_some());
        let folder = variable("CLAUDE_CONFIG_DIR")
            .map(PathBuf::from)
            .or_else(|| variable("HOME").map(|home| Path::new(home).join(".claude")));
        let has_file = folder.is_some_and(|folder| folder.join(".credentials.json").is_file());
        if has_key || has_file { Login::Yes } else { Login::Unknown }
    }

    async fn run(&self, args: &[&str]) -> Option<Result<process::Output, ProcessError>> {
        let invocation = process::Invocation {
            program: self.program.to_owned(),
            args: args.iter().map(Into::into).collect(),
            environment: self.environment.to_vec(),
            folder: self.folder.to_owned(),
            stdin: Vec::new(),
            max_stdout: MAX_PROBE_OUTPUT,
        };
        tokio::time::timeout(PROBE_TIME, process::run(invocation)).await.ok()
    }
}
