//! What of a language is missing on this machine, and the packages that bring it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::template::Language;

/// What compilers of Rust call the machine that tools are built for.
pub const RUST_TARGET: &str = "wasm32-unknown-unknown";

/// Something that a build needs and that is not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// A program, a target, a package.
    pub what: &'static str,
    /// Commands that install it, each with the system that it is for; none for any.
    pub install: &'static [(Option<&'static str>, &'static str)],
}

const RUSTUP: Missing = Missing { what: "cargo", install: &[(None, "https://rustup.rs")] };
const TARGET: Missing =
    Missing { what: "wasm32-unknown-unknown", install: &[(None, "rustup target add wasm32-unknown-unknown")] };
const CLANG: Missing = Missing {
    what: "clang",
    install: &[
        (Some("Debian, Ubuntu"), "apt install clang lld make"),
        (Some("Fedora"), "dnf install clang lld make"),
        (Some("macOS"), "brew install llvm lld"),
    ],
};
const WASM_LD: Missing = Missing {
    what: "wasm-ld",
    install: &[
        (Some("Debian, Ubuntu"), "apt install lld"),
        (Some("Fedora"), "dnf install lld"),
        (Some("macOS"), "brew install lld"),
    ],
};
const MAKE: Missing = Missing {
    what: "make",
    install: &[
        (Some("Debian, Ubuntu"), "apt install make"),
        (Some("Fedora"), "dnf install make"),
        (Some("macOS"), "xcode-select --install"),
    ],
};
const NODE: Missing = Missing {
    what: "npm",
    install: &[
        (Some("Debian, Ubuntu"), "apt install npm"),
        (Some("Fedora"), "dnf install nodejs-npm"),
        (Some("macOS"), "brew install node"),
    ],
};
const NODE_MODULES: Missing = Missing { what: "node_modules", install: &[(None, "npm install")] };
const COMPONENTIZE_PY: Missing = Missing {
    what: "componentize-py",
    install: &[(None, "python3 -m venv .venv"), (None, ".venv/bin/pip install -r requirements.txt")],
};
const PYTHON: Missing = Missing {
    what: "python3",
    install: &[
        (Some("Debian, Ubuntu"), "apt install python3-venv"),
        (Some("Fedora"), "dnf install python3"),
        (Some("macOS"), "brew install python"),
    ],
};

/// Where programs are looked for: the project's own first, as those of the language's community do it.
pub fn search_path(folder: &Path) -> OsString {
    let own = ["node_modules/.bin", ".venv/bin"].map(|below| folder.join(below));
    let of_system = std::env::var_os("PATH").unwrap_or_default();
    let all = own.into_iter().chain(std::env::split_paths(&of_system));
    // A folder whose name cannot stand in a list is left out of it.
    std::env::join_paths(all).unwrap_or(of_system)
}

/// What is missing for a project.
pub fn missing(language: Language, folder: &Path) -> Vec<Missing> {
    let path = search_path(folder);
    let lacks = |program: &str| find(program, &path).is_none();
    match language {
        Language::Rust if lacks("cargo") => vec![RUSTUP],
        Language::Rust => {
            if has_rust_target(folder) {
                Vec::new()
            } else {
                vec![TARGET]
            }
        }
        Language::C => {
            let clang = std::env::var("CLANG").unwrap_or_else(|_| String::from("clang"));
            let mut missing = Vec::new();
            if lacks(&clang) {
                missing.push(CLANG);
            } else if !has_wasm_linker(&clang, &path) {
                missing.push(WASM_LD);
            }
            missing.extend(lacks("make").then_some(MAKE));
            missing
        }
        Language::JavaScript | Language::AssemblyScript => {
            let program = if language == Language::JavaScript { "componentize-qjs" } else { "asc" };
            if lacks("npm") {
                vec![NODE]
            } else if lacks(program) {
                vec![NODE_MODULES]
            } else {
                Vec::new()
            }
        }
        Language::Python if !lacks("componentize-py") => Vec::new(),
        Language::Python if lacks("python3") => vec![PYTHON, COMPONENTIZE_PY],
        Language::Python => vec![COMPONENTIZE_PY],
    }
}

/// A program on a list of folders.
pub fn find(program: &str, path: &OsString) -> Option<PathBuf> {
    if program.contains('/') {
        return Some(PathBuf::from(program)).filter(|path| path.is_file());
    }
    std::env::split_paths(path).map(|folder| folder.join(program)).find(|path| path.is_file())
}

fn has_rust_target(folder: &Path) -> bool {
    let asked = ["--print", "target-libdir", "--target", RUST_TARGET];
    // Within the folder, where a `rust-toolchain.toml` may choose another compiler.
    printed(Command::new("rustc").args(asked).current_dir(folder))
        .is_none_or(|libraries| Path::new(&libraries).is_dir())
}

/// Each clang looks for its own linker, as `wasm-ld-14`.
fn has_wasm_linker(clang: &str, path: &OsString) -> bool {
    let linker = printed(Command::new(clang).args(["--target=wasm32", "--print-prog-name=wasm-ld"]));
    linker.is_none_or(|linker| find(&linker, path).is_some())
}

fn printed(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_of_the_project_go_before_those_of_the_system() {
        let folder = tempfile::tempdir().unwrap();
        let bin = folder.path().join("node_modules/.bin");
        std::fs::create_dir_all(&bin).unwrap();
        std::fs::write(bin.join("sh"), "").unwrap();
        let path = search_path(folder.path());
        assert_eq!(find("sh", &path), Some(bin.join("sh")));
        assert!(find("cat", &path).is_some_and(|cat| !cat.starts_with(folder.path())));
        assert_eq!(find("no-such-program-anywhere", &path), None);
    }

    #[test]
    fn what_npm_would_bring_is_missing_in_an_empty_project() {
        let folder = tempfile::tempdir().unwrap();
        let missing = missing(Language::AssemblyScript, folder.path());
        assert!(missing == [NODE_MODULES] || missing == [NODE], "{missing:?}");
    }
}
