//! From what a compiler made to a component.

use wasmparser::{ExternalKind, Parser, Payload};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::{Resolve, SourceMap};

use crate::{embedded, wasi};

/// The contract's package, as components name it.
pub const CONTRACT: &str = "bloom:tool@0.1.0";

/// More than any language's runtime needs.
pub const MAX_SIZE: usize = 128 << 20;

/// The functions of the world, what is passed in them, and where.
const EXPORTS: [&str; 4] = ["describe", "invoke", "memory", "cabi_realloc"];

/// What WebAssembly bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A core module: what most compilers make.
    Module,
    /// A component.
    Component,
}

/// How a component is made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Puts functions that only fail in place of imports of WASI preview 1.
    pub stub_wasi: bool,
}

/// Why there is no component.
#[derive(Debug, thiserror::Error)]
pub enum ComponentError {
    /// It does not begin as WebAssembly does.
    #[error("it is no WebAssembly: it begins with {0:?}")]
    NotWasm(String),
    /// It is larger than any tool.
    #[error("it has {size} bytes, more than {MAX_SIZE}")]
    TooLarge {
        /// In bytes.
        size: usize,
    },
    /// It is damaged.
    #[error("it is damaged: {0}")]
    Damaged(String),
    /// It lacks exports of the world.
    #[error("it does not export {}", quoted(.0))]
    MissingExports(Vec<String>),
    /// It needs functions of WASI.
    #[error("it imports {}, and tools get no WASI", quoted(.0))]
    Wasi(Vec<String>),
    /// It needs functions that nobody has: mostly symbols that the linker did not find.
    #[error("it imports {}, which tools do not get", quoted(.0))]
    UnknownImports(Vec<String>),
    /// It is made for another version of the contract.
    #[error("it is made for `{found}`, and this is {CONTRACT}")]
    OtherContract {
        /// The first import of another version.
        found: String,
    },
    /// Its functions are not those of the world.
    #[error("it does not fit the world `bloom:tool/adapter@0.1.0`: {0}")]
    WrongWorld(String),
}

fn quoted(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// What the bytes are.
pub fn form(bytes: &[u8]) -> Result<Form, ComponentError> {
    if bytes.len() > MAX_SIZE {
        return Err(ComponentError::TooLarge { size: bytes.len() });
    }
    if Parser::is_component(bytes) {
        Ok(Form::Component)
    } else if Parser::is_core_wasm(bytes) {
        Ok(Form::Module)
    } else {
        let start = bytes.get(..bytes.len().min(16)).unwrap_or_default();
        Err(ComponentError::NotWasm(String::from_utf8_lossy(start).into_owned()))
    }
}

/// Makes a component of a core module that has the world's exports; a component stays as it is.
pub fn component(bytes: &[u8], options: Options) -> Result<Vec<u8>, ComponentError> {
    match form(bytes)? {
        Form::Component => Ok(bytes.to_vec()),
        Form::Module => of_module(bytes, options),
    }
}

fn of_module(bytes: &[u8], options: Options) -> Result<Vec<u8>, ComponentError> {
    let outline = Outline::read(bytes).map_err(|error| ComponentError::Damaged(error.to_string()))?;
    outline.check(options)?;
    let mut module = bytes.to_vec();
    if !outline.names_its_world {
        embed_contract(&mut module)?;
    }
    let wrong = |error: String| ComponentError::WrongWorld(error);
    let mut encoder =
        ComponentEncoder::default().validate(true).module(&module).map_err(|error| wrong(format!("{error:#}")))?;
    for stub in wasi::stubs(bytes).map_err(|error| ComponentError::Damaged(error.to_string()))? {
        encoder = encoder.adapter(&stub.module, &stub.bytes).map_err(|error| wrong(format!("{error:#}")))?;
    }
    encoder.encode().map_err(|error| wrong(format!("{error:#}")))
}

/// Adds the section that says which world the module's imports and exports belong to.
fn embed_contract(module: &mut Vec<u8>) -> Result<(), ComponentError> {
    let own = |error: String| ComponentError::WrongWorld(error);
    let mut resolve = Resolve::default();
    let mut sources = SourceMap::default();
    for (name, text) in embedded::CONTRACT {
        sources.push_str(name, *text);
    }
    let group = sources.parse().map_err(|(_, error)| own(format!("{error:?}")))?;
    let package = resolve.push_group(group).map_err(|error| own(format!("{error:?}")))?;
    let world = resolve.select_world(&[package], Some("adapter")).map_err(|error| own(format!("{error:#}")))?;
    embed_component_metadata(module, &resolve, world, StringEncoding::UTF8).map_err(|error| own(format!("{error:#}")))
}

/// What of a core module decides whether it can become a tool.
#[derive(Default)]
struct Outline {
    /// `module.name`
    imports: Vec<(String, String)>,
    exports: Vec<(String, ExternalKind)>,
    /// Whether a generator of bindings said already which world it is of.
    names_its_world: bool,
}

impl Outline {
    fn read(bytes: &[u8]) -> Result<Self, wasmparser::BinaryReaderError> {
        let mut outline = Self::default();
        for payload in Parser::new(0).parse_all(bytes) {
            match payload? {
                Payload::ImportSection(section) => {
                    for import in section.into_imports() {
                        let import = import?;
                        outline.imports.push((import.module.to_owned(), import.name.to_owned()));
                    }
                }
                Payload::ExportSection(section) => {
                    for export in section {
                        let export = export?;
                        outline.exports.push((export.name.to_owned(), export.kind));
                    }
                }
                Payload::CustomSection(section) => {
                    outline.names_its_world |= section.name().starts_with("component-type");
                }
                _ => {}
            }
        }
        Ok(outline)
    }

    /// What is wrong, in the words of who links modules rather than of who encodes components.
    fn check(&self, options: Options) -> Result<(), ComponentError> {
        let (mut wasi, mut unknown) = (Vec::new(), Vec::new());
        for (module, name) in &self.imports {
            let shown = format!("{module}.{name}");
            if module.starts_with("bloom:tool/") {
                if !module.ends_with("@0.1.0") {
                    return Err(ComponentError::OtherContract { found: module.clone() });
                }
            } else if wasi::is_preview_1(module) {
                if !options.stub_wasi {
                    wasi.push(shown);
                }
            } else if module.starts_with("wasi:") {
                wasi.push(shown);
            } else {
                unknown.push(shown);
            }
        }
        if !unknown.is_empty() {
            return Err(ComponentError::UnknownImports(unknown));
        }
        if !wasi.is_empty() {
            return Err(ComponentError::Wasi(wasi));
        }
        let exports = |name: &str| {
            let kind = if name == "memory" { ExternalKind::Memory } else { ExternalKind::Func };
            self.exports.iter().any(|(export, of)| export == name && *of == kind)
        };
        let missing: Vec<String> = EXPORTS.iter().filter(|name| !exports(name)).map(|&name| name.to_owned()).collect();
        if missing.is_empty() { Ok(()) } else { Err(ComponentError::MissingExports(missing)) }
    }
}

#[cfg(test)]
mod tests;
