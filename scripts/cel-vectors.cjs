// Prints the conformance tests of the package @bufbuild/cel-spec, one a line, as {name, expr, vars, value | error | beyond}:
// `beyond` says why a test cannot be put in JSON. Texts are JSON, because JavaScript's numbers are not 64 bits wide.
"use strict";

const path = require("node:path");
const { tests } = require(path.resolve(process.argv[2], "dist/cjs/testdata/conformance.js"));

class Beyond extends Error {}

/** A value of the test's protobuf form as JSON text. */
function json(value) {
  const [[kind, content]] = Object.entries(value);
  switch (kind) {
    case "int64Value":
      return String(content);
    case "doubleValue":
      if (!Number.isFinite(content)) throw new Beyond("a double that is not finite");
      return JSON.stringify(content);
    case "stringValue":
    case "boolValue":
      return JSON.stringify(content);
    case "nullValue":
      return "null";
    case "listValue":
      return `[${(content.values ?? []).map(json).join(",")}]`;
    case "mapValue":
      return `{${(content.entries ?? []).map(member).join(",")}}`;
    default:
      throw new Beyond(`a value of the kind ${kind}`);
  }
}

function member({ key, value }) {
  if (!("stringValue" in key)) throw new Beyond("a map with other keys than texts");
  return `${json(key)}:${json(value)}`;
}

function bindings(test) {
  const names = Object.entries(test.bindings ?? {});
  return names.map(([name, bound]) => {
    if (!bound.value) throw new Beyond("a variable that is not known");
    if (!/^[A-Za-z_][A-Za-z_0-9]*$/.test(name)) throw new Beyond("a variable of a container");
    return [name, json(bound.value)];
  });
}

function expected(test) {
  if (test.evalError || test.anyEvalErrors) return { error: true };
  if (test.unknown || test.anyUnknowns) throw new Beyond("an unknown value");
  if (test.value) return { value: json(test.value) };
  if (!test.typedResult) return { value: "true" };
  if (!test.typedResult.result) throw new Beyond("a type alone");
  return { value: json(test.typedResult.result) };
}

/** With its variables as the IR writes them; constants keep their meaning. */
function written(expr, names) {
  // `dyn` is the identity: here every value is dynamic.
  let text = expr.replace(/\bdyn\(/g, "(").replace(/\.existsOne\(/g, ".exists_one(");
  for (const name of names.filter((name) => !["true", "false", "null"].includes(name))) {
    text = text.replace(new RegExp(`(?<![.\\w'"])${name}\\b(?!['"(])`, "g"), `v['${name}']`);
  }
  return text;
}

function print(suite, prefix) {
  for (const { original: test } of suite.tests ?? []) {
    const line = { name: `${prefix}/${test.name}`, expr: test.expr, vars: {} };
    try {
      const vars = bindings(test);
      Object.assign(line, expected(test), { vars: Object.fromEntries(vars) });
      line.expr = written(test.expr, vars.map(([name]) => name));
    } catch (error) {
      if (!(error instanceof Beyond)) throw error;
      line.beyond = error.message;
    }
    console.log(JSON.stringify(line));
  }
  for (const part of suite.suites ?? []) print(part, `${prefix}/${part.name}`);
}

print(tests, "");
