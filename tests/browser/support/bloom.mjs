// The binary from outside: places to work in, a server, workers, and what is asked over HTTP. Nothing of it outlives a test.

import { spawn } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";

const BLOOM = process.env.BLOOM;
if (!BLOOM) throw new Error("BLOOM must name the binary: these tests are run by `cargo test -p bloom --test browser`");

/** What is built for these tests, and what they leave. */
export const TARGET = process.env.BLOOM_TARGET;

/** The longest that anything is waited for, in milliseconds: also on a machine that does much else. */
export const PATIENCE = 60_000;

/** The key of the servers. */
export const KEY = "the key of this test";

/** Who decides. */
export const OWNER = { name: "Олена", password: "їжачок у тумані" };

const running = new Set();
process.on("exit", () => { for (const child of running) child.kill("SIGKILL"); });
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(1));

/** What `look` gives, once that is something; it is asked again and again. */
export async function until(what, look, patience = PATIENCE) {
  const end = Date.now() + patience;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (Date.now() > end) throw new Error(`it was not so after ${patience / 1000} s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** A folder in which `bloom` works. */
export class Place {
  constructor() {
    this.folder = mkdtempSync(join(tmpdir(), "bloom-browser-"));
    // Tools are compiled once for all places.
    const compiled = join(TARGET, "tmp", "compiled-tools");
    for (const folder of [this.path("data"), compiled]) mkdirSync(folder, { recursive: true, mode: 0o700 });
    symlinkSync(compiled, this.path("data/tools"));
  }

  path(name) { return join(this.folder, name); }

  write(name, text) {
    const path = this.path(name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, typeof text === "string" ? text : JSON.stringify(text));
    return path;
  }

  /** A program that prints what `/bin/sh` makes of these lines. */
  program(name, lines) {
    const path = this.write(name, `#!/bin/sh\n${lines}\n`);
    chmodSync(path, 0o755);
    return path;
  }

  /** Starts `bloom` with this data directory, and with nothing of this process's environment but where programs are. */
  start(name, args, variables = {}) {
    const log = openSync(this.path(`${name}.log`), "a");
    const environment = { PATH: process.env.PATH, HOME: this.folder, BLOOM_DATA: this.path("data"), ...variables };
    const child = spawn(BLOOM, args, { cwd: this.folder, env: environment, stdio: ["pipe", "pipe", log] });
    running.add(child);
    child.ended = new Promise((resolve) => child.once("exit", (code) => { running.delete(child); resolve(code); }));
    return child;
  }

  said(name) { return readFileSync(this.path(`${name}.log`), "utf8").split("\n").slice(-20).join("\n"); }

  /** What a command prints, which must end well. */
  async bloom(args, { typed = "", variables } = {}) {
    const child = this.start("command", args, variables);
    child.stdin.end(typed);
    let printed = "";
    child.stdout.on("data", (text) => { printed += text; });
    const code = await child.ended;
    if (code !== 0) throw new Error(`bloom ${args.join(" ")} ended with ${code}: ${this.said("command")}`);
    return printed;
  }

  /** A diagram as a document that is signed with this machine's key, whom servers of this place trust. */
  async compiled(name, diagram, ...options) {
    const [file, made] = [this.write(`${name}.drakon`, diagram), this.path(`${name}.ir.json`)];
    await this.bloom(["compile", file, "-o", made, "--flow-version", "1.0.0", ...options]);
    return readFileSync(made, "utf8");
  }

  remove() { rmSync(this.folder, { recursive: true, force: true }); }
}

/** A process that goes on until it is stopped, and the line that it printed first. */
class Process {
  static async start(place, name, args, variables) {
    const child = place.start(name, args, variables);
    const lines = createInterface({ input: child.stdout });
    const first = new Promise((resolve) => lines.once("line", resolve));
    const line = await Promise.race([first, child.ended]);
    if (typeof line !== "string") throw new Error(`${name} ended with ${line}: ${place.said(name)}`);
    return Object.assign(new this(), { place, name, child, told: JSON.parse(line) });
  }

  /** As a crash would. */
  async kill() {
    this.child.kill("SIGKILL");
    await this.child.ended;
  }
}

/** `bloom serve` with a key and an owner. */
export class Server extends Process {
  /** `llm`: who answers within the server; absent: nobody. */
  static async serve(place, { llm, listen = "127.0.0.1:0", variables = {} } = {}) {
    const server = await this.start(place, "server", ["serve", "--json", "--listen", listen, "--workers", llm ? "1" : "0"], {
      RUNTIME_API_KEY: KEY,
      ...(llm && { BLOOM_RUN_LLM: llm }),
      // Some flows have a run for each case.
      BLOOM_LIMITS_RUNS_AT_ONCE: "0", BLOOM_LIMITS_RUNS_OF_AGENT: "0",
      ...variables,
    });
    return Object.assign(server, { url: server.told.listening, again: { llm, variables } });
  }

  /** The same one, after it was killed. */
  restarted() {
    return Server.serve(this.place, { ...this.again, listen: this.url.replace("http://", "") });
  }
}

/** `bloom worker`, which has `llm` answer. */
export class Worker extends Process {
  static work(server, name, llm) {
    const args = ["worker", "--json", "--server", server.url, "--name", name, "--llm", llm];
    const variables = { RUNTIME_API_KEY: KEY, BLOOM_DATA: server.place.path(`${name}-data`), BLOOM_WORKER_HEARTBEAT_SECONDS: "1" };
    return this.start(server.place, name, args, variables);
  }
}

/** The API, for an owner who is logged in. */
export class Client {
  static async of(server) {
    const client = Object.assign(new this(), { url: server.url, headers: {} });
    const { token } = await client.ask("POST", "/api/v1/session", OWNER);
    client.headers = { authorization: `Bearer ${token}` };
    return client;
  }

  async ask(method, path, body, headers = {}) {
    const content = body === undefined || typeof body === "string" ? body : JSON.stringify(body);
    const told = { ...this.headers, "content-type": "application/json", ...headers };
    const response = await fetch(this.url + path, { method, headers: told, body: content });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status}: ${text}`);
    return text && JSON.parse(text);
  }

  get(path) { return this.ask("GET", path); }

  post(path, body = {}) { return this.ask("POST", path, body); }

  /** Publishes a diagram by its file. */
  publish(id, diagram, version = "1.0.0") {
    const query = new URLSearchParams({ name: `${id}.drakon`, id, version });
    return this.ask("POST", `/api/v1/flows?${query}`, diagram, { "content-type": "application/octet-stream" });
  }

  /** Publishes a signed document, with the diagram that it was made of. */
  async publishSigned(document, diagram) {
    const { id, version } = await this.ask("POST", "/api/v1/flows", document);
    await this.ask("PUT", `/api/v1/flows/${id}/versions/${version}/source`, diagram, { "content-type": "application/octet-stream" });
  }

  /** Starts a run, and gives its id. */
  async start(flow, inputs = {}) { return (await this.post(`/api/v1/flows/${flow}/runs`, { inputs })).run_id; }

  /** A run, once it is as it shall be; else once it has ended. */
  run(id, is = (run) => ["completed", "failed", "cancelled"].includes(run.status)) {
    return until(`run ${id} is ${is}`, async () => {
      const run = await this.get(`/api/v1/runs/${id}`);
      return is(run) && run;
    });
  }
}
