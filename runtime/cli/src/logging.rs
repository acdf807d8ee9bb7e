//! What servers and workers log goes to the standard error, and what anybody asks for; their spans go to a collector, where one is
//! named.

use std::io::IsTerminal as _;

use anyhow::Context as _;
use reqwest::Url;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _};

use crate::catalogue::{Catalogue, text};
use crate::config::LogFormat;
use crate::failure::Explained;
use crate::output;
use crate::session::Session;
#[cfg(feature = "otlp")]
use crate::telemetry::{self, Telemetry};

/// What goes on until it is dropped.
#[derive(Default)]
pub(crate) struct Logging {
    #[cfg(feature = "otlp")]
    _telemetry: Option<Telemetry>,
}

/// Begins to log what the settings say, or else what a `service` logs. Settings that cannot be read are told by the command that
/// needs them.
pub(crate) fn start(session: &Session, service: Option<&str>) -> anyhow::Result<Logging> {
    let Ok(config) = session.config() else { return Ok(Logging::default()) };
    let log = &config.settings.log;
    let is_json = match log.format {
        LogFormat::Json => true,
        LogFormat::Text => false,
        LogFormat::Auto => !std::io::stderr().is_terminal(),
    };
    let mut layers = Vec::new();
    let filter = log.filter.as_deref().or(service).and_then(|filter| EnvFilter::try_new(filter).ok());
    if let Some(filter) = filter {
        let logs = tracing_subscriber::fmt::layer().with_writer(output::stderr);
        let logs = if is_json { logs.json().boxed() } else { logs.boxed() };
        layers.push(logs.with_filter(filter).boxed());
    }
    // Commands that end at once do not wait for a collector.
    let settings = &config.settings.telemetry;
    let endpoint = settings.otlp_endpoint.as_deref().filter(|_| service.is_some());
    let endpoint = endpoint.map(|endpoint| collector(endpoint, &session.catalogue)).transpose()?;
    #[cfg(feature = "otlp")]
    let logging = {
        let start = |endpoint| telemetry::start(endpoint, settings.ca.as_deref(), &session.catalogue);
        let telemetry = endpoint.as_ref().map(start).transpose()?;
        let (spans, telemetry) = telemetry.unzip();
        layers.extend(spans);
        Logging { _telemetry: telemetry }
    };
    #[cfg(not(feature = "otlp"))]
    let logging = Logging::default();
    if !layers.is_empty() {
        // Only the first call counts: a command that logs by itself was started first.
        let _ = tracing_subscriber::registry().with(layers).try_init();
    }
    if cfg!(not(feature = "otlp")) && endpoint.is_some() {
        tracing::warn!(
            "telemetry.otlp_endpoint is set, and this bloom was built without the feature otlp: no spans are sent"
        );
    }
    Ok(logging)
}

fn collector(endpoint: &str, catalogue: &Catalogue) -> anyhow::Result<Url> {
    let bad = || Explained::usage(text!(catalogue, "telemetry-bad-endpoint", endpoint = endpoint));
    let url = Url::parse(endpoint).with_context(bad)?;
    if matches!(url.scheme(), "http" | "https") { Ok(url) } else { Err(bad().into()) }
}
