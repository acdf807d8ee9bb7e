//! A world that costs nothing: what is left to measure is the engine and its store.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use bloom_interpreter::effect::EffectError;
use bloom_ir::document::ToolEffect;
use bloom_ir::manifest::ToolManifest;
use bloom_ir::{Digest, SigningKey, TrustList, Value, VerifiedIr};
use bloom_runtime::clock::{Clock, Ids};
use bloom_runtime::engine::{Engine, EngineConfig, EngineError, Parts};
use bloom_runtime::store::StoreError;
use bloom_runtime::tool::{InstalledTool, ToolCall, ToolHost};
use bloom_store::RedbStore;
use serde_json::json;

/// An engine over a redb store in `folder`, with one tool, `step`, which answers at once.
pub fn engine(folder: &Path, signer: &SigningKey) -> Result<Arc<Engine>, StoreError> {
    engine_with(folder, signer, EngineConfig::default())
}

/// The same with settings.
pub fn engine_with(folder: &Path, signer: &SigningKey, config: EngineConfig) -> Result<Arc<Engine>, StoreError> {
    Ok(engine_over(Arc::new(RedbStore::open(folder)?), signer, config))
}

/// The same over a store that is open.
pub fn engine_over(store: Arc<RedbStore>, signer: &SigningKey, config: EngineConfig) -> Arc<Engine> {
    Arc::new(Engine::new(Parts {
        store,
        tools: Arc::new(Step),
        clock: Arc::new(SystemClock),
        ids: Arc::new(Counter::default()),
        trust: Arc::new(TrustList::of("figures", signer.public())),
        observer: Arc::new(()),
        config,
    }))
}

/// Runs `ir` from submission to its end, `runs` times, `at_once` of them side by side.
pub async fn run_many(engine: &Arc<Engine>, ir: &VerifiedIr, runs: u64, at_once: u64) -> Result<(), EngineError> {
    let mut lanes = tokio::task::JoinSet::new();
    for lane in 0..at_once {
        let (engine, ir) = (engine.clone(), ir.clone());
        let share = runs / at_once + u64::from(lane < runs % at_once);
        lanes.spawn(async move {
            for _ in 0..share {
                let run = engine.submit(crate::scale::submission(&ir, Value::empty_map())).await?;
                engine.drive(&run).await?;
            }
            Ok(())
        });
    }
    lanes.join_all().await.into_iter().collect()
}

struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> i64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    }
}

#[derive(Default)]
struct Counter(AtomicU64);

impl Ids for Counter {
    fn fresh(&self) -> String {
        format!("{:020}", self.0.fetch_add(1, Ordering::Relaxed))
    }
}

struct Step;

impl Step {
    fn tool() -> InstalledTool {
        InstalledTool {
            manifest: ToolManifest {
                name: "step".to_owned(),
                version: "1.0.0".to_owned(),
                description: "Answers at once.".to_owned(),
                effect: ToolEffect::Read,
                input: json!({}),
                output: json!({}),
                params: Vec::new(),
                aliases: std::collections::BTreeMap::new(),
                capabilities: Vec::new(),
                also_called: Vec::new(),
                retry: None,
                failures: std::collections::BTreeMap::new(),
            },
            digest: Digest::of(b"step"),
        }
    }
}

#[async_trait]
impl ToolHost for Step {
    fn describe(&self, _: &str, _: Option<Digest>) -> Result<InstalledTool, EffectError> {
        Ok(Self::tool())
    }

    fn installed(&self) -> Vec<InstalledTool> {
        vec![Self::tool()]
    }

    async fn call(&self, call: ToolCall) -> Result<Value, EffectError> {
        Ok(call.request.args)
    }
}
