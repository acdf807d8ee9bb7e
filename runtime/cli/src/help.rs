//! Puts the texts of a catalogue into the help of all commands.
//!
//! The message `cmd-proposals-list` is the help of `bloom proposals list`; its attributes are the help of its arguments
//! by their ids, and `.examples` what stands at the end.

use bloom_ir::catalogue::FluentArgs;
use clap::Command;

use crate::catalogue::{Catalogue, text};

/// The command and all below it, explained.
pub(crate) fn explained(command: Command, catalogue: &Catalogue) -> Command {
    // Builds what clap adds by itself (`--help`, `--version`), so that it can be explained too.
    let mut command = command.disable_help_subcommand(true);
    command.build();
    explain(command, "cmd", catalogue)
}

fn explain(command: Command, id: &str, catalogue: &Catalogue) -> Command {
    let words = |name: &str| catalogue.find(name, &FluentArgs::new());
    let mut command = command
        .help_template(template(catalogue))
        .subcommand_help_heading(text!(catalogue, "help-commands"))
        .mut_args(|argument| {
            let heading = if argument.is_positional() {
                text!(catalogue, "help-arguments")
            } else {
                text!(catalogue, "help-options")
            };
            let name = argument.get_id().as_str().replace('_', "-");
            let global = argument.is_global_set() || matches!(name.as_str(), "help" | "version");
            let own = words(&format!("{id}.{name}"));
            let help = own.or_else(|| if global { words(&format!("cmd.{name}")) } else { None });
            // What clap would add here is in the texts, because it speaks English only.
            let argument =
                argument.help_heading(heading).hide_default_value(true).hide_possible_values(true).hide_env(true);
            match help {
                Some(help) => argument.help(help),
                None => argument,
            }
        });
    if let Some(about) = words(id) {
        command = command.about(about);
    }
    if let Some(examples) = words(&format!("{id}.examples")) {
        command = command.after_help(format!("{}\n{}", text!(catalogue, "help-examples"), indented(&examples)));
    }
    let names: Vec<String> = command.get_subcommands().map(|sub| sub.get_name().to_owned()).collect();
    for name in names {
        let id = format!("{id}-{name}");
        command = command.mut_subcommand(name, |sub| explain(sub, &id, catalogue));
    }
    command
}

fn template(catalogue: &Catalogue) -> String {
    let usage = text!(catalogue, "help-usage");
    format!("{{about-with-newline}}\n{usage} {{usage}}\n\n{{all-args}}{{after-help}}")
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use bloom_ir::document::Locale;

    use super::*;

    fn unexplained(command: &Command, path: &str, found: &mut Vec<String>) {
        if command.get_about().is_none() {
            found.push(path.to_owned());
        }
        for argument in command.get_arguments().filter(|argument| argument.get_help().is_none()) {
            found.push(format!("{path} {}", argument.get_id()));
        }
        for sub in command.get_subcommands() {
            unexplained(sub, &format!("{path} {}", sub.get_name()), found);
        }
    }

    #[test]
    fn every_command_and_argument_is_explained_in_both_languages() {
        for locale in [Locale::En, Locale::Uk] {
            let mut found = Vec::new();
            unexplained(&crate::args::grammar(&Catalogue::of(locale)), "bloom", &mut found);
            assert_eq!(found, Vec::<String>::new(), "{locale:?}");
        }
    }

    #[test]
    fn every_help_text_belongs_to_a_command() {
        let catalogue = Catalogue::of(Locale::En);
        let grammar = crate::args::grammar(&catalogue);
        for text in bloom_ir::catalogue::variables(include_str!("../messages/en.ftl")).unwrap().into_keys() {
            let (id, attribute) = text.split_once('.').map_or((&*text, None), |(id, name)| (id, Some(name)));
            let Some(path) = id.strip_prefix("cmd") else { continue };
            let mut command = &grammar;
            for name in path.split('-').filter(|name| !name.is_empty()) {
                command = command.find_subcommand(name).unwrap_or_else(|| panic!("{id} is no command"));
            }
            let known = attribute.is_none_or(|name| {
                let mut arguments = command.get_arguments();
                name == "examples" || arguments.any(|argument| argument.get_id().as_str().replace('_', "-") == name)
            });
            assert!(known, "{text} is no argument");
        }
    }
}
