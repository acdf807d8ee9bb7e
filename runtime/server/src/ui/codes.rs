//! What the code of a diagnostic means, as `bloom explain` says it.

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use bloom_runtime::compiler::Explanation;

use super::shell::{self, Html, Section, Shell, Viewer};
use crate::app::App;
use crate::error::ApiError;
use crate::extract::Path;

pub(super) fn routes() -> Router<App> {
    Router::new().route("/codes/{code}", get(page))
}

/// A piece of a paragraph.
#[derive(Debug, PartialEq, Eq)]
enum Piece<'a> {
    Plain(&'a str),
    Strong(&'a str),
    Code(&'a str),
}

#[derive(askama::Template)]
#[template(path = "code.html")]
struct Code {
    shell: Shell,
    explained: Explanation,
}

impl Code {
    fn title(&self) -> Vec<Piece<'_>> {
        pieces(self.explained.title)
    }

    fn paragraphs(&self) -> impl Iterator<Item = Vec<Piece<'static>>> {
        self.explained.body.split("\n\n").filter(|text| !text.trim().is_empty()).map(pieces)
    }
}

async fn page(State(app): State<App>, viewer: Viewer, Path(code): Path<String>) -> Result<Html, ApiError> {
    let explained =
        app.compiler.explain(&code, viewer.texts.locale()).ok_or_else(|| ApiError::not_found("code", &code))?;
    shell::page(&Code { shell: viewer.shell(Section::None), explained })
}

/// The Markdown that these pages are written in: strong words and code; of a link its text.
fn pieces(mut text: &str) -> Vec<Piece<'_>> {
    const MARKS: [(&str, &str); 3] = [("`", "`"), ("**", "**"), ("[", "]")];
    let mut pieces = Vec::new();
    loop {
        let next = MARKS.iter().filter_map(|(open, close)| Some((text.find(open)?, *open, *close))).min();
        let found = next.and_then(|(at, open, close)| {
            let (inner, rest) = text[at + open.len()..].split_once(close)?;
            Some((&text[..at], open, inner, rest))
        });
        let Some((before, open, inner, rest)) = found else {
            pieces.push(Piece::Plain(text));
            break;
        };
        pieces.push(Piece::Plain(before));
        pieces.push(match open {
            "`" => Piece::Code(inner),
            "**" => Piece::Strong(inner),
            _ => Piece::Plain(inner),
        });
        // Where a link leads is a place in the repository.
        text = match rest.strip_prefix('(').filter(|_| open == "[").and_then(|rest| rest.split_once(')')) {
            Some((_, rest)) => rest,
            None => rest,
        };
    }
    pieces.retain(|piece| !matches!(piece, Piece::Plain("")));
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_have_strong_words_and_code() {
        let told = pieces("**Why.** Use `a[0]`. [docs](../docs) has *more* [x");
        let expected = [
            Piece::Strong("Why."),
            Piece::Plain(" Use "),
            Piece::Code("a[0]"),
            Piece::Plain(". "),
            Piece::Plain("docs"),
            Piece::Plain(" has *more* [x"),
        ];
        assert_eq!(told, expected);
    }
}
