//! Runs a program to its end: input on stdin, output bounded, the whole process group gone afterwards.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};

/// What is run.
#[derive(Clone, Debug)]
pub(crate) struct Invocation {
    pub(crate) program: PathBuf,
    pub(crate) args: Vec<OsString>,
    /// The whole environment.
    pub(crate) environment: Vec<(OsString, OsString)>,
    /// Where it runs.
    pub(crate) folder: PathBuf,
    pub(crate) stdin: Vec<u8>,
    /// More than so many bytes on stdout are an error.
    pub(crate) max_stdout: u64,
}

/// How it ended.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: Vec<u8>,
    /// At most the first 64 KiB.
    pub(crate) stderr: Vec<u8>,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum ProcessError {
    #[error("cannot start {}", program.display())]
    Start { program: PathBuf, source: io::Error },
    #[error("{} printed more than {limit} bytes", program.display())]
    TooMuchOutput { program: PathBuf, limit: u64 },
    #[error("lost contact with {}", program.display())]
    Io { program: PathBuf, source: io::Error },
}

const MAX_STDERR: u64 = 64 * 1024;

/// Runs it. Dropping the future kills the process group.
pub(crate) async fn run(invocation: Invocation) -> Result<Output, ProcessError> {
    let Invocation { program, args, environment, folder, stdin, max_stdout } = invocation;
    let mut child = start(&program, &args, environment, &folder)?;
    // Declared after `child`, so dropped before it: the group is killed while its leader is not reaped yet.
    let _group = Group::of(&child);
    let lost = |source| ProcessError::Io { program: program.clone(), source };

    let mut input = child.stdin.take();
    let feed = async move {
        if let Some(pipe) = &mut input {
            // A program may end without reading all of its input; what it printed decides.
            let _ = pipe.write_all(&stdin).await;
        }
        drop(input);
        Ok(())
    };
    let output = child.stdout.take();
    let read_output = async {
        let (bytes, more) = read_up_to(output, max_stdout).await.map_err(lost)?;
        if more { Err(ProcessError::TooMuchOutput { program: program.clone(), limit: max_stdout }) } else { Ok(bytes) }
    };
    let errors = child.stderr.take();
    let read_errors = async {
        let (bytes, more) = read_up_to(errors, MAX_STDERR).await.map_err(lost)?;
        Ok((bytes, more))
    };
    let (stdout, (stderr, _), ()) = tokio::try_join!(read_output, read_errors, feed)?;
    let status = child.wait().await.map_err(lost)?;
    Ok(Output { status, stdout, stderr })
}

fn start(
    program: &Path,
    args: &[OsString],
    environment: Vec<(OsString, OsString)>,
    folder: &Path,
) -> Result<Child, ProcessError> {
    Command::new(program)
        .args(args)
        .env_clear()
        .envs(environment)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(|source| ProcessError::Start { program: program.to_owned(), source })
}

/// The bytes up to a limit, and whether there were more. What is beyond the limit is left unread.
async fn read_up_to(pipe: Option<impl AsyncRead + Unpin>, limit: u64) -> io::Result<(Vec<u8>, bool)> {
    let mut bytes = Vec::new();
    let Some(pipe) = pipe else { return Ok((bytes, false)) };
    let mut limited = pipe.take(limit);
    limited.read_to_end(&mut bytes).await?;
    let more = limited.into_inner().read(&mut [0; 1]).await? > 0;
    Ok((bytes, more))
}

/// Kills a process group when dropped, so that no grandchild outlives the call.
struct Group(Option<Pid>);

impl Group {
    fn of(child: &Child) -> Self {
        Self(child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw))
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            // After a normal end the group is usually empty already, which is an error that says nothing.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}
