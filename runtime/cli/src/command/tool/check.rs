//! `bloom tool check`: what a component is, what it asks for, and whether it does what its samples say.

use std::io::{self, Write};

use std::path::PathBuf;

use bloom_author::sample::{self, Expected, Sample};
use bloom_ir::manifest::ToolManifest;
use bloom_wasm::{CallReport, Inspection, Need};
use clap::Args;
use serde_json::{Value, json};

use super::granted::Granted;
use super::report;
use super::sandbox::{self, Sandbox};
use super::subject::Subject;
use super::trouble;
use crate::catalogue::{Catalogue, text};
use crate::failure::{Exit, Explained};
use crate::output::{Out, one_line};
use crate::session::{Form, Session};

#[derive(Args, Debug)]
pub(crate) struct Check {
    #[arg(value_name = "DIR|FILE", default_value = ".")]
    path: PathBuf,
    #[arg(long, value_name = "DIR")]
    samples: Option<PathBuf>,
}

impl Check {
    pub(crate) async fn perform(self, session: &Session, out: &mut Out) -> anyhow::Result<Exit> {
        let checked = checked(&self.path, self.samples, session).await?;
        checked.write(session, out)
    }
}

/// Looks at the component of a project or of a file, and makes the calls of its samples.
pub(crate) async fn checked(
    path: &std::path::Path,
    samples: Option<PathBuf>,
    session: &Session,
) -> anyhow::Result<Checked> {
    let subject = Subject::read(path, session)?;
    let seen = sandbox::inspect(&subject, session)?;
    let samples = samples.or_else(|| subject.project.as_ref().map(bloom_author::project::Project::samples));
    let mut tried = Vec::new();
    if seen.is_tool()
        && let Some(folder) = samples
    {
        for sample in samples_of(&folder, session)? {
            let granted = Granted::of_sample(&sample, session)?;
            let report = Sandbox::of(&subject, granted, session)?.call(&sample.input).await;
            tried.push(Tried { sample, report });
        }
    }
    Ok(Checked { subject, seen, tried })
}

fn samples_of(folder: &std::path::Path, session: &Session) -> anyhow::Result<Vec<Sample>> {
    sample::read(folder).map_err(|error| {
        let hint = text!(session.catalogue, "tool-bad-sample.hint");
        Explained::usage(error.to_string()).hint(hint).into()
    })
}

/// What came of a check.
pub(crate) struct Checked {
    subject: Subject,
    seen: Inspection,
    tried: Vec<Tried>,
}

/// A sample, and what came of its call.
struct Tried {
    sample: Sample,
    report: CallReport,
}

impl Tried {
    /// How what came differs from what should have come.
    fn difference(&self, catalogue: &Catalogue) -> Option<String> {
        match (&self.sample.expected, &self.report.result) {
            (Expected::Success, Ok(_)) => None,
            (Expected::Output(expected), Ok(output)) if output.to_json() == *expected => None,
            (Expected::Failure(code), Err(error)) if error.code == *code => None,
            (Expected::Output(expected), Ok(output)) => Some(text!(
                catalogue,
                "tool-other-output",
                output = output.to_json().to_string(),
                expected = expected.to_string()
            )),
            (Expected::Failure(code), Ok(output)) => {
                Some(text!(catalogue, "tool-no-failure", output = output.to_json().to_string(), code = code))
            }
            (Expected::Failure(code), Err(error)) => Some(text!(
                catalogue,
                "tool-other-failure",
                code = &error.code,
                message = &error.message,
                expected = code
            )),
            (_, Err(error)) => Some(text!(catalogue, "tool-failed", code = &error.code, message = &error.message)),
        }
    }
}

impl Checked {
    pub(crate) fn is_good(&self, catalogue: &Catalogue) -> bool {
        self.seen.is_tool() && self.tried.iter().all(|tried| tried.difference(catalogue).is_none())
    }

    /// Tells what was found.
    pub(crate) fn write(&self, session: &Session, out: &mut Out) -> anyhow::Result<Exit> {
        match session.form() {
            Form::Json => out.json(&self.json(session))?,
            Form::Text => self.text(session, out)?,
        }
        Ok(if self.is_good(&session.catalogue) { Exit::Completed } else { Exit::Failed })
    }

    fn json(&self, session: &Session) -> Value {
        let catalogue = &session.catalogue;
        let problems: Vec<Value> = self.problems(session).iter().map(problem_json).collect();
        let samples = self.tried.iter().map(|tried| {
            let mut sample = report::json_of(&tried.report);
            let difference = tried.difference(catalogue);
            sample["name"] = tried.sample.name.clone().into();
            sample["passed"] = difference.is_none().into();
            sample["difference"] = difference.into();
            sample
        });
        json!({
            "component": self.subject.shown(),
            "digest": self.seen.digest,
            "size": self.seen.size,
            "ok": self.is_good(catalogue),
            "imports": self.seen.imports.iter().map(|import| &import.name).collect::<Vec<_>>(),
            "exports": self.seen.exports,
            "manifest": self.seen.manifest,
            "problems": problems,
            "remarks": self.remarks(catalogue),
            "samples": samples.collect::<Vec<_>>(),
        })
    }

    fn text(&self, session: &Session, out: &mut impl Write) -> io::Result<()> {
        let catalogue = &session.catalogue;
        let bold = anstyle::Style::new().bold();
        match &self.seen.manifest {
            Some(manifest) => {
                let (name, version) = (one_line(&manifest.name), one_line(&manifest.version));
                writeln!(out, "{bold}{name} {version}{bold:#}  {}", one_line(&manifest.description))?;
            }
            None => writeln!(out, "{bold}{}{bold:#}", self.subject.shown())?,
        }
        let size = report::size(self.seen.size);
        let mut line = |label: String, value: String| writeln!(out, "  {label:<11} {}", one_line(&value));
        line(text!(catalogue, "tool-label-component"), format!("{size}, {}", self.seen.digest))?;
        line(text!(catalogue, "tool-label-exports"), listed(&self.seen.exports))?;
        let imports: Vec<String> = self.seen.imports.iter().map(|import| import.name.clone()).collect();
        line(text!(catalogue, "tool-label-imports"), listed(&imports))?;
        if let Some(manifest) = &self.seen.manifest {
            line(text!(catalogue, "tool-label-asks"), listed(&manifest.capabilities))?;
            line(text!(catalogue, "tool-label-takes"), takes(manifest))?;
        }
        for remark in self.remarks(catalogue) {
            let yellow = anstyle::AnsiColor::Yellow.on_default();
            writeln!(out, "{yellow}!{yellow:#} {}", one_line(&remark))?;
        }
        for problem in self.problems(session) {
            write_bad(&problem.message, out)?;
            if let Some(hint) = &problem.hint {
                writeln!(out, "    {} {hint}", text!(catalogue, "hint"))?;
            }
        }
        for tried in &self.tried {
            let figures = report::figures(&tried.report, catalogue);
            let name = one_line(&tried.sample.name);
            match tried.difference(catalogue) {
                None => {
                    let green = anstyle::AnsiColor::Green.on_default();
                    writeln!(out, "{green}✓{green:#} {name}  {figures}")?;
                }
                Some(difference) => {
                    write_bad(&format!("{name}  {difference}"), out)?;
                    report::write_log(&tried.report, "    ", out)?;
                }
            }
        }
        if self.seen.is_tool() && self.tried.is_empty() {
            writeln!(out, "{}", text!(catalogue, "tool-no-samples"))?;
        }
        Ok(())
    }

    fn problems(&self, session: &Session) -> Vec<Explained> {
        let explained =
            |problem| trouble::of_install(problem, &self.subject.shown(), self.subject.language(), &session.catalogue);
        self.seen.problems.iter().map(explained).collect()
    }

    /// What keeps nobody from installing it, and yet is hardly meant.
    fn remarks(&self, catalogue: &Catalogue) -> Vec<String> {
        let Some(manifest) = &self.seen.manifest else { return Vec::new() };
        let mut remarks = Vec::new();
        for asked in &manifest.capabilities {
            let kind = asked.split_once(':').map_or(asked.as_str(), |(kind, _)| kind);
            let used = self.seen.imports.iter().any(|import| import.need == Need::Capability(kind_of(kind)));
            if !used {
                remarks.push(text!(catalogue, "tool-asks-in-vain", asked = asked));
            }
        }
        if manifest.description.trim().is_empty() {
            remarks.push(text!(catalogue, "tool-no-description"));
        }
        if manifest.input.get("type").and_then(Value::as_str) != Some("object") {
            remarks.push(text!(catalogue, "tool-input-no-object"));
        }
        remarks
    }
}

/// The kinds of capabilities that open an import.
fn kind_of(kind: &str) -> &'static str {
    ["files", "config", "artifacts", "http"].into_iter().find(|known| *known == kind).unwrap_or("")
}

fn problem_json(problem: &Explained) -> Value {
    json!({ "message": problem.message, "hint": problem.hint })
}

fn write_bad(text: &str, out: &mut impl Write) -> io::Result<()> {
    let red = anstyle::AnsiColor::Red.on_default();
    writeln!(out, "{red}✗{red:#} {}", one_line(text))
}

fn listed(names: &[String]) -> String {
    if names.is_empty() { String::from("–") } else { names.join(", ") }
}

/// `path, [folder], words…`: positional arguments first, optional ones in brackets.
fn takes(manifest: &ToolManifest) -> String {
    let required: Vec<&str> = manifest
        .input
        .get("required")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let properties = manifest.input.get("properties").and_then(Value::as_object);
    let others = properties.into_iter().flat_map(|properties| properties.keys());
    let named = others.filter(|name| !manifest.params.contains(name));
    let all = manifest.params.iter().chain(named);
    listed(
        &all.map(|name| if required.contains(&name.as_str()) { name.clone() } else { format!("[{name}]") })
            .collect::<Vec<_>>(),
    )
}
