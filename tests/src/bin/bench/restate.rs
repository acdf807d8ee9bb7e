//! Restate with a service in Rust, in the configuration that is its best on a small machine: four partitions, and what it
//! syncs to disk left as it is.

use std::env;
use std::fs::File;
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use bloom_tests::served::{Ask, Client};
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep};

use crate::{Contestant, STEPS};

/// Nothing takes as long as this to start.
const PATIENCE: Duration = Duration::from_mins(1);

/// Its programs.
pub(crate) struct Installed {
    server: PathBuf,
    service: PathBuf,
}

impl Installed {
    /// Where the environment says that they are, or why they are not here.
    pub(crate) fn find() -> Result<Self, String> {
        let program = |name: &str| {
            let path = env::var_os(name).filter(|path| !path.is_empty()).ok_or_else(|| format!("{name} is not set"))?;
            Ok::<_, String>(PathBuf::from(path))
        };
        Ok(Self { server: program("RESTATE_SERVER")?, service: program("RESTATE_SERVICE")? })
    }
}

pub(crate) struct Stage {
    processes: [Child; 2],
    ingress: u16,
    folder: tempfile::TempDir,
}

impl Stage {
    pub(crate) async fn start(installed: &Installed) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir_in(".")?;
        let (ingress, admin, fabric, endpoint) = (free_port()?, free_port()?, free_port()?, free_port()?);
        let log = |name: &str| File::create(folder.path().join(name));
        let service = Command::new(&installed.service)
            .args([endpoint.to_string(), STEPS.to_string()])
            .stdin(Stdio::null())
            .stdout(log("service.log")?)
            .stderr(log("service.errors")?)
            .kill_on_drop(true)
            .spawn()
            .context("the service does not start")?;
        let address = |port: u16| format!("127.0.0.1:{port}");
        let server = Command::new(&installed.server)
            .args(["--listen-mode", "tcp", "--no-logo"])
            .env("RESTATE_BASE_DIR", folder.path().join("data"))
            .env("RESTATE_DEFAULT_NUM_PARTITIONS", "4")
            .env("RESTATE_DISABLE_TELEMETRY", "true")
            .env("RESTATE_BIND_ADDRESS", address(fabric))
            .env("RESTATE_INGRESS__BIND_ADDRESS", address(ingress))
            .env("RESTATE_ADMIN__BIND_ADDRESS", address(admin))
            .env("RESTATE_LOG_FILTER", "warn")
            .stdin(Stdio::null())
            .stdout(log("server.log")?)
            .stderr(log("server.errors")?)
            .kill_on_drop(true)
            .spawn()
            .context("the server does not start")?;
        let stage = Self { processes: [server, service], ingress, folder };
        let register = serde_json::json!({ "uri": format!("http://{}", address(endpoint)) }).to_string();
        until_well(&format!("http://{}", address(admin)), &Ask::post("/deployments", register)).await?;
        until_well(&stage.url(), &Self::ask()).await?;
        Ok(stage)
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.ingress)
    }

    fn ask() -> Ask {
        Ask::post("/Steps/run", "")
    }

    pub(crate) fn contestant(&self) -> anyhow::Result<Contestant> {
        Ok(Contestant {
            name: "Restate",
            url: self.url(),
            ask: Self::ask(),
            is_done: |answer| *answer == STEPS,
            processes: self
                .processes
                .iter()
                .map(|process| process.id().context("it runs"))
                .collect::<Result<_, _>>()?,
            folder: self.folder.path().to_owned(),
        })
    }

    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        for process in &mut self.processes {
            process.kill().await?;
        }
        Ok(self.folder.close()?)
    }
}

/// Asks until it answers well.
async fn until_well(url: &str, ask: &Ask) -> anyhow::Result<()> {
    let (client, started) = (Client::new(url)?, Instant::now());
    loop {
        let answer = client.ask(ask).await;
        if let Ok((status, _)) = &answer
            && (200..300).contains(status)
        {
            return Ok(());
        }
        if started.elapsed() > PATIENCE {
            bail!("{url}{} does not answer: {answer:?}", ask.path);
        }
        sleep(Duration::from_millis(100)).await;
    }
}

/// A port that was free a moment ago.
fn free_port() -> anyhow::Result<u16> {
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
    ensure!(port != 0, "a port has a number");
    Ok(port)
}
