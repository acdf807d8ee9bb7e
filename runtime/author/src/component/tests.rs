use super::*;

/// A module that has what a tool must have, and imports these.
fn module(imports: &str) -> Vec<u8> {
    let text = format!(
        r#"(module
          {imports}
          (memory (export "memory") 1)
          (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
          (func (export "describe") (result i32) (i32.const 16))
          (func (export "invoke") (param i32 i32 i32 i32) (result i32) (i32.const 32)))"#
    );
    wat::parse_str(text).unwrap()
}

fn error(text: &str) -> ComponentError {
    component(&wat::parse_str(text).unwrap(), Options::default()).unwrap_err()
}

/// The names of a component's imports.
fn imports(component: &[u8]) -> Vec<String> {
    let mut names = Vec::new();
    let mut depth = 0_u32;
    for payload in Parser::new(0).parse_all(component) {
        match payload.unwrap() {
            Payload::Version { .. } => depth += 1,
            Payload::End(_) => depth -= 1,
            Payload::ComponentImportSection(section) if depth == 1 => {
                let all = section.into_iter().map(|import| import.unwrap().name.name.to_owned());
                // Types of the world are imports, too, and no interfaces.
                names.extend(all.filter(|name| name.contains(':')));
            }
            _ => {}
        }
    }
    names
}

#[test]
fn a_core_module_of_any_compiler_becomes_a_component() {
    let bytes = component(&module(""), Options::default()).unwrap();
    assert_eq!(form(&bytes).unwrap(), Form::Component);
    assert_eq!(imports(&bytes), ["bloom:tool/types@0.1.0"]);
    assert_eq!(component(&bytes, Options::default()).unwrap(), bytes, "a component stays as it is");
}

#[test]
fn only_what_a_module_imports_is_imported() {
    let log = r#"(import "bloom:tool/log@0.1.0" "write" (func (param i32 i32 i32)))"#;
    let bytes = component(&module(log), Options::default()).unwrap();
    assert_eq!(imports(&bytes), ["bloom:tool/log@0.1.0", "bloom:tool/types@0.1.0"]);
}

#[test]
fn what_is_no_webassembly_says_how_it_begins() {
    for bytes in [&b""[..], b"#!/bin/sh", b"\0as", b"(module)"] {
        let error = component(bytes, Options::default()).unwrap_err();
        assert!(matches!(error, ComponentError::NotWasm(_)), "{error}");
    }
    let huge = vec![0; MAX_SIZE + 1];
    assert!(matches!(component(&huge, Options::default()), Err(ComponentError::TooLarge { .. })));
}

#[test]
fn a_damaged_module_is_an_error() {
    let whole = module("");
    for cut in 9..whole.len() {
        let error = component(&whole[..cut], Options::default()).unwrap_err();
        assert!(
            matches!(
                error,
                ComponentError::Damaged(_) | ComponentError::MissingExports(_) | ComponentError::WrongWorld(_)
            ),
            "{cut}: {error}"
        );
    }
}

#[test]
fn missing_exports_are_named() {
    let error = error(r#"(module (memory (export "memory") 1) (func (export "describe") (result i32) (i32.const 0)))"#);
    assert!(matches!(&error, ComponentError::MissingExports(names) if names == &["invoke", "cabi_realloc"]), "{error}");
}

#[test]
fn an_export_of_another_kind_is_missing() {
    let error = error(r#"(module (func (export "memory")))"#);
    assert!(matches!(&error, ComponentError::MissingExports(names) if names.contains(&"memory".into())), "{error}");
}

#[test]
fn a_function_of_another_type_does_not_fit() {
    let error = error(
        r#"(module
          (memory (export "memory") 1)
          (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
          (func (export "describe") (result f64) (f64.const 1))
          (func (export "invoke") (param i32 i32 i32 i32) (result i32) (i32.const 32)))"#,
    );
    assert!(matches!(&error, ComponentError::WrongWorld(reason) if reason.contains("describe")), "{error}");
}

#[test]
fn imports_of_wasi_are_named_and_can_be_stubbed() {
    let bytes = module(
        r#"(import "wasi_snapshot_preview1" "fd_write" (func (param i32 i32 i32 i32) (result i32)))
           (import "wasi_snapshot_preview1" "proc_exit" (func (param i32)))
           (import "wasi_snapshot_preview1" "clock_time_get" (func (param i32 i64 i32) (result i32)))"#,
    );
    let error = component(&bytes, Options::default()).unwrap_err();
    assert!(
        matches!(&error, ComponentError::Wasi(names) if names[0] == "wasi_snapshot_preview1.fd_write" && names.len() == 3),
        "{error}"
    );
    let stubbed = component(&bytes, Options { stub_wasi: true }).unwrap();
    assert_eq!(imports(&stubbed), ["bloom:tool/types@0.1.0"]);
}

#[test]
fn wasi_of_components_cannot_be_stubbed() {
    let bytes = module(r#"(import "wasi:cli/environment@0.2.0" "get-environment" (func (param i32)))"#);
    for stub_wasi in [false, true] {
        let error = component(&bytes, Options { stub_wasi }).unwrap_err();
        assert!(matches!(&error, ComponentError::Wasi(_)), "{error}");
    }
}

#[test]
fn symbols_that_the_linker_did_not_find_are_named() {
    let error = component(&module(r#"(import "env" "printf" (func))"#), Options::default()).unwrap_err();
    assert!(matches!(&error, ComponentError::UnknownImports(names) if names == &["env.printf"]), "{error}");
}

#[test]
fn a_module_for_another_version_of_the_contract_is_named() {
    let bytes = module(r#"(import "bloom:tool/log@0.2.0" "write" (func (param i32 i32 i32)))"#);
    let error = component(&bytes, Options::default()).unwrap_err();
    assert!(matches!(&error, ComponentError::OtherContract { found } if found == "bloom:tool/log@0.2.0"), "{error}");
}

#[test]
fn a_function_that_the_contract_does_not_have_does_not_fit() {
    let bytes = module(r#"(import "bloom:tool/log@0.1.0" "shout" (func (param i32)))"#);
    let error = component(&bytes, Options::default()).unwrap_err();
    assert!(matches!(&error, ComponentError::WrongWorld(reason) if reason.contains("shout")), "{error}");
}
