//! Large runs: a family that grows with a number each, run through the engine over a redb file, replayed, suspended and
//! restored.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use bloom_interpreter::replay::{Verdict, rebuild};
use bloom_interpreter::{Machine, Program, Snapshot};
use bloom_ir::{Digest, Value, VerifiedIr};
use bloom_runtime::engine::{Engine, EngineConfig, RunEnd, Submit};
use bloom_runtime::record::{Actor, ContextId, FlowRecord, RunId};
use bloom_runtime::store::RunFilter;
use serde_json::{Value as Json, json};
use tokio::runtime::Runtime;

use crate::allocation::{Taken, measured};
use crate::program::{document, key};
use crate::world;

/// A family of runs.
#[derive(Clone, Copy)]
pub struct Shape {
    /// What there is so many of.
    pub name: &'static str,
    /// The flows, each calling those before it; the last is run.
    pub flows: fn(usize) -> Vec<VerifiedIr>,
    /// Its inputs.
    pub inputs: fn(usize) -> Value,
    /// The size that is promised to work.
    pub size: usize,
}

/// All families.
pub const SHAPES: &[Shape] = &[
    Shape { name: "branches of a fork", flows: fork, inputs: nothing, size: 1_000 },
    Shape { name: "branches that sleep", flows: sleeping_fork, inputs: nothing, size: 1_000 },
    Shape { name: "flows that call each other", flows: chain, inputs: nothing, size: 100 },
    Shape { name: "rounds of a loop", flows: rounds, inputs: nothing, size: 100_000 },
    Shape { name: "elements that a loop goes over", flows: elements, inputs: numbers, size: 100_000 },
    Shape { name: "bytes of state", flows: state, inputs: texts, size: 10_000_000 },
];

fn nothing(_: usize) -> Value {
    Value::empty_map()
}

fn numbers(count: usize) -> Value {
    let numbers = (0..count).filter_map(|number| i64::try_from(number).ok()).map(Value::Int);
    [("items", numbers.collect())].into_iter().collect()
}

/// A list of texts of a kilobyte: half of the state, the other half is made of it.
fn texts(bytes: usize) -> Value {
    let text = Value::from("x".repeat(1_000));
    [("items", std::iter::repeat_n(text, bytes / 2_000).collect())].into_iter().collect()
}

/// `count` branches that each call a tool and hand on its answer.
pub fn fork(count: usize) -> Vec<VerifiedIr> {
    forked(count, |number| {
        json!({
            "type": "action", "op": "tool", "tool": "step", "args": { "number": number.to_string() },
            "into": format!("x{number}"), "next": "join"
        })
    })
}

/// `count` branches that each sleep for a while.
pub fn sleeping_fork(count: usize) -> Vec<VerifiedIr> {
    forked(
        count,
        |number| json!({ "type": "action", "op": "sleep", "for": (number % 7).to_string(), "next": format!("set{number}") }),
    )
}

fn forked(count: usize, node: impl Fn(usize) -> Json) -> Vec<VerifiedIr> {
    let mut nodes = json!({
        "fork": { "type": "action", "op": "fork", "join": "join", "branches": (0..count).map(|number| json!({
            "name": number.to_string(), "entry": format!("b{number}"), "writes": [format!("x{number}")]
        })).collect::<Vec<_>>() },
        "join": { "type": "action", "op": "join", "fork": "fork", "next": "end" },
        "end": { "type": "return", "status": "completed", "value": format!("v['x{}']", count - 1) }
    });
    for number in 0..count {
        let made = node(number);
        if made["op"] == "sleep" {
            nodes[format!("set{number}")] = json!({ "type": "action", "op": "set", "into": format!("x{number}"), "value": "run.now", "next": "join" });
        }
        nodes[format!("b{number}")] = made;
    }
    vec![document("fork", &nodes, &steps())]
}

/// `count` flows, each but the first waiting for the one before.
pub fn chain(count: usize) -> Vec<VerifiedIr> {
    let last = json!({ "type": "return", "status": "completed", "value": "0" });
    let mut flows = vec![document("end", &json!({ "end": last }), &json!({}))];
    while let Some(inner) = flows.last().filter(|_| flows.len() < count) {
        let nodes = json!({
            "call": { "type": "action", "op": "flow", "flow": "figures", "hash": inner.hash(), "inputs": {}, "wait": true,
                "into": "x", "next": "end" },
            "end": { "type": "return", "status": "completed", "value": "v['x'] + 1" }
        });
        flows.push(document("call", &nodes, &json!({})));
    }
    flows
}

/// `count` rounds that add up, with a call in the middle.
pub fn rounds(count: usize) -> Vec<VerifiedIr> {
    let nodes = json!({
        "n1": { "type": "action", "op": "set", "into": "i", "value": "0", "next": "n2" },
        "n2": { "type": "action", "op": "set", "into": "sum", "value": "0", "next": "n3" },
        "n3": { "type": "decision", "when": format!("v['i'] < {count}"), "then": "n4", "else": "n8" },
        "n4": { "type": "action", "op": "set", "into": "sum", "value": "v['sum'] + v['i']", "next": "n5" },
        "n5": { "type": "action", "op": "set", "into": "i", "value": "v['i'] + 1", "next": "n6" },
        "n6": { "type": "decision", "when": format!("v['i'] == {}", count / 2), "then": "n7", "else": "n3" },
        "n7": { "type": "action", "op": "tool", "tool": "step", "args": { "i": "v['i']" }, "next": "n3" },
        "n8": { "type": "return", "status": "completed", "value": "v['sum']" }
    });
    vec![document("n1", &nodes, &steps())]
}

/// A loop over the elements of a list, with a call in the middle.
pub fn elements(count: usize) -> Vec<VerifiedIr> {
    let nodes = json!({
        "n1": { "type": "action", "op": "set", "into": "sum", "value": "0", "next": "n2" },
        "n2": { "type": "action", "op": "each", "over": "input.items", "cursor": "c", "next": "n3" },
        "n3": { "type": "action", "op": "iter", "cursor": "c", "item": "x", "next": "n4", "done": "n7" },
        "n4": { "type": "action", "op": "set", "into": "sum", "value": "v['sum'] + v['x']", "next": "n5" },
        "n5": { "type": "decision", "when": format!("v['x'] == {}", count / 2), "then": "n6", "else": "n3" },
        "n6": { "type": "action", "op": "tool", "tool": "step", "args": { "x": "v['x']" }, "next": "n3" },
        "n7": { "type": "return", "status": "completed", "value": "v['sum']" }
    });
    vec![document("n1", &nodes, &steps())]
}

/// A state made of the inputs, beside them, while a tool is called.
pub fn state(_: usize) -> Vec<VerifiedIr> {
    let nodes = json!({
        "n1": { "type": "action", "op": "set", "into": "made", "value": "input.items.map(x, x + '!')", "next": "n2" },
        "n2": { "type": "action", "op": "tool", "tool": "step", "args": { "size": "size(v['made'])" }, "next": "n3" },
        "n3": { "type": "return", "status": "completed", "value": "size(v['made'])" }
    });
    vec![document("n1", &nodes, &steps())]
}

/// `count` calls of a tool, one after another in a loop: two events each.
pub fn calls(count: usize) -> VerifiedIr {
    let nodes = json!({
        "n1": { "type": "action", "op": "set", "into": "i", "value": "0", "next": "n2" },
        "n2": { "type": "action", "op": "tool", "tool": "step", "args": { "i": "v['i'] + 1" }, "into": "x", "next": "n3" },
        "n3": { "type": "action", "op": "set", "into": "i", "value": "v['x'].i", "next": "n4" },
        "n4": { "type": "decision", "when": format!("v['i'] < {count}"), "then": "n2", "else": "n5" },
        "n5": { "type": "return", "status": "completed", "value": "v['i']" }
    });
    document("n1", &nodes, &steps())
}

/// `count` questions to an LLM, one after another in a loop.
pub fn asking(count: usize) -> VerifiedIr {
    let ask = json!({
        "type": "llm_call", "prompt": [{ "text": "Shall I go on?" }], "into": "x", "output": { "type": "string" }, "next": "n3",
    });
    looping(count, &ask)
}

/// `count` artifacts of 100 bytes, one after another in a loop.
pub fn emitting(count: usize) -> VerifiedIr {
    let value = format!("'{}'", "x".repeat(100));
    looping(count, &json!({ "type": "emit", "kind": "artifact", "name": "a", "value": value, "next": "n3" }))
}

/// A loop that enters a node so often, which is to go on to `n3`.
fn looping(count: usize, node: &Json) -> VerifiedIr {
    let nodes = json!({
        "n1": { "type": "action", "op": "set", "into": "i", "value": "0", "next": "n2" },
        "n2": node,
        "n3": { "type": "action", "op": "set", "into": "i", "value": "v['i'] + 1", "next": "n4" },
        "n4": { "type": "decision", "when": format!("v['i'] < {count}"), "then": "n2", "else": "n5" },
        "n5": { "type": "return", "status": "completed", "value": "v['i']" }
    });
    document("n1", &nodes, &steps())
}

/// A flow that sleeps for a time given in milliseconds.
pub fn sleeping() -> VerifiedIr {
    let nodes = json!({
        "n1": { "type": "action", "op": "sleep", "for": "input.ms", "next": "n2" },
        "n2": { "type": "return", "status": "completed", "value": "run.now - run.started_at" }
    });
    document("n1", &nodes, &json!({}))
}

fn steps() -> Json {
    json!({ "step": { "effect": "read", "capabilities": [] } })
}

/// Who wants a run.
pub fn submission(ir: &VerifiedIr, inputs: Value) -> Submit {
    Submit {
        ir: ir.clone(),
        inputs,
        by: Actor("owner".to_owned()),
        context: ContextId::new("figures"),
        setting: Value::Null,
        limits: None,
        budget: None,
        is_awaited: false,
    }
}

/// A run that has come to its end, with those that it started.
pub struct Ran {
    engine: Arc<Engine>,
    programs: BTreeMap<Digest, Program>,
}

/// Runs a flow, the last of some, in a store of its own.
pub async fn run(flows: &[VerifiedIr], inputs: Value, folder: &Path) -> anyhow::Result<Ran> {
    let max_depth = u32::try_from(flows.len())?;
    let engine = world::engine_with(folder, &key(), EngineConfig { max_depth, ..EngineConfig::default() })?;
    for ir in flows {
        let flow = ir.document().flow.clone();
        let (hash, program) = (ir.hash(), ir.program());
        let record = FlowRecord { hash, program, id: flow.id, version: flow.version, title: flow.title, stored_at: 0 };
        engine.store().put_flow(record, ir.bytes().to_vec(), Vec::new()).await?;
    }
    let last = flows.last().context("there is a flow")?;
    let id = engine.submit(submission(last, inputs)).await?;
    let end = engine.drive(&id).await?;
    anyhow::ensure!(matches!(end, RunEnd::Completed { .. }), "{end:?}");
    let programs = flows.iter().map(|ir| Ok((ir.hash(), Program::load(ir)?))).collect::<anyhow::Result<_>>()?;
    Ok(Ran { engine, programs })
}

impl Ran {
    async fn runs(&self) -> anyhow::Result<Vec<(RunId, Digest)>> {
        let all = RunFilter { limit: usize::MAX, ..RunFilter::default() };
        Ok(self.engine.store().runs(&all).await?.into_iter().map(|run| (run.id, run.ir)).collect())
    }

    /// Replays all runs, from the store.
    pub async fn replay(&self) -> anyhow::Result<()> {
        for (run, _) in self.runs().await? {
            let verdict = self.engine.replay(&run, None).await?.verdict;
            anyhow::ensure!(verdict == Verdict::Same, "{run}: {verdict}");
        }
        Ok(())
    }

    /// The machines of all runs as they were in the middle.
    pub async fn suspended(&self) -> anyhow::Result<Vec<Machine>> {
        let mut machines = Vec::new();
        for (run, ir) in self.runs().await? {
            let events = self.engine.store().history(&run, 1, usize::MAX).await?;
            let program = self.programs.get(&ir).context("its flow is known")?;
            machines.push(rebuild(program, events.get(..events.len() / 2).unwrap_or_default())?.machine);
        }
        Ok(machines)
    }

    /// Machines that were written.
    pub fn restore(&self, written: &[Vec<u8>]) -> anyhow::Result<Vec<Machine>> {
        written
            .iter()
            .map(|bytes| {
                let snapshot = Snapshot::read(bytes)?;
                let program = self.programs.get(&snapshot.program).context("its flow is known")?;
                Ok(Machine::restore(program, snapshot)?)
            })
            .collect()
    }
}

/// Machines as bytes.
pub fn snapshot(machines: &[Machine]) -> Vec<Vec<u8>> {
    machines.iter().map(|machine| machine.snapshot().to_bytes()).collect()
}

/// What each part of a life takes at a size: name, what it took.
pub fn lives(
    shape: &Shape,
    size: usize,
    runtime: &Runtime,
    folder: &Path,
) -> anyhow::Result<Vec<(&'static str, Taken)>> {
    let (flows, inputs) = ((shape.flows)(size), (shape.inputs)(size));
    let (ran, run) = measured(|| runtime.block_on(self::run(&flows, inputs, folder)));
    let ran = ran?;
    let (replayed, replay) = measured(|| runtime.block_on(ran.replay()));
    replayed?;
    let machines = runtime.block_on(ran.suspended())?;
    let (written, snapshot) = measured(|| self::snapshot(&machines));
    let (restored, restore) = measured(|| ran.restore(&written));
    anyhow::ensure!(self::snapshot(&restored?) == written, "what was restored is what was written");
    Ok(vec![("run", run), ("replay", replay), ("snapshot", snapshot), ("restore", restore)])
}
