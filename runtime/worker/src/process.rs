//! Runs a program to its end: input on stdin, output bounded, the whole process group gone afterwards.
//!
//! The group is killed while its leader has ended and is not reaped yet: until then the system gives the group's id to
//! nobody else.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};
use tokio::signal::unix::{SignalKind, signal};

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
    // Declared after `child`, so dropped before it, which reaps.
    let group = Group::of(&child);
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
        let (bytes, rest) = read_up_to(output, max_stdout).await.map_err(lost)?;
        match rest {
            Some(_) => Err(ProcessError::TooMuchOutput { program: program.clone(), limit: max_stdout }),
            None => Ok(bytes),
        }
    };
    let errors = child.stderr.take();
    let read_errors = async {
        let (bytes, rest) = read_up_to(errors, MAX_STDERR).await.map_err(lost)?;
        if let Some(mut rest) = rest {
            // A program whose stderr was closed would be killed for writing to it.
            tokio::io::copy(&mut rest, &mut tokio::io::sink()).await.map_err(lost)?;
        }
        Ok(bytes)
    };
    let end = async {
        group.leader_ended().await.map_err(lost)?;
        // What it left behind may hold the outputs open for as long as it likes.
        drop(group);
        Ok(())
    };
    let (stdout, stderr, (), ()) = tokio::try_join!(read_output, read_errors, feed, end)?;
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

/// The bytes up to a limit, and the pipe where there are more.
async fn read_up_to<P: AsyncRead + Unpin>(pipe: Option<P>, limit: u64) -> io::Result<(Vec<u8>, Option<P>)> {
    let mut bytes = Vec::new();
    let Some(pipe) = pipe else { return Ok((bytes, None)) };
    let mut limited = pipe.take(limit);
    limited.read_to_end(&mut bytes).await?;
    let mut pipe = limited.into_inner();
    let more = pipe.read(&mut [0; 1]).await? > 0;
    Ok((bytes, more.then_some(pipe)))
}

/// Kills a process group when dropped, so that no grandchild outlives the call.
struct Group(Option<Pid>);

impl Group {
    fn of(child: &Child) -> Self {
        Self(child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw))
    }

    /// Waits until the group's leader has ended, and leaves it to be reaped.
    async fn leader_ended(&self) -> io::Result<()> {
        let Some(leader) = self.0 else { return Ok(()) };
        // From before the first look, so that no end is missed.
        let mut ends = signal(SignalKind::child())?;
        let look = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
        while waitid(WaitId::Pid(leader), look)?.is_none() {
            ends.recv().await;
        }
        Ok(())
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::FakeProgram;

    fn invocation(program: &FakeProgram) -> Invocation {
        Invocation {
            program: program.path(),
            args: Vec::new(),
            environment: vec![("PATH".into(), std::env::var_os("PATH").unwrap())],
            folder: program.folder.path().to_owned(),
            stdin: Vec::new(),
            max_stdout: 1024,
        }
    }

    fn state(pid: &str) -> Option<char> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())).ok()?;
        stat.rsplit_once(") ")?.1.chars().next()
    }

    #[tokio::test]
    async fn a_program_may_complain_at_length() {
        let program = FakeProgram::new("head -c 1000000 /dev/zero >&2 || exit 9; echo done");
        let output = run(invocation(&program)).await.unwrap();
        assert!(output.status.success(), "{}", output.status);
        assert_eq!((output.stdout.as_slice(), output.stderr.len()), (b"done\n".as_slice(), 64 * 1024));
    }

    #[tokio::test]
    async fn the_group_is_killed_before_its_leader_is_reaped() {
        let program = FakeProgram::new("exec >&- 2>&-; exit 3");
        let Invocation { program: path, args, environment, folder, .. } = invocation(&program);
        let mut child = start(&path, &args, environment, &folder).unwrap();
        let pid = child.id().unwrap().to_string();
        let group = Group::of(&child);
        group.leader_ended().await.unwrap();
        assert_eq!(state(&pid), Some('Z'), "its id is still its own");
        drop(group);
        assert_eq!(child.wait().await.unwrap().code(), Some(3));
    }

    #[tokio::test]
    async fn a_grandchild_that_holds_the_output_open_is_not_waited_for() {
        let program = FakeProgram::new("sleep 1000 & echo done");
        let output = run(invocation(&program)).await.unwrap();
        assert!(output.status.success());
        assert_eq!(output.stdout, b"done\n");
    }

    #[tokio::test]
    async fn no_grandchild_outlives_a_normal_end() {
        let program = FakeProgram::new("sleep 1000 </dev/null >/dev/null 2>&1 & echo $!");
        let output = run(invocation(&program)).await.unwrap();
        assert!(output.status.success());
        let pid = String::from_utf8(output.stdout).unwrap();
        while !matches!(state(&pid), None | Some('Z')) {
            tokio::task::yield_now().await;
        }
    }
}
