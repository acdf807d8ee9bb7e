//! The description of the API for programs, and a page of it for people, which needs nothing from elsewhere.

use std::fmt::Write as _;
use std::sync::LazyLock;

use axum::Router;
use axum::http::header;
use axum::routing::get;
use utoipa::openapi::OpenApi;

use crate::app::App;
use crate::{openapi, routes};

/// Only what stands in the page itself: no scripts, nothing from elsewhere.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'";

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1c2430;\
background:#fff}h2{margin-top:2.5rem;text-transform:capitalize}details{border:1px solid #d5dbe3;border-radius:6px;margin:.4rem 0;\
padding:.4rem .8rem}summary{cursor:pointer;overflow-wrap:anywhere}code,pre{font:14px/1.4 ui-monospace,monospace}\
pre{background:#f4f6f9;padding:.6rem;border-radius:6px;overflow-x:auto}b{display:inline-block;min-width:4.5rem}\
table{border-collapse:collapse}td,th{text-align:left;padding:.15rem .8rem .15rem 0;vertical-align:top}\
@media(prefers-color-scheme:dark){body{color:#dde3ea;background:#12161c}pre{background:#1c232d}details{border-color:#333d4a}\
a{color:#8ab4ff}}";

/// The description, which follows from the handlers alone, and its page: both are made when one of them is asked for first.
static WRITTEN: LazyLock<(String, String)> = LazyLock::new(|| {
    let description = routes::description();
    (openapi::written(&description), page(&description))
});

pub(crate) fn routes() -> Router<App> {
    let json = async || ([(header::CONTENT_TYPE, "application/json")], WRITTEN.0.as_str());
    let headers = [(header::CONTENT_TYPE, "text/html; charset=utf-8"), (header::CONTENT_SECURITY_POLICY, POLICY)];
    Router::new().route("/openapi.json", get(json)).route("/docs", get(async move || (headers, WRITTEN.1.as_str())))
}

fn page(description: &OpenApi) -> String {
    let mut page = format!(
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width\">\
         <title>BLOOM Runtime: HTTP API</title><style>{STYLE}</style><h1>BLOOM Runtime: HTTP API</h1>\
         <p>For programs: <a href=/openapi.json>openapi.json</a> (OpenAPI 3.1). Where the server has a key, show it as \
         <code>X-Runtime-API-Key</code> or <code>Authorization: Bearer</code>, or <a href=/login>log in</a>.</p>"
    );
    let json = serde_json::to_value(description).unwrap_or_default();
    let mut tag = String::new();
    let mut operations: Vec<(String, String, String, &serde_json::Value)> = Vec::new();
    for (path, item) in json["paths"].as_object().into_iter().flatten() {
        for (method, operation) in
            item.as_object().into_iter().flatten().filter(|(_, value)| value["responses"].is_object())
        {
            let tag = operation["tags"][0].as_str().unwrap_or_default().to_owned();
            operations.push((tag, path.clone(), method.to_uppercase(), operation));
        }
    }
    operations.sort_by(|a, b| (&a.0, &a.1, &a.2).cmp(&(&b.0, &b.1, &b.2)));
    for (of, path, method, operation) in operations {
        if of != tag {
            // Writing to a text cannot fail.
            let _ = write!(page, "<h2>{}</h2>", escaped(&of));
            tag = of;
        }
        let summary = operation["summary"].as_str().unwrap_or_default();
        let _ = write!(
            page,
            "<details><summary><b>{method}</b> <code>{}</code> {}</summary>",
            escaped(&path),
            escaped(summary)
        );
        if let Some(more) = operation["description"].as_str() {
            let _ = write!(page, "<p>{}</p>", escaped(more));
        }
        rows(&mut page, "Parameters", parameters(operation));
        if let Some(body) = operation["requestBody"]["content"].as_object() {
            for (mime, content) in body {
                let schema = resolved(&json, &content["schema"]);
                let text = serde_json::to_string_pretty(schema).unwrap_or_default();
                let _ = write!(page, "<p>Body: {}</p><pre>{}</pre>", escaped(mime), escaped(&text));
            }
        }
        rows(&mut page, "Answers", answers(operation));
        page.push_str("</details>");
    }
    page.push_str("</html>\n");
    page
}

fn parameters(operation: &serde_json::Value) -> Vec<[String; 2]> {
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let parameters = operation["parameters"].as_array().into_iter().flatten();
    parameters
        .map(|each| [format!("{} ({})", text(&each["name"]), text(&each["in"])), text(&each["description"])])
        .collect()
}

fn answers(operation: &serde_json::Value) -> Vec<[String; 2]> {
    let answers = operation["responses"].as_object().into_iter().flatten();
    answers
        .map(|(status, answer)| {
            let content = answer["content"].as_object().into_iter().flatten();
            let types: Vec<String> = content
                .map(|(mime, content)| {
                    let schema = content["schema"]["$ref"].as_str().and_then(|name| name.rsplit('/').next());
                    schema.map_or_else(|| mime.clone(), |schema| format!("{mime}: {schema}"))
                })
                .collect();
            let told = answer["description"].as_str().unwrap_or_default();
            [status.clone(), [told, &types.join(", ")].join(" ").trim().to_owned()]
        })
        .collect()
}

fn resolved<'a>(json: &'a serde_json::Value, schema: &'a serde_json::Value) -> &'a serde_json::Value {
    let pointer = schema["$ref"].as_str().and_then(|reference| reference.strip_prefix('#'));
    pointer.and_then(|pointer| json.pointer(pointer)).unwrap_or(schema)
}

fn rows(page: &mut String, head: &str, rows: Vec<[String; 2]>) {
    if rows.is_empty() {
        return;
    }
    let _ = write!(page, "<table><tr><th colspan=2>{head}</th></tr>");
    for [name, told] in rows {
        let _ = write!(page, "<tr><td><code>{}</code></td><td>{}</td></tr>", escaped(&name), escaped(&told));
    }
    page.push_str("</table>");
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
