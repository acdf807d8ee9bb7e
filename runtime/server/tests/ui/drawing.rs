//! Runs of diagrams that are drawn, as the program draws them.

use std::sync::Arc;

use bloom_compiler::{DrawOptions, Options, Overlay, SourceFile, Theme};
use bloom_ir::document::Locale;
use bloom_ir::{Diagnostic, Document, sign};
use bloom_runtime::compiler::{Called, Compiled, Compiler, Explanation, Marks, Picture};
use serde_json::{Value as Json, json};

use crate::world::{Setup, World, key};

/// What no text of others may become.
pub(crate) const EVIL: &str = "<script>alert(1)</script>\"onload='x'";

/// Draws as the program does, and knows one code.
pub(crate) struct Drawer;

impl Compiler for Drawer {
    fn compile(&self, name: &str, bytes: &[u8], called: Called) -> Compiled {
        let made = compiled(name, bytes, called.id, called.version);
        Compiled { document: made.document, diagnostics: made.diagnostics }
    }

    fn pseudocode(&self, name: &str, bytes: &[u8], locale: Locale) -> Result<String, Vec<Diagnostic>> {
        let made = bloom_compiler::pseudocode(&SourceFile::new(name, bytes), &Options::default(), locale);
        made.text.ok_or(made.diagnostics)
    }

    fn draw(&self, name: &str, bytes: &[u8], picture: &Picture) -> Result<String, Vec<Diagnostic>> {
        let overlay = picture.marks.clone().map(|Marks { visits, time_ms, ways, current, failed }| Overlay {
            visits,
            time_ms,
            ways,
            current,
            failed,
            coverage: false,
        });
        let theme = if picture.is_part { Theme::OfPage } else { Theme::Light };
        let options = DrawOptions { locale: picture.locale, theme, overlay };
        let drawn = bloom_compiler::draw(&SourceFile::new(name, bytes), &options);
        drawn.svg.ok_or(drawn.diagnostics)
    }

    fn explain(&self, code: &str, locale: Locale) -> Option<Explanation> {
        let title = match locale {
            Locale::En => "It is <b>wrong</b>",
            Locale::Uk => "Це <b>хибно</b>, `a`",
        };
        let body = "**Why.** A `<i>` is read.\n\n**What to do.** Nothing.";
        (code == "D100").then_some(Explanation { code: "D100", title, body, example: Some("<u>") })
    }
}

fn compiled(name: &str, bytes: &[u8], id: Option<String>, version: Option<String>) -> bloom_compiler::Compilation {
    bloom_compiler::compile(&SourceFile::new(name, bytes), &Options { id, version, ..Options::default() })
}

/// A server that draws.
pub(crate) fn drawing() -> World {
    World::with(Setup { compiler: Arc::new(Drawer), ..Setup::default() })
}

/// A diagram of these items, between which it begins with `3` and ends with `1`.
fn diagram(name: &str, params: &str, items: &Json) -> Vec<u8> {
    let mut items = items.clone();
    items["1"] = json!({ "type": "end" });
    items["2"] = json!({ "type": "branch", "branchId": 0, "one": "3" });
    json!({ "type": "drakon", "name": name, "items": items, "params": params }).to_string().into_bytes()
}

/// Publishes a diagram with its file, as this flow.
pub(crate) async fn published(world: &World, id: &str, name: &str, params: &str, items: &Json) {
    published_file(world, id, &format!("{id}.drakon"), diagram(name, params, items)).await;
}

/// Publishes what a file makes, with the file, as this flow.
pub(crate) async fn published_file(world: &World, id: &str, file: &str, bytes: Vec<u8>) {
    let made = compiled(file, &bytes, Some(id.to_owned()), Some("1.0.0".to_owned()));
    let document: Document = made.document.unwrap_or_else(|| panic!("{:?}", made.diagnostics));
    let signed = sign::seal(document, &[&key()]).to_bytes();
    world.send("POST", "/api/v1/flows", &[("content-type", "application/json")], signed).await.ok(201);
    let kept = world.send("PUT", &format!("/api/v1/flows/{id}/versions/1.0.0/source"), &[], bytes).await;
    assert_eq!(kept.status, 204, "{}", kept.text());
}

/// Runs a flow to its end, and gives the run's id.
pub(crate) async fn ended(world: &World, flow: &str, inputs: &Json) -> String {
    let body = json!({ "inputs": inputs });
    let run = world.post(&format!("/api/v1/flows/{flow}/runs?wait=30"), &body).await.ok(200);
    run["run_id"].as_str().unwrap().to_owned()
}

/// Begins a run of a flow that waits, and gives the run's id once it does.
pub(crate) async fn waiting(world: &World, flow: &str) -> String {
    let run = world.post(&format!("/api/v1/flows/{flow}/runs"), &json!({})).await.ok(202);
    let run = run["run_id"].as_str().unwrap().to_owned();
    for _ in 0..12_000 {
        if world.get(&format!("/api/v1/runs/{run}")).await.ok(200)["waiting"] == true {
            return run;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    panic!("run {run} does not wait");
}

/// A page in a language.
pub(crate) async fn told(world: &World, path: &str, language: &str) -> String {
    let answered = world.send("GET", path, &[("accept", "text/html"), ("accept-language", language)], "").await;
    assert_eq!(answered.status, 200, "{path}: {}", answered.text());
    answered.text()
}

/// A page in English.
pub(crate) async fn page(world: &World, path: &str) -> String {
    told(world, path, "en").await
}

/// What is refused to a browser.
pub(crate) async fn refused(world: &World, path: &str) -> (u16, String) {
    let answered = world.send("GET", path, &[("accept", "text/html"), ("accept-language", "en")], "").await;
    (answered.status, answered.text())
}

/// No text of others is markup.
#[track_caller]
pub(crate) fn assert_harmless(page: &str) {
    let page = page.replace("<script type=\"module\" src=\"/assets/", "");
    assert!(!page.contains("<script") && !page.contains("\"onload") && !page.contains(" style="), "{page}");
}

/// The drawn icon of this id.
#[track_caller]
pub(crate) fn icon<'a>(page: &'a str, id: &str) -> &'a str {
    let (_, rest) = page.split_once(&format!("data-item=\"{id}\"")).unwrap_or_else(|| panic!("no icon {id} in {page}"));
    rest.split("</g>").next().unwrap()
}

/// Greets by an LLM, which says `hello`, and is `nice` then.
pub(crate) fn greeting() -> Json {
    json!({
        "3": { "type": "action", "content": "answer ← LLM(\"Greet\")\nFORMAT {text: \"hello\" | \"bye\"}", "one": "4" },
        "4": { "type": "question", "content": "answer.text == \"hello\"?", "one": "5", "two": "6", "flag1": 1 },
        "5": { "type": "action", "content": "RETURN {said: \"nice\"}", "one": "1" },
        "6": { "type": "action", "content": "RETURN {said: \"rude\"}", "one": "1" },
    })
}
