// Joins the tool to the host: JSON in, JSON out.
import files from "bloom:tool/files@0.1.0";
import log from "bloom:tool/log@0.1.0";
import manifest from "../build/manifest.js";
import { count } from "./tool.js";

const host = {
  log: (level, line) => log.write(level, line),
  readText: (root, path) => textOf(files.read(root, path)),
};

/** QuickJS has no TextDecoder. Throws where the bytes are not UTF-8. */
function textOf(bytes) {
  return decodeURIComponent(Array.from(bytes, (byte) => "%" + byte.toString(16).padStart(2, "0")).join(""));
}

export function describe() {
  return JSON.stringify(manifest);
}

// `callId` is the same for every attempt at the same call: an idempotency key for what changes something outside.
export function invoke(callId, input) {
  try {
    return JSON.stringify(count(JSON.parse(input), host));
  } catch (error) {
    // What the host throws is a failure already; anything else is a fault in the tool.
    const { code = "tool_failed", message = String(error), retryable = false } = error.payload ?? error;
    throw { code, message, retryable };
  }
}
