// Large runs and large diagrams: pages open soon, and hold no more of them than is looked at. What it took is printed; a machine that
// does much else may take a while.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { assertQuiet, launch, loggedIn, sit } from "./support/browser.mjs";
import { LONG, sized } from "./support/diagrams.mjs";
import { served } from "./support/world.mjs";

/** What no machine may take, in milliseconds. What is aimed at is a second: docs/performance.md. */
const LONGEST = 20_000;

let browser, world, as;
before(async () => {
  [browser, world] = await Promise.all([launch(), served()]);
  as = await loggedIn(browser, world.server);
});
after(async () => { await browser?.close(); await world?.server.kill(); world?.place.remove(); });

/** Opens a page; what it took until it was there as a whole, in milliseconds, is printed. */
async function open(path, what) {
  const page = await sit(browser, world.server, { as });
  // Styles and scripts are kept from the first page on.
  await page.goto("/");
  await page.goto(path, { waitUntil: "load" });
  const took = await page.evaluate(() => Math.round(performance.getEntriesByType("navigation")[0].loadEventEnd));
  const [answered, elements] = await page.evaluate(() => [
    Math.round(performance.getEntriesByType("navigation")[0].responseEnd), document.querySelectorAll("*").length,
  ]);
  console.log(`pages: ${what} opens in ${took} ms (${answered} ms until it was sent), with ${elements} elements`);
  assert.ok(took < LONGEST, `${took} ms`);
  return { page, elements };
}

test("a run of ten thousand events opens soon, and shows a part of them at a time", async () => {
  const { client } = world;
  await client.publish("long", LONG);
  const run = await client.start("long", { count: 8_334 });
  await client.run(run);
  const pages = { [`/runs/${run}`]: "a run with 10 000 events", [`/runs/${run}/travel?at=10000`]: "the last of 10 000 moments" };
  for (const [path, what] of Object.entries(pages)) {
    const { page, elements } = await open(path, what);
    assert.ok(elements < 6_000, `${elements} elements`);
    assertQuiet(page);
    await page.context().close();
  }
});

test("a diagram of five hundred icons opens soon", async () => {
  const { client } = world;
  await client.publish("sized", sized(500));
  const run = await client.start("sized");
  await client.run(run);
  for (const [path, what] of [["/flows/sized", "a flow"], [`/runs/${run}`, "a run"]]) {
    const { page, elements } = await open(path, `${what} with 500 icons`);
    assert.ok(await page.locator("#diagram [data-item]").count() >= 500);
    assert.ok(elements < 10_000, `${elements} elements`);
    assertQuiet(page);
    await page.context().close();
  }
});
