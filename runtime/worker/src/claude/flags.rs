//! The flags that a version of the CLI offers.

use std::ffi::OsString;

/// What is used of the CLI, as its `--help` says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is the presence of one flag")]
pub(super) struct Flags {
    pub(super) json_schema: bool,
    pub(super) system_prompt_file: bool,
    pub(super) append_system_prompt_file: bool,
    setting_sources: bool,
    settings: bool,
    disable_slash_commands: bool,
    no_session_persistence: bool,
    resume: bool,
    session_id: bool,
}

/// Without these the executor cannot work, or a text that the model reads could have it use tools.
const REQUIRED: &[&str] = &["--print", "--output-format", "--model", "--tools", "--strict-mcp-config"];

impl Flags {
    /// Reads them from the help text, and names required ones that it lacks.
    pub(super) fn of_help(help: &str) -> Result<Self, Vec<&'static str>> {
        let offers =
            |flag: &str| help.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-')).any(|word| word == flag);
        // As its help names two flags at once: `--system-prompt[-file]`.
        let offers_file = |flag: &str| offers(&format!("{flag}-file")) || help.contains(&format!("{flag}[-file]"));
        let lacking: Vec<_> = REQUIRED.iter().copied().filter(|flag| !offers(flag)).collect();
        if !lacking.is_empty() {
            return Err(lacking);
        }
        Ok(Self {
            json_schema: offers("--json-schema"),
            system_prompt_file: offers_file("--system-prompt"),
            append_system_prompt_file: offers_file("--append-system-prompt"),
            setting_sources: offers("--setting-sources"),
            settings: offers("--settings"),
            disable_slash_commands: offers("--disable-slash-commands"),
            no_session_persistence: offers("--no-session-persistence"),
            resume: offers("--resume"),
            session_id: offers("--session-id"),
        })
    }

    /// What this version cannot do, in the order of weight.
    pub(super) fn missing(&self) -> Vec<&'static str> {
        [
            (self.setting_sources, "--setting-sources"),
            (self.settings, "--settings"),
            (self.disable_slash_commands, "--disable-slash-commands"),
            (self.no_session_persistence, "--no-session-persistence"),
            (self.resume, "--resume"),
            (self.session_id, "--session-id"),
            (self.json_schema, "--json-schema"),
            (self.system_prompt_file, "--system-prompt-file"),
            (self.append_system_prompt_file, "--append-system-prompt-file"),
        ]
        .into_iter()
        .filter_map(|(offered, flag)| (!offered).then_some(flag))
        .collect()
    }

    /// Whether it can be told which conversation is to begin, and which to go on.
    pub(super) fn keeps_conversations(&self) -> bool {
        self.resume && self.session_id
    }

    /// The arguments of every call: print once, and keep out everything that is not the prompt; of the conversation nothing
    /// stays, unless it is to be kept.
    pub(super) fn isolation(&self, is_kept: bool) -> Vec<OsString> {
        // `--strict-mcp-config` without a `--mcp-config` beside it: no server at all.
        let always = ["--print", "--output-format", "json", "--tools", "", "--strict-mcp-config"];
        let mut args: Vec<OsString> = always.map(Into::into).into();
        let mut add = |offered: bool, flag: &[&str]| {
            if offered {
                args.extend(flag.iter().map(Into::into));
            }
        };
        add(self.setting_sources, &["--setting-sources", ""]);
        add(self.settings, &["--settings", r#"{"disableAllHooks":true}"#]);
        add(self.disable_slash_commands, &["--disable-slash-commands"]);
        add(self.no_session_persistence && !is_kept, &["--no-session-persistence"]);
        args
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flag_is_not_found_within_a_longer_one() {
        let flags = Flags::of_help(
            "  -p, --print\n  --output-format <format>\n  --model <m>\n  --tools <t>\n  --strict-mcp-config\n  --settings-x",
        );
        assert_eq!(flags, Ok(Flags::default()));
        let flags = Flags::of_help("--print --output-format --model --tools-file --strict-mcp-config");
        assert_eq!(flags, Err(vec!["--tools"]));
    }

    #[test]
    fn a_flag_is_found_where_it_is_named_with_another() {
        let help = "--print --output-format --model --tools --strict-mcp-config\n  via: --system-prompt[-file],\n  --append-system-prompt[-file], --add-dir";
        let flags = Flags::of_help(help).unwrap();
        assert!(flags.system_prompt_file && flags.append_system_prompt_file);
        let flags =
            Flags::of_help("--print --output-format --model --tools --strict-mcp-config --system-prompt <prompt>")
                .unwrap();
        assert!(!flags.system_prompt_file);
    }

    #[test]
    fn what_cannot_be_done_without_is_named() {
        let lacking = Err(vec!["--output-format", "--model", "--tools", "--strict-mcp-config"]);
        assert_eq!(Flags::of_help("usage: claude --print"), lacking);
    }
}
