//! Builds the tools that ship with the program, and embeds them.
//!
//! They are built by a cargo of their own into `OUT_DIR`, so that neither locks nor flags of the outer build reach them, and
//! they come out the same wherever that is. Where the target `wasm32-unknown-unknown` is not installed the build goes on
//! without them.
#![allow(clippy::expect_used, clippy::panic, reason = "a build script reports by panicking")]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use sha2::{Digest as _, Sha256};
use wit_component::ComponentEncoder;

const TARGET: &str = "wasm32-unknown-unknown";

fn main() {
    let root = path("CARGO_MANIFEST_DIR").join("../..");
    let root = root.canonicalize().expect("the crate is two folders below the root");
    for input in ["tools", "schemas/wit/bloom-tool"] {
        println!("cargo::rerun-if-changed={}", root.join(input).display());
    }
    let out = path("OUT_DIR");
    // One static, not a constant: a component is known by where it lies.
    let mut code = String::from("static EMBEDDED: &[(Digest, &[u8])] = &[\n");
    if target_is_installed() {
        let tools = tools(&root.join("tools"));
        build(&root, &out, &tools);
        for tool in &tools {
            let component = component(&out, tool);
            write(&out.join(format!("{tool}.wasm")), &component);
            let digest: [u8; 32] = Sha256::digest(&component).into();
            let file = format!("include_bytes!(concat!(env!(\"OUT_DIR\"), \"/{tool}.wasm\"))");
            writeln!(code, "    (Digest::from_bytes({digest:?}), {file}),").expect("a string takes all");
        }
    } else {
        println!("cargo::warning=no {TARGET}: built without the tools that ship (`rustup target add {TARGET}`)");
        // Rewritten when a target is installed.
        if let Some(list) = installed_components() {
            println!("cargo::rerun-if-changed={}", list.display());
        }
    }
    code.push_str("];\n");
    write(&out.join("embedded.rs"), code.as_bytes());
}

/// Writes a new file: an old one may be shared with copies of the folder, by hard links.
fn write(path: &Path, content: &[u8]) {
    if path.exists() {
        fs::remove_file(path).expect("OUT_DIR can be written");
    }
    fs::write(path, content).expect("OUT_DIR can be written");
}

/// The crates in the workspace that are tools: they have a manifest, and are named as their folders.
fn tools(workspace: &Path) -> Vec<String> {
    let folders = fs::read_dir(workspace).expect("the tools are beside the crate");
    let folders = folders.map(|entry| entry.expect("the folder can be listed").path());
    let tools = folders.filter(|folder| folder.join("manifest.json").is_file());
    let mut names: Vec<String> = tools
        .filter_map(|folder| Some(folder.file_name()?.to_str().expect("a crate's name is text").to_owned()))
        .collect();
    names.sort();
    names
}

fn path(variable: &str) -> PathBuf {
    env::var_os(variable).expect("cargo sets it").into()
}

/// The compiler names the folder whether or not it is there.
fn target_is_installed() -> bool {
    printed(&["target-libdir", "--target", TARGET]).is_some_and(|folder| folder.is_dir())
}

/// The list that rustup keeps; none where the compiler came another way.
fn installed_components() -> Option<PathBuf> {
    printed(&["sysroot"]).map(|sysroot| sysroot.join("lib/rustlib/components")).filter(|list| list.is_file())
}

fn printed(what: &[&str]) -> Option<PathBuf> {
    let output = Command::new(env::var_os("RUSTC")?).arg("--print").args(what).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().into())
}

fn build(root: &Path, out: &Path, packages: &[String]) {
    let tools = root.join("tools");
    let cargo_home = home("CARGO_HOME", ".cargo");
    let mut cargo = Command::new(env::var_os("CARGO").expect("cargo sets it"));
    cargo.args(["build", "--release", "--locked", "--target", TARGET]);
    cargo.arg("--manifest-path").arg(tools.join("Cargo.toml")).arg("--target-dir").arg(out.join("tools"));
    cargo.args(packages.iter().flat_map(|tool| ["--package", tool.as_str()]));
    // What the outer build is told must not change the tools, and what it is told by cargo is not meant for them.
    for (name, _) in env::vars_os() {
        let name = name.to_string_lossy();
        let outer = [
            "CARGO_ENCODED_",
            "CARGO_PROFILE_",
            "CARGO_BUILD_",
            "CARGO_TARGET_",
            "CARGO_PKG_",
            "CARGO_CFG_",
            "CARGO_FEATURE_",
        ];
        if outer.iter().any(|prefix| name.starts_with(prefix))
            || matches!(
                &*name,
                "RUSTFLAGS" | "RUSTC_WRAPPER" | "RUSTC_WORKSPACE_WRAPPER" | "CARGO_MAKEFLAGS" | "MAKEFLAGS"
            )
        {
            cargo.env_remove(&*name);
        }
    }
    // Paths of this machine end up in panic messages otherwise.
    let remap = [(root, "/bloom"), (&cargo_home, "/cargo"), (out, "/out")];
    let flags: Vec<String> =
        remap.iter().map(|(from, to)| format!("--remap-path-prefix={}={to}", from.display())).collect();
    cargo.env("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f"));
    let status = cargo.status().expect("cargo runs");
    assert!(status.success(), "the tools in {} do not build", tools.display());
}

fn home(variable: &str, default: &str) -> PathBuf {
    let fallback = || env::home_dir().unwrap_or_default().join(default);
    env::var_os(variable).map_or_else(fallback, PathBuf::from)
}

/// Wraps a core module, whose WIT world is embedded in it, into a component.
fn component(out: &Path, tool: &str) -> Vec<u8> {
    let module = out.join("tools").join(TARGET).join("release").join(format!("{}.wasm", tool.replace('-', "_")));
    let module = fs::read(&module).unwrap_or_else(|error| panic!("{}: {error}", module.display()));
    let encoder = ComponentEncoder::default().validate(true).module(&module);
    encoder.and_then(|mut encoder| encoder.encode()).unwrap_or_else(|error| panic!("{tool}: {error:#}"))
}
