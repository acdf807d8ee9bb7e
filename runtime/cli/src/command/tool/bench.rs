//! `bloom tool bench`: how long calls take on this machine.

use std::io::Write as _;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use bloom_wasm::{Config, WasmHost};
use clap::Args;
use serde_json::json;

use super::call::input;
use super::granted::GrantArgs;
use super::report::{microseconds, size, time};
use super::sandbox::Sandbox;
use super::subject::{Subject, is_path};
use crate::catalogue::text;
use crate::failure::{Exit, Explained};
use crate::host::ToolArgs;
use crate::output::Out;
use crate::session::{Form, Session};

#[derive(Args, Debug)]
pub(crate) struct Bench {
    #[arg(value_name = "DIR|FILE|NAME")]
    tool: String,
    #[arg(value_name = "JSON", default_value = "{}")]
    input: String,
    #[arg(long, value_name = "NUMBER", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    calls: u32,
    #[command(flatten)]
    grants: GrantArgs,
    #[command(flatten)]
    tools: ToolArgs,
}

impl Bench {
    pub(crate) async fn perform(self, session: &Session, out: &mut Out) -> anyhow::Result<Exit> {
        let catalogue = &session.catalogue;
        let input = input(&self.input, session)?;
        let prepared = if is_path(&self.tool) { Some(prepared(&self.tool, session)?) } else { None };
        let sandbox = Sandbox::named(&self.tool, &self.tools, self.grants.read(session)?, session)?;
        // The first call brings pages in; what is measured is what comes after it.
        let first = sandbox.call(&input).await;
        if let Err(error) = &first.result {
            let (code, message) = (&error.code, &error.message);
            return Err(Explained::failed(text!(catalogue, "tool-failed", code = code, message = message)).into());
        }
        let (mut inside, mut whole) = (Vec::new(), Vec::new());
        for _ in 0..self.calls {
            let start = Instant::now();
            let report = sandbox.call(&input).await;
            whole.push(start.elapsed());
            inside.push(report.took);
        }
        let (inside, whole) = (Quantiles::of(inside), Quantiles::of(whole));
        let manifest = &sandbox.tool().manifest;
        if session.form() == Form::Json {
            out.json(&json!({
                "tool": format!("{}@{}", manifest.name, manifest.version),
                "calls": self.calls,
                "compile_microseconds": prepared.as_ref().map(|times| microseconds(times.compile)),
                "load_microseconds": prepared.as_ref().map(|times| microseconds(times.load)),
                "tool_microseconds": inside.json(),
                "call_microseconds": whole.json(),
                "fuel": first.fuel,
                "memory_bytes": first.memory_bytes,
            }))?;
            return Ok(Exit::Completed);
        }
        let head = format!("{} {}", manifest.name, manifest.version);
        writeln!(out, "{}", text!(catalogue, "tool-bench-head", tool = head, calls = self.calls))?;
        if let Some(Prepared { compile, load }) = prepared {
            writeln!(out, "  {}", text!(catalogue, "tool-bench-load", compile = time(compile), load = time(load)))?;
        }
        for (label, times) in
            [(text!(catalogue, "tool-bench-tool"), inside), (text!(catalogue, "tool-bench-call"), whole)]
        {
            let [median, p99, most] = [times.median, times.p99, times.most].map(time);
            writeln!(
                out,
                "  {}",
                text!(catalogue, "tool-bench-times", what = label, median = median, p99 = p99, most = most)
            )?;
        }
        let memory = size(first.memory_bytes);
        writeln!(out, "  {}", text!(catalogue, "tool-bench-used", fuel = first.fuel.to_string(), memory = memory))?;
        Ok(Exit::Completed)
    }
}

/// How long it takes until a tool can be called.
struct Prepared {
    /// Once, when it is installed.
    compile: Duration,
    /// At every start.
    load: Duration,
}

fn prepared(path: &str, session: &Session) -> anyhow::Result<Prepared> {
    let subject = Subject::read(path.as_ref(), session)?;
    let folder = tempfile::tempdir()?;
    let config = || Config { cache: Some(folder.path().join("cache")), ..Config::default() };
    let timed = || -> anyhow::Result<Duration> {
        let host =
            WasmHost::new(config(), [] as [&[u8]; 0]).with_context(|| text!(session.catalogue, "tools-failed"))?;
        let start = Instant::now();
        let seen = tokio::task::block_in_place(|| host.inspect(&subject.bytes));
        drop(seen);
        Ok(start.elapsed())
    };
    Ok(Prepared { compile: timed()?, load: timed()? })
}

struct Quantiles {
    median: Duration,
    p99: Duration,
    most: Duration,
}

impl Quantiles {
    fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        let at = |part: usize| times.get((times.len() * part / 100).min(times.len().saturating_sub(1)));
        let at = |part| at(part).copied().unwrap_or_default();
        Self { median: at(50), p99: at(99), most: at(100) }
    }

    fn json(&self) -> serde_json::Value {
        json!({ "p50": microseconds(self.median), "p99": microseconds(self.p99), "max": microseconds(self.most) })
    }
}
