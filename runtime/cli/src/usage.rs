//! Answers to `--help`, `--version`, and arguments that are not understood.

use std::io::Write as _;

use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::catalogue::{Catalogue, text};
use crate::failure::Exit;
use crate::output::{self, Out};

/// Prints what the reader of the arguments has to say.
pub(crate) fn answer(error: &clap::Error, catalogue: &Catalogue, out: &mut Out) -> Exit {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => match write!(out, "{}", error.render().ansi()) {
            Ok(()) => Exit::Completed,
            Err(_) => Exit::Failed,
        },
        // Nobody is left to tell where the standard error cannot be written.
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            let _ = write!(output::stderr(), "{}", error.render().ansi());
            Exit::Usage
        }
        _ => {
            let _ = tell(error, catalogue);
            Exit::Usage
        }
    }
}

fn tell(error: &clap::Error, catalogue: &Catalogue) -> std::io::Result<()> {
    let red = anstyle::AnsiColor::Red.on_default().bold();
    let mut stderr = output::stderr();
    writeln!(stderr, "{red}{}{red:#} {}", text!(catalogue, "error"), message(error, catalogue))?;
    let near =
        context(error, &[ContextKind::SuggestedArg, ContextKind::SuggestedSubcommand, ContextKind::SuggestedValue]);
    if let Some(near) = near {
        writeln!(stderr, "  {} {}", text!(catalogue, "hint"), text!(catalogue, "usage-near", near = near))?;
    }
    writeln!(stderr, "  {}", text!(catalogue, "usage-see-help"))
}

/// What is wrong, in the person's language.
fn message(error: &clap::Error, catalogue: &Catalogue) -> String {
    let argument = context(error, &[ContextKind::InvalidArg]).unwrap_or_default();
    let value = context(error, &[ContextKind::InvalidValue]).unwrap_or_default();
    match error.kind() {
        ErrorKind::UnknownArgument => text!(catalogue, "usage-unknown-argument", argument = argument),
        ErrorKind::InvalidSubcommand => {
            let command = context(error, &[ContextKind::InvalidSubcommand]).unwrap_or_default();
            text!(catalogue, "usage-unknown-command", command = command)
        }
        ErrorKind::MissingSubcommand => text!(catalogue, "usage-missing-command"),
        ErrorKind::MissingRequiredArgument => text!(catalogue, "usage-missing-argument", argument = argument),
        ErrorKind::InvalidValue if value.is_empty() => text!(catalogue, "usage-missing-value", argument = argument),
        ErrorKind::InvalidValue => {
            let values = context(error, &[ContextKind::ValidValue]).unwrap_or_default();
            text!(catalogue, "usage-one-of", value = value, argument = argument, values = values)
        }
        ErrorKind::ValueValidation => {
            let reason = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
            text!(catalogue, "usage-bad-value-because", value = value, argument = argument, reason = reason)
        }
        ErrorKind::ArgumentConflict => {
            let other = context(error, &[ContextKind::PriorArg]).unwrap_or_default();
            text!(catalogue, "usage-conflict", argument = argument, other = other)
        }
        _ => error.render().to_string().trim_start_matches("error: ").trim_end().to_owned(),
    }
}

fn context(error: &clap::Error, kinds: &[ContextKind]) -> Option<String> {
    kinds.iter().find_map(|kind| match error.get(*kind)? {
        ContextValue::String(one) => Some(one.clone()),
        ContextValue::Strings(many) if !many.is_empty() => Some(many.join(", ")),
        _ => None,
    })
}
