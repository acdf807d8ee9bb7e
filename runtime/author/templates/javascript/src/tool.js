// {{name}}: the title and the number of words of a note.

/** A failure that a flow can decide by: `code` is in snake_case, and stays the same. */
export class Failure extends Error {
  constructor(code, message, retryable = false) {
    super(message);
    Object.assign(this, { code, retryable });
  }
}

/**
 * @param {{ path: string }} input What the manifest's input schema allows, and nothing else.
 * @param {{ log: (level: string, line: string) => void, readText: (root: string, path: string) => string }} host
 * @returns {{ title: string, words: number }} What the manifest's output schema demands.
 */
export function count({ path }, host) {
  const text = host.readText("notes", path);
  host.log("info", `${path} has ${text.length} characters`);
  const words = text.split(/\s+/u).filter((word) => /[\p{L}\p{N}]/u.test(word)).length;
  if (words === 0) {
    throw new Failure("empty_note", `\`${path}\` has no words`);
  }
  const heading = text.split("\n").find((line) => line.startsWith("# "));
  return { title: heading === undefined ? path : heading.slice(2).trim(), words };
}
