//! How a command ends, and how an error is told to a person.

use std::fmt;

use crate::catalogue::text;
use crate::output::{self, plain};
use crate::session::Session;

/// How a command ended: the exit statuses of `bloom`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// It did what was asked.
    Completed,
    /// It tried and failed; a run failed; a diagram has errors; a replay differs.
    Failed,
    /// It was asked in a way that it does not understand.
    Usage,
    /// It may not: the signature, the trust list or the policy says no.
    Refused,
    /// A run waits for a time, a signal or a person; it can be resumed.
    Waiting,
    /// A signal of this number stopped it; a run can be resumed.
    Interrupted(u8),
}

impl Exit {
    pub(crate) fn status(self) -> u8 {
        match self {
            Self::Completed => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Refused => 3,
            Self::Waiting => 4,
            // As shells report it.
            Self::Interrupted(signal) => 128_u8.saturating_add(signal),
        }
    }
}

/// What went wrong, in the person's language, with what to do about it. It stands as context over the error below.
#[derive(Debug)]
pub(crate) struct Explained {
    pub(crate) exit: Exit,
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
}

impl Explained {
    pub(crate) fn failed(message: String) -> Self {
        Self { exit: Exit::Failed, message, hint: None }
    }

    pub(crate) fn usage(message: String) -> Self {
        Self { exit: Exit::Usage, message, hint: None }
    }

    pub(crate) fn refused(message: String) -> Self {
        Self { exit: Exit::Refused, message, hint: None }
    }

    pub(crate) fn hint(mut self, hint: String) -> Self {
        self.hint = Some(hint);
        self
    }
}

impl fmt::Display for Explained {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for Explained {}

/// Tells an error on the standard error: one line, the causes below it, and what to do.
pub(crate) fn explain(error: &anyhow::Error, session: &Session) -> Exit {
    let explained = error.downcast_ref::<Explained>();
    let exit = explained.map_or(Exit::Failed, |explained| explained.exit);
    let hint = explained.and_then(|explained| explained.hint.as_deref());
    let mut lines: Vec<String> = Vec::new();
    for cause in error.chain() {
        let text = plain(&cause.to_string()).into_owned();
        // Libraries repeat the cause in their own text now and then.
        if !lines.last().is_some_and(|above| above.contains(&text)) {
            lines.push(text);
        }
    }
    // A standard error that cannot be written leaves nobody to tell.
    let _ = tell(&mut output::stderr(), &lines, hint, session);
    exit
}

fn tell(
    stderr: &mut impl std::io::Write,
    lines: &[String],
    hint: Option<&str>,
    session: &Session,
) -> std::io::Result<()> {
    let red = anstyle::AnsiColor::Red.on_default().bold();
    let head = text!(session.catalogue, "error");
    for (index, line) in lines.iter().enumerate() {
        if index == 0 {
            writeln!(stderr, "{red}{head}{red:#} {line}")?;
        } else {
            writeln!(stderr, "  {} {line}", text!(session.catalogue, "because"))?;
        }
    }
    if let Some(hint) = hint {
        writeln!(stderr, "  {} {hint}", text!(session.catalogue, "hint"))?;
    }
    Ok(())
}
