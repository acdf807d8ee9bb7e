// {{name}}: the title and the number of words of a note. What counts is in tool.ts, which tests run natively.
import { MANIFEST } from "../build/manifest";
import { Failure, Level, Outcome, done, failed, lift, log, lower, readText } from "./bloom";
import { member, quoted, stringOf } from "./json";
import { countWords, titleOf } from "./tool";

export { cabi_realloc } from "./bloom";

export function describe(): usize {
  return lower(MANIFEST);
}

// The call's id is the same for every attempt at it: an idempotency key for what changes something outside.
export function invoke(id: usize, idSize: usize, input: usize, inputSize: usize): usize {
  const path = stringOf(member(lift(input, inputSize), "path"));
  const note: Outcome = readText("notes", path);
  const failure = note.failure;
  if (failure !== null) return failed(failure);
  const text = note.text;
  log(Level.Info, path + " has " + text.length.toString() + " characters");
  const words = countWords(text);
  if (words == 0) return failed(new Failure("empty_note", "`" + path + "` has no words"));
  return done('{"title":' + quoted(titleOf(text, path)) + ',"words":' + words.toString() + "}");
}
