//! The arguments. Their help texts stand in the catalogues, under `cmd-<command>`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, CommandFactory as _, FromArgMatches as _, Parser};

use crate::catalogue::Catalogue;
use crate::command::Command;
use crate::help;

#[derive(Debug, Parser)]
#[command(name = "bloom", version, subcommand_required = true, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Args, Debug)]
pub(crate) struct Global {
    #[arg(long, global = true, value_name = "DIR", env = "BLOOM_DATA")]
    pub(crate) data: Option<PathBuf>,
    #[arg(long, global = true, value_name = "FILE", env = "BLOOM_CONFIG")]
    pub(crate) config: Option<PathBuf>,
    #[arg(long, global = true, value_name = "LANG", value_parser = ["en", "uk"])]
    pub(crate) lang: Option<String>,
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[arg(long, global = true, conflicts_with = "json")]
    pub(crate) text: bool,
}

/// Reads the arguments. What comes back as an error is what to print instead: help, the version, or what is wrong.
pub(crate) fn parse(arguments: Vec<OsString>, catalogue: &Catalogue) -> Result<Cli, clap::Error> {
    let mut command = grammar(catalogue);
    let matches = command.try_get_matches_from_mut(arguments)?;
    Cli::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
}

/// All commands with their arguments and their help.
pub(crate) fn grammar(catalogue: &Catalogue) -> clap::Command {
    help::explained(Cli::command(), catalogue)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grammar_is_sound() {
        Cli::command().debug_assert();
    }
}
