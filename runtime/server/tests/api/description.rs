use std::path::Path;

use crate::world::World;

#[test]
fn the_description_that_is_kept_is_that_of_the_handlers() {
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../schemas/openapi.json"));
    let made = bloom_server::openapi::document();
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(path, &made).unwrap();
    }
    let kept = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        kept == made,
        "schemas/openapi.json is not what the handlers say: BLESS=1 cargo test -p bloom-server writes it"
    );
}

#[test]
fn every_operation_says_what_it_is() {
    let description: serde_json::Value = serde_json::from_str(&bloom_server::openapi::document()).unwrap();
    assert_eq!(description["openapi"], "3.1.0");
    for (path, item) in description["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            assert!(operation["summary"].as_str().is_some_and(|text| !text.is_empty()), "{method} {path}");
            assert!(operation["tags"][0].is_string(), "{method} {path}");
        }
    }
    // Whatever is referred to is there.
    let text = description.to_string();
    for reference in text.split("\"$ref\":\"").skip(1).map(|rest| rest.split('"').next().unwrap()) {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(description.pointer(pointer).is_some(), "{reference} is not there");
    }
}

#[tokio::test]
async fn the_page_needs_nothing_from_elsewhere() {
    let world = World::new();
    let page = world.get("/docs").await;
    assert_eq!(page.status, 200);
    let text = page.text();
    assert!(text.contains("/api/v1/flows/{id}/runs") && !text.contains("<script"), "{text}");
    assert!(!text.contains("http://") && !text.contains("https://"), "{text}");
    let json = world.get("/openapi.json").await;
    assert_eq!(json.text(), bloom_server::openapi::document());
    world.end().await;
}
