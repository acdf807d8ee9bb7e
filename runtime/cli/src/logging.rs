//! What is logged goes to the standard error: nothing where nothing is asked for.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

use crate::config::LogFormat;
use crate::output;
use crate::session::Session;

/// Begins to log what the settings say, or else `default`. Settings that cannot be read are told by the command that needs
/// them.
pub(crate) fn start(session: &Session, default: Option<&str>) {
    let Ok(config) = session.config() else { return };
    let log = &config.settings.log;
    let Some(filter) = log.filter.as_deref().or(default) else { return };
    let Ok(filter) = EnvFilter::try_new(filter) else { return };
    let is_json = match log.format {
        LogFormat::Json => true,
        LogFormat::Text => false,
        LogFormat::Auto => !std::io::stderr().is_terminal(),
    };
    let logs = tracing_subscriber::fmt().with_env_filter(filter).with_writer(output::stderr);
    // Only the first call counts: a command that logs by itself was started first.
    let _ = if is_json { logs.json().try_init() } else { logs.try_init() };
}
