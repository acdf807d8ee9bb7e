//! `bloom tool grant`: what the operator gives a tool, in `bloom.toml`.

use std::io::Write as _;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use bloom_author::grant::{Change, Digest, GrantError, Http, Setting, edit};
use bloom_runtime::tool::ToolHost as _;
use bloom_wasm::grant::HeaderTemplate;
use clap::Args;
use serde_json::json;

use super::granted::{http, pair};
use crate::catalogue::text;
use crate::config::{Config, FILE, Places};
use crate::failure::{Exit, Explained};
use crate::host::ToolArgs;
use crate::output::Out;
use crate::session::{Form, Session};

#[derive(Args, Debug)]
pub(crate) struct Grant {
    #[arg(value_name = "NAME")]
    tool: String,
    #[arg(long, value_name = "GRANT")]
    http: Vec<String>,
    #[arg(long, value_name = "NAME: TEXT", requires = "http")]
    header: Vec<String>,
    #[arg(long, value_name = "ADDRESS", requires = "http")]
    address: Vec<IpAddr>,
    #[arg(long, value_name = "GRANT")]
    no_http: Vec<String>,
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    #[arg(long, value_name = "KEY=VALUE")]
    set_public: Vec<String>,
    #[arg(long, value_name = "KEY=VARIABLE")]
    set_env: Vec<String>,
    #[arg(long, value_name = "KEY=FILE")]
    set_file: Vec<String>,
    #[arg(long, value_name = "KEY")]
    unset: Vec<String>,
    #[arg(long, value_name = "own|all", value_parser = ["own", "all"])]
    artifacts: Option<String>,
    #[arg(long, value_name = "DIGEST|installed", conflicts_with = "any_digest")]
    digest: Option<String>,
    #[arg(long)]
    any_digest: bool,
    #[command(flatten)]
    tools: ToolArgs,
}

/// In place of a digest: that of the component which has the name now.
const INSTALLED: &str = "installed";

impl Grant {
    pub(crate) fn perform(self, session: &Session, out: &mut Out) -> anyhow::Result<Exit> {
        let catalogue = &session.catalogue;
        let change = self.change(session)?;
        if change == Change::default() {
            return Err(Explained::usage(text!(catalogue, "tool-grant-nothing")).into());
        }
        let path = file(session)?;
        let shown = path.display().to_string();
        let before = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => {
                let message = text!(catalogue, "cannot-read", path = &shown);
                return Err(anyhow::Error::new(error).context(Explained::failed(message)));
            }
        };
        let after = edit(&before, &self.tool, &change).map_err(|error| {
            let message = text!(catalogue, "tool-grant-bad-file", path = &shown);
            anyhow::Error::new::<GrantError>(error).context(Explained::failed(message))
        })?;
        write(&path, &after, session)?;
        if session.form() == Form::Json {
            out.json(&json!({ "file": shown, "tool": self.tool, "changed": before != after }))?;
        } else if before == after {
            writeln!(out, "{}", text!(catalogue, "tool-grant-same", path = shown))?;
        } else {
            writeln!(out, "{}", text!(catalogue, "tool-granted", path = shown, tool = &self.tool))?;
        }
        Ok(Exit::Completed)
    }

    fn change(&self, session: &Session) -> anyhow::Result<Change> {
        let headers = self.header.iter().map(|text| header(text, session)).collect::<anyhow::Result<Vec<_>>>()?;
        let addresses: Vec<String> = self.address.iter().map(ToString::to_string).collect();
        let mut hosts = Vec::new();
        for text in &self.http {
            let _ = http(text, session)?;
            hosts.push(Http { to: text.clone(), headers: headers.clone(), addresses: addresses.clone() });
        }
        let mut set = Vec::new();
        for (texts, setting) in [
            (&self.set, Setting::Value as fn(String) -> Setting),
            (&self.set_public, Setting::Public as fn(String) -> Setting),
            (&self.set_env, Setting::Env as fn(String) -> Setting),
            (&self.set_file, Setting::File as fn(String) -> Setting),
        ] {
            for text in texts {
                let (key, value) = pair(text, session)?;
                set.push((key, setting(value)));
            }
        }
        let (no_http, unset, artifacts) = (self.no_http.clone(), self.unset.clone(), self.artifacts.clone());
        Ok(Change { digest: self.digest(session)?, http: hosts, no_http, set, unset, artifacts })
    }

    /// Which component is meant from now on, if that changes.
    fn digest(&self, session: &Session) -> anyhow::Result<Option<Digest>> {
        if self.any_digest {
            return Ok(Some(Digest::Any));
        }
        let Some(given) = &self.digest else { return Ok(None) };
        if given == INSTALLED {
            let unknown = || {
                Explained::failed(text!(session.catalogue, "tool-unknown", tool = &self.tool))
                    .hint(text!(session.catalogue, "tool-unknown.hint"))
            };
            let tool = self.tools.host(session)?.describe(&self.tool, None).map_err(|_| unknown())?;
            return Ok(Some(Digest::Only(tool.digest.to_string())));
        }
        let digest: bloom_ir::Digest = given
            .parse()
            .with_context(|| Explained::usage(text!(session.catalogue, "tool-bad-digest", digest = given)))?;
        Ok(Some(Digest::Only(digest.to_string())))
    }
}

/// `authorization: Bearer {key}`
fn header(text: &str, session: &Session) -> anyhow::Result<(String, String)> {
    let wrong = || Explained::usage(text!(session.catalogue, "tool-bad-header", text = text));
    let (name, value) = text.split_once(':').ok_or_else(wrong)?;
    let (name, value) = (name.trim(), value.trim());
    let _ = HeaderTemplate::parse(name, value).with_context(wrong)?;
    Ok((name.to_ascii_lowercase(), value.to_owned()))
}

/// The file of settings that is read, else one in the data directory: only its owner looks there.
fn file(session: &Session) -> anyhow::Result<PathBuf> {
    match session.config()?.file.clone() {
        Some(file) => Ok(file),
        None => Ok(session.data.create(&session.catalogue)?.join(FILE)),
    }
}

/// Writes the file, if it can be read back: whole, or not at all, and for its owner alone where it is new.
fn write(path: &Path, text: &str, session: &Session) -> anyhow::Result<()> {
    let catalogue = &session.catalogue;
    let shown = path.display().to_string();
    let failed = || Explained::failed(text!(catalogue, "cannot-write", path = &shown));
    let path = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut temporary = tempfile::NamedTempFile::new_in(folder).with_context(failed)?;
    temporary.write_all(text.as_bytes()).with_context(failed)?;
    let places = Places { named: Some(temporary.path()), searched: Vec::new(), variables: Vec::new() };
    let _ = Config::load(&places, catalogue)?;
    if let Ok(metadata) = std::fs::metadata(&path) {
        temporary.as_file().set_permissions(metadata.permissions()).with_context(failed)?;
    }
    temporary.as_file().sync_all().with_context(failed)?;
    let _ = temporary.persist(&path).with_context(failed)?;
    Ok(())
}
