//! What answers LLM nodes.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use bloom_ir::Document;
use bloom_ir::document::NodeKind;
use bloom_runtime::llm::LlmExecutor;
use bloom_worker::{Claude, Command, Detection, Login, Scripted};

use crate::catalogue::{Catalogue, text};
use crate::failure::Explained;
use crate::session::Session;
use crate::setting;

/// What was asked for with `--llm`.
#[derive(Clone, Debug)]
pub(crate) enum Choice {
    /// The Claude CLI.
    Claude,
    /// A program that takes the prompt on its standard input and prints a result envelope.
    Command(PathBuf),
    /// Answers from a file.
    Scripted(PathBuf),
    /// The Claude CLI where it can be used, else answers from a file: a rehearsal.
    Auto(PathBuf),
    /// A person, through the questions of runs.
    Human,
}

impl Choice {
    pub(crate) fn parse(given: Option<&str>, catalogue: &Catalogue) -> anyhow::Result<Self> {
        match given.map(|given| given.split_once(':').unwrap_or((given, ""))) {
            None | Some(("claude", "")) => Ok(Self::Claude),
            Some(("human", "")) => Ok(Self::Human),
            Some(("command", program)) if !program.is_empty() => Ok(Self::Command(program.into())),
            Some(("scripted", file)) if !file.is_empty() => Ok(Self::Scripted(file.into())),
            Some(("auto", file)) if !file.is_empty() => Ok(Self::Auto(file.into())),
            Some(_) => Err(Explained::usage(text!(catalogue, "llm-bad", given = given.unwrap_or_default())).into()),
        }
    }

    /// Whether a person answers: then the engine asks, and nobody executes anything.
    pub(crate) fn is_human(&self) -> bool {
        matches!(self, Self::Human)
    }

    /// The executor, unless a person answers, and a line that says who does. Nothing, for a flow that asks nobody.
    pub(crate) async fn executor(
        &self,
        document: &Document,
        session: &Session,
    ) -> anyhow::Result<Option<(Option<Arc<dyn LlmExecutor>>, String)>> {
        if !document.nodes.values().any(|node| matches!(node.kind, NodeKind::LlmCall(_))) {
            return Ok(None);
        }
        let catalogue = &session.catalogue;
        let (executor, line) = match self {
            Self::Human => return Ok(Some((None, text!(catalogue, "run-llm-human")))),
            Self::Claude => match claude(catalogue).await {
                Ok(found) => with_claude(found, HERE, session),
                Err(reason) => {
                    return Err(Explained::failed(text!(catalogue, "run-no-claude", reason = reason))
                        .hint(text!(catalogue, "run-no-claude-hint"))
                        .into());
                }
            },
            Self::Command(program) => {
                must_be_executable(program, catalogue)?;
                let line = text!(catalogue, "run-llm-command", program = program.display().to_string());
                (Arc::new(Command::new(program)) as Arc<dyn LlmExecutor>, line)
            }
            Self::Scripted(file) => {
                let line = text!(catalogue, "run-scripted", file = file.display().to_string());
                (scripted(file, document, catalogue)?, line)
            }
            Self::Auto(file) => match claude(catalogue).await {
                Ok(found) => with_claude(found, HERE, session),
                Err(reason) => {
                    let name = file.display().to_string();
                    let line = text!(catalogue, "run-rehearsal", reason = reason, file = name);
                    (scripted(file, document, catalogue)?, line)
                }
            },
        };
        Ok(Some((Some(executor), line)))
    }
}

/// Who answers for a server, with a line that says so; else why nobody does.
pub(crate) type Answering = Result<(Arc<dyn LlmExecutor>, String), String>;

impl Choice {
    /// The executor for the flows that are still to come. Answers of a script that are meant for icons fit no flow.
    /// `whose` are the conversations that are kept where icons ask for that.
    pub(crate) async fn of_server(&self, whose: &str, session: &Session) -> anyhow::Result<Answering> {
        let catalogue = &session.catalogue;
        let script = |file: &Path| -> anyhow::Result<Arc<dyn LlmExecutor>> {
            let path = file.display().to_string();
            let bad = || Explained::usage(text!(catalogue, "script-bad", path = path));
            Ok(Arc::new(Scripted::read(file).with_context(bad)?))
        };
        Ok(match self {
            Self::Human => Err(text!(catalogue, "llm-human-elsewhere")),
            Self::Claude => claude(catalogue).await.map(|found| with_claude(found, whose, session)),
            Self::Command(program) => {
                must_be_executable(program, catalogue)?;
                let line = text!(catalogue, "run-llm-command", program = program.display().to_string());
                Ok((Arc::new(Command::new(program)), line))
            }
            Self::Scripted(file) => {
                Ok((script(file)?, text!(catalogue, "run-scripted", file = file.display().to_string())))
            }
            Self::Auto(file) => match claude(catalogue).await {
                Ok(found) => Ok(with_claude(found, whose, session)),
                Err(reason) => {
                    let name = file.display().to_string();
                    Ok((script(file)?, text!(catalogue, "run-rehearsal", reason = reason, file = name)))
                }
            },
        })
    }
}

/// The same choice, with the path in it from the root on. A program without a folder is looked for in `PATH`.
pub(crate) fn absolute(given: &str) -> String {
    anchored(given, setting::absolute)
}

/// The same choice, with the path in it meant from a folder on.
pub(crate) fn under(folder: &Path, given: &str) -> String {
    anchored(given, |path| folder.join(path))
}

fn anchored(given: &str, anchor: impl Fn(&Path) -> PathBuf) -> String {
    match given.split_once(':') {
        Some((kind @ ("scripted" | "auto"), path)) if !path.is_empty() => {
            format!("{kind}:{}", anchor(Path::new(path)).display())
        }
        Some(("command", program)) if program.contains('/') => {
            format!("command:{}", anchor(Path::new(program)).display())
        }
        _ => given.to_owned(),
    }
}

/// Before a run is made that nobody could answer.
fn must_be_executable(program: &Path, catalogue: &Catalogue) -> anyhow::Result<()> {
    let shown = program.display().to_string();
    let found = if program.components().count() > 1 {
        is_executable(program)
    } else {
        let path = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&path).any(|folder| is_executable(&folder.join(program)))
    };
    if found { Ok(()) } else { Err(Explained::usage(text!(catalogue, "llm-no-program", program = shown)).into()) }
}

#[cfg(unix)]
fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    path.metadata().is_ok_and(|there| there.is_file() && there.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_executable(path: &Path) -> bool {
    path.is_file() || path.with_extension("exe").is_file()
}

/// Whose conversations those are that a run or a server of this data directory has: nobody else can have its store.
pub(crate) const HERE: &str = "local";

fn with_claude(found: Detection, whose: &str, session: &Session) -> (Arc<dyn LlmExecutor>, String) {
    let line = text!(session.catalogue, "run-llm-claude", version = found.version);
    // Who has no place for conversations keeps none, and says so where an icon asks for one.
    let executor = match session.data.create(&session.catalogue) {
        Ok(data) => {
            let folder = data.join("conversations").join(whose);
            found.executor.with_conversations(folder, Arc::new(session.clock))
        }
        Err(_) => found.executor,
    };
    (Arc::new(executor), line)
}

/// The CLI, if it can be used, else why not.
async fn claude(catalogue: &Catalogue) -> Result<Detection, String> {
    let found = Claude::detect("claude").await.map_err(|error| error.to_string())?;
    match &found.login {
        Login::No(reason) if reason.is_empty() => Err(text!(catalogue, "run-not-logged-in")),
        Login::No(reason) => Err(reason.clone()),
        Login::Yes | Login::Unknown => Ok(found),
    }
}

fn scripted(file: &Path, document: &Document, catalogue: &Catalogue) -> anyhow::Result<Arc<dyn LlmExecutor>> {
    let path = file.display().to_string();
    let script = Scripted::read(file).with_context(|| Explained::usage(text!(catalogue, "script-bad", path = path)))?;
    Ok(Arc::new(match &document.source {
        Some(source) => script.with_source(source),
        None => script,
    }))
}
