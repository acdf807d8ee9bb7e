// Through the time of a run with keys, and what a person asks of its page: why, what it cost, what would have been otherwise.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { until } from "./support/bloom.mjs";
import { assertQuiet, launch, loggedIn, sit, tabTo } from "./support/browser.mjs";
import { diagram } from "./support/diagrams.mjs";
import { served } from "./support/world.mjs";

/** Sets one variable, asks for another, and changes the first. */
const CHANGING = diagram("Changes", [
  ["action", "count ← 1"],
  ["action", "answer ← LLM(\"Say something\")"],
  ["action", "count ← count + size(answer)"],
  ["action", "LOG count"],
  { type: "question", content: "size(answer) > 10?", flag1: 0, one: "9", two: "8" },
  { type: "action", content: "RETURN {count: count}", one: "1" },
  { type: "action", content: "FAIL \"too short\"", one: "1" },
]);

let browser, world, page, run;
before(async () => {
  [browser, world] = await Promise.all([launch(), served()]);
  page = await sit(browser, world.server, { as: await loggedIn(browser, world.server) });
  await world.client.publish("changing", CHANGING);
  run = await world.client.start("changing");
  await world.client.run(run);
});
after(async () => { await browser?.close(); await world?.server.kill(); world?.place.remove(); });

test("keys step through the time of a run, and differences are marked", async () => {
  await page.goto(`/runs/${run}/travel`);
  const at = async () => Number(await page.locator("#moment").getAttribute("data-at"));
  const reached = (event) => until(`event ${event} is shown`, async () => await at() === event);
  const last = Number(await page.locator("#steps input[name=at]").getAttribute("max"));
  assert.ok(last >= 4, `${last} events`);
  await page.keyboard.press("Home");
  await reached(1);
  for (let event = 2; event <= last; event++) {
    await page.keyboard.press("ArrowRight");
    await reached(event);
  }
  assert.equal(new URL(page.url()).searchParams.get("at"), String(last), "the address is that of the moment");
  await page.keyboard.press("Home");
  await reached(1);
  const seen = [];
  for (let event = 1; event < last; event++) {
    for (const change of await page.locator("#state .change dt code").allInnerTexts()) seen.push(change);
    await page.keyboard.press("ArrowRight");
    await reached(event + 1);
  }
  assert.ok(seen.includes("answer") && seen.includes("count"), `what was changed is marked: ${seen}`);
  await page.keyboard.press("End");
  await page.keyboard.press("ArrowLeft");
  await reached(last - 1);
  // The address of a moment is that moment.
  await page.reload();
  assert.equal(await at(), last - 1);
  assertQuiet(page);
});

test("an icon is chosen with the keyboard, and tells what it asked and what came of it", async () => {
  await page.goto(`/runs/${run}`);
  await tabTo(page, '#diagram .icon[tabindex="0"]');
  await page.keyboard.press("Home");
  const chosen = () => page.evaluate(() => document.activeElement.dataset.item);
  for (let presses = 0; presses < 20 && await chosen() !== "4"; presses++) await page.keyboard.press("ArrowDown");
  assert.equal(await chosen(), "4");
  await page.keyboard.press("Enter");
  const told = page.locator("#selected");
  await told.filter({ hasText: "Say something" }).waitFor();
  assert.match(await told.innerText(), /Good morning/);
  assert.match(await told.innerText(), /210/, "the tokens that it took");
  assertQuiet(page);
});
