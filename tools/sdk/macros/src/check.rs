//! What the host would refuse is an error where it is written.

use syn::{FnArg, LitStr, ReturnType, Signature};

/// One argument, a result, nothing else.
pub(crate) fn signature(signature: &Signature) -> syn::Result<()> {
    let wrong = |span, message: &str| Err(syn::Error::new(span, message));
    if let Some(token) = signature.asyncness {
        return wrong(token.span, "a tool is no `async fn`: the host's functions return when they are done");
    }
    if !signature.generics.params.is_empty() {
        return wrong(signature.ident.span(), "a tool has one input type and one output type: leave out the generics");
    }
    if signature.inputs.len() != 1 || matches!(signature.inputs.first(), Some(FnArg::Receiver(_))) {
        return wrong(signature.ident.span(), "a tool takes one argument: a struct of all that a call takes");
    }
    if matches!(signature.output, ReturnType::Default) {
        return wrong(signature.ident.span(), "a tool returns `Result<Output, Failure>`");
    }
    Ok(())
}

pub(crate) fn name(name: &LitStr) -> syn::Result<String> {
    let text = name.value();
    let word =
        |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    if text.starts_with(|first: char| first.is_ascii_lowercase()) && text.split('-').all(word) && text.len() <= 64 {
        return Ok(text);
    }
    Err(syn::Error::new(name.span(), "a tool's name is in kebab-case, as `read-notes`, of at most 64 characters"))
}

pub(crate) fn effect(effect: &LitStr) -> syn::Result<String> {
    match effect.value().as_str() {
        text @ ("read" | "operational" | "propose") => Ok(text.to_owned()),
        _ => Err(syn::Error::new(effect.span(), "an effect is \"read\", \"operational\" or \"propose\"")),
    }
}

pub(crate) fn capability(capability: &LitStr) -> syn::Result<String> {
    let text = capability.value();
    match text.split_once(':') {
        Some(("files" | "config" | "artifacts" | "http", name)) if !name.is_empty() => Ok(text),
        _ => {
            let forms = "`files:ROOT`, `config:KEY`, `artifacts:own`, `artifacts:all` or `http:HOST[:PORT] [METHOD…]`";
            Err(syn::Error::new(capability.span(), format!("a capability is {forms}")))
        }
    }
}
