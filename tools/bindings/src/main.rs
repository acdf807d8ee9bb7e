//! Prints the Rust bindings of the WIT package. `sdk/src/bindings.rs` holds them, so that whoever builds a tool need not build
//! the generator; a test compares the two, and `BLESS=1 cargo test -p bindings` writes them anew.

use std::error::Error;
use std::path::Path;

use wit_bindgen_core::wit_parser::Resolve;
use wit_bindgen_core::{Files, WorldGenerator as _};
use wit_bindgen_rust::Opts;

fn main() -> Result<(), Box<dyn Error>> {
    print!("{}", bindings()?);
    Ok(())
}

fn bindings() -> Result<String, Box<dyn Error>> {
    let wit = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schemas/wit/bloom-tool");
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(&wit)?;
    let world = resolve.select_world(&[package], Some("adapter"))?;
    let options = Opts {
        format: true,
        additional_derive_attributes: vec!["PartialEq".into()],
        pub_export_macro: true,
        default_bindings_module: Some("$crate::bindings".into()),
        ..Opts::default()
    };
    let mut files = Files::default();
    options.build().generate(&mut resolve, world, &mut files)?;
    let parts = files.iter().map(|(_, bytes)| std::str::from_utf8(bytes)).collect::<Result<Vec<_>, _>>()?;
    Ok(parts.concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bindings_of_the_sdk_are_those_of_the_wit_package() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sdk/src/bindings.rs");
        let bindings = bindings().unwrap();
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(&path, &bindings).unwrap();
        }
        let written = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(written == bindings, "write them anew: BLESS=1 cargo test -p bindings");
    }
}
