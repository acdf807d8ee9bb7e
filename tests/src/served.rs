//! The `bloom` binary from outside: a server and workers as processes, and what is asked over HTTP.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use bloom_worker::Trust;
use reqwest::header::CONTENT_TYPE;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// Longer than anything takes that a process is waited for, also on a machine that does much else.
const PATIENCE: Duration = Duration::from_mins(2);

/// A folder in which `bloom` works: its data directory is `data`, and the logs of its processes are beside that.
pub struct Place {
    bloom: PathBuf,
    folder: PathBuf,
}

impl Place {
    /// With this binary, in a folder that is there.
    pub fn new(bloom: &Path, folder: &Path) -> anyhow::Result<Self> {
        let bloom = bloom.canonicalize().with_context(|| format!("there is no program {}", bloom.display()))?;
        let folder = folder.canonicalize().with_context(|| format!("there is no folder {}", folder.display()))?;
        fs::create_dir_all(folder.join("tmp"))?;
        Ok(Self { bloom, folder })
    }

    /// A file of it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// `bloom` with this data directory, and nothing of this process's environment but where programs are. It is killed when
    /// it is dropped.
    pub fn bloom(&self) -> Command {
        let mut command = Command::new(&self.bloom);
        command.env_clear().envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
        command.env("HOME", &self.folder).env("TMPDIR", self.path("tmp")).env("BLOOM_DATA", self.path("data"));
        command.current_dir(&self.folder).stdin(Stdio::null()).kill_on_drop(true);
        command
    }

    /// What a command prints, which must end well.
    pub async fn told(&self, arguments: &[&OsStr]) -> anyhow::Result<Vec<u8>> {
        let mut command = self.bloom();
        command.args(arguments);
        let output = timeout(PATIENCE, command.output()).await;
        let output = output.with_context(|| format!("bloom {arguments:?} does not end"))??;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "bloom {arguments:?}: {}\n{said}", output.status);
        Ok(output.stdout)
    }

    /// Signs a document with this place's key, whom its servers and workers trust.
    pub async fn signed(&self, document: &Value) -> anyhow::Result<Vec<u8>> {
        let id = document["flow"]["id"].as_str().context("a flow has an id")?;
        let (unsigned, signed) = (self.path(&format!("{id}.json")), self.path(&format!("{id}.ir.json")));
        fs::write(&unsigned, document.to_string())?;
        self.told(&["compile".as_ref(), unsigned.as_ref(), "-o".as_ref(), signed.as_ref()]).await?;
        Ok(fs::read(signed)?)
    }
}

/// A process of `bloom` that goes on until it is stopped; killed when it is dropped.
pub struct Process {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// `bloom worker` with a name, four slots, and somebody who answers.
    pub async fn worker(
        place: &Place,
        server: &str,
        name: &str,
        llm: &OsStr,
        variables: &[(&str, &str)],
    ) -> anyhow::Result<Self> {
        let mut command = place.bloom();
        command.args(["worker", "--slots", "4", "--server", server, "--name", name, "--llm"]).arg(llm);
        command.envs(variables.iter().copied());
        Ok(Self::start(place, name, command).await?.0)
    }

    /// Starts it, and gives the line that it says first.
    async fn start(place: &Place, name: &str, mut command: Command) -> anyhow::Result<(Self, Value)> {
        let log = place.path(&format!("{name}.log"));
        let file = File::options().create(true).append(true).open(&log)?;
        let mut child = command.stdout(Stdio::piped()).stderr(file).spawn()?;
        let out = child.stdout.take().context("its standard output")?;
        let mut started = Self { name: name.to_owned(), child, log };
        let mut line = String::new();
        let read = timeout(PATIENCE, BufReader::new(out).read_line(&mut line)).await;
        if let Ok(Ok(Ok(told))) = read.map(|read| read.map(|_| serde_json::from_str(&line))) {
            return Ok((started, told));
        }
        // One that ended says why in its log.
        let status = timeout(Duration::from_secs(1), started.child.wait()).await;
        bail!("{name} did not start ({status:?}), and said {line:?}\n{}", started.last_words())
    }

    /// Its process, while it runs.
    pub fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// An error if it has ended by itself.
    pub fn check(&mut self) -> anyhow::Result<()> {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => bail!("{} ended by itself: {status}\n{}", self.name, self.last_words()),
        }
    }

    /// Ends it as a crash would: `kill -9`.
    pub async fn kill(&mut self) -> anyhow::Result<()> {
        self.check()?;
        Ok(self.child.kill().await?)
    }

    /// Asks it to stop, as a service manager would, and waits until it has; it must end well.
    pub async fn stop(&mut self) -> anyhow::Result<()> {
        self.check()?;
        let id = self.child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        kill_process(id.context("it runs")?, Signal::TERM)?;
        let status = timeout(PATIENCE, self.child.wait()).await;
        let status = status.with_context(|| format!("{} does not stop\n{}", self.name, self.last_words()))??;
        ensure!(status.success(), "{} stopped with {status}\n{}", self.name, self.last_words());
        Ok(())
    }

    /// The end of its log.
    fn last_words(&self) -> String {
        let log = fs::read(&self.log).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }
}

/// `bloom serve` without workers of its own.
pub struct Server {
    /// Its process.
    pub process: Process,
    /// Where it listens, as `http://127.0.0.1:5000`.
    pub url: String,
}

impl Server {
    /// Starts one that listens there, with these variables in its environment; port 0 is one that is free.
    pub async fn start(place: &Place, listen: &str, variables: &[(&str, &str)]) -> anyhow::Result<Self> {
        let mut command = place.bloom();
        command.args(["serve", "--workers", "0", "--listen", listen]);
        // Many runs of one flow at once is what is measured.
        command.env("BLOOM_LIMITS_RUNS_AT_ONCE", "0").env("BLOOM_LIMITS_RUNS_OF_AGENT", "0");
        command.envs(variables.iter().copied());
        let (process, told) = Process::start(place, "server", command).await?;
        let url = told["listening"].as_str().context("it says where it listens")?.to_owned();
        Ok(Self { process, url })
    }
}

/// A request of the API: what it is sent to, with which `Idempotency-Key`, and the body. With a body it is a `POST`.
#[derive(Clone, Debug, Default)]
pub struct Ask {
    /// As `/api/v1/runs`.
    pub path: String,
    /// Sent twice with the same key, it is done once.
    pub key: Option<String>,
    /// JSON, or nothing.
    pub body: Option<Vec<u8>>,
}

impl Ask {
    /// What is there.
    pub fn get(path: impl Into<String>) -> Self {
        Self { path: path.into(), ..Self::default() }
    }

    /// Something that is to be done.
    pub fn post(path: impl Into<String>, body: impl Into<Vec<u8>>) -> Self {
        Self { path: path.into(), body: Some(body.into()), key: None }
    }

    /// The same, which is done once however often it is sent.
    #[must_use]
    pub fn once(self, key: impl Into<String>) -> Self {
        Self { key: Some(key.into()), ..self }
    }
}

/// Who asks a server.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    url: String,
}

impl Client {
    /// With connections of its own, which are kept open.
    pub fn new(url: &str) -> anyhow::Result<Self> {
        let http = Trust::usual().client().build()?;
        Ok(Self { http, url: url.to_owned() })
    }

    /// The status and the body.
    pub async fn ask(&self, ask: &Ask) -> Result<(u16, Value), reqwest::Error> {
        let url = format!("{}{}", self.url, ask.path);
        let mut request = match &ask.body {
            None => self.http.get(url),
            Some(body) if body.is_empty() => self.http.post(url),
            Some(body) => self.http.post(url).header(CONTENT_TYPE, "application/json").body(body.clone()),
        };
        if let Some(key) = &ask.key {
            request = request.header("idempotency-key", key);
        }
        let response = request.timeout(PATIENCE).send().await?;
        let status = response.status().as_u16();
        Ok((status, response.json().await?))
    }

    /// The body of an answer that must be of this status.
    pub async fn expect(&self, ask: &Ask, status: u16) -> anyhow::Result<Value> {
        let (found, body) = self.ask(ask).await.with_context(|| ask.path.clone())?;
        ensure!(found == status, "{}: {found}: {body}", ask.path);
        Ok(body)
    }

    /// The text of an answer, which must be a good one.
    pub async fn text(&self, path: &str) -> anyhow::Result<String> {
        let response = self.http.get(format!("{}{path}", self.url)).timeout(PATIENCE).send().await?;
        Ok(response.error_for_status()?.text().await?)
    }

    /// A stream of events, which has begun: it is open until it is dropped.
    pub async fn events(&self, run: &str) -> anyhow::Result<reqwest::Response> {
        let response = self.http.get(format!("{}/api/v1/runs/{run}/events", self.url)).send().await?;
        Ok(response.error_for_status()?)
    }

    /// Publishes a signed document.
    pub async fn publish(&self, ir: Vec<u8>) -> anyhow::Result<()> {
        self.expect(&Ask::post("/api/v1/flows", ir), 201).await.map(drop)
    }
}
