// The contract with the host, by hand: how the canonical ABI of the component model passes strings and results.
// `bloom tool build` adds the WIT package that these functions belong to.

export enum Level {
  Debug,
  Info,
  Warn,
  Error,
}

/** Why something failed: `code` is in snake_case, and flows decide by it. */
export class Failure {
  constructor(
    public code: string,
    public message: string,
    public retryable: bool = false,
  ) {}
}

/** What a function of the host returned: a text, or why there is none. */
export class Outcome {
  text: string = "";
  failure: Failure | null = null;
}

export function log(level: Level, line: string): void {
  const text = String.UTF8.encode(line);
  logWrite(level, changetype<usize>(text), text.byteLength);
}

/** A setting that the operator gave this tool: capability `config:KEY`. */
export function config(key: string): Outcome {
  const text = String.UTF8.encode(key);
  configGet(changetype<usize>(text), text.byteLength, RESULT);
  return outcome();
}

/** A file's text: capability `files:ROOT`. */
export function readText(root: string, path: string): Outcome {
  const from = String.UTF8.encode(root);
  const at = String.UTF8.encode(path);
  filesRead(changetype<usize>(from), from.byteLength, changetype<usize>(at), at.byteLength, RESULT);
  return outcome();
}

/** A text that the host handed over. */
export function lift(at: usize, size: usize): string {
  return String.UTF8.decodeUnsafe(at, size);
}

/** A text for the host. */
export function lower(text: string): usize {
  put(0, text);
  return RESULT;
}

/** What `invoke` returns when it did its work. */
export function done(output: string): usize {
  store<u8>(RESULT, 0);
  put(4, output);
  return RESULT;
}

/** What `invoke` returns when it did not. */
export function failed(failure: Failure): usize {
  store<u8>(RESULT, 1);
  put(4, failure.code);
  put(12, failure.message);
  store<u8>(RESULT + 20, failure.retryable ? 1 : 0);
  return RESULT;
}

/** How the host gets memory for what it hands over. A call's memory goes when the call ends: nothing is given back. */
export function cabi_realloc(old: usize, oldSize: usize, align: usize, size: usize): usize {
  const fresh = heap.alloc(size);
  if (old != 0) memory.copy(fresh, old, min(oldSize, size));
  return fresh;
}

/** What AssemblyScript calls when an assertion fails: the message goes to the log, and the call ends. */
export function abort(message: string | null, file: string | null, line: u32, column: u32): void {
  const what = message === null ? "aborted" : message;
  log(Level.Error, what + " at " + (file === null ? "" : file) + ":" + line.toString() + ":" + column.toString());
  unreachable();
}

/** Room for a result: a discriminant, then two strings of an address and a length, then a flag. */
const RESULT: usize = memory.data(24, 8);

function put(offset: usize, text: string): void {
  const bytes = String.UTF8.encode(text);
  store<usize>(RESULT + offset, changetype<usize>(bytes));
  store<usize>(RESULT + offset + 4, <usize>bytes.byteLength);
}

function take(offset: usize): string {
  return lift(load<usize>(RESULT + offset), load<usize>(RESULT + offset + 4));
}

function outcome(): Outcome {
  const outcome = new Outcome();
  if (load<u8>(RESULT) == 0) {
    outcome.text = take(4);
  } else {
    outcome.failure = new Failure(take(4), take(12), load<u8>(RESULT + 20) != 0);
  }
  return outcome;
}

// @ts-ignore: decorator
@external("bloom:tool/log@0.1.0", "write")
declare function logWrite(level: i32, at: usize, size: usize): void;

// @ts-ignore: decorator
@external("bloom:tool/config@0.1.0", "get")
declare function configGet(at: usize, size: usize, result: usize): void;

// @ts-ignore: decorator
@external("bloom:tool/files@0.1.0", "read")
declare function filesRead(root: usize, rootSize: usize, path: usize, pathSize: usize, result: usize): void;
