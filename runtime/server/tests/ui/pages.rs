//! What tests of pages share: people who look, and what they are shown.

use bloom_runtime::record::Actor;
use bloom_runtime::store::Store as _;
use bloom_server::{HashedPassword, Owners};
use serde_json::json;

use crate::world::{Answered, Setup, World};

pub(crate) const KEY: &str = "a key that is long enough";
pub(crate) const NAME: &str = "Олена Їжак";
pub(crate) const PASSWORD: &str = "їжачок у тумані";

/// What a browser says of a form of this server's own page.
pub(crate) const OWN: (&str, &str) = ("origin", "http://127.0.0.1:5000");

/// Text that must not become markup.
pub(crate) const MARKUP: &str = "<script>alert('x')</script><img src=x onerror=alert(1)>\"&";

/// A server with a key.
pub(crate) fn with_key() -> World {
    World::with(Setup { key: Some(KEY), ..Setup::default() })
}

/// Adds an owner, before the server is first asked for one, and gives the cookie of a session.
pub(crate) async fn owner(world: &World) -> String {
    let mut owners = Owners::default();
    let password = HashedPassword::of(&PASSWORD.into(), "salt").unwrap();
    let note = owners.set(&NAME.parse().unwrap(), password, &Actor("owner".to_owned()), 1);
    world.store.put_setting(Owners::SETTING, serde_json::to_string(&owners).unwrap(), vec![note]).await.unwrap();
    let opened = world.post("/api/v1/session", &json!({ "name": NAME, "password": PASSWORD })).await.ok(201);
    format!("bloom_session={}", opened["token"].as_str().unwrap())
}

/// A page as somebody with this cookie sees it, in a language.
pub(crate) async fn page_as(world: &World, path: &str, cookie: &str, language: &str) -> Answered {
    world.send("GET", path, &[("cookie", cookie), ("accept-language", language), ("accept", "text/html")], "").await
}

/// The text of a page that is shown, in English.
#[track_caller]
pub(crate) fn shown(answered: &Answered) -> String {
    let text = answered.text();
    assert_eq!(answered.status, 200, "{text}");
    assert!(answered.headers["content-type"].to_str().unwrap().starts_with("text/html"), "{answered:?}");
    assert!(!text.contains("<script>alert") && !text.contains("<img src=x"), "a text became markup: {text}");
    text
}

/// The part of a page that begins with this and ends with the other.
#[track_caller]
pub(crate) fn part<'a>(page: &'a str, from: &str, to: &str) -> &'a str {
    let rest = page.split_once(from).unwrap_or_else(|| panic!("no {from} in {page}")).1;
    rest.split_once(to).map_or(rest, |(part, _)| part)
}

/// The section of this id.
#[track_caller]
pub(crate) fn section<'a>(page: &'a str, id: &str) -> &'a str {
    part(page, &format!("<section id=\"{id}\""), "</section>")
}
