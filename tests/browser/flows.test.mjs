// From a file to a run: a diagram is dropped, what is wrong is shown on it, it is published, and started by its form.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { until } from "./support/bloom.mjs";
import { assertQuiet, barriers, launch, loggedIn, sit } from "./support/browser.mjs";
import { BROKEN, GREETING } from "./support/diagrams.mjs";
import { served } from "./support/world.mjs";

let browser, world, page;
before(async () => {
  [browser, world] = await Promise.all([launch(), served()]);
  page = await sit(browser, world.server, { as: await loggedIn(browser, world.server) });
});
after(async () => { await browser?.close(); await world?.server.kill(); world?.place.remove(); });

/** Drops a file on the page. */
async function drop(name, text) {
  const transfer = await page.evaluateHandle(([name, text]) => {
    const transfer = new DataTransfer();
    transfer.items.add(new File([text], name));
    return transfer;
  }, [name, text]);
  await page.dispatchEvent("#drop", "drop", { dataTransfer: transfer });
}

test("what is wrong with a diagram is shown on the diagram", async () => {
  await page.goto("/flows");
  await drop("broken.drakon", BROKEN);
  const found = page.locator("#found li", { hasText: "conut" });
  await found.waitFor();
  assert.equal(await page.locator("#release").isVisible(), false, "it cannot be published");
  const icon = page.locator('#picture [data-item="4"]');
  assert.equal(await icon.locator(".failed").count() > 0, true, "its icon is marked");
  await found.locator("button").click();
  assert.match(await icon.getAttribute("class"), /\bshown\b/);
  assert.deepEqual(await barriers(page), []);
  assertQuiet(page);
});

test("a diagram that is dropped is published, and started by its form", async () => {
  await page.goto("/flows");
  await drop("greeting.drakon", GREETING);
  await page.locator("#release").waitFor();
  assert.equal(await page.locator("#found li").count(), 0);
  assert.ok(await page.locator("#picture [data-item]").count() > 0, "it is drawn before it is published");
  assert.equal(await page.locator("#release input[name=version]").inputValue(), "1.0.0");
  assert.deepEqual(await barriers(page), []);
  await page.locator("#release-button").click();
  await page.waitForURL("**/flows/greeting/versions/**");
  assert.equal((await world.client.get("/api/v1/flows")).flows[0].id, "greeting");

  const start = page.locator("#start form");
  await start.locator("[type=submit], button:not([type])").last().click();
  assert.ok(await start.locator(":invalid").count() > 0, "the name must be given");
  await start.getByLabel("name").fill("Ann <b>");
  await start.locator("button").last().click();
  await page.waitForURL("**/runs/*");
  await page.locator("#stand .state-completed").waitFor();
  await page.locator("#result").waitFor();
  assert.match(await page.locator("#result").innerText(), /Good morning/);
  const run = await world.client.get(`/api/v1/runs/${new URL(page.url()).pathname.split("/").pop()}`);
  assert.deepEqual(run.inputs, { name: "Ann <b>" });
  assertQuiet(page);
});

test("nothing is published but what was checked and is shown", async () => {
  await page.goto("/flows");
  await drop("greeting.drakon", GREETING);
  await page.locator("#release-button:enabled").waitFor();
  // The answer to the first of two questions comes after the second file is there.
  let free;
  const held = new Promise((resolve) => { free = resolve; });
  await page.route("**/api/v1/check?**", async (route) => { await held; await route.continue(); }, { times: 1 });
  await drop("slow.drakon", GREETING.replace("Greeting", "Slow"));
  assert.equal(await page.locator("#checked").isVisible(), false, "what is shown is not of this file");
  await drop("quick.drakon", GREETING.replace("Greeting", "Quick"));
  await page.locator("#release-title", { hasText: "Quick" }).waitFor();
  free();
  await page.waitForResponse((response) => response.url().includes("slow.drakon"));
  assert.equal(await page.locator("#checked-title").innerText(), "quick.drakon");
  assert.equal(await page.locator("#release input[name=id]").inputValue(), "quick");
  assertQuiet(page);
});

test("a file is chosen and published with the keyboard alone", async () => {
  await page.goto("/flows");
  // The browser has to know that somebody waits before the key comes, which takes another way to the page.
  const chooser = page.waitForEvent("filechooser");
  await page.locator("#file").focus();
  await page.keyboard.press("Space");
  await (await chooser).setFiles({ name: "greeting.drakon", mimeType: "application/json", buffer: Buffer.from(GREETING.replace("1000", "500")) });
  await page.locator("#release").waitFor();
  await until("what was found has the focus", () => page.evaluate(() => document.activeElement.id === "checked-title"));
  assert.equal(await page.locator("#release input[name=version]").inputValue(), "1.0.1", "the version after the newest");
  await page.locator("#release-button").focus();
  await page.keyboard.press("Enter");
  await page.waitForURL("**/flows/greeting/versions/**");
  assertQuiet(page);
});

test("a session that ends takes nothing away that was typed", async () => {
  const mine = await sit(browser, world.server, { as: await loggedIn(browser, world.server) });
  await mine.goto("/flows/greeting");
  const start = mine.locator("#start form"), name = start.getByLabel("name");
  await name.fill("Соломія");
  await mine.context().clearCookies();
  await world.client.start("greeting", { name: "Ann" });
  await mine.locator("#notice a").waitFor();
  await start.locator("button").last().click();
  await start.locator("[role=alert]:not(:empty)").first().waitFor();
  assert.equal(await name.inputValue(), "Соломія");
  // In another tab, as the notice says.
  const cookies = (await loggedIn(browser, world.server)).cookies;
  await mine.context().addCookies(cookies);
  await start.locator("button").last().click();
  await mine.waitForURL("**/runs/*");
  await mine.context().close();
});
