//! `bloom serve`, with a flow that calls a wasm tool.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use bloom_tests::served::{Ask, Client, Place, Server};
use serde_json::{Value, json};

use crate::{Contestant, Row, STEPS};

/// A tool that gives its argument back.
const ECHO: &[u8] = include_bytes!("../../../../runtime/wasm/tests/compatibility/0.1.0/echo.wasm");

pub(crate) struct Stage {
    place: Place,
    server: Server,
    folder: tempfile::TempDir,
}

/// The row of a server that keeps everything within this folder.
pub(crate) async fn measured(
    name: &'static str,
    bloom: &Path,
    within: &Path,
    clients: usize,
    time: Duration,
) -> anyhow::Result<Row> {
    let stage = Stage::start(bloom, STEPS, within).await?;
    let row = Row::measure(&Contestant { name, ..stage.contestant()? }, clients, time).await?;
    stage.stop().await?;
    Ok(row)
}

impl Stage {
    /// With a flow of so many steps, in a folder of its own within this one.
    pub(crate) async fn start(bloom: &Path, steps: usize, within: &Path) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir_in(within)?;
        let place = Place::new(bloom, folder.path())?;
        let tool = place.path("echo.wasm");
        fs::write(&tool, ECHO)?;
        place.told(&["tool".as_ref(), "add".as_ref(), tool.as_ref()]).await?;
        let flow = place.signed(&flow(steps)).await?;
        let server = Server::start(&place, "127.0.0.1:0", &[("BLOOM_LOG_FILTER", "warn")]).await?;
        Client::new(&server.url)?.publish(flow).await?;
        Ok(Self { place, server, folder })
    }

    /// What a call of the tool takes in an instance of its own, without whatever else a step takes: the median.
    pub(crate) async fn seconds_of_a_call(&self) -> anyhow::Result<f64> {
        let told = self.place.told(&["--json", "tool", "bench", "echo", r#"{"a":"1"}"#].map(OsStr::new)).await?;
        let told: Value = serde_json::from_slice(&told)?;
        let microseconds = told["tool_microseconds"]["p50"].as_f64().context("it says how long calls take")?;
        Ok(microseconds / 1e6)
    }

    pub(crate) fn contestant(&self) -> anyhow::Result<Contestant> {
        Ok(Contestant {
            name: "bloom",
            url: self.server.url.clone(),
            ask: Ask::post("/api/v1/flows/steps/runs?wait=30", "{}"),
            is_done: |run| run["status"] == "completed",
            processes: vec![self.server.process.id().context("the server runs")?],
            folder: self.folder.path().to_owned(),
        })
    }

    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        self.server.process.stop().await?;
        Ok(self.folder.close()?)
    }
}

/// Calls the tool as often as there are steps.
fn flow(steps: usize) -> Value {
    let mut nodes = serde_json::Map::new();
    for step in 1..=steps {
        nodes.insert(
            format!("n{step}"),
            json!({
                "type": "action", "op": "tool", "tool": "echo", "args": { "a": step.to_string() }, "into": "last",
                "next": format!("n{}", step + 1),
            }),
        );
    }
    let last = json!({ "type": "return", "status": "completed", "value": "v['last']" });
    nodes.insert(format!("n{}", steps + 1), last);
    json!({
        "ir": "0.1",
        "flow": { "id": "steps", "version": "0.0.0", "title": "steps", "kind": "procedure", "locale": "en" },
        "inputs": { "type": "object" }, "outputs": {}, "entry": "n1", "nodes": nodes,
        "policy": { "allowed_tools": { "echo": { "effect": "read", "capabilities": [] } } },
    })
}
