import assert from "node:assert/strict";
import { test } from "node:test";
import { count } from "../src/tool.js";

const host = (notes, lines = []) => ({
  log: (level, line) => lines.push(`${level}: ${line}`),
  readText: (root, path) => notes[path],
});

test("words and title are found", () => {
  const lines = [];
  const found = count({ path: "a.md" }, host({ "a.md": "# Бах\n\nдва - слова" }, lines));
  assert.deepEqual(found, { title: "Бах", words: 3 });
  assert.deepEqual(lines, ["info: a.md has 18 characters"]);
});

test("a note without words is a failure", () => {
  assert.throws(() => count({ path: "empty.md" }, host({ "empty.md": "\n" })), { code: "empty_note" });
});
