//! What authors get wrong, in the person's language, with what to do.

use bloom_author::compile::BuildError;
use bloom_author::component::ComponentError;
use bloom_author::project::ProjectError;
use bloom_author::template::Language;
use bloom_author::toolchain::Missing;
use bloom_wasm::InstallError;
use serde_json::{Value, json};

use crate::catalogue::{Catalogue, text};
use crate::failure::Explained;

/// The commands that install something, each with the system that it is for as a comment.
pub(crate) fn install_lines(missing: &Missing) -> Vec<String> {
    let line = |(system, command): &(Option<&str>, &str)| match system {
        Some(system) => format!("{command}  # {system}"),
        None => (*command).to_owned(),
    };
    missing.install.iter().map(line).collect()
}

pub(crate) fn missing_json(missing: &Missing) -> Value {
    let install: Vec<_> =
        missing.install.iter().map(|(system, command)| json!({ "system": system, "command": command })).collect();
    json!({ "what": missing.what, "install": install })
}

/// There is no project, or its file is wrong.
pub(crate) fn of_project(error: ProjectError, catalogue: &Catalogue) -> anyhow::Error {
    match error {
        ProjectError::Missing(folder) => {
            let folder = folder.display().to_string();
            Explained::usage(text!(catalogue, "tool-no-project", folder = folder))
                .hint(text!(catalogue, "tool-no-project.hint"))
                .into()
        }
        ProjectError::Unreadable { path, error } => {
            let path = path.display().to_string();
            anyhow::Error::new(error).context(Explained::failed(text!(catalogue, "cannot-read", path = path)))
        }
        ProjectError::Wrong { path, message } => {
            let path = path.display().to_string();
            anyhow::Error::msg(message).context(Explained::usage(text!(catalogue, "tool-bad-project", path = path)))
        }
    }
}

/// The language's build failed, or what came out is no tool.
pub(crate) fn of_build(error: BuildError, language: Option<Language>, catalogue: &Catalogue) -> anyhow::Error {
    match error {
        BuildError::Missing(missing) => {
            let what: Vec<&str> = missing.iter().map(|missing| missing.what).collect();
            let install: Vec<String> = missing.iter().flat_map(install_lines).collect();
            Explained::failed(text!(catalogue, "tool-missing", what = what.join(", ")))
                .hint(format!("\n    {}", install.join("\n    ")))
                .into()
        }
        BuildError::NoProgram(program) => {
            Explained::failed(text!(catalogue, "tool-no-program", program = program)).into()
        }
        BuildError::NotStarted { program, error } => {
            anyhow::Error::new(error).context(Explained::failed(text!(catalogue, "tool-no-program", program = program)))
        }
        BuildError::Failed { command, status } => {
            let status = status.to_string();
            Explained::failed(text!(catalogue, "tool-build-failed", command = command, status = status)).into()
        }
        BuildError::NoOutput { command, output } => {
            let output = output.display().to_string();
            Explained::failed(text!(catalogue, "tool-no-output", command = command, output = output))
                .hint(text!(catalogue, "tool-no-output.hint"))
                .into()
        }
        BuildError::Component { output, error } => {
            of_component(&error, &output.display().to_string(), language, catalogue).into()
        }
        BuildError::Write { path, error } => {
            let path = path.display().to_string();
            anyhow::Error::new(error).context(Explained::failed(text!(catalogue, "cannot-write", path = path)))
        }
    }
}

/// WebAssembly that is no tool.
pub(crate) fn of_component(
    error: &ComponentError,
    path: &str,
    language: Option<Language>,
    catalogue: &Catalogue,
) -> Explained {
    match error {
        ComponentError::NotWasm(start) => {
            Explained::failed(text!(catalogue, "tool-not-wasm", path = path, start = format!("{start:?}")))
        }
        ComponentError::TooLarge { size } => {
            let limit = bloom_author::component::MAX_SIZE;
            Explained::failed(text!(catalogue, "tool-too-large", path = path, size = *size, limit = limit))
        }
        ComponentError::Damaged(reason) => {
            Explained::failed(text!(catalogue, "tool-damaged", path = path, reason = reason))
        }
        ComponentError::MissingExports(names) => {
            Explained::failed(text!(catalogue, "tool-missing-exports", path = path, names = quoted(names)))
                .hint(text!(catalogue, "tool-missing-exports.hint"))
        }
        ComponentError::Wasi(names) => {
            Explained::failed(text!(catalogue, "tool-wasi", path = path, names = quoted(names)))
                .hint(wasi_hint(language, catalogue))
        }
        ComponentError::UnknownImports(names) => {
            Explained::failed(text!(catalogue, "tool-unknown-imports", path = path, names = quoted(names)))
                .hint(text!(catalogue, "tool-unknown-imports.hint"))
        }
        ComponentError::OtherContract { found } => {
            let ours = bloom_author::component::CONTRACT;
            Explained::failed(text!(catalogue, "tool-other-contract", path = path, found = found, ours = ours))
                .hint(text!(catalogue, "tool-other-contract.hint"))
        }
        ComponentError::WrongWorld(reason) => {
            Explained::failed(text!(catalogue, "tool-wrong-world", path = path, reason = reason))
                .hint(text!(catalogue, "tool-wrong-world.hint"))
        }
    }
}

/// A component that the host does not take.
pub(crate) fn of_install(
    error: &InstallError,
    path: &str,
    language: Option<Language>,
    catalogue: &Catalogue,
) -> Explained {
    let refused = Explained::failed(text!(catalogue, "tool-refused", path = path, reason = error.to_string()));
    match error {
        InstallError::ForbiddenImport { import } if import.starts_with("wasi:") => {
            refused.hint(wasi_hint(language, catalogue))
        }
        InstallError::UnaskedImport { kind, .. } => refused.hint(text!(catalogue, "tool-unasked.hint", kind = *kind)),
        InstallError::WrongWorld(_) => refused.hint(text!(catalogue, "tool-wrong-world.hint")),
        InstallError::Manifest(_) | InstallError::Schema { .. } => {
            refused.hint(text!(catalogue, "tool-bad-manifest.hint"))
        }
        _ => refused,
    }
}

/// How a language keeps WASI out.
fn wasi_hint(language: Option<Language>, catalogue: &Catalogue) -> String {
    match language {
        Some(Language::Rust) => text!(catalogue, "tool-wasi-rust"),
        Some(Language::C) => text!(catalogue, "tool-wasi-c"),
        Some(Language::JavaScript | Language::Python) => text!(catalogue, "tool-wasi-stub"),
        Some(Language::AssemblyScript) => text!(catalogue, "tool-wasi-assemblyscript"),
        None => text!(catalogue, "tool-wasi-any"),
    }
}

fn quoted(names: &[String]) -> String {
    const SHOWN: usize = 12;
    let mut shown: Vec<String> = names.iter().take(SHOWN).map(|name| format!("`{name}`")).collect();
    if names.len() > SHOWN {
        shown.push(format!("… ({})", names.len()));
    }
    shown.join(", ")
}
