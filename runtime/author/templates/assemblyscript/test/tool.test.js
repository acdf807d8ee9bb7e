import assert from "node:assert/strict";
import { test } from "node:test";
import { countWords, titleOf } from "../build/test.js";

test("words are counted", () => {
  assert.equal(countWords("# Бах\n\nдва - слова"), 3);
  assert.equal(countWords("\n - "), 0);
});

test("the title is the first heading, else the path", () => {
  assert.equal(titleOf("text\n# Bach \nmore", "a.md"), "Bach");
  assert.equal(titleOf("text", "a.md"), "a.md");
});
