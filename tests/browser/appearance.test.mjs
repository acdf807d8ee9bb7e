// Every page in both themes and both languages: keeps to WCAG, complains of nothing, fits a phone, and is kept as a picture in
// `target/screenshots/`.

import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { TARGET } from "./support/bloom.mjs";
import { PHONE, WIDE, assertQuiet, barriers, launch, loggedIn, overflow, sit } from "./support/browser.mjs";
import { ERRORS, OPEN, PAGES } from "./support/pages.mjs";
import { lived } from "./support/world.mjs";

const pictures = join(TARGET, "screenshots");
let browser, world, as;
before(async () => {
  rmSync(pictures, { recursive: true, force: true });
  [browser, world] = await Promise.all([launch(), lived()]);
  as = await loggedIn(browser, world.server);
});
after(async () => {
  await browser?.close();
  await world?.worker.kill();
  await world?.server.kill();
  world?.place.remove();
});

for (const theme of ["light", "dark"]) {
  for (const language of ["en", "uk"]) {
    test(`pages in ${language}, ${theme}`, async () => {
      const [page, stranger] = [await sit(browser, world.server, { as, theme, language }), await sit(browser, world.server, { theme, language })];
      const all = [
        ...Object.entries(PAGES(world)).map(([name, path]) => [page, name, path, 200]),
        ...Object.entries(ERRORS).map(([name, told]) => [page, name, ...told]),
        ...Object.entries(OPEN).map(([name, path]) => [stranger, name, path, 200]),
      ];
      const found = [];
      for (const [page, name, path, status] of all) {
        await page.setViewportSize(WIDE);
        const answer = await page.goto(path);
        if (answer.status() !== status) { found.push(`${name}: ${path}: ${answer.status()}`); continue; }
        if (await page.locator("html").getAttribute("lang") !== language) found.push(`${name}: it is not in ${language}`);
        const picture = (size) => page.screenshot({ path: join(pictures, `${name}-${theme}-${language}-${size}.png`), fullPage: true });
        await picture("wide");
        await page.setViewportSize(PHONE);
        const beyond = await overflow(page);
        if (beyond > 0) found.push(`${name}: it is ${beyond} px wider than a phone`);
        await picture("phone");
        // Each theme once: what is in the way does not depend on the language.
        if ((theme === "dark") !== (language === "uk")) continue;
        await page.setViewportSize(WIDE);
        await page.evaluate(() => { for (const each of document.querySelectorAll("details")) each.open = true; });
        for (const each of await barriers(page)) found.push(`${name}: ${each}`);
      }
      assert.deepEqual(found, []);
      for (const each of [page, stranger]) { assertQuiet(each, /status of 40[04]/); await each.context().close(); }
    });
  }
}

test("every page is read without JavaScript", async () => {
  const page = await sit(browser, world.server, { as, javaScriptEnabled: false });
  for (const [name, path] of Object.entries(PAGES(world))) {
    await page.goto(path);
    assert.equal(await page.locator("h1").count(), 1, `${name} has one heading`);
    assert.ok((await page.locator("main").innerText()).length > 20, `${name} says something`);
    for (const time of (await page.locator("main time[datetime]").allTextContents()).slice(0, 5)) assert.match(time, / UTC$/, name);
  }
  assertQuiet(page);
  await page.context().close();
});

test("times are told in the viewer's zone, with UTC beside them", async () => {
  const page = await sit(browser, world.server, { as, timezoneId: "Pacific/Kiritimati" });
  await page.goto("/runs");
  const time = page.locator("#runs time").first();
  const [at, title, text] = await time.evaluate((each) => [each.dateTime, each.title, each.textContent]);
  const day = new Intl.DateTimeFormat("en", { month: "short", day: "numeric", timeZone: "Pacific/Kiritimati" }).format(new Date(at));
  assert.match(title, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC$/);
  assert.doesNotMatch(text, /UTC/);
  assert.ok(text.startsWith(`${day}, `), `${text} is on ${day}`);
  await page.context().close();
});

test("what others wrote is shown as text", async () => {
  const page = await sit(browser, world.server, { as });
  page.on("dialog", (dialog) => { page.complaints.push(`a dialog: ${dialog.message()}`); dialog.dismiss(); });
  const shown = [];
  for (const [name, path] of Object.entries(PAGES(world))) {
    await page.goto(path);
    const [scripts, images, says] = await page.evaluate(() => [
      [...document.scripts].filter((script) => script.textContent !== "" || !script.src.includes("/assets/")).length,
      [...document.images].filter((image) => !image.src.includes("/assets/")).length,
      document.body.textContent.includes("<script>alert(1)</script>"),
    ]);
    assert.deepEqual([scripts, images], [0, 0], name);
    if (says) shown.push(name);
  }
  for (const name of ["run-hostile", "flow-hostile", "proposal-hostile"]) assert.ok(shown.includes(name), `${name} shows it: ${shown}`);
  assertQuiet(page);
  await page.context().close();
});
