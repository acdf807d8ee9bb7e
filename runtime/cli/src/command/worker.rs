//! `bloom worker`: does the tasks of a server that is elsewhere.

use std::cell::Cell;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use bloom_ir::Digest;
use bloom_runtime::engine::{Budgets, EngineConfig};
use bloom_runtime::signers::Signers as _;
use bloom_store::RedbStore;
use bloom_worker::{Flows, RemoteConfig, RemoteError, RemoteWorker};
use clap::Args;
use serde_json::json;
use tokio::sync::Mutex;

use crate::catalogue::text;
use crate::clock::TimeOrderedIds;
use crate::config::Config;
use crate::engine;
use crate::failure::{Exit, Explained};
use crate::llm::Choice;
use crate::output::{self, Out};
use crate::session::{Form, Session};
use crate::setting::Setting;
use crate::signal::Interrupts;
use crate::trust;
use crate::trust_file::TrustFile;

#[derive(Args, Debug)]
pub(crate) struct Worker {
    #[arg(long, value_name = "URL")]
    server: Option<String>,
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=32))]
    slots: Option<u32>,
    #[arg(long = "label", value_name = "NAME")]
    labels: Vec<String>,
    #[arg(long, value_name = "WHO")]
    llm: Option<String>,
}

impl Worker {
    pub(crate) async fn perform(self, session: &Session, out: &mut Out) -> anyhow::Result<Exit> {
        let catalogue = &session.catalogue;
        let config = self.settings(session)?;
        let remote = remote(&config, session)?;
        let choice = config.settings.run.llm.as_deref().map(crate::llm::absolute);
        let flows = flows(&config, session)?;
        // Of several workers on a machine, and of several servers, each has its own.
        let whose = Digest::of(format!("{}\n{}", remote.server, remote.name).as_bytes()).hex();
        let (executor, line) = match Choice::parse(choice.as_deref(), catalogue)?.of_server(&whose, session).await? {
            Ok((executor, line)) => (Some(executor), line),
            Err(reason) if flows.is_some() => (None, text!(catalogue, "worker-only-flows", reason = reason)),
            Err(reason) => {
                return Err(Explained::failed(text!(catalogue, "worker-no-llm", reason = reason))
                    .hint(text!(catalogue, "run-no-claude-hint"))
                    .into());
            }
        };
        writeln!(output::stderr(), "{line}")?;
        // Whoever is told of the worker may ask it to stop.
        let interrupts = Mutex::new(Interrupts::listen()?);
        tell(&remote, session, out)?;
        if remote.exposes_its_key() {
            trust::warn_of_exposed_key(&remote.server, catalogue);
        }
        let server = remote.server.clone();
        let failed = |error| explained(error, &server, session);
        let mut worker = RemoteWorker::new(remote, executor).map_err(failed)?;
        if let Some(flows) = flows {
            worker = worker.with_flows(flows);
        }
        let signalled = Cell::new(None);
        let stop = async {
            signalled.set(Some(interrupts.lock().await.next().await));
            // A standard error that cannot be written leaves nobody to tell.
            let _ = writeln!(output::stderr(), "{}", text!(catalogue, "worker-draining"));
        };
        let hurry = async {
            interrupts.lock().await.next().await;
        };
        worker.run(stop, hurry).await.map_err(failed)?;
        let _ = writeln!(output::stderr(), "{}", text!(catalogue, "worker-stopped"));
        Ok(exit(signalled.take()))
    }

    /// The settings, with what the options say.
    fn settings(&self, session: &Session) -> anyhow::Result<Config> {
        let (mut config, catalogue) = (session.config()?.clone(), &session.catalogue);
        config.option(&["worker", "server"], self.server.clone(), "--server", catalogue)?;
        config.option(&["worker", "name"], self.name.clone(), "--name", catalogue)?;
        config.option(&["worker", "slots"], self.slots, "--slots", catalogue)?;
        let labels = Some(self.labels.clone()).filter(|labels| !labels.is_empty());
        config.option(&["worker", "labels"], labels, "--label", catalogue)?;
        config.option(&["run", "llm"], self.llm.clone(), "--llm", catalogue)?;
        Ok(config)
    }
}

fn remote(config: &Config, session: &Session) -> anyhow::Result<RemoteConfig> {
    let (given, catalogue) = (&config.settings.worker, &session.catalogue);
    let key = match (&given.key, &config.settings.server.api_key) {
        (Some(own), _) => Some(own.read("worker.key", catalogue)?),
        (None, Some(shared)) => Some(shared.read("server.api_key", catalogue)?),
        (None, None) => None,
    };
    let unnamed = || Explained::usage(text!(catalogue, "worker-no-name"));
    let name = given.name.clone().or_else(name_of_machine).with_context(unnamed)?;
    Ok(RemoteConfig {
        key,
        trust: trust::read(given.ca.as_deref(), "worker.ca", catalogue)?,
        slots: given.slots.clamp(1, 32),
        labels: given.labels.clone(),
        heartbeat: Duration::from_secs(given.heartbeat_seconds.max(1).into()),
        drain: Duration::from_secs(given.drain_seconds.into()),
        ..RemoteConfig::new(given.server.as_str(), name)
    })
}

/// What whole runs are executed with. One that trusts nobody could verify no program, and one may not want to.
fn flows(config: &Config, session: &Session) -> anyhow::Result<Option<Flows>> {
    let trust = TrustFile::of(session)?;
    if !config.settings.worker.flows || trust.trusted().keys.is_empty() {
        return Ok(None);
    }
    let tools = tokio::task::block_in_place(|| Setting::of_operator(session)?.host(session))?;
    Ok(Some(Flows {
        tools: Arc::new(tools),
        trust: Arc::new(trust),
        clock: Arc::new(session.clock),
        ids: Arc::new(TimeOrderedIds),
        store: Box::new(|| Ok(Arc::new(RedbStore::in_memory().map_err(io::Error::other)?))),
        // What runs may use in a day is for the server to say.
        config: EngineConfig { budgets: Budgets::default(), ..engine::config(session)? },
    }))
}

/// What the machine is called, as Linux, or a file or a variable of other systems, says.
fn name_of_machine() -> Option<String> {
    let files = ["/proc/sys/kernel/hostname", "/etc/hostname"].map(PathBuf::from);
    let told = files.into_iter().filter_map(|file| std::fs::read_to_string(file).ok());
    let names = told.chain(["HOSTNAME", "COMPUTERNAME"].into_iter().filter_map(|name| std::env::var(name).ok()));
    names.map(|name| name.trim().to_owned()).find(|name| !name.is_empty())
}

/// Says what it is, before it asks for anything.
fn tell(remote: &RemoteConfig, session: &Session, out: &mut Out) -> io::Result<()> {
    let RemoteConfig { server, name, slots, .. } = remote;
    match session.form_by_terminal() {
        Form::Json => out.json(&json!({ "worker": name, "server": server, "slots": slots }))?,
        Form::Text => {
            let (server, name, slots) = (server.as_str(), name.as_str(), *slots);
            writeln!(out, "{}", text!(session.catalogue, "worker-works", name = name, server = server, slots = slots))?;
        }
    }
    out.flush()
}

fn exit(signalled: Option<u8>) -> Exit {
    match signalled {
        // Asked to stop, it stopped.
        Some(15) | None => Exit::Completed,
        Some(signal) => Exit::Interrupted(signal),
    }
}

fn explained(error: RemoteError, server: &str, session: &Session) -> anyhow::Error {
    let catalogue = &session.catalogue;
    let explained = match &error {
        RemoteError::Url(url) => return Explained::usage(text!(catalogue, "worker-bad-url", url = url)).into(),
        RemoteError::Refused { status: 401 | 403, .. } => {
            Explained::refused(text!(catalogue, "worker-refused")).hint(text!(catalogue, "worker-refused-hint"))
        }
        RemoteError::Key => return Explained::usage(text!(catalogue, "worker-bad-key")).into(),
        RemoteError::Tls(fault) => trust::explained(fault, server, "worker.ca", catalogue),
        RemoteError::Refused { .. } | RemoteError::Unreachable(_) | RemoteError::Answer(_) => {
            Explained::failed(text!(catalogue, "worker-failed")).hint(text!(catalogue, "worker-failed-hint"))
        }
    };
    anyhow::Error::new(error).context(explained)
}
