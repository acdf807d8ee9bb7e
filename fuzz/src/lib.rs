//! What is done with bytes from outside, and what must hold then, whatever they are.

#[cfg(feature = "server")]
pub mod answer;
#[cfg(feature = "server")]
pub mod api;
#[cfg(feature = "server")]
pub mod archive;
pub mod expression;
pub mod history;
pub mod program;
#[cfg(feature = "server")]
mod schema;
#[cfg(feature = "server")]
mod serving;
#[cfg(feature = "tools")]
pub mod tool;
#[cfg(feature = "server")]
pub mod wal;
#[cfg(feature = "server")]
pub mod worker;

/// The server that the tests of its routes have.
#[cfg(feature = "server")]
#[path = "../../runtime/server/tests/api/world.rs"]
#[allow(dead_code, reason = "the tests need more of it")]
mod world;

/// The second interpreter, and how a run is recorded, as the tests of the interpreter have them.
#[path = "../../interpreter/tests/support/mod.rs"]
mod support;

use bloom_compiler::{Compilation, Options, SourceFile, compile, render};
use bloom_ir::document::Locale;

/// Compiles a file of this name, shows what was found in both languages, and checks the program if there is one.
pub fn compiles_or_explains(name: &str, bytes: &[u8]) {
    let compilation = compile(&SourceFile::new(name, bytes), &Options::default());
    assert_eq!(compilation.document.is_none(), compilation.has_errors());
    for diagnostic in &compilation.diagnostics {
        for locale in [Locale::En, Locale::Uk] {
            assert!(!render(diagnostic, &compilation.outline, locale, false).is_empty());
        }
    }
    passes_the_checks(&compilation);
}

fn passes_the_checks(compilation: &Compilation) {
    if let Some(document) = &compilation.document
        && let Err(problems) = bloom_ir::validate::check(document)
    {
        panic!("{problems:?}");
    }
}

/// Reads a document and checks it; what was read is written in canonical form, and reads back the same.
pub fn reads_or_explains(bytes: &[u8]) {
    let Ok(document) = bloom_ir::validate::read(bytes) else { return };
    let _ = bloom_ir::validate::check(&document);
    let written = bloom_ir::canonical::to_bytes(&document).expect("what was read can be written");
    assert_eq!(bloom_ir::validate::read(&written).as_ref(), Ok(&document));
}
