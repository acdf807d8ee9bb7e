use std::time::Duration;

use serde_json::json;

use crate::fleet::{agent, between, idle, page, page_in, puller};

#[tokio::test]
async fn nodes_are_shown_with_what_can_be_done_with_them() {
    let world = idle();
    assert!(page(&world, "/nodes").await.contains("There are no nodes"));
    puller(&world, "gpu").await;
    agent(&world, "rpi 5").await;
    let shown = page(&world, "/nodes").await;
    let row = between(&shown, "data-node=\"rpi 5\"", "</tr>");
    for part in ["http://127.0.0.1:9", "1.2&#60;script&#62;", "<code class=\"tag\">10.0.0.7</code>", "state-online"] {
        assert!(row.contains(part), "{part}: {row}");
    }
    let path = "/api/runtime/workers/rpi%205";
    for act in ["agent-update", "agent-restart", "agent-uninstall"] {
        let form = between(row, &format!("data-api=\"POST {path}/{act}\""), "</form>");
        assert!(form.contains("data-ask=\"") && form.contains("<dialog id=\""), "{act} asks first: {form}");
    }
    assert!(between(row, &format!("data-api=\"DELETE {path}\""), ">").contains("data-ask"), "{row}");
    assert!(row.contains(&format!("data-api=\"GET {path}/agent-health\"")), "{row}");
    assert!(!shown.contains("data-node=\"gpu\""), "it is no node: nobody calls it");
    let counts = |page: &str| -> Vec<String> {
        let cards = page.split("<dd class=\"large\">").skip(1);
        cards.map(|rest| rest.split('<').next().unwrap().to_owned()).collect()
    };
    assert_eq!(counts(&shown), ["1", "1", "0"]);
    world.pass(Duration::from_secs(90));
    assert_eq!(counts(&page_in(&world, "/nodes", "uk").await), ["1", "0", "1"]);
    world.end().await;
}

#[tokio::test]
async fn projects_are_shown_with_their_nodes() {
    let world = idle();
    agent(&world, "rpi5").await;
    let body = json!({ "name": "garden", "repo_url": "https://git.example.org/a", "target_path": "/srv/<script>" });
    let project = world.post("/api/runtime/projects", &body).await.ok(201);
    let path = format!("/api/runtime/projects/{}", project["id"].as_str().unwrap());
    let shown = page(&world, "/nodes").await;
    let card = between(&shown, "data-project=\"garden\"", "</article>");
    assert!(card.contains("/srv/&#60;script&#62;") && card.contains("not cloned yet"), "{card}");
    assert!(card.contains(&format!("data-api=\"POST {path}/clone\" data-ask=")), "{card}");
    assert!(card.contains(&format!("data-api=\"POST {path}/propagate\" data-ask=")), "{card}");
    assert!(card.contains(&format!("data-api=\"DELETE {path}\" data-ask=")), "{card}");
    assert!(!card.contains("sync-memory"), "there is no control plane to do it");
    world.post(&format!("{path}/clone"), &json!({ "node_id": "rpi5" })).await;
    let failed = page_in(&world, "/nodes", "uk").await;
    let card = between(&failed, "data-project=\"garden\"", "</article>");
    assert!(card.contains("не вдалося") && card.contains("rpi5"), "nobody answers there: {card}");
    world.end().await;
}
