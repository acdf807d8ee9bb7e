use std::fs;

use bloom_server::ServerConfig;
use tempfile::TempDir;

use crate::owners::{NAME, PASSWORD, add_owner};
use crate::world::{Answered, Setup, World};

/// A server with a client, whose folder lies in another one.
fn with_client() -> (World, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let client = folder.path().join("client");
    fs::create_dir_all(client.join("assets")).unwrap();
    fs::write(folder.path().join("secret"), "a secret").unwrap();
    fs::write(client.join(".env"), "a secret").unwrap();
    fs::write(client.join("index.html"), "<title>Garden</title>").unwrap();
    fs::write(client.join("assets/app.js"), "start()").unwrap();
    let config = ServerConfig { web: Some(client), ..ServerConfig::default() };
    (World::with(Setup { config, ..Setup::default() }), folder)
}

async fn page(world: &World, path: &str) -> Answered {
    world.send("GET", path, &[("accept", "text/html,application/xhtml+xml;q=0.9")], "").await
}

#[tokio::test]
async fn a_client_is_served_in_place_of_our_pages() {
    let (world, _folder) = with_client();
    let first = page(&world, "/").await;
    assert_eq!((first.status, first.text().as_str()), (200, "<title>Garden</title>"));
    assert!(first.headers["content-type"].to_str().unwrap().starts_with("text/html"));
    assert!(first.headers["content-security-policy"].to_str().unwrap().contains("default-src 'self'"));
    assert_eq!(
        (&first.headers["cache-control"], &first.headers["x-frame-options"]),
        (&"no-cache".parse().unwrap(), &"DENY".parse().unwrap())
    );
    let script = world.get("/assets/app.js").await;
    assert_eq!((script.status, script.text().as_str()), (200, "start()"));
    assert!(script.headers["content-type"].to_str().unwrap().contains("javascript"), "{script:?}");
    let head = world.send("HEAD", "/assets/app.js", &[], "").await;
    assert_eq!((head.status, head.bytes.len()), (200, 0));
    // What the client itself has a page of.
    assert_eq!(page(&world, "/runs/r-1").await.text(), first.text());
    world.get("/runs/r-1").await.refused(404, "NOT_FOUND");
    world.get("/assets/none.js").await.refused(404, "NOT_FOUND");
    world.end().await;
}

#[tokio::test]
async fn nothing_else_is_served() {
    let (world, _folder) = with_client();
    for path in [
        "/.env",
        "/%2eenv",
        "/assets/../.env",
        "/../secret",
        "/..%2fsecret",
        "/%2e%2e/secret",
        "/assets/%2e%2e/%2e%2e/secret",
    ] {
        let answered = world.get(path).await;
        assert_eq!(answered.status, 404, "{path}");
        assert!(!page(&world, path).await.text().contains("a secret"), "{path}");
    }
    page(&world, "/api/v1/nothing").await.refused(404, "NOT_FOUND");
    assert_eq!(page(&world, "/api/runtime/nothing").await.json()["error"], "there is no such path");
    world.send("POST", "/", &[], "").await.refused(404, "NOT_FOUND");
    assert!(page(&world, "/login").await.text().contains("<form"));
    assert!(page(&world, "/docs").await.text().contains("HTTP API"));
    world.end().await;
}

#[tokio::test]
async fn who_logs_in_is_led_to_the_client() {
    let (world, _folder) = with_client();
    add_owner(&world).await;
    let form = form_urlencoded::Serializer::new(String::new())
        .append_pair("name", NAME)
        .append_pair("password", PASSWORD)
        .finish();
    let headers = [("content-type", "application/x-www-form-urlencoded"), ("origin", "http://127.0.0.1:5000")];
    let opened = world.send("POST", "/api/v1/session", &headers, form).await;
    assert_eq!((opened.status, &opened.headers["location"]), (303, &"/".parse().unwrap()), "{opened:?}");
    world.end().await;
}
