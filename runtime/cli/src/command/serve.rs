//! `bloom serve`: flows and runs over HTTP.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context as _;
use async_trait::async_trait;
use bloom_ir::Value;
use bloom_runtime::apply::Applier;
use bloom_runtime::engine::{Engine, EngineConfig, Parts};
use bloom_runtime::signers::Signers;
use bloom_runtime::tool::InstalledTool;
use bloom_server::{
    Appliers, ConfigError, ControlPlaneConfig, Hub, NotAdded, Owners, Server, ServerConfig, Tls, Toolbox,
};
use bloom_store::RedbStore;
use bloom_wasm::{NotInstalled, ToolFolder, WasmHost};
use bloom_worker::InProcessWorker;
use clap::Args;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::catalogue::text;
use crate::clock::{SystemClock, TimeOrderedIds};
use crate::compiler::WithTools;
use crate::config::{Config, NOT_HONOURED, Secret};
use crate::failure::{Exit, Explained};
use crate::host::{MemoryArg, ToolArgs};
use crate::keyring::Keyring;
use crate::llm::{Choice, HERE};
use crate::output::{self, Out};
use crate::session::{Form, Session};
use crate::setting::Setting;
use crate::signal::Interrupts;
use crate::store::Store;
use crate::trust_file::TrustFile;
use crate::{apply, engine, place};

#[derive(Args, Debug)]
pub(crate) struct Serve {
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    #[arg(long, value_name = "N")]
    workers: Option<u32>,
    #[arg(long)]
    insecure: bool,
    #[arg(long, value_name = "DIR")]
    web: Option<PathBuf>,
}

impl Serve {
    pub(crate) async fn perform(self, session: &Session, out: &mut Out) -> anyhow::Result<Exit> {
        let catalogue = &session.catalogue;
        let config = self.settings(session)?;
        refuse_unhonoured(session)?;
        let secret = config.settings.server.api_key.as_ref();
        let key = secret.map(|secret| secret.read("server.api_key", catalogue)).transpose()?;
        let settings = server_config(&config, session)?;
        let audit_key = Some(Keyring::of(session)?.auditor()?);
        let store = Store::open(session)?;
        place::check(&store, &config, catalogue).await?;
        // Made and trusted once there is somebody who may have it sign.
        let has_owners = !store.setting::<Owners>(Owners::SETTING).await?.is_empty();
        let signing_key = has_owners.then(|| Keyring::of(session)?.server()).transpose()?;
        let settings = ServerConfig { audit_key, signing_key, tls: tls(&config, session)?, ..settings };
        apply::finish(&store, session).await?;
        let setting = Setting::of_operator(session)?;
        let choice = Choice::parse(setting.llm.as_deref(), catalogue)?;
        let tools = Arc::new(tokio::task::block_in_place(|| setting.host(session))?);
        let hub = Arc::new(Hub::default());
        let counted = hub.clone();
        store.inner.watch_commits(move |verbs, took| counted.committed(verbs, took));
        let trust: Arc<dyn Signers> = Arc::new(TrustFile::of(session)?);
        let engine = Arc::new(Engine::new(Parts {
            store: store.inner.clone(),
            tools: tools.clone(),
            clock: Arc::new(session.clock),
            ids: Arc::new(TimeOrderedIds),
            trust: trust.clone(),
            observer: hub.clone(),
            config: EngineConfig {
                awaits_workers: true,
                llm_by_person: choice.is_human(),
                admission: engine::admission(session)?,
                ..engine::config(session)?
            },
        }));
        let memory = MemoryArg::default().folder(&setting, session)?;
        let added = ToolArgs::default().folder(session)?;
        let server = Server::new(bloom_server::Parts {
            engine: engine.clone(),
            tools: tools.clone(),
            toolbox: Arc::new(Added { host: tools.clone(), folder: ToolFolder::new(added) }),
            compiler: Arc::new(WithTools(tools)),
            appliers: Arc::new(OfRuns {
                store: store.inner.clone(),
                clock: session.clock,
                memory,
                made: Mutex::default(),
            }),
            clock: Arc::new(session.clock),
            ids: Arc::new(TimeOrderedIds),
            trust,
            hub,
            key,
            setting: setting.to_value(),
            config: settings.clone(),
        })
        .map_err(|error| explained(&error, session))?;
        let listener = TcpListener::bind(settings.listen).await.with_context(|| {
            Explained::failed(text!(catalogue, "serve-cannot-listen", address = settings.listen.to_string()))
        })?;
        let worker = embedded(config.settings.server.workers, &choice, &engine, session).await?;
        // Whoever is told the address may ask the server to stop.
        let interrupts = Interrupts::listen()?;
        tell(listener.local_addr()?, settings.tls.is_some(), session, out)?;
        let exit = serve(server, listener, &engine, worker, interrupts, session).await?;
        writeln!(output::stderr(), "{}", text!(catalogue, "serve-stopped"))?;
        Ok(exit)
    }

    /// The settings, with what the options say.
    fn settings(&self, session: &Session) -> anyhow::Result<Config> {
        let (mut config, catalogue) = (session.config()?.clone(), &session.catalogue);
        config.option(&["server", "listen"], self.listen.map(|at| at.to_string()), "--listen", catalogue)?;
        config.option(&["server", "workers"], self.workers, "--workers", catalogue)?;
        config.option(&["server", "insecure"], self.insecure.then_some(true), "--insecure", catalogue)?;
        let web = self.web.as_ref().map(|folder| folder.display().to_string());
        config.option(&["server", "web"], web, "--web", catalogue)?;
        Ok(config)
    }
}

/// What an existing installation asks for and this server cannot do must not be passed over.
fn refuse_unhonoured(session: &Session) -> anyhow::Result<()> {
    let is_set = |name: &&&str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    match NOT_HONOURED.iter().find(is_set) {
        None => Ok(()),
        Some(name) => Err(Explained::usage(text!(session.catalogue, "serve-not-honoured", name = *name))
            .hint(text!(session.catalogue, "serve-not-honoured-hint"))
            .into()),
    }
}

fn server_config(config: &Config, session: &Session) -> anyhow::Result<ServerConfig> {
    let given = &config.settings.server;
    let mut trusted_proxies = Vec::new();
    for network in &given.trusted_proxies {
        let parsed = network.parse().or_else(|_| network.parse::<std::net::IpAddr>().map(Into::into));
        let bad = || Explained::usage(text!(session.catalogue, "serve-bad-network", network = network));
        trusted_proxies.push(parsed.with_context(bad)?);
    }
    let read = |secret: &Option<Secret>, key: &str| {
        secret.as_ref().map(|secret| secret.read(key, &session.catalogue)).transpose()
    };
    let membridge = &config.settings.membridge;
    let mib = |mib: u32| usize::try_from(mib).unwrap_or(usize::MAX).saturating_mul(1 << 20);
    Ok(ServerConfig {
        listen: given.listen,
        insecure: given.insecure,
        session_secret: read(&given.session_secret, "server.session_secret")?,
        public_url: given.public_url.clone(),
        web: client(given.web.as_deref(), session)?,
        trusted_proxies,
        max_body: mib(given.max_body_mib),
        requests_per_minute: given.requests_per_minute,
        open_requests_per_minute: given.open_requests_per_minute,
        max_connections: usize::try_from(given.max_connections).unwrap_or(usize::MAX),
        request_timeout: std::time::Duration::from_secs(given.request_timeout_seconds.into()),
        agent_key: read(&membridge.agent_key, "membridge.agent_key")?,
        auto_dispatch: config.settings.tasks.auto_dispatch,
        control_plane: ControlPlaneConfig {
            url: membridge.url.clone(),
            admin_key: read(&membridge.admin_key, "membridge.admin_key")?,
            ..ControlPlaneConfig::default()
        },
        ..ServerConfig::default()
    })
}

/// The folder of the client that is served, which has a first page.
fn client(folder: Option<&Path>, session: &Session) -> anyhow::Result<Option<PathBuf>> {
    let Some(folder) = folder else { return Ok(None) };
    if !folder.join("index.html").is_file() {
        let path = folder.display().to_string();
        return Err(Explained::usage(text!(session.catalogue, "serve-no-client", path = path)).into());
    }
    Ok(Some(folder.to_owned()))
}

/// The certificate, where there is one.
fn tls(config: &Config, session: &Session) -> anyhow::Result<Option<Tls>> {
    let (given, catalogue) = (&config.settings.server, &session.catalogue);
    let (certificate, key) = match (&given.tls_certificate, &given.tls_key) {
        (None, None) => return Ok(None),
        (Some(certificate), Some(key)) => (certificate, key),
        _ => return Err(Explained::usage(text!(catalogue, "serve-half-tls")).into()),
    };
    let read = |path: &PathBuf| {
        let shown = path.display().to_string();
        std::fs::read(path).with_context(|| Explained::usage(text!(catalogue, "cannot-read", path = shown)))
    };
    let (certificate, key) = (read(certificate)?, read(key)?);
    let bad = || Explained::usage(text!(catalogue, "serve-bad-tls"));
    Tls::from_pem(&certificate, &key).map(Some).with_context(bad)
}

fn explained(error: &ConfigError, session: &Session) -> anyhow::Error {
    let catalogue = &session.catalogue;
    match error {
        ConfigError::OpenToAll { listen } => {
            Explained::refused(text!(catalogue, "serve-open-to-all", address = listen.to_string()))
                .hint(text!(catalogue, "serve-open-to-all-hint"))
                .into()
        }
        ConfigError::PublicUrl { url } | ConfigError::ControlPlaneUrl { url } => {
            Explained::usage(text!(catalogue, "serve-bad-url", url = url)).into()
        }
    }
}

/// The workers within this process.
async fn embedded(
    count: u32,
    choice: &Choice,
    engine: &Arc<Engine>,
    session: &Session,
) -> anyhow::Result<Option<InProcessWorker>> {
    if choice.is_human() {
        let _ = writeln!(output::stderr(), "{}", text!(session.catalogue, "run-llm-human"));
        return Ok(None);
    }
    if count == 0 {
        return Ok(None);
    }
    let (line, worker) = match choice.of_server(HERE, session).await? {
        Ok((executor, line)) => {
            let slots = usize::try_from(count).unwrap_or(usize::MAX);
            (line, Some(InProcessWorker::start(engine.clone(), executor, slots, None)))
        }
        Err(reason) => (text!(session.catalogue, "serve-no-llm", reason = reason), None),
    };
    // A standard error that cannot be written leaves nobody to tell.
    let _ = writeln!(output::stderr(), "{line}");
    Ok(worker)
}

/// Says where it listens, once it does.
fn tell(address: SocketAddr, is_encrypted: bool, session: &Session, out: &mut Out) -> anyhow::Result<()> {
    let url = format!("{}://{address}", if is_encrypted { "https" } else { "http" });
    match session.form_by_terminal() {
        Form::Json => out.json(&json!({ "listening": url }))?,
        Form::Text => writeln!(out, "{}", text!(session.catalogue, "serve-listening", url = url))?,
    }
    out.flush()?;
    Ok(())
}

/// Serves until a signal. Requests that are under way are answered first; then workers give back what they hold, and runs are
/// left where their histories stand. A second signal ends it at once.
async fn serve(
    server: Server,
    listener: TcpListener,
    engine: &Arc<Engine>,
    mut worker: Option<InProcessWorker>,
    mut interrupts: Interrupts,
    session: &Session,
) -> anyhow::Result<Exit> {
    let (stop, stopping) = watch::channel(false);
    let stopped = |mut stopping: watch::Receiver<bool>| async move {
        // Whoever has the other end lives as long as this.
        let _ = stopping.wait_for(|stops| *stops).await;
    };
    let mut serving = tokio::spawn(server.serve(listener, stopped(stopping)));
    let (end, ended) = watch::channel(false);
    let tending = {
        let (engine, ended) = (engine.clone(), stopped(ended));
        tokio::spawn(async move { engine.tend(ended).await })
    };
    let mut tending = tending;
    let mut failure = None;
    let exit = tokio::select! {
        signal = interrupts.next() => match signal {
            // Asked to stop, it stopped.
            15 => Exit::Completed,
            signal => Exit::Interrupted(signal),
        },
        failed = &mut tending => {
            failure = Some(match failed {
                Ok(Ok(())) => anyhow::anyhow!("runs are not looked after any more"),
                Ok(Err(error)) => engine::explained(error, session),
                Err(lost) => lost.into(),
            });
            Exit::Failed
        }
        error = async {
            match &mut worker {
                Some(worker) => worker.ended().await,
                None => std::future::pending().await,
            }
        } => {
            failure = Some(engine::explained(error, session));
            Exit::Failed
        }
        served = &mut serving => {
            served??;
            Exit::Failed
        }
    };
    stop.send_replace(true);
    let drained = async {
        if !serving.is_finished() {
            let _ = (&mut serving).await;
        }
        if let Some(worker) = worker {
            worker.stop().await;
        }
        end.send_replace(true);
        if !tending.is_finished() {
            let _ = (&mut tending).await;
        }
    };
    tokio::select! {
        () = drained => {}
        signal = interrupts.next() => return Ok(Exit::Interrupted(signal)),
    }
    match failure {
        Some(failure) => Err(failure),
        None => Ok(exit),
    }
}

/// Adds tools as `bloom tool add` does.
struct Added {
    host: Arc<WasmHost>,
    folder: ToolFolder,
}

#[async_trait]
impl Toolbox for Added {
    async fn add(&self, component: Vec<u8>) -> Result<InstalledTool, NotAdded> {
        let folder = self.folder.clone();
        let installed = self.host.install_kept(component, move |component| folder.add(component).map(drop)).await;
        installed.map_err(|error| match error {
            NotInstalled::Refused(error) => NotAdded::Refused(error.to_string()),
            NotInstalled::NotKept(error) => error.into(),
        })
    }
}

/// Applies proposals to the memory that their runs were started with.
struct OfRuns {
    store: Arc<RedbStore>,
    clock: SystemClock,
    /// Of runs that say nothing of it.
    memory: PathBuf,
    /// One for each folder: it keeps two changes of one memory apart.
    made: Mutex<BTreeMap<PathBuf, Arc<Applier>>>,
}

impl Appliers for OfRuns {
    fn of(&self, setting: &Value) -> std::io::Result<Arc<Applier>> {
        let setting: Setting = serde_json::from_value(setting.to_json()).unwrap_or_default();
        let folder = setting.memory.unwrap_or_else(|| self.memory.clone());
        std::fs::create_dir_all(&folder)?;
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        let applier = made.entry(folder.clone());
        let make = || Arc::new(Applier::new(self.store.clone(), Arc::new(self.clock), folder));
        Ok(applier.or_insert_with(make).clone())
    }
}
