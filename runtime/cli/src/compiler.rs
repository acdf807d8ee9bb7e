//! The compiler, as the server wants it.

use std::sync::Arc;

use bloom_compiler::{DrawOptions, Options, Overlay, SourceFile, Theme, compile, draw, pseudocode};
use bloom_ir::Diagnostic;
use bloom_ir::document::Locale;
use bloom_runtime::compiler::{Called, Compiled, Compiler, Explanation, Marks, Picture};
use bloom_runtime::tool::ToolHost;

use crate::page::Page;

/// Compiles with the tools that there are.
pub(crate) struct WithTools(pub(crate) Arc<dyn ToolHost>);

impl WithTools {
    fn options(&self) -> Options {
        let tools = self.0.installed().into_iter().map(|tool| (tool.manifest, Some(tool.digest))).collect();
        Options { tools, ..Options::default() }
    }
}

impl Compiler for WithTools {
    fn compile(&self, name: &str, bytes: &[u8], called: Called) -> Compiled {
        let options = Options { id: called.id, version: called.version, ..self.options() };
        let compilation = compile(&SourceFile::new(name, bytes), &options);
        Compiled { document: compilation.document, diagnostics: compilation.diagnostics }
    }

    fn pseudocode(&self, name: &str, bytes: &[u8], locale: Locale) -> Result<String, Vec<Diagnostic>> {
        let printed = pseudocode(&SourceFile::new(name, bytes), &self.options(), locale);
        printed.text.ok_or(printed.diagnostics)
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
        let drawing = draw(&SourceFile::new(name, bytes), &options);
        drawing.svg.ok_or(drawing.diagnostics)
    }
    fn explain(&self, code: &str, locale: Locale) -> Option<Explanation> {
        let page = Page::of(code)?;
        let text = page.text(locale);
        // The English half ends with the example.
        let body = text.body.split_once("\n**Example.**").map_or(text.body, |(body, _)| body);
        Some(Explanation { code: page.code, title: text.title, body: body.trim_end(), example: page.example() })
    }
}
