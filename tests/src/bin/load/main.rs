//! Prints what a server does under load, measured here and now, beside what the disk and the workers allow: `scripts/load`.

#![expect(clippy::print_stdout, clippy::cast_precision_loss, reason = "a table of figures for people")]

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use bloom_tests::measure::{machine, memory};
use bloom_tests::served::{Client, Place, Server};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::{Value, json};

mod in_flight;
mod streams;
mod submitting;

/// How long each measurement takes.
const SECONDS: u64 = 10;

/// Streams that are open at a time.
const STREAMS: usize = 10_000;

/// Files that a process has open beside connections.
const OTHER_FILES: u64 = 500;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let bloom: PathBuf = arguments.next().context("load BLOOM [SECONDS [STREAMS]]: BLOOM is the binary")?.into();
    let seconds = arguments.next().map_or(Ok(SECONDS), |given| given.parse()).context("SECONDS is a number")?;
    let time = Duration::from_secs(seconds.max(1));
    let streams = arguments.next().map_or(Ok(STREAMS), |given| given.parse()).context("STREAMS is a number")?;
    let files = raise_limit_of_files()?;
    println!("{}; at most {files} open files (ulimit -n)\n", machine());
    submitting::table(&bloom, time).await?;
    in_flight::table(&bloom, time).await?;
    let allowed = usize::try_from(files.saturating_sub(OTHER_FILES)).unwrap_or(usize::MAX);
    if allowed < streams {
        println!("only {allowed} streams in place of {streams}: a process may have {files} open files (ulimit -n)");
    }
    streams::table(&bloom, time, streams.min(allowed)).await
}

/// As many as the system lets this process, and so those that it starts, have open.
fn raise_limit_of_files() -> anyhow::Result<u64> {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum })?;
    Ok(maximum.unwrap_or(u64::MAX))
}

/// A server of a place of its own, to which both flows are published; its store is on the disk of the current folder.
struct Stage {
    server: Server,
    client: Client,
    folder: tempfile::TempDir,
}

impl Stage {
    async fn new(bloom: &Path) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir_in(".")?;
        let place = Place::new(bloom, folder.path())?;
        let (returning, asking) = (place.signed(&returning()).await?, place.signed(&asking()).await?);
        let server = Server::start(&place, "127.0.0.1:0", &[("BLOOM_LOG_FILTER", "warn")]).await?;
        let client = Client::new(&server.url)?;
        client.publish(returning).await?;
        client.publish(asking).await?;
        Ok(Self { server, client, folder })
    }

    /// What the kernel counts of the server's memory, in MiB: `VmHWM`, the most that was resident, or `VmRSS`, what is.
    fn memory(&self, which: &str) -> anyhow::Result<f64> {
        Ok(memory(self.server.process.id().context("the server runs")?, which)?)
    }

    async fn stop(mut self) -> anyhow::Result<()> {
        self.server.process.stop().await?;
        Ok(self.folder.close()?)
    }
}

/// A flow that returns at once.
fn returning() -> Value {
    flow("returning", &json!({ "n1": { "type": "return", "status": "completed", "value": "1" } }))
}

/// A flow that asks an LLM once.
fn asking() -> Value {
    let nodes = json!({
        "n1": { "type": "llm_call", "prompt": [{ "text": "Say hello" }], "into": "said", "next": "n2",
                "output": { "type": "object", "properties": { "text": { "type": "string" } }, "required": ["text"] } },
        "n2": { "type": "return", "status": "completed", "value": "v['said'].text" },
    });
    flow("asking", &nodes)
}

fn flow(id: &str, nodes: &Value) -> Value {
    json!({
        "ir": "0.1",
        "flow": { "id": id, "version": "0.0.0", "title": id, "kind": "procedure", "locale": "en" },
        "inputs": { "type": "object" }, "outputs": {}, "policy": {}, "entry": "n1", "nodes": nodes,
    })
}
