//! The audit log: read, filtered, verified and taken away.

use bloom_ir::SigningKey;
use bloom_runtime::record::{Actor, AuditNote};
use bloom_runtime::store::Store as _;
use bloom_server::ServerConfig;

use crate::pages::{MARKUP, page_as, section, shown};
use crate::world::{Setup, World};

fn note(at: i64, actor: &str, action: &str, of: (&str, &str)) -> AuditNote {
    AuditNote::new(at, &Actor(actor.to_owned()), action, of)
}

/// 2026-01-01.
const BEGUN: i64 = 1_767_225_600_000;
const DAY: i64 = 86_400_000;

/// A log of 120 entries, 40 a day.
async fn logged() -> World {
    let world = World::new();
    let notes = (0..120).map(|n| {
        let actor = if n % 2 == 0 { "owner:Олена" } else { "worker:w" };
        let action = if n % 3 == 0 { "proposal_approved" } else { "task_leased" };
        let entity = format!("e-{n}");
        let note = note(BEGUN + i64::from(n / 40) * DAY + i64::from(n), actor, action, ("proposal", &entity));
        AuditNote { job_id: (n == 7).then(|| "run-7".to_owned()), ..note }
    });
    world.store.note(notes.collect()).await.unwrap();
    world
}

fn rows(page: &str) -> Vec<&str> {
    page.split("<tr id=\"entry-").skip(1).map(|row| row.split('"').next().unwrap()).collect()
}

async fn entries(world: &World, query: &str) -> Vec<String> {
    let page = shown(&page_as(world, &format!("/audit?{query}"), "", "en").await);
    rows(&page).into_iter().map(str::to_owned).collect()
}

#[tokio::test]
async fn the_log_is_read_newest_first_page_by_page() {
    let world = logged().await;
    let mut path = "/audit".to_owned();
    let mut seen = Vec::new();
    loop {
        let page = shown(&page_as(&world, &path, "", "en").await);
        seen.extend(rows(&page).into_iter().map(|seq| seq.parse::<u64>().unwrap()));
        let Some((_, rest)) = page.split_once("rel=\"next\" href=\"") else { break };
        path = rest.split('"').next().unwrap().replace("&#38;", "&").replace("&amp;", "&");
    }
    assert_eq!(seen, (1..=120).rev().collect::<Vec<_>>());
    world.end().await;
}

#[tokio::test]
async fn entries_are_found_by_what_who_and_when() {
    let world = logged().await;
    assert_eq!(entries(&world, "entity=e-9").await, ["10"]);
    assert_eq!(entries(&world, "run=run-7").await, ["8"]);
    assert_eq!(entries(&world, "action=proposal_&actor=WORKER").await.len(), 20);
    assert_eq!(entries(&world, "from=2026-01-02&to=2026-01-02").await.len(), 40);
    assert_eq!(entries(&world, "from=2026-01-02&to=2026-01-02&action=proposal_").await.len(), 13);
    assert_eq!(entries(&world, "to=2026-01-01").await[0], "40");
    assert_eq!(entries(&world, "from=2027-01-01").await.len(), 0);
    let page = shown(&page_as(&world, "/audit?entity=none", "", "en").await);
    assert!(page.contains("no such entries") && page.contains("120 entries looked through"), "{page}");
    for bad in ["cursor=x", "from=yesterday", "verify=some"] {
        let page = page_as(&world, &format!("/audit?{bad}"), "", "uk").await;
        assert_eq!(page.status, 400, "{bad}");
        assert!(page.text().contains("Це не те, що потрібно"), "{}", page.text());
    }
    world.end().await;
}

#[tokio::test]
async fn entries_lead_to_what_they_speak_of_and_are_text() {
    let world = World::new();
    let notes = vec![
        note(BEGUN, MARKUP, MARKUP, ("proposal", "p 1/2")),
        note(BEGUN, "flow_published", "y", ("flow", "greeting@1.0.0+a")),
        note(BEGUN, "x", "y", (MARKUP, MARKUP)),
    ];
    world.store.note(notes).await.unwrap();
    let page = shown(&page_as(&world, "/audit", "", "uk").await);
    assert!(page.contains("href=\"/proposals/p%201%2F2\""), "{page}");
    assert!(page.contains("href=\"/flows/greeting/versions/1.0.0%2Ba\""), "{page}");
    assert!(page.contains("Записи") && page.contains("3 записи в журналі"), "{page}");
    world.end().await;
}

#[tokio::test]
async fn what_was_verified_is_said_exactly() {
    let world = logged().await;
    let all = shown(&page_as(&world, "/audit?verify=1000", "", "en").await);
    let told = section(&all, "verification");
    assert!(
        told.contains("data-verified=\"yes\"") && told.contains("Entries 1 to 120 are as they were written"),
        "{told}"
    );
    assert!(told.contains("These are all entries") && told.contains("sha256:"), "{told}");
    let part = shown(&page_as(&world, "/audit?verify=50", "", "en").await);
    let told = section(&part, "verification");
    assert!(told.contains("Entries 71 to 120") && told.contains("up to 70, were not looked at"), "{told}");
    assert!(!section(&shown(&page_as(&world, "/audit", "", "en").await), "verification").contains("data-verified"));
    world.end().await;
    let empty = World::new();
    let page = shown(&page_as(&empty, "/audit?verify=10", "", "en").await);
    assert!(section(&page, "log").contains("no such entries"), "{page}");
    empty.end().await;
}

#[tokio::test]
async fn the_log_and_a_checkpoint_are_taken_away() {
    let world = logged().await;
    let page = shown(&page_as(&world, "/audit", "", "en").await);
    assert!(section(&page, "downloads").contains("/api/v1/audit?format=jsonl") && !page.contains("/audit/checkpoint"));
    let lines = world.get("/api/v1/audit?format=jsonl").await;
    assert_eq!((lines.status, lines.text().lines().count()), (200, 120));
    assert_eq!(lines.headers["content-type"], "application/jsonl");
    assert_eq!(lines.headers["content-disposition"], "attachment; filename=\"audit.jsonl\"");
    world.get("/api/v1/audit?format=xml").await.refused(400, "VALIDATION_FAILED");
    assert!(world.get("/api/v1/audit?format=json").await.ok(200)["entries"].is_array());
    world.end().await;
    let config = ServerConfig { audit_key: Some(SigningKey::from_seed(&[3; 32])), ..ServerConfig::default() };
    let signing = World::with(Setup { config, ..Setup::default() });
    assert!(shown(&page_as(&signing, "/audit", "", "en").await).contains("href=\"/api/v1/audit/checkpoint\""));
    signing.end().await;
}
