//! Telling an error to a person.

use crate::catalogue::text;
use crate::failure::{Exit, Explained};
use crate::output::{self, plain};
use crate::session::Session;

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
