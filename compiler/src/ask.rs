//! An expression by itself, as people write it in icons.

use std::collections::BTreeSet;

use bloom_ir::{Diagnostic, expr};

use crate::codes;
use crate::lower::resolve_names;
use crate::text::{Parameters, Part, Problem, Unit, nearest, read_expression, special};

/// The IR's spelling of an expression that is written as in an icon, over these variables and inputs.
///
/// # Errors
///
/// What is wrong with it, as a place in one line.
pub fn expression(
    text: &str,
    variables: &BTreeSet<String>,
    inputs: &BTreeSet<String>,
) -> Result<String, Box<Diagnostic>> {
    let unit = Unit::program(text);
    let told = |problem: Problem| Box::new(unit.diagnose(&problem));
    let mut read = read_expression(Part::new(text, 0)).map_err(told)?;
    let is_known = |name: &str| variables.contains(name) || inputs.contains(name) || special(name).is_some();
    if let Some(unknown) = read.uses.iter().find(|used| !is_known(&used.name)) {
        let names = variables.iter().chain(inputs).map(String::as_str);
        let problem = Problem::error(codes::UNKNOWN_VARIABLE, unknown.span.clone())
            .with("name", &unknown.name)
            .near(nearest(&unknown.name, names));
        return Err(told(problem));
    }
    resolve_names(&mut read.expr, variables, &Parameters::named(inputs));
    Ok(expr::print(&read.expr))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(text: &str) -> Result<String, String> {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        expression(text, &names(&["нотатки", "x"]), &names(&["folder"])).map_err(|found| found.code.0.to_owned())
    }

    #[test]
    fn names_mean_what_they_mean_in_icons() {
        assert_eq!(asked("нотатки[0].slug").unwrap(), "v['нотатки'][0].slug");
        assert_eq!(asked("x > 1 і folder = \"a\"").unwrap(), "v['x'] > 1 && input.folder == 'a'");
        assert_eq!(asked("нотатка"), Err("D044".to_owned()));
        assert!(asked("x +").is_err() && asked("").is_err());
    }
}
