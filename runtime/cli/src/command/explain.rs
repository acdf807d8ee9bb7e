//! `bloom explain`: what an error code means, why it is an error, and what to do.

use std::io::Write as _;

use anstyle::{AnsiColor, Style};
use bloom_ir::document::Locale;
use clap::Args;
use serde_json::json;

use crate::catalogue::text;
use crate::failure::{Exit, Explained};
use crate::output::Out;
use crate::page::Page;
use crate::session::{Form, Session};

#[derive(Args, Debug)]
pub(crate) struct Explain {
    #[arg(value_name = "CODE", required = true)]
    codes: Vec<String>,
}

impl Explain {
    pub(crate) fn perform(self, session: &Session, out: &mut Out) -> anyhow::Result<Exit> {
        let pages = self
            .codes
            .iter()
            .map(|code| {
                Page::of(code).ok_or_else(|| {
                    Explained::usage(text!(session.catalogue, "no-such-code", code = code))
                        .hint(text!(session.catalogue, "no-such-code-hint"))
                })
            })
            .collect::<Result<Vec<Page>, Explained>>()?;
        if session.form() == Form::Json {
            let pages: Vec<_> = pages
                .iter()
                .map(|page| {
                    let half = |locale| {
                        let text = page.text(locale);
                        json!({ "title": text.title, "body": text.body })
                    };
                    json!({ "code": page.code, "en": half(Locale::En), "uk": half(Locale::Uk), "example": page.example() })
                })
                .collect();
            out.json(&pages)?;
            return Ok(Exit::Completed);
        }
        for (index, page) in pages.iter().enumerate() {
            if index > 0 {
                writeln!(out)?;
            }
            tell(*page, session, out)?;
        }
        Ok(Exit::Completed)
    }
}

fn tell(page: Page, session: &Session, out: &mut Out) -> anyhow::Result<()> {
    let code = AnsiColor::Cyan.on_default().bold();
    let strong = Style::new().bold();
    let text = page.text(session.catalogue.locale());
    writeln!(out, "{code}{}{code:#} {strong}{}{strong:#}", page.code, text.title)?;
    for paragraph in text.body.split("\n\n").map(str::trim).filter(|paragraph| !paragraph.is_empty()) {
        match paragraph.strip_prefix("**").and_then(|rest| rest.split_once("**")) {
            // The example is told last, in both languages.
            Some((_, "")) => {}
            _ if paragraph.starts_with("```") => {}
            Some((head, rest)) => writeln!(out, "\n{strong}{head}{strong:#}{rest}")?,
            None => writeln!(out, "\n{paragraph}")?,
        }
    }
    if let Some(example) = page.example() {
        writeln!(out, "\n{strong}{}{strong:#}", text!(session.catalogue, "explain-example"))?;
        for line in example.lines() {
            writeln!(out, "    {line}")?;
        }
    }
    Ok(())
}
