//! What a person names as a flow: a diagram, pseudocode, signed IR, or a flow of the store.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use bloom_compiler::{Compilation, Options, Outline, SourceFile};
use bloom_ir::diagnostic::Severity;
use bloom_ir::{Diagnostic, Digest, Document, VerifiedIr, sign, validate, verify};
use bloom_runtime::clock::Clock as _;
use bloom_runtime::tool::ToolHost;
use clap::Args;

use crate::callees::{compile_with_callees, signed_beside};
use crate::catalogue::text;
use crate::failure::Explained;
use crate::keyring::Keyring;
use crate::limits::LimitArgs;
use crate::output::{self, plain};
use crate::prose::ProseArgs;
use crate::refusal;
use crate::session::Session;
use crate::store::Store;

/// How a file is compiled.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct CompileArgs {
    #[arg(long, value_name = "ID")]
    pub(crate) id: Option<String>,
    #[arg(long, value_name = "VERSION")]
    pub(crate) flow_version: Option<String>,
    #[command(flatten)]
    pub(crate) limits: LimitArgs,
    #[command(flatten)]
    pub(crate) prose: ProseArgs,
}

impl CompileArgs {
    /// With the tools that there are.
    pub(crate) fn options(&self, tools: &dyn ToolHost, session: &Session) -> anyhow::Result<Options> {
        let limits = self.limits.limits(&session.catalogue)?;
        let tools = tools.installed().into_iter().map(|tool| (tool.manifest, Some(tool.digest))).collect();
        let (id, version) = (self.id.clone(), self.flow_version.clone());
        let (prose, opaque) = (self.prose.mode(), self.prose.opaque());
        Ok(Options { id, version, tools, limits, prose, opaque, ..Options::default() })
    }
}

/// What is wrong with a file, and what it is shown among.
pub(crate) struct Findings {
    pub(crate) diagnostics: Vec<Diagnostic>,
    outline: Outline,
}

impl Findings {
    /// What there is nothing to show among.
    pub(crate) fn alone(diagnostics: Vec<Diagnostic>) -> Self {
        Self { diagnostics, outline: Outline::default() }
    }
}

/// A file, as far as it was looked at.
pub(crate) struct FlowFile {
    /// Where it lies.
    pub(crate) path: PathBuf,
    /// Its name without the folder.
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
}

/// No diagram and no document is larger; whatever is was named by mistake.
const MAX_BYTES: u64 = 64 << 20;

impl FlowFile {
    /// Reads a file.
    pub(crate) fn read(path: &Path, session: &Session) -> anyhow::Result<Self> {
        let shown = path.display().to_string();
        let cannot_read = || text!(session.catalogue, "cannot-read", path = &shown);
        let size = fs::metadata(path).with_context(cannot_read)?.len();
        if size > MAX_BYTES {
            return Err(
                Explained::failed(text!(session.catalogue, "flow-too-large", path = &shown, bytes = size)).into()
            );
        }
        let bytes = fs::read(path).with_context(cannot_read)?;
        let name = path.file_name().map_or_else(|| shown.clone(), |name| name.to_string_lossy().into_owned());
        Ok(Self { path: path.to_owned(), name, bytes })
    }

    /// Whether it is an IR document: a JSON object with the member `ir`, which no diagram has.
    pub(crate) fn is_ir(&self) -> bool {
        #[derive(serde::Deserialize)]
        struct Head {
            #[expect(dead_code, reason = "its presence is what counts")]
            ir: serde_json::Value,
        }
        serde_json::from_slice::<Head>(&self.bytes).is_ok()
    }

    /// What is wrong with it.
    pub(crate) fn findings(&self, options: &Options, session: &Session) -> anyhow::Result<Findings> {
        if !self.is_ir() {
            let compilation = compile_with_callees(self, options, session)?.compilation;
            return Ok(Findings::of(compilation).1);
        }
        let checked = validate::read(&self.bytes).and_then(|document| validate::check(&document));
        let diagnostics = checked.map_or_else(|diagnostics| diagnostics, |checked| checked.warnings);
        Ok(Findings { diagnostics, outline: Outline::default() })
    }

    /// Its document: compiled, or as it is. What was found is told on the standard error.
    pub(crate) fn document(&self, options: &Options, session: &Session) -> anyhow::Result<Document> {
        Ok(self.documents(options, session)?.0)
    }

    /// Its document, and those of the flows that it calls, as far as they lie beside it.
    pub(crate) fn documents(&self, options: &Options, session: &Session) -> anyhow::Result<(Document, Vec<Document>)> {
        let mut callees = Vec::new();
        let (document, findings) = if self.is_ir() {
            let checked = validate::read(&self.bytes).and_then(|document| {
                let warnings = validate::check(&document)?.warnings;
                Ok((document, warnings))
            });
            let (document, diagnostics) = match checked {
                Ok((document, warnings)) => (Some(document), warnings),
                Err(diagnostics) => (None, diagnostics),
            };
            (document, Findings { diagnostics, outline: Outline::default() })
        } else {
            let compiled = compile_with_callees(self, options, session)?;
            callees = compiled.callees;
            Findings::of(compiled.compilation)
        };
        // Nobody is left to tell where it cannot be written.
        let _ = tell(&mut output::stderr(), self, &findings, session);
        let errors = findings.errors();
        let document = document.ok_or_else(|| {
            Explained::failed(text!(session.catalogue, "compile-failed", name = &self.name, count = errors))
        })?;
        Ok((document, callees))
    }

    /// What the compiler reads.
    pub(crate) fn source(&self) -> SourceFile<'_> {
        SourceFile::new(&self.name, &self.bytes)
    }
}

impl Findings {
    /// The document of a compilation, if there is one, and what was found.
    pub(crate) fn of(compilation: Compilation) -> (Option<Document>, Self) {
        let Compilation { document, diagnostics, outline } = compilation;
        (document, Self { diagnostics, outline })
    }

    /// How many errors there are.
    pub(crate) fn errors(&self) -> usize {
        self.diagnostics.iter().filter(|diagnostic| diagnostic.severity == Severity::Error).count()
    }
}

/// A flow that a person named.
pub(crate) enum Found {
    /// In a file; signed, if it was compiled here, and so are the flows that it calls. Of a signed document, they are those
    /// that lie beside it.
    Document { name: String, flow: Signed, callees: Vec<Signed> },
    /// In the store, as far as can be told before it is open.
    Stored(String),
}

/// A signed document, and the diagram that it was compiled from, where that lies beside it.
pub(crate) struct Signed {
    pub(crate) bytes: Vec<u8>,
    /// For people to look at: nothing that runs is made of it.
    pub(crate) source: Option<Vec<u8>>,
}

impl Signed {
    /// With the source that lies in this folder, byte for byte as the document says.
    pub(crate) fn in_folder(bytes: Vec<u8>, document: &Document, folder: &Path) -> Self {
        let found = document.source.as_ref().and_then(|source| {
            // Whoever wrote the document names a file, not a way to one.
            let name = Path::new(&source.name).file_name().filter(|name| *name == source.name.as_str())?;
            let bytes = fs::read(folder.join(name)).ok()?;
            (Digest::of(&bytes).hex() == source.sha256).then_some(bytes)
        });
        Self { bytes, source: found }
    }
}

/// Looks for a flow: a file, which is compiled and signed with the development key if it is no IR; else the store's.
pub(crate) fn find(
    name: &str,
    arguments: &CompileArgs,
    tools: &dyn ToolHost,
    keyring: &Keyring<'_>,
    session: &Session,
) -> anyhow::Result<Found> {
    let options = arguments.options(tools, session)?;
    let path = Path::new(name);
    if !path.exists() {
        return Ok(Found::Stored(name.to_owned()));
    }
    let file = FlowFile::read(path, session)?;
    let folder = path.parent().unwrap_or(Path::new(""));
    if file.is_ir() {
        // What cannot be read is told where it is verified.
        let (flow, callees) = match validate::read(&file.bytes) {
            Ok(document) => (Signed::in_folder(file.bytes, &document, folder), signed_beside(path, &document)),
            Err(_) => (Signed { bytes: file.bytes, source: None }, Vec::new()),
        };
        return Ok(Found::Document { name: file.name, flow, callees });
    }
    let (document, callees) = file.documents(&options, session)?;
    let (key, is_new) = keyring.development()?;
    if is_new {
        let id = key.public().id();
        // A standard error that cannot be written leaves nobody to tell.
        let _ = writeln!(output::stderr(), "{}", text!(session.catalogue, "run-signed-new-key", id = id));
    }
    let seal = |document| {
        let sealed = sign::seal(document, &[&key]);
        Signed::in_folder(sealed.to_bytes(), &sealed, folder)
    };
    let callees = callees.into_iter().map(seal).collect();
    Ok(Found::Document { name: file.name, flow: seal(document), callees })
}

impl Found {
    /// The flow, if its signature is one that this machine trusts. The flows that it calls are kept in the store, and all their
    /// diagrams.
    pub(crate) async fn verified(
        self,
        store: &Store<'_>,
        keyring: &Keyring<'_>,
        session: &Session,
    ) -> anyhow::Result<VerifiedIr> {
        let trust = keyring.trust_list()?;
        let (name, bytes) = match self {
            Self::Document { name, flow, callees } => {
                for Signed { bytes, source } in callees {
                    let callee = verify(&bytes, &trust, session.clock.now())
                        .map_err(|error| refusal::of_document(&name, &error, session))?;
                    store.keep(&callee, session).await?;
                    store.keep_source(source).await?;
                }
                let ir = verify(&flow.bytes, &trust, session.clock.now())
                    .map_err(|error| refusal::of_document(&name, &error, session))?;
                store.keep_source(flow.source).await?;
                return Ok(ir);
            }
            Self::Stored(name) => match store.flow(&name).await? {
                Some(bytes) => (name, bytes),
                None => {
                    return Err(Explained::usage(text!(session.catalogue, "no-such-flow", flow = name))
                        .hint(text!(session.catalogue, "no-such-flow-hint"))
                        .into());
                }
            },
        };
        verify(&bytes, &trust, session.clock.now()).map_err(|error| refusal::of_document(&name, &error, session).into())
    }
}

/// Tells what was found in a file. The writer takes the colours away where they are not wanted.
pub(crate) fn tell(out: &mut impl Write, file: &FlowFile, findings: &Findings, session: &Session) -> io::Result<()> {
    let locale = session.catalogue.locale();
    for diagnostic in &findings.diagnostics {
        let drawing = bloom_compiler::render(diagnostic, &findings.outline, locale, true);
        writeln!(out, "{}: {drawing}\n", plain(&file.name))?;
    }
    Ok(())
}
