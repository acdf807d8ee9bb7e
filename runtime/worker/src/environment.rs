//! The environment that a program gets: what it needs to run, and its own settings.

use std::ffi::{OsStr, OsString};

/// What every program may see.
const BASE: &[&str] = &[
    "HOME",
    "LANG",
    "LANGUAGE",
    "LOGNAME",
    "PATH",
    "SHELL",
    "TERM",
    "TMPDIR",
    "TZ",
    "USER",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "XDG_STATE_HOME",
];
/// How the operator's network is reached.
const NETWORK: &[&str] = &[
    "ALL_PROXY",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "NODE_EXTRA_CA_CERTS",
    "NO_PROXY",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "all_proxy",
    "http_proxy",
    "https_proxy",
    "no_proxy",
];
/// They tie the CLI to a session of its own that this process may happen to run in.
const FOREIGN_SESSION: &[&str] = &["CLAUDE_CODE_ENTRYPOINT", "CLAUDE_CODE_SSE_PORT"];

/// The part of an environment that a program gets.
pub(crate) fn scrubbed(
    all: impl IntoIterator<Item = (OsString, OsString)>,
    own: impl Fn(&str) -> bool,
) -> Vec<(OsString, OsString)> {
    let keep = |name: &OsStr| {
        let Some(name) = name.to_str() else { return false };
        BASE.contains(&name) || NETWORK.contains(&name) || name.starts_with("LC_") || own(name)
    };
    all.into_iter().filter(|(name, _)| keep(name)).collect()
}

/// Whether a variable is a setting of the Claude CLI.
pub(crate) fn is_claude_setting(name: &str) -> bool {
    (name.starts_with("ANTHROPIC_") || name.starts_with("CLAUDE_")) && !FOREIGN_SESSION.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_of_others_stay_out() {
        let all = [
            "HOME",
            "LC_ALL",
            "ANTHROPIC_API_KEY",
            "CLAUDE_CONFIG_DIR",
            "CLAUDE_CODE_SSE_PORT",
            "CLAUDECODE",
            "AWS_SECRET_ACCESS_KEY",
            "DATABASE_URL",
            "LD_PRELOAD",
        ];
        let kept = scrubbed(all.map(|name| (name.into(), "x".into())), is_claude_setting);
        let names: Vec<_> = kept.iter().filter_map(|(name, _)| name.to_str()).collect();
        assert_eq!(names, ["HOME", "LC_ALL", "ANTHROPIC_API_KEY", "CLAUDE_CONFIG_DIR"]);
    }
}
