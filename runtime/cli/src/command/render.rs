//! `bloom render`: a diagram as a picture, with what a run or rehearsals did.

use std::io::Write as _;
use std::path::PathBuf;

use anyhow::Context as _;
use bloom_compiler::{DrawOptions, Drawing, Outline, Overlay, SourceFile, Theme, draw};
use bloom_interpreter::program::Program;
use bloom_interpreter::rehearse::{Bounds, Coverage, HashOracle, rehearse};
use bloom_interpreter::replay::{IconWalk, walk};
use bloom_ir::{Digest, Document, Pinned, verify_pinned};
use bloom_runtime::record::RunStatus;
use bloom_runtime::store::Store as _;
use clap::Args;
use serde_json::json;

use crate::catalogue::text;
use crate::durable;
use crate::failure::{Exit, Explained};
use crate::flow::{CompileArgs, FlowFile};
use crate::host::ToolArgs;
use crate::keyring::Keyring;
use crate::output::Out;
use crate::raster;
use crate::refusal;
use crate::report;
use crate::session::{Form, Session};
use crate::store::Store;

#[derive(Args, Debug)]
pub(crate) struct Render {
    #[arg(value_name = "DIAGRAM")]
    file: PathBuf,
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[arg(long, value_name = "THEME", value_parser = ["light", "dark"], default_value = "light")]
    theme: String,
    #[arg(long, value_name = "FORMAT", value_parser = ["svg", "png"])]
    format: Option<String>,
    #[arg(long, value_name = "RUN", conflicts_with = "rehearse")]
    run: Option<String>,
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    rehearse: Option<u32>,
    #[command(flatten)]
    options: CompileArgs,
    #[command(flatten)]
    tools: ToolArgs,
}

impl Render {
    pub(crate) async fn perform(self, session: &Session, out: &mut Out) -> anyhow::Result<Exit> {
        let file = FlowFile::read(&self.file, session)?;
        let overlay = match (&self.run, self.rehearse) {
            (Some(run), _) => Some(self.of_run(run, &file, session).await?),
            (None, Some(runs)) => Some(self.of_rehearsals(runs, &file, session)?),
            (None, None) => None,
        };
        let theme = if self.theme == "dark" { Theme::Dark } else { Theme::Light };
        let options = DrawOptions { locale: None, theme, overlay };
        let Drawing { svg, width, height, cuts, undrawn, diagnostics } =
            draw(&SourceFile::new(&file.name, &file.bytes), &options);
        let Some(svg) = svg else {
            for diagnostic in &diagnostics {
                let told = bloom_compiler::render(diagnostic, &Outline::default(), session.catalogue.locale(), true);
                // Nobody is left to tell where it cannot be written.
                let _ = writeln!(crate::output::stderr(), "{}: {told}", crate::output::plain(&file.name));
            }
            return Err(Explained::failed(text!(session.catalogue, "render-failed", name = &file.name)).into());
        };
        let extension = self.output.as_deref().and_then(|path| path.extension()).and_then(|end| end.to_str());
        let is_png = match &self.format {
            Some(format) => format == "png",
            None => extension.is_some_and(|end| end.eq_ignore_ascii_case("png")),
        };
        let bytes = if is_png {
            let too_large = || text!(session.catalogue, "render-too-large", width = width, height = height);
            raster::png(&svg).ok_or_else(|| Explained::failed(too_large()))?
        } else {
            svg.into_bytes()
        };
        let Some(path) = &self.output else {
            out.exact(&bytes)?;
            return Ok(Exit::Completed);
        };
        let shown = path.display().to_string();
        durable::write_named(path, &bytes).with_context(|| text!(session.catalogue, "cannot-write", path = &shown))?;
        match session.form() {
            Form::Json => out.json(&json!({
                "file": path,
                "width": width,
                "height": height,
                "continued_lines": cuts,
                "not_drawn": undrawn,
            }))?,
            Form::Text => {
                let told = text!(session.catalogue, "rendered", path = shown, width = width, height = height);
                writeln!(out, "{told}")?;
            }
        }
        Ok(Exit::Completed)
    }

    /// What a run did, by replaying it.
    async fn of_run(&self, run: &str, file: &FlowFile, session: &Session) -> anyhow::Result<Overlay> {
        let store = Store::open(session)?;
        let run = store.run(run).await?;
        let missing = || Explained::failed(text!(session.catalogue, "no-such-flow", flow = run.ir.to_string()));
        let document = report::document(&store, &run).await?.ok_or_else(missing)?;
        let drawn = document.source.as_ref().map(|source| source.sha256.clone());
        if drawn.as_deref() != Some(Digest::of(&file.bytes).hex().as_str()) {
            let (name, id) = (&file.name, run.id.as_str());
            return Err(
                Explained::failed(text!(session.catalogue, "render-other-diagram", name = name, run = id)).into()
            );
        }
        let bytes = store.inner.flow_document(run.ir).await?.ok_or_else(missing)?;
        let trust = Keyring::of(session)?.trust_list()?;
        let ir = verify_pinned(&bytes, &run.ir, &trust, Pinned::Replay)
            .map_err(|error| refusal::of_document(&run.ir.to_string(), &error, session))?;
        let program = Program::load(&ir)?;
        let events = store.inner.history(&run.id, 1, usize::MAX).await?;
        let (walk, verdict) = walk(&program, &document, &events);
        if !verdict.agrees() {
            return Err(Explained::failed(text!(session.catalogue, "render-differs", run = run.id.as_str())).into());
        }
        let position = walk.position.clone();
        let mut overlay = overlay(walk);
        match run.status {
            RunStatus::Failed => overlay.failed.extend(position),
            RunStatus::Running => overlay.current.extend(position),
            _ => {}
        }
        Ok(overlay)
    }

    /// What rehearsals came to.
    fn of_rehearsals(&self, runs: u32, file: &FlowFile, session: &Session) -> anyhow::Result<Overlay> {
        let host = self.tools.host(session)?;
        let mut options = self.options.options(&host, session)?;
        options.prose = self.options.prose.rehearsed();
        let document = file.document(&options, session)?;
        let mut coverage = Coverage::default();
        for run in 1..=runs {
            let rehearsal = rehearse(&document, &mut HashOracle::new(run.to_string()), Bounds::default());
            coverage.add(&document, &rehearsal);
        }
        Ok(of_coverage(&document, &coverage))
    }
}

/// What rehearsals came to, to be drawn on their diagram.
pub(super) fn of_coverage(document: &Document, coverage: &Coverage) -> Overlay {
    Overlay { coverage: true, ..overlay(IconWalk::of_coverage(document, coverage)) }
}

fn overlay(walk: IconWalk) -> Overlay {
    Overlay { visits: walk.icons, time_ms: walk.waited_ms, ways: walk.ways, ..Overlay::default() }
}
