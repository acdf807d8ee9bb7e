//! The flows that a diagram calls: their diagrams lie beside it, and what a call pins is compiled from them.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use bloom_compiler::{Compilation, KnownFlow, Options, Prose, compile};
use bloom_ir::document::{Action, NodeKind};
use bloom_ir::{Digest, Document, validate};

use crate::agents;
use crate::catalogue::text;
use crate::failure::Explained;
use crate::flow::{self, Findings, FlowFile, Signed};
use crate::output;
use crate::session::Session;

/// The code of a call whose flow is not known.
const UNKNOWN_FLOW: &str = "D096";

/// Calls that lead from one flow to the next; more are no design of a person.
const DEEPEST: usize = 64;

/// A flow with those that it calls.
pub(crate) struct Compiled {
    pub(crate) compilation: Compilation,
    /// The flows that are called, each before those that call it.
    pub(crate) callees: Vec<Document>,
}

/// Compiles a file and, as far as they lie beside it, the flows that it calls.
pub(crate) fn compile_with_callees(file: &FlowFile, options: &Options, session: &Session) -> anyhow::Result<Compiled> {
    let mut callees = Vec::new();
    let mut trail = Vec::new();
    let compilation = gather(file, options, session, &mut trail, &mut callees)?;
    Ok(Compiled { compilation, callees })
}

fn gather(
    file: &FlowFile,
    options: &Options,
    session: &Session,
    trail: &mut Vec<PathBuf>,
    callees: &mut Vec<Document>,
) -> anyhow::Result<Compilation> {
    let options = &agents::policy(file, options, !trail.is_empty(), session)?;
    let compilation = compile(&file.source(), options);
    // Where prose is allowed, a call of a flow that is not known is prose.
    let strict = Options { prose: Prose::Error, ..options.clone() };
    let asked = if options.prose == Prose::Error { compilation.clone() } else { compile(&file.source(), &strict) };
    let mut names: Vec<&str> = asked
        .diagnostics
        .iter()
        .filter(|diagnostic| diagnostic.code.0 == UNKNOWN_FLOW)
        .filter_map(|diagnostic| diagnostic.args.get("name").map(String::as_str))
        .collect();
    names.sort_unstable();
    names.dedup();
    let mut known = options.clone();
    trail.push(file.path.clone());
    for name in names {
        let Some(path) = beside(&file.path, name) else { continue };
        if trail.contains(&path) || trail.len() > DEEPEST {
            return Err(Explained::failed(text!(
                session.catalogue,
                "flow-calls-itself",
                name = &file.name,
                flow = name
            ))
            .hint(text!(session.catalogue, "flow-calls-itself-hint"))
            .into());
        }
        let callee = FlowFile::read(&path, session)?;
        // What is said of the caller, as its id, is not said of those that it calls.
        let own = Options { id: None, version: None, safe_outputs: None, flows: Vec::new(), ..options.clone() };
        let compiled = gather(&callee, &own, session, trail, callees)?;
        let (document, findings) = Findings::of(compiled);
        let Some(document) = document else {
            // Nobody is left to tell where it cannot be written.
            let _ = flow::tell(&mut output::stderr(), &callee, &findings, session);
            let name = &callee.name;
            return Err(Explained::failed(text!(session.catalogue, "callee-failed", name = name)).into());
        };
        known.flows.push(KnownFlow::new(name, &document, &own));
        callees.push(document);
    }
    trail.pop();
    if known.flows.len() == options.flows.len() { Ok(compilation) } else { Ok(compile(&file.source(), &known)) }
}

/// What the document of a flow is called that lies beside the one that calls it; `None` for what is no flow's id.
pub(crate) fn file_name(flow: &str, hash: Digest) -> Option<String> {
    let is_slug = flow.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    let hex = hash.hex();
    (is_slug && !flow.is_empty()).then(|| format!("{flow}-{}.ir.json", hex.get(..12).unwrap_or(&hex)))
}

/// The signed documents that lie beside a document, of the flows that it calls and that those call.
pub(crate) fn signed_beside(path: &Path, document: &Document) -> Vec<Signed> {
    let (mut found, mut known, mut rest) = (Vec::new(), BTreeSet::new(), called(document));
    while let Some((flow, hash)) = rest.pop() {
        let Some(name) = file_name(&flow, hash).filter(|_| known.insert(hash)) else { continue };
        let Ok(bytes) = std::fs::read(path.with_file_name(name)) else { continue };
        // Whether it is to be trusted is asked before it is kept.
        if let Some(callee) = validate::read(&bytes).ok().filter(|callee| callee.hashed().hash == hash) {
            rest.extend(called(&callee));
            found.push(Signed::in_folder(bytes, &callee, path.parent().unwrap_or(Path::new(""))));
        }
    }
    found
}

fn called(document: &Document) -> Vec<(String, Digest)> {
    let calls = document.nodes.values().filter_map(|node| match &node.kind {
        NodeKind::Action(Action::Flow { flow, hash, .. }) => Some((flow.clone(), *hash)),
        _ => None,
    });
    calls.collect()
}

/// The diagram or pseudocode of this name in the same folder; case does not count.
fn beside(path: &Path, name: &str) -> Option<PathBuf> {
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    let wanted = name.trim().to_lowercase();
    let mut found: Vec<PathBuf> = std::fs::read_dir(folder)
        .ok()?
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| {
            let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
            let stem = [".drakon", ".drakon.json"].iter().find_map(|extension| name.strip_suffix(extension));
            stem.is_some_and(|stem| stem.to_lowercase() == wanted)
        })
        .collect();
    found.sort();
    found.into_iter().next()
}
