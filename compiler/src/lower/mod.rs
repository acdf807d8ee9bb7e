//! From icons, or from the lines of a program, to the IR document.

mod diagram;
mod draft;
mod emit;
mod endless;
mod flows;
mod forms;
mod nulls;
mod paths;
mod prose;
mod pseudocode;
mod scope;
mod statements;
mod tools;
mod types;

pub(crate) use self::scope::rewrite as resolve_names;
pub(crate) use self::types::returned;
use std::collections::{BTreeMap, BTreeSet};

use bloom_ir::Digest;
use bloom_ir::diagnostic::Severity;
use bloom_ir::document::{
    AllowedTool, Document, FlowInfo, FlowKind, IrVersion, Locale, NodeId, Policy, Sandbox, Source, SourceKind,
};
use serde_json::json;

use crate::graph::Graph;
use crate::report::Report;
use crate::slug::slug;
use crate::text::{self, Parameters, Problem, Speller, Unit, Vocabulary, program};
use crate::{Options, SourceFile};
use draft::{Draft, StepId};
pub(crate) use forms::{Asked, CaseForm, Form, Forms};

/// A program on its way into the IR.
struct Lowering<'a> {
    options: &'a Options,
    vocabulary: &'a Vocabulary<'a>,
    draft: Draft,
    /// The head of each branch, by its name in lower case.
    branches: BTreeMap<String, StepId>,
    /// The type of each icon that runs can pass.
    icon_types: BTreeMap<String, String>,
    /// The steps that jumps may name.
    labels: BTreeMap<String, StepId>,
    allowed_tools: BTreeMap<String, AllowedTool>,
    /// The actions of emitted proposals.
    emitted: BTreeSet<String>,
    /// What the handler of errors calls the error.
    error_variable: Option<String>,
    /// The names of the parameters.
    parameters: BTreeSet<String>,
    /// What the icons of a diagram set, once all but those that decide are lowered.
    variables: BTreeSet<String>,
    /// What the parameters are written in.
    parameter_unit: usize,
    /// What texts that could not be read may have set.
    perhaps_set: BTreeSet<String>,
    speller: Speller,
    /// What icons are understood as, where somebody wants to know.
    forms: Option<Forms>,
    problems: Vec<(usize, Problem)>,
}

/// What the flow is called, and where it came from.
struct Heading {
    title: String,
    kind: SourceKind,
    machine: bool,
}

/// Lowers a diagram; the document is there when nothing is wrong.
pub(crate) fn diagram(
    graph: &Graph<'_>,
    source: &SourceFile<'_>,
    options: &Options,
    report: &mut Report,
) -> Option<Document> {
    let vocabulary = Vocabulary::new(&options.tools);
    let mut lowering = Lowering::new(options, &vocabulary);
    let machine = graph.machine;
    let (parameters, problems) =
        if options.opaque { (Parameters::default(), Vec::new()) } else { text::parameters(&graph.diagram.params) };
    lowering.parameter_unit = lowering.draft.unit(Unit::icon("params", &"params", &graph.diagram.params));
    for problem in problems {
        lowering.problem(lowering.parameter_unit, problem);
    }
    lowering.parameters = parameters.by_name.keys().cloned().collect();
    lowering.icons(graph);
    let heading = Heading { title: title(graph, source), kind: SourceKind::Drakon, machine };
    lowering.finish(&parameters, &heading, source, graph.sound, report)
}

/// What a diagram is called.
pub(crate) fn title(graph: &Graph<'_>, source: &SourceFile<'_>) -> String {
    graph.diagram.name.clone().unwrap_or_else(|| stem(source.name).to_owned())
}

/// What each icon of a diagram is understood as. Texts that cannot be read are told; what they name need not exist.
pub(crate) fn forms(graph: &Graph<'_>, options: &Options, report: &mut Report) -> Forms {
    let vocabulary = Vocabulary::new(&options.tools);
    let mut lowering = Lowering::new(options, &vocabulary);
    lowering.forms = Some(Forms::default());
    lowering.parameter_unit = lowering.draft.unit(Unit::icon("params", &"params", &graph.diagram.params));
    if !options.opaque {
        let (parameters, problems) = text::parameters(&graph.diagram.params);
        for problem in problems {
            lowering.problem(lowering.parameter_unit, problem);
        }
        lowering.parameters = parameters.by_name.keys().cloned().collect();
    }
    lowering.icons(graph);
    let unread = |problem: &Problem| {
        problem.severity == Severity::Error && !crate::codes::OF_WHAT_IS_NAMED.contains(&problem.code)
    };
    lowering.problems.retain(|(_, problem)| unread(problem));
    lowering.tell(report);
    lowering.forms.unwrap_or_default()
}

/// Lowers a program; the document is there when nothing is wrong.
pub(crate) fn pseudocode(
    text: &str,
    source: &SourceFile<'_>,
    options: &Options,
    report: &mut Report,
) -> Option<Document> {
    let vocabulary = Vocabulary::new(&options.tools);
    let mut lowering = Lowering::new(options, &vocabulary);
    let (program, problems) = program::program(text, &vocabulary);
    let unit = lowering.draft.unit(Unit::program(text));
    let sound = problems.is_empty();
    for problem in problems {
        lowering.problem(unit, problem);
    }
    let (title, parameters, machine) = lowering.program(unit, program);
    let title = if title.is_empty() { stem(source.name).to_owned() } else { title };
    lowering.finish(&parameters, &Heading { title, kind: SourceKind::Pseudocode, machine }, source, sound, report)
}

impl<'a> Lowering<'a> {
    fn new(options: &'a Options, vocabulary: &'a Vocabulary<'a>) -> Self {
        Self {
            options,
            vocabulary,
            draft: Draft::default(),
            branches: BTreeMap::new(),
            icon_types: BTreeMap::new(),
            labels: BTreeMap::new(),
            allowed_tools: BTreeMap::new(),
            emitted: BTreeSet::new(),
            error_variable: None,
            parameters: BTreeSet::new(),
            variables: BTreeSet::new(),
            parameter_unit: 0,
            perhaps_set: BTreeSet::new(),
            speller: Speller::default(),
            forms: None,
            problems: Vec::new(),
        }
    }

    fn problem(&mut self, unit: usize, problem: Problem) {
        self.problems.push((unit, problem));
    }

    /// Hands over what was found; true when all of it was harmless.
    fn tell(&mut self, report: &mut Report) -> bool {
        // In the order of the file.
        self.problems.sort_by_key(|(unit, _)| *unit);
        for (unit, problem) in self.problems.drain(..) {
            report.add_with(problem.severity, || self.draft.units[unit].diagnose(&problem));
        }
        report.errors() == 0
    }

    fn finish(
        mut self,
        parameters: &Parameters,
        heading: &Heading,
        source: &SourceFile<'_>,
        sound: bool,
        report: &mut Report,
    ) -> Option<Document> {
        self.resolve(parameters, sound && report.errors() == 0);
        if sound && self.problems.iter().any(|(_, problem)| problem.severity == Severity::Error) {
            self.check_endless(heading.machine);
        }
        if !self.tell(report) || !sound {
            return None;
        }
        self.hand_over();
        self.check_assigned();
        let setting = |locale| emit::Setting {
            error_variable: self.error_variable.as_deref(),
            prose: self.options.prose,
            model: self.options.model.clone(),
            locale,
            machine: heading.machine,
            inputs: !parameters.by_name.is_empty(),
            vocabulary: self.vocabulary,
        };
        let inputs = parameters.schema();
        let mut locale = self.options.locale.unwrap_or_default();
        let mut nodes = emit::nodes(&self.draft, &setting(locale));
        // The language is that of the texts, not that of the keywords. What prose asks is put in it.
        if let Ok(written) = &nodes
            && self.options.locale.is_none()
            && (is_cyrillic(&heading.title) || is_cyrillic(&inputs.to_string()) || written.is_cyrillic())
        {
            locale = Locale::Uk;
            nodes = emit::nodes(&self.draft, &setting(locale));
        }
        let nodes = match nodes {
            Ok(nodes) => Some(nodes),
            Err((unit, problem)) => {
                self.problem(unit, problem);
                None
            }
        };
        if !self.tell(report) {
            return None;
        }
        let nodes = nodes?;
        let options = self.options;
        // What the tools ask for is signed, and the operator grants it or does not.
        let network =
            self.allowed_tools.values().flat_map(|tool| &tool.capabilities).any(|asked| asked.starts_with("http:"));
        let sandbox = if network { Sandbox::Network } else { Sandbox::Restricted };
        let document = Document {
            ir: IrVersion::V0_1,
            flow: FlowInfo {
                id: options.id.clone().unwrap_or_else(|| slug(stem(source.name))),
                version: options.version.clone().unwrap_or_else(|| "0.0.0".to_owned()),
                title: heading.title.clone(),
                kind: if heading.machine { FlowKind::Machine } else { FlowKind::Procedure },
                locale,
            },
            inputs,
            outputs: json!({}),
            policy: Policy {
                allowed_tools: std::mem::take(&mut self.allowed_tools),
                safe_outputs: options.safe_outputs.clone().unwrap_or_else(|| self.emitted.iter().cloned().collect()),
                sandbox: options.sandbox.unwrap_or(sandbox),
                limits: options.limits.unwrap_or_default(),
            },
            entry: nodes.entry,
            nodes: nodes.nodes,
            catch: nodes.catch,
            source: Some(Source {
                kind: heading.kind,
                name: base(source.name).to_owned(),
                sha256: Digest::of(source.bytes).hex(),
                via: nodes.via,
                map: nodes.map,
                icons: std::mem::take(&mut self.icon_types),
            }),
            integrity: None,
        };
        // What the checks above left open would be a fault of ours; it must not leave this crate.
        match bloom_ir::validate::check(&document) {
            Ok(_) => {
                self.check_types(&document, &nodes.steps);
                self.tell(report).then_some(document)
            }
            Err(diagnostics) => {
                for diagnostic in diagnostics {
                    report.add(diagnostic);
                }
                None
            }
        }
    }

    /// Tells what schemas prove to go wrong, at the word that it is about.
    fn check_types(&mut self, document: &Document, steps: &BTreeMap<NodeId, StepId>) {
        let mut problems = Vec::new();
        for (node, types::Fault { mut problem, word }) in types::faults(document, self.options) {
            let Some(step) = steps.get(node).and_then(|step| self.draft.steps.get(*step)) else { continue };
            let (unit, text) = (step.unit, self.draft.units[step.unit].text());
            problem.span = text::find_word(text, &step.span, &word).unwrap_or_else(|| step.span.clone());
            problems.push((unit, problem));
        }
        problems.sort_by_key(|(unit, problem)| (*unit, problem.span.start));
        self.problems.extend(problems);
    }
}

/// Whether a text holds Cyrillic letters.
fn is_cyrillic(text: &str) -> bool {
    text.chars().any(|letter| ('\u{400}'..='\u{52F}').contains(&letter))
}

/// The file's name without its folder.
fn base(name: &str) -> &str {
    name.rsplit(['/', '\\']).next().unwrap_or(name)
}

/// The file's name without what is after its dots.
fn stem(name: &str) -> &str {
    match base(name).trim_start_matches('.').split('.').next() {
        Some(stem) if !stem.is_empty() => stem,
        _ => "flow",
    }
}
