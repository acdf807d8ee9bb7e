//! Reading what runs handed out.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bloom_interpreter::effect::EffectError;
use bloom_ir::Digest;
use bloom_ir::capability::ArtifactScope;
use bloom_runtime::record::RunId;
use bloom_runtime::tool::{Artifact, Artifacts, ToolHost};
use bloom_wasm::grant::ToolGrants;
use bloom_wasm::{Config, Limits};
use serde_json::json;

use crate::support::{Tool, call, config, host, limits};

/// Has one artifact, and knows in which scope it was asked for.
#[derive(Debug, Default)]
struct One(Mutex<Vec<ArtifactScope>>);

const CONTENT: &[u8] = b"{\"a\":1}";

#[async_trait]
impl Artifacts for One {
    async fn find(&self, _: ArtifactScope, _: &str, _: Option<&RunId>) -> Result<Option<Artifact>, EffectError> {
        std::future::pending().await
    }

    async fn read(&self, scope: ArtifactScope, digest: Digest) -> Result<Option<Vec<u8>>, EffectError> {
        self.0.lock().unwrap().push(scope);
        Ok((digest == Digest::of(CONTENT)).then(|| CONTENT.to_vec()))
    }
}

async fn read(config: Config, tool: &Tool) -> (Result<serde_json::Value, String>, Vec<ArtifactScope>) {
    let host = host(config, &[tool]);
    let artifacts = Arc::new(One::default());
    let mut call = call(&host, "tool", json!({}));
    call.artifacts = Some(artifacts.clone());
    let result = host.call(call).await.map(|value| value.to_json()).map_err(|error| error.code);
    let asked = artifacts.0.lock().unwrap().clone();
    (result, asked)
}

#[tokio::test]
async fn an_artifact_is_read_by_its_digest() {
    let there = Tool::reading_artifact(&Digest::of(CONTENT).to_string());
    assert_eq!(read(config(), &there).await, (Ok(json!({ "a": 1 })), vec![ArtifactScope::Own]));
    let gone = Tool::reading_artifact(&Digest::of(b"gone").to_string());
    assert_eq!(read(config(), &gone).await.0, Err("not_found".into()));
    assert_eq!(read(config(), &Tool::reading_artifact("nonsense")).await.0, Err("invalid_request".into()));
    let small = Config { limits: Limits { file_bytes: 3, ..limits() }, ..Config::default() };
    assert_eq!(read(small, &there).await.0, Err("artifact_too_large".into()));
}

#[tokio::test]
async fn those_of_other_agents_are_the_operators_to_grant() {
    let tool = Tool::reading_artifact(&Digest::of(CONTENT).to_string()).asking(&["artifacts:all"]);
    assert_eq!(read(config(), &tool).await, (Err("not_granted".into()), Vec::new()));
    let all = ToolGrants { artifacts: Some(ArtifactScope::All), ..ToolGrants::default() };
    let granted = Config { grants: [("tool".to_owned(), all)].into(), ..config() };
    assert_eq!(read(granted, &tool).await.1, [ArtifactScope::All]);
}

#[tokio::test]
async fn a_call_that_is_part_of_no_run_has_none() {
    let host = host(config(), &[&Tool::reading_artifact("x")]);
    assert_eq!(host.call(call(&host, "tool", json!({}))).await.unwrap_err().code, "unavailable");
}
