// What people decide: questions that runs ask, and proposals that they make.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { Client, OWNER, Server, until } from "./support/bloom.mjs";
import { assertQuiet, launch, loggedIn, sit, tabTo } from "./support/browser.mjs";
import { ASKING, REMEMBERING } from "./support/diagrams.mjs";
import { settled } from "./support/world.mjs";

let browser, place, server, client, page;
before(async () => {
  [browser, place] = await Promise.all([launch(), settled()]);
  const asking = await place.compiled("asking", ASKING, "--prose", "human");
  server = await Server.serve(place, { variables: place.variables });
  client = await Client.of(server);
  await client.publishSigned(asking, ASKING);
  await client.publish("remembering", REMEMBERING);
  page = await sit(browser, server, { as: await loggedIn(browser, server) });
});
after(async () => { await browser?.close(); await server?.kill(); place?.remove(); });

/** A run that proposed something, and the proposal. */
async function proposed(note) {
  const run = await client.start("remembering", { note });
  const { proposals_created: [id] } = await client.run(run);
  return id;
}

test("a question of a run is answered with the keyboard alone, and the run goes on", async () => {
  await page.goto("/questions");
  const run = await client.start("asking", { "кількість": 3 });
  // It comes by itself.
  const question = page.locator("#open tbody a", { hasText: "Чи схвалити замовлення?" });
  await question.waitFor();
  await tabTo(page, "#open tbody a");
  await page.keyboard.press("Enter");
  await page.waitForURL("**/questions/*");
  // Nothing is answered that nobody chose.
  await tabTo(page, "#answer select");
  assert.equal(await page.locator("#answer select").inputValue(), "");
  for (let presses = 0; presses < 2 && await page.locator("#answer select").inputValue() !== "true"; presses++) await page.keyboard.press("ArrowDown");
  await tabTo(page, "#answer button");
  await page.keyboard.press("Enter");
  await page.locator("#answered-by", { hasText: OWNER.name }).waitFor();
  const ended = await client.run(run);
  assert.deepEqual(ended.result, { "схвалено": true, "сума": 360 });
  await page.goto(`/runs/${run}`);
  await page.locator('#diagram [data-item="5"] .shape.taken').waitFor({ state: "attached" });
  assert.equal(await page.locator('#diagram [data-item="6"] .shape.taken').count(), 0, "the other answer is another way");
  assertQuiet(page);
});

test("a proposal is approved, and what it proposes is done", async () => {
  await page.goto("/proposals");
  const id = await proposed("Струни замінено");
  const row = page.locator(`#inbox [data-proposal="${id}"]`);
  await row.waitFor();
  await row.locator("a").first().click();
  await page.waitForURL(`**/proposals/${id}`);
  await page.locator("#change", { hasText: "Струни замінено" }).waitFor();
  await page.locator("#approve button").click();
  await page.locator("#standing .state-applied").waitFor();
  await page.locator("#decided-by", { hasText: OWNER.name }).waitFor();
  assert.equal((await client.get(`/api/v1/proposals/${id}`)).status, "applied");
  assertQuiet(page);
});

test("a proposal is rejected with a note, which must say something", async () => {
  const id = await proposed("Метроном зламано");
  await page.goto(`/proposals/${id}`);
  await page.locator("#rejecting summary").click();
  const note = page.locator("#reject textarea");
  await note.fill("ні");
  await page.locator("#reject button").click();
  assert.equal(await note.evaluate((field) => field.checkValidity()), false);
  await note.fill("Про це вже є запис у пам'яті");
  await page.locator("#reject button").click();
  await page.locator("#standing .state-rejected").waitFor();
  await page.locator("#standing", { hasText: "Про це вже є запис" }).waitFor();
  assert.equal((await client.get(`/api/v1/proposals/${id}`)).status, "rejected");
  assertQuiet(page);
});

test("several proposals are decided on at once, and it is told what became of each", async () => {
  const ids = [await proposed("Перша нотатка"), await proposed("Друга нотатка")];
  await page.goto("/proposals");
  for (const id of ids) await page.locator(`#inbox [data-proposal="${id}"] input[type=checkbox]`).check();
  await page.locator("#batch-note").fill("Обидві не потрібні, дякую");
  await page.locator("#deciding button[value=rejected]").click();
  await until("both are told about", async () => await page.locator("#results li").count() === 2);
  for (const id of ids) await page.locator(`#inbox [data-proposal="${id}"]`).waitFor({ state: "detached" });
  for (const id of ids) assert.equal((await client.get(`/api/v1/proposals/${id}`)).status, "rejected");
  assertQuiet(page);
});
