//! What a call on trial may reach: said on the command line, or in a sample.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::Context as _;
use bloom_author::sample::Sample;
use bloom_wasm::Config;
use bloom_wasm::grant::{HttpGrant, Setting, ToolGrants};
use clap::Args;
use serde_json::Value;

use crate::catalogue::text;
use crate::failure::Explained;
use crate::session::Session;
use crate::setting::absolute;

/// Grants for one call.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct GrantArgs {
    #[arg(long, value_name = "ROOT=DIR")]
    files: Vec<String>,
    #[arg(long, value_name = "GRANT")]
    http: Vec<String>,
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    #[arg(long, value_name = "KEY=VALUE")]
    set_public: Vec<String>,
}

/// Folders by root, and what the tool itself gets.
#[derive(Clone, Debug, Default)]
pub(crate) struct Granted {
    pub(crate) roots: BTreeMap<String, PathBuf>,
    pub(crate) grants: ToolGrants,
}

impl GrantArgs {
    pub(crate) fn read(&self, session: &Session) -> anyhow::Result<Granted> {
        let mut granted = Granted::default();
        for text in &self.files {
            let (root, folder) = pair(text, session)?;
            let folder = absolute(folder.as_ref());
            if !folder.is_dir() {
                let path = folder.display().to_string();
                return Err(Explained::usage(text!(session.catalogue, "not-a-folder", path = path)).into());
            }
            let _ = granted.roots.insert(root, folder);
        }
        granted.grants.http = self.http.iter().map(|text| http(text, session)).collect::<anyhow::Result<_>>()?;
        for (texts, setting) in [
            (&self.set, Setting::Secret as fn(String) -> Setting),
            (&self.set_public, Setting::Public as fn(String) -> Setting),
        ] {
            for text in texts {
                let (key, value) = pair(text, session)?;
                let _ = granted.grants.config.insert(key, setting(value));
            }
        }
        Ok(granted)
    }
}

impl Granted {
    /// What a sample says.
    pub(crate) fn of_sample(sample: &Sample, session: &Session) -> anyhow::Result<Self> {
        let wrong = || Explained::usage(text!(session.catalogue, "tool-bad-sample", name = &sample.name));
        let mut grants = ToolGrants::default();
        for (key, value) in &sample.config {
            let setting: Setting = serde_json::from_value(value.clone()).with_context(wrong)?;
            let _ = grants.config.insert(key.clone(), setting);
        }
        let http = sample.http.iter().map(|grant: &Value| serde_json::from_value(grant.clone()));
        grants.http = http.collect::<Result<_, _>>().with_context(wrong)?;
        let roots = sample.files.iter().map(|(root, folder)| (root.clone(), absolute(folder))).collect();
        Ok(Self { roots, grants })
    }

    /// Adds these to what a host is set up with.
    pub(crate) fn apply(self, tool: &str, config: &mut Config) {
        config.roots.extend(self.roots);
        let grants = config.grants.entry(tool.to_owned()).or_default();
        grants.config.extend(self.grants.config);
        grants.http.extend(self.grants.http);
    }
}

/// `KEY=VALUE`
pub(crate) fn pair(text: &str, session: &Session) -> anyhow::Result<(String, String)> {
    match text.split_once('=').filter(|(key, _)| !key.is_empty()) {
        Some((key, value)) => Ok((key.to_owned(), value.to_owned())),
        None => Err(Explained::usage(text!(session.catalogue, "tool-no-pair", text = text)).into()),
    }
}

/// `https://api.example.org GET POST`
pub(crate) fn http(text: &str, session: &Session) -> anyhow::Result<HttpGrant> {
    text.parse().with_context(|| Explained::usage(text!(session.catalogue, "tool-bad-http", text = text)))
}
