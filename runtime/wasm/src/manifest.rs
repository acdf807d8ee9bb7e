//! Reading what a tool says of itself.

use bloom_ir::capability::Capability;
use bloom_ir::manifest::ToolManifest;
use semver::Version;

/// The manifest and its version, or all that is wrong with it.
pub(crate) fn read(text: &str, limit: usize) -> Result<(ToolManifest, Version), Vec<String>> {
    if text.len() > limit {
        return Err(vec![format!("it has {} bytes, more than {limit}", text.len())]);
    }
    let manifest: ToolManifest = serde_json::from_str(text).map_err(|error| vec![error.to_string()])?;
    let mut problems = Vec::new();
    if !is_kebab_case(&manifest.name) {
        problems.push(format!("the name {:?} is not in kebab-case", manifest.name));
    }
    let version = Version::parse(&manifest.version);
    if let Err(error) = &version {
        problems.push(format!("version {:?}: {error}", manifest.version));
    }
    for asked in &manifest.capabilities {
        if let Err(error) = asked.parse::<Capability>() {
            problems.push(format!("the capability {asked:?}: {error}"));
        }
    }
    let input = manifest.input.get("properties").and_then(|properties| properties.as_object());
    let known = |name: &String| input.is_some_and(|properties| properties.contains_key(name));
    for unknown in manifest.params.iter().filter(|param| !known(param)) {
        problems.push(format!("the positional parameter {unknown:?} is no property of the input schema"));
    }
    match version {
        Ok(version) if problems.is_empty() => Ok((manifest, version)),
        _ => Err(problems),
    }
}

/// The kind of a capability.
pub(crate) fn kind(capability: &str) -> &str {
    capability.split_once(':').map_or(capability, |(kind, _)| kind)
}

fn is_kebab_case(name: &str) -> bool {
    name.len() <= 64
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name
            .split('-')
            .all(|word| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(change: impl FnOnce(&mut serde_json::Value)) -> String {
        let mut json = serde_json::json!({
            "name": "echo", "version": "1.0.0", "description": "Says it again.", "effect": "read",
            "input": { "type": "object", "properties": { "text": {} } }, "output": {},
            "params": ["text"], "capabilities": ["files:notes"], "a field of tomorrow": 1,
        });
        change(&mut json);
        read(&json.to_string(), 1000).map_or_else(|problems| problems.join("; "), |(manifest, _)| manifest.name)
    }

    #[test]
    fn unknown_fields_are_ignored() {
        assert_eq!(error(|_| {}), "echo");
    }

    #[test]
    fn all_that_is_wrong_is_told_at_once() {
        let told = error(|json| {
            json["name"] = "Echo".into();
            json["capabilities"] = serde_json::json!(["http:Example.org", "artifacts:mine"]);
        });
        assert_eq!(told.split("; ").count(), 3, "{told}");
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert!(error(|json| json["name"] = "Echo".into()).contains("\"Echo\" is not in kebab-case"));
        assert!(error(|json| json["version"] = "1".into()).contains("version \"1\""));
        assert!(error(|json| json["capabilities"][0] = "files".into()).contains("\"files\" is not of the form"));
        assert!(error(|json| json["params"][0] = "txt".into()).contains("\"txt\" is no property"));
        assert!(error(|json| json["description"] = "x".repeat(1000).into()).contains("more than 1000"));
        assert!(error(|json| json["effect"] = "destroy".into()).contains("destroy"));
    }
}
