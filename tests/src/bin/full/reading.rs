//! What is read of a store with many runs.

use std::time::Instant;

use anyhow::Context as _;
use bloom_tests::latency::Latencies;
use bloom_tests::served::{Ask, Client};
use serde_json::Value;

/// How often each is asked for.
const TIMES: usize = 50;

pub(crate) async fn table(client: &Client) -> anyhow::Result<()> {
    let newest = client.expect(&Ask::get("/api/v1/runs?limit=1"), 200).await?;
    let (id, made) = (text(&newest["runs"][0], "run_id")?, text(&newest["runs"][0], "created_at")?);
    println!("  {:<56} {:>8} {:>8}", "asked for, 50 times", "p50 ms", "p99 ms");
    let mut asked = vec![
        ("the newest 50", "/api/v1/runs?limit=50".to_owned()),
        ("of a status", "/api/v1/runs?limit=50&status=completed".to_owned()),
        ("of a status that few have", "/api/v1/runs?limit=50&status=running".to_owned()),
        ("of a flow", "/api/v1/runs?limit=50&flow=returning".to_owned()),
        ("of a flow that few have", "/api/v1/runs?limit=50&flow=other".to_owned()),
        ("of a flow and a status", "/api/v1/runs?limit=50&flow=returning&status=completed".to_owned()),
        ("of a flow and a status that none have", "/api/v1/runs?limit=50&flow=returning&status=failed".to_owned()),
        ("until a time", format!("/api/v1/runs?limit=50&to={made}")),
        ("a run", format!("/api/v1/runs/{id}")),
        ("its history", format!("/api/v1/runs/{id}/history")),
        ("metrics", "/metrics".to_owned()),
        ("the operator's page of the newest 50", "/runs".to_owned()),
        ("the operator's page of a flow that few have", "/runs?flow=other".to_owned()),
        ("the operator's page until a time", format!("/runs?to={made}")),
        ("the operator's page of a run", format!("/runs/{id}")),
        ("the operator's overview", "/".to_owned()),
    ];
    let page = client.expect(&Ask::get("/api/v1/runs?limit=50"), 200).await?;
    if let Some(cursor) = page["next_cursor"].as_str() {
        asked.push(("the next", format!("/api/v1/runs?limit=50&cursor={cursor}")));
        asked.push(("the operator's page of the next", format!("/runs?cursor={cursor}")));
    }
    for (what, path) in asked {
        let mut latencies = Latencies::default();
        for _ in 0..TIMES {
            let began = Instant::now();
            client.text(&path).await?;
            latencies.add(began.elapsed());
        }
        println!("  {what:<56} {:>8.2} {:>8.2}", latencies.percentile(50), latencies.percentile(99));
    }
    Ok(())
}

fn text(of: &Value, name: &str) -> anyhow::Result<String> {
    of[name].as_str().map(str::to_owned).with_context(|| format!("a run has its {name}"))
}
