//! Modules that were linked with a C library for WASI import functions of it even where they never call them.
//!
//! Each such import gets a function that fails with `ENOSYS`, as if the system lacked it, and `proc_exit` stops the call. What
//! reaches the world still goes through `bloom:tool`: nothing is opened by this.

use wasm_encoder::{
    CodeSection, ExportKind, ExportSection, Function, FunctionSection, Instruction, Module, TypeSection, ValType,
};
use wasmparser::{BinaryReaderError, CompositeInnerType, Parser, Payload, TypeRef};

/// WASI preview 1: not supported.
const ENOSYS: i32 = 52;

/// Functions that stand in for those of a module.
pub(crate) struct Stub {
    /// The module's name, as importers write it.
    pub(crate) module: String,
    pub(crate) bytes: Vec<u8>,
}

/// Whether a module of this name is WASI before components.
pub(crate) fn is_preview_1(module: &str) -> bool {
    matches!(module, "wasi_snapshot_preview1" | "wasi_unstable")
}

/// Stand-ins for all imports of WASI preview 1.
pub(crate) fn stubs(bytes: &[u8]) -> Result<Vec<Stub>, BinaryReaderError> {
    let mut types = Vec::new();
    let mut needed: Vec<(String, String, wasmparser::FuncType)> = Vec::new();
    for payload in Parser::new(0).parse_all(bytes) {
        match payload? {
            Payload::TypeSection(section) => {
                for group in section {
                    types.extend(group?.into_types().map(|of| of.composite_type.inner));
                }
            }
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    let import = import?;
                    let TypeRef::Func(index) = import.ty else { continue };
                    let of = types.get(index as usize);
                    if let (true, Some(CompositeInnerType::Func(of))) = (is_preview_1(import.module), of) {
                        needed.push((import.module.to_owned(), import.name.to_owned(), of.clone()));
                    }
                }
            }
            _ => {}
        }
    }
    let mut modules: Vec<&String> = needed.iter().map(|(module, ..)| module).collect();
    modules.dedup();
    let of_module = |module: &String| {
        let functions = needed.iter().filter(|(of, ..)| of == module);
        Stub { module: module.clone(), bytes: stub(functions.map(|(_, name, of)| (name.as_str(), of))) }
    };
    Ok(modules.into_iter().map(of_module).collect())
}

fn stub<'a>(needed: impl Iterator<Item = (&'a str, &'a wasmparser::FuncType)>) -> Vec<u8> {
    let (mut types, mut functions) = (TypeSection::new(), FunctionSection::new());
    let (mut exports, mut code) = (ExportSection::new(), CodeSection::new());
    for (index, (name, of)) in (0..).zip(needed) {
        types.ty().function(of.params().iter().copied().map(value_type), of.results().iter().copied().map(value_type));
        functions.function(index);
        exports.export(name, ExportKind::Func, index);
        let mut body = Function::new([]);
        if of.results() == [wasmparser::ValType::I32] {
            body.instruction(&Instruction::I32Const(ENOSYS));
        } else {
            body.instruction(&Instruction::Unreachable);
        }
        body.instruction(&Instruction::End);
        code.function(&body);
    }
    let mut module = Module::new();
    module.section(&types).section(&functions).section(&exports).section(&code);
    module.finish()
}

/// WASI has numbers only.
fn value_type(of: wasmparser::ValType) -> ValType {
    match of {
        wasmparser::ValType::I64 => ValType::I64,
        wasmparser::ValType::F32 => ValType::F32,
        wasmparser::ValType::F64 => ValType::F64,
        _ => ValType::I32,
    }
}
