use serde_json::json;

use crate::fleet::{between, page, page_in, status};
use crate::world::{World, awaiting, flow, plain};

#[tokio::test]
async fn runs_are_listed_by_flow_status_and_time() {
    let world = World::new();
    assert!(page(&world, "/runs").await.contains("There are no runs here"));
    let done = world.run(&plain("done", "1.0.0")).await;
    let failing =
        flow("fails", "1.0.0", &json!({ "n1": { "type": "return", "status": "completed", "value": "1 / 0" } }));
    let failed = world.run(&failing).await;
    let waiting = world.waiting(&awaiting("waits")).await;
    let id = |run: &serde_json::Value| run["run_id"].as_str().unwrap().to_owned();
    let all = page(&world, "/runs").await;
    let at = |run: &str| all.find(&format!("href=\"/runs/{run}\"")).unwrap_or_else(|| panic!("{run}: {all}"));
    assert!(at(&waiting) < at(&id(&failed)) && at(&id(&failed)) < at(&id(&done)), "newest first");
    assert!(all.contains("3 in all") && all.contains("waits</span>"), "{all}");
    for (query, run) in
        [("flow=done", &id(&done)), ("status=failed", &id(&failed)), ("flow=waits&status=running", &waiting)]
    {
        let found = page(&world, &format!("/runs?{query}")).await;
        assert!(found.contains("1 in all") && found.contains(&format!("href=\"/runs/{run}\"")), "{query}: {found}");
    }
    assert!(page(&world, "/runs?from=2026-01-01&to=2026-01-01").await.contains("3 in all"));
    assert!(page(&world, "/runs?from=2026-01-02").await.contains("0 in all"));
    assert!(page_in(&world, "/runs", "uk").await.contains("усього 3"));
    for wrong in ["/runs?status=odd", "/runs?from=yesterday", "/runs?cursor=none"] {
        assert_eq!(status(&world, wrong).await, 400, "{wrong}");
    }
    world.end().await;
}

#[tokio::test]
async fn runs_are_paged_and_only_the_first_page_is_live() {
    let world = World::new();
    world.published(&plain("many", "1.0.0")).await;
    for _ in 0..51 {
        world.post("/api/v1/flows/many/runs?wait=30", &json!({})).await.ok(200);
    }
    let first = page(&world, "/runs?flow=many").await;
    assert_eq!(first.matches("<td data-label=\"Run\">").count(), 50);
    assert!(between(&first, "<section id=\"runs\"", ">").contains("data-live"));
    let next = between(&first, "rel=\"next\" href=\"", "\"").replace("&#38;", "&");
    let second = page(&world, &next).await;
    assert_eq!(second.matches("<td data-label=\"Run\">").count(), 1);
    assert!(!between(&second, "<section id=\"runs\"", ">").contains("data-live"));
    world.end().await;
}
