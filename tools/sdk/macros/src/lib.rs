//! The attribute of `bloom-tool`; use it from there.

mod attribute;
mod check;

use proc_macro::TokenStream;
use quote::quote;
use syn::{Expr, ExprLit, ItemFn, Lit, Meta, parse_macro_input};

use crate::attribute::{Attribute, Described};

/// See `bloom_tool::tool`.
#[proc_macro_attribute]
pub fn tool(attribute: TokenStream, item: TokenStream) -> TokenStream {
    let attribute = parse_macro_input!(attribute as Attribute);
    let function = parse_macro_input!(item as ItemFn);
    expand(attribute, &function)
        .unwrap_or_else(|error| {
            let error = error.into_compile_error();
            // The function stays, so that the error is not buried under others.
            quote!(#error #function)
        })
        .into()
}

fn expand(attribute: Attribute, function: &ItemFn) -> syn::Result<proc_macro2::TokenStream> {
    check::signature(&function.sig)?;
    let (name, visibility) = (&function.sig.ident, &function.vis);
    let manifest = match attribute {
        Attribute::File(file) => quote!(include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/", #file)).to_owned()),
        Attribute::Described(described) => {
            let about = about(&described, function)?;
            quote!(::bloom_tool::export::manifest(&#about, super::#name))
        }
    };
    let doc = format!("The tool [`{name}`](fn@{name}), JSON in and JSON out, as the component has it.");
    Ok(quote! {
        #[allow(clippy::needless_pass_by_value, clippy::unnecessary_wraps, reason = "a tool has this signature")]
        #function

        #[doc = #doc]
        #[allow(dead_code, clippy::needless_pass_by_value, reason = "for tests")]
        #visibility mod #name {
            /// What it says of itself.
            pub fn manifest() -> ::std::string::String {
                #manifest
            }

            /// Does its work once.
            pub fn invoke(
                call_id: ::std::string::String,
                input: ::std::string::String,
            ) -> ::core::result::Result<::std::string::String, ::bloom_tool::Failure> {
                ::bloom_tool::export::invoke(call_id, &input, super::#name)
            }

            #[cfg(target_arch = "wasm32")]
            const _: () = {
                struct Component;

                impl ::bloom_tool::export::Guest for Component {
                    fn describe() -> ::std::string::String {
                        manifest()
                    }

                    fn invoke(
                        call_id: ::std::string::String,
                        input: ::std::string::String,
                    ) -> ::core::result::Result<::std::string::String, ::bloom_tool::Failure> {
                        self::invoke(call_id, input)
                    }
                }

                ::bloom_tool::export::component!(Component with_types_in ::bloom_tool::bindings);
            };
        }
    })
}

fn about(described: &Described, function: &ItemFn) -> syn::Result<proc_macro2::TokenStream> {
    let name = described.name.clone().unwrap_or_else(|| function.sig.ident.to_string().replace('_', "-"));
    let version =
        described.version.as_ref().map_or_else(|| quote!(env!("CARGO_PKG_VERSION")), |version| quote!(#version));
    let description = described.description.clone().or_else(|| first_paragraph(function)).ok_or_else(|| {
        let message =
            "say in a doc comment, or by `description = \"…\"`, what the tool does: models choose tools by it";
        syn::Error::new(function.sig.ident.span(), message)
    })?;
    let Described { effect, params, aliases, capabilities, also_called, failures, .. } = described;
    let params = params.as_ref().map_or_else(
        || quote!(::core::option::Option::None),
        |params| quote!(::core::option::Option::Some(&[#(#params),*])),
    );
    let aliases = aliases.iter().map(|(alias, name)| quote!((#alias, #name)));
    let failures = failures.iter().map(|(code, meaning)| quote!((#code, #meaning)));
    Ok(quote! {
        ::bloom_tool::export::About {
            name: #name,
            version: #version,
            description: #description,
            effect: #effect,
            params: #params,
            aliases: &[#(#aliases),*],
            capabilities: &[#(#capabilities),*],
            also_called: &[#(#also_called),*],
            failures: &[#(#failures),*],
        }
    })
}

/// Of the doc comment, as one line.
fn first_paragraph(function: &ItemFn) -> Option<String> {
    let lines = function.attrs.iter().filter_map(|attribute| match &attribute.meta {
        Meta::NameValue(pair) if pair.path.is_ident("doc") => match &pair.value {
            Expr::Lit(ExprLit { lit: Lit::Str(line), .. }) => Some(line.value().trim().to_owned()),
            _ => None,
        },
        _ => None,
    });
    let paragraph: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
    if paragraph.is_empty() { None } else { Some(paragraph.join(" ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(attribute: &str, function: &str) -> String {
        let attribute = match syn::parse_str::<Attribute>(attribute) {
            Ok(attribute) => attribute,
            Err(error) => return error.to_string(),
        };
        let expanded = syn::parse_str::<ItemFn>(function).and_then(|function| expand(attribute, &function));
        expanded.map_or_else(|error| error.to_string(), |_| String::new())
    }

    const FUNCTION: &str = "/// Does it.\nfn f(input: Input) -> Result<Output, Failure> { todo!() }";

    #[test]
    fn what_the_host_would_refuse_is_named() {
        for (attribute, complaint) in [
            ("", "`effect` is missing"),
            ("effect = \"write\"", "\"operational\""),
            ("effect = \"read\", name = \"Read_Notes\"", "kebab-case"),
            ("effect = \"read\", capabilities = [\"notes\"]", "`files:ROOT`"),
            ("effect = \"read\", capabilities = [\"file:notes\"]", "`files:ROOT`"),
            ("effect = \"read\", effect = \"read\"", "stands twice"),
            ("effect = \"read\", colour = \"red\"", "`colour` is none of"),
            ("manifest = \"m.json\", effect = \"read\"", "the whole manifest"),
            ("effect = \"read\"", ""),
            ("manifest = \"m.json\"", ""),
        ] {
            let error = error(attribute, FUNCTION);
            assert!(error.contains(complaint) && error.is_empty() == complaint.is_empty(), "{attribute}: {error}");
        }
    }

    #[test]
    fn a_function_that_is_no_tool_is_told_why() {
        for (function, complaint) in [
            ("fn f(input: I) -> Result<O, Failure> {}", "doc comment"),
            ("/// D.\nasync fn f(input: I) -> Result<O, Failure> {}", "async"),
            ("/// D.\nfn f<T>(input: T) -> Result<O, Failure> {}", "generics"),
            ("/// D.\nfn f(a: A, b: B) -> Result<O, Failure> {}", "one argument"),
            ("/// D.\nfn f(&self) -> Result<O, Failure> {}", "one argument"),
            ("/// D.\nfn f(input: I) {}", "`Result<Output, Failure>`"),
        ] {
            let error = error("effect = \"read\"", function);
            assert!(error.contains(complaint), "{function}: {error}");
        }
    }
}
