//! Writes the bindings of the WIT package for languages whose authors shall not need a generator: for Rust in `sdk`, for C in
//! the template of `bloom tool new`. A test compares; `BLESS=1 cargo test -p bindings` writes them anew.

use std::error::Error;
use std::path::{Path, PathBuf};

use wit_bindgen_core::wit_parser::Resolve;
use wit_bindgen_core::{Files, WorldGenerator};

fn main() -> Result<(), Box<dyn Error>> {
    for (path, text) in bindings()? {
        std::fs::write(path, text)?;
    }
    Ok(())
}

/// The files, with what they hold.
fn bindings() -> Result<Vec<(PathBuf, String)>, Box<dyn Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let rust = wit_bindgen_rust::Opts {
        format: true,
        additional_derive_attributes: vec!["PartialEq".into()],
        pub_export_macro: true,
        default_bindings_module: Some("$crate::bindings".into()),
        ..wit_bindgen_rust::Opts::default()
    };
    let mut files = Vec::new();
    for (_, text) in generated(&mut rust.build(), &root)? {
        files.push((root.join("tools/sdk/src/bindings.rs"), text));
    }
    for (name, text) in generated(wit_bindgen_c::Opts::default().build().as_mut(), &root)? {
        // What is left of the source would link the world's description in, which `bloom tool build` does.
        let text = text.split("// Ensure that the *_component_type.o").next().unwrap_or_default();
        files.push((root.join("runtime/author/templates/c/bindings").join(name), format!("{}\n", text.trim_end())));
    }
    Ok(files)
}

/// The texts among what a generator makes.
fn generated(generator: &mut dyn WorldGenerator, root: &Path) -> Result<Vec<(String, String)>, Box<dyn Error>> {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(root.join("schemas/wit/bloom-tool"))?;
    let world = resolve.select_world(&[package], Some("adapter"))?;
    let mut files = Files::default();
    generator.generate(&mut resolve, world, &mut files)?;
    let texts = files.iter().filter(|(name, _)| Path::new(name).extension().is_none_or(|kind| kind != "o"));
    texts.map(|(name, bytes)| Ok((name.to_owned(), String::from_utf8(bytes.to_vec())?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bindings_are_those_of_the_wit_package() {
        if std::env::var_os("BLESS").is_some() {
            main().unwrap();
        }
        for (path, text) in bindings().unwrap() {
            let written = std::fs::read_to_string(&path).unwrap_or_default();
            assert!(written == text, "write {} anew: BLESS=1 cargo test -p bindings", path.display());
        }
    }
}
