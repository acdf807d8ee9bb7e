// Pages follow what happens by themselves: the path of a run, a worker that dies, a server that is away.

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { after, before, test } from "node:test";

import { Client, PATIENCE, Server, Worker, until } from "./support/bloom.mjs";
import { assertQuiet, barriers, launch, loggedIn, sit } from "./support/browser.mjs";
import { diagram } from "./support/diagrams.mjs";
import { settled } from "./support/world.mjs";

/** Asks three times, and goes one of two ways in between. */
const STEPS = diagram("Three questions", [
  ["action", "first ← LLM(\"the first\")"],
  ["action", "second ← LLM(\"the second\")"],
  { type: "question", content: "second == \"no\"?", flag1: 0, one: "6", two: "7" },
  { type: "action", content: "third ← LLM(\"the third\")", one: "1" },
  { type: "action", content: "FAIL \"it said no\"", one: "1" },
]);

let browser, place, server, client, as, worker;
before(async () => {
  [browser, place] = await Promise.all([launch(), settled()]);
  const variables = { BLOOM_TASKS_LEASE_TTL_SECONDS: "8", BLOOM_TASKS_REAP_EVERY_SECONDS: "1" };
  server = await Server.serve(place, { variables });
  client = await Client.of(server);
  as = await loggedIn(browser, server);
  // Answers each question once it may, and none for longer than the tests wait.
  const ask = place.program("ask", `cat > /dev/null
echo asked >> '${place.path("asked")}'
call=$(wc -l < '${place.path("asked")}')
for _ in $(seq 1200); do [ -e "${place.path("go-")}$call" ] && break; sleep 0.05; done
echo '{"is_error": false, "result": "", "structured_output": {"text": "yes"}, "usage": {"input_tokens": 10, "output_tokens": 5}, "total_cost_usd": 0.01}'`);
  worker = await Worker.work(server, "violin-1", `command:${ask}`);
  await client.publish("steps", STEPS);
});
after(async () => {
  await browser?.close();
  await worker?.kill();
  await server?.kill();
  place?.remove();
});

const asked = () => existsSync(place.path("asked")) ? readFileSync(place.path("asked"), "utf8").split("\n").length - 1 : 0;
const icon = (page, id, state = "") => page.locator(`#diagram [data-item="${id}"] .shape${state}`);

test("the path of a run lights up as it goes on", async () => {
  const run = await client.start("steps");
  await until("the first question is asked", () => asked() === 1);
  const page = await sit(browser, server, { as });
  await page.goto(`/runs/${run}`);
  await icon(page, 3, ".current").waitFor({ state: "attached" });
  assert.equal(await icon(page, 4, ".taken").count(), 0);

  place.write("go-1", "");
  await icon(page, 4, ".current").waitFor({ state: "attached" });
  await icon(page, 3, ".taken").waitFor({ state: "attached" });
  place.write("go-2", "");
  await icon(page, 6, ".current").waitFor({ state: "attached" });
  await icon(page, 5, ".taken").waitFor({ state: "attached" });
  assert.equal(await icon(page, 7, ".taken").count(), 0, "the other way is not taken");
  place.write("go-3", "");
  await page.locator(".state-completed").first().waitFor();
  await icon(page, 6, ".taken").waitFor({ state: "attached" });
  assert.equal(await page.locator("#diagram .current").count(), 0);
  assertQuiet(page);
  await page.context().close();
});

test("a worker that is killed goes offline by itself", async () => {
  const page = await sit(browser, server, { as });
  await page.goto("/workers");
  const row = page.locator("[data-worker]", { hasText: "violin-1" });
  await row.locator(".state-online").waitFor();
  await worker.kill();
  // Not heard of for a minute.
  await row.locator(".state-offline").waitFor({ timeout: 2 * PATIENCE });
  assert.deepEqual(await barriers(page), []);
  assertQuiet(page);
  await page.context().close();
});

test("a server that is away is told, and that it is back", async () => {
  const page = await sit(browser, server, { as });
  await page.goto("/runs");
  const before = await page.locator("#runs tbody tr").count();
  const notice = page.locator("#notice");
  assert.equal(await notice.innerText(), "");
  await server.kill();
  await until("it is told that the server does not answer", async () => (await notice.innerText()).includes("does not answer"));
  assert.equal(await page.locator("#runs tbody tr").count(), before, "what was there stays");
  server = await server.restarted();
  await until("nothing more is told", async () => await notice.innerText() === "");
  // And it goes on following.
  const run = await (await Client.of(server)).start("steps");
  await page.locator(`#runs a[href="/runs/${run}"]`).waitFor();
  // The browser itself tells what it could not fetch.
  assertQuiet(page, /ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED_ENCODING|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE/);
  await page.context().close();
});
