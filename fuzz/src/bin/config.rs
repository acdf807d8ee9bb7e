//! Configuration: the input is a `bloom.toml` and, after a line `%%`, variables of the environment. What reads it is a program's own, so
//! its sources are compiled here, with stand-ins for the little that they need of the rest.
#![no_main]
#![allow(
    dead_code,
    unused_imports,
    unused_macros,
    unused_attributes,
    missing_docs,
    reason = "the program needs more of it"
)]

// Grants of tools are read there, in what would take the compiler of WebAssembly along.
extern crate self as bloom_wasm;

#[path = "../../../runtime/cli/src/catalogue.rs"]
mod catalogue;
#[path = "../../../runtime/cli/src/config/mod.rs"]
mod config;
#[path = "../../../runtime/cli/src/failure.rs"]
mod failure;
#[path = "../../../runtime/cli/src/output/plain.rs"]
mod output;

#[path = "../../../runtime/wasm/src"]
mod wasm {
    pub mod grant;
}
pub use wasm::grant;

mod http {
    pub(crate) fn is_reserved(name: &str) -> bool {
        name.starts_with("proxy-")
    }
}

mod llm {
    use std::path::Path;

    pub(crate) fn under(folder: &Path, given: &str) -> String {
        format!("{}/{given}", folder.display())
    }
}

mod setting {
    use std::path::{Path, PathBuf};

    pub(crate) fn absolute(path: &Path) -> PathBuf {
        path.to_owned()
    }
}

use std::fs;
use std::path::PathBuf;
use std::sync::LazyLock;

use bloom_ir::document::Locale;

use crate::catalogue::Catalogue;
use crate::config::{Config, Origin, Places};
use crate::failure::Explained;

/// Where the file lies.
static PLACE: LazyLock<PathBuf> = LazyLock::new(|| {
    let name = format!("bloom-fuzz-{}.toml", std::process::id());
    let shm = PathBuf::from("/dev/shm");
    if shm.is_dir() { shm.join(name) } else { std::env::temp_dir().join(name) }
});

libfuzzer_sys::fuzz_target!(|text: &str| {
    let (file, environment) = text.split_once("\n%%\n").unwrap_or((text, ""));
    fs::write(&*PLACE, file).expect("the folder can be written");
    let variables = environment.lines().filter_map(|line| line.split_once('='));
    let variables: Vec<_> = variables.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let places = Places { named: Some(&PLACE), searched: Vec::new(), variables };
    let loaded = [Locale::En, Locale::Uk].map(|locale| Config::load(&places, &Catalogue::of(locale)));
    let _ = fs::remove_file(&*PLACE);
    match loaded {
        [Ok(config), Ok(_)] => {
            for entry in config.entries() {
                // Nothing that somebody set is passed over, and no secret is shown.
                assert!(entry.origin == Origin::Default || !entry.value.is_null(), "{} is passed over", entry.key);
            }
        }
        // Whoever wrote it is told what to do, in either language.
        [Err(english), Err(ukrainian)] => {
            for error in [english, ukrainian] {
                let explained = error.downcast_ref::<Explained>().expect("each error is explained");
                assert!(!explained.message.is_empty());
            }
        }
        _ => panic!("one language takes what the other refuses"),
    }
});
