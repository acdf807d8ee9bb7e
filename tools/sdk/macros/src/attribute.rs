//! What stands in the parentheses.

use proc_macro2::Span;
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{Ident, LitStr, Token, braced, bracketed};

use crate::check;

/// `#[tool(…)]`
pub(crate) enum Attribute {
    /// `manifest = "manifest.json"`
    File(String),
    /// Everything else.
    Described(Described),
}

/// What the manifest says beside the schemas.
pub(crate) struct Described {
    pub(crate) name: Option<String>,
    pub(crate) version: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) effect: String,
    pub(crate) params: Option<Vec<String>>,
    pub(crate) aliases: Vec<(String, String)>,
    pub(crate) capabilities: Vec<String>,
    pub(crate) also_called: Vec<String>,
    pub(crate) failures: Vec<(String, String)>,
}

#[derive(Default)]
struct Entries {
    name: Option<LitStr>,
    version: Option<LitStr>,
    description: Option<LitStr>,
    effect: Option<LitStr>,
    manifest: Option<LitStr>,
    params: Option<Vec<LitStr>>,
    aliases: Option<Vec<(LitStr, LitStr)>>,
    capabilities: Option<Vec<LitStr>>,
    also_called: Option<Vec<LitStr>>,
    failures: Option<Vec<(LitStr, LitStr)>>,
}

impl Parse for Attribute {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let mut entries = Entries::default();
        while !input.is_empty() {
            let key: Ident = input.parse()?;
            input.parse::<Token![=]>()?;
            match key.to_string().as_str() {
                "name" => set(&mut entries.name, &key, input.parse()?)?,
                "version" => set(&mut entries.version, &key, input.parse()?)?,
                "description" => set(&mut entries.description, &key, input.parse()?)?,
                "effect" => set(&mut entries.effect, &key, input.parse()?)?,
                "manifest" => set(&mut entries.manifest, &key, input.parse()?)?,
                "params" => set(&mut entries.params, &key, list(input)?)?,
                "capabilities" => set(&mut entries.capabilities, &key, list(input)?)?,
                "also_called" => set(&mut entries.also_called, &key, list(input)?)?,
                "aliases" => set(&mut entries.aliases, &key, map(input)?)?,
                "failures" => set(&mut entries.failures, &key, map(input)?)?,
                other => {
                    let known = "name, version, description, effect, params, aliases, capabilities, also_called, \
                                 failures or manifest";
                    return Err(syn::Error::new(key.span(), format!("`{other}` is none of {known}")));
                }
            }
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        entries.attribute()
    }
}

impl Entries {
    fn attribute(self) -> syn::Result<Attribute> {
        if let Some(file) = self.manifest {
            let texts = [&self.name, &self.version, &self.description, &self.effect].into_iter().any(Option::is_some);
            let lists = [&self.params, &self.capabilities, &self.also_called].into_iter().any(Option::is_some);
            if texts || lists || self.aliases.is_some() || self.failures.is_some() {
                return Err(syn::Error::new(file.span(), "the file is the whole manifest: leave out everything else"));
            }
            return Ok(Attribute::File(file.value()));
        }
        let missing =
            || syn::Error::new(Span::call_site(), "`effect` is missing: \"read\", \"operational\" or \"propose\"");
        let capabilities = self.capabilities.unwrap_or_default();
        Ok(Attribute::Described(Described {
            name: self.name.as_ref().map(check::name).transpose()?,
            version: self.version.map(|version| version.value()),
            description: self.description.map(|description| description.value()),
            effect: check::effect(&self.effect.ok_or_else(missing)?)?,
            params: self.params.map(|params| params.iter().map(LitStr::value).collect()),
            aliases: pairs(self.aliases),
            capabilities: capabilities.iter().map(check::capability).collect::<syn::Result<_>>()?,
            also_called: self.also_called.unwrap_or_default().iter().map(check::name).collect::<syn::Result<_>>()?,
            failures: pairs(self.failures),
        }))
    }
}

fn pairs(pairs: Option<Vec<(LitStr, LitStr)>>) -> Vec<(String, String)> {
    pairs.unwrap_or_default().iter().map(|(one, other)| (one.value(), other.value())).collect()
}

fn set<T>(slot: &mut Option<T>, key: &Ident, value: T) -> syn::Result<()> {
    if slot.replace(value).is_some() {
        return Err(syn::Error::new(key.span(), format!("`{key}` stands twice")));
    }
    Ok(())
}

/// `["a", "b"]`
fn list(input: ParseStream<'_>) -> syn::Result<Vec<LitStr>> {
    let content;
    bracketed!(content in input);
    Ok(Punctuated::<LitStr, Token![,]>::parse_terminated(&content)?.into_iter().collect())
}

/// `{ "a" = "b" }`
fn map(input: ParseStream<'_>) -> syn::Result<Vec<(LitStr, LitStr)>> {
    let content;
    braced!(content in input);
    let mut pairs = Vec::new();
    while !content.is_empty() {
        let key = content.parse()?;
        content.parse::<Token![=]>()?;
        pairs.push((key, content.parse()?));
        if !content.is_empty() {
            content.parse::<Token![,]>()?;
        }
    }
    Ok(pairs)
}
