// Who gets in, and what a page may do: the log-in with the keyboard alone, the cookie, other sites' pages, the policy of contents.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, test } from "node:test";

import { OWNER, until } from "./support/bloom.mjs";
import { assertQuiet, launch, loggedIn, sit, tabTo } from "./support/browser.mjs";
import { served } from "./support/world.mjs";

let browser, world;
before(async () => { [browser, world] = await Promise.all([launch(), served({ llm: undefined })]); });
after(async () => { await browser?.close(); await world?.server.kill(); world?.place.remove(); });

const name = (page) => page.locator(".who").innerText();

test("who does not say who it is, sees the way to log in and nothing else", async () => {
  const page = await sit(browser, world.server);
  for (const path of ["/", "/runs?status=failed", "/runs/x", "/flows"]) {
    await page.goto(path);
    const at = new URL(page.url());
    assert.deepEqual([at.pathname, at.searchParams.get("next")], ["/login", path]);
    assert.equal(await page.locator("nav.side").count(), 0, "nothing of the pages is told");
  }
  assertQuiet(page);
  await page.context().close();
});

test("an owner logs in, goes through the pages, and logs out, with the keyboard alone", async () => {
  const page = await sit(browser, world.server);
  await page.goto("/runs");
  await page.locator("input[name=name]").focus();
  await page.keyboard.type(OWNER.name);
  await tabTo(page, "input[name=password]");
  await page.keyboard.type("не той пароль");
  await page.keyboard.press("Enter");
  await page.locator("[role=alert]").waitFor();
  await tabTo(page, "input[name=name]");
  await page.keyboard.type(OWNER.name);
  await tabTo(page, "input[name=password]");
  await page.keyboard.type(OWNER.password);
  await page.keyboard.press("Enter");
  await page.waitForURL("**/runs");
  assert.match(await name(page), new RegExp(OWNER.name));

  // The first that has the focus leads past what is the same on all pages.
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.className), "skip");
  await page.keyboard.press("Enter");
  assert.equal(await page.evaluate(() => document.activeElement.id), "main");

  const paths = await page.locator("nav.side a").evaluateAll((links) => links.map((link) => link.getAttribute("href")));
  for (const path of paths) {
    await tabTo(page, `nav.side a[href="${path}"]`);
    await page.keyboard.press("Enter");
    await page.waitForURL((url) => url.pathname === path);
    assert.equal(await page.locator(`nav.side a[href="${path}"]`).getAttribute("aria-current"), "page");
  }
  await tabTo(page, "form[action='/logout'] button");
  await page.keyboard.press("Enter");
  await page.waitForURL("**/login**");
  await page.goto("/runs");
  assert.equal(new URL(page.url()).pathname, "/login");
  assertQuiet(page, /status of 401/);
  await page.context().close();
});

test("the language and the theme stay as they were chosen", async () => {
  const as = await loggedIn(browser, world.server);
  const page = await sit(browser, world.server, { as });
  await page.goto("/runs");
  const look = () => page.evaluate(() => [document.documentElement.lang, document.querySelector("h1").textContent, getComputedStyle(document.body).backgroundColor]);
  const [language, english, light] = await look();
  assert.deepEqual([language, english], ["en", "Runs"]);
  await page.getByRole("button", { name: "Українська" }).click();
  await page.locator("html[lang=uk]").waitFor();
  await page.locator("button[name=theme][value=dark]").click();
  await page.locator("html[data-theme=dark]").waitFor();
  assert.equal(new URL(page.url()).pathname, "/runs", "the page is the same one");
  await page.reload();
  const [chosen, ukrainian, dark] = await look();
  assert.deepEqual([chosen, ukrainian], ["uk", "Запуски"]);
  assert.notEqual(dark, light);
  assert.equal(await page.locator("button[name=theme][value=dark]").getAttribute("aria-pressed"), "true");
  await page.goto("/");
  assert.deepEqual((await look()).toSpliced?.(1, 1) ?? [(await look())[0], (await look())[2]], ["uk", dark]);

  // Who has chosen nothing has what the browser says.
  const other = await sit(browser, world.server, { as, language: "uk", theme: "dark" });
  await other.goto("/runs");
  assert.equal(await other.locator("html").getAttribute("lang"), "uk");
  assert.equal(await other.evaluate(() => getComputedStyle(document.body).backgroundColor), dark);
  for (const each of [page, other]) { assertQuiet(each); await each.context().close(); }
});

test("what stands in a page is not executed, and nothing is loaded from elsewhere", async () => {
  const page = await sit(browser, world.server, { as: await loggedIn(browser, world.server) });
  await page.goto("/");
  assertQuiet(page);
  await page.evaluate(() => {
    window.refused = new Set();
    document.addEventListener("securitypolicyviolation", (event) => window.refused.add(event.effectiveDirective));
    const add = (name, members) => document.body.append(Object.assign(document.createElement(name), members));
    add("script", { textContent: "window.executed = true" });
    add("div", { innerHTML: "<p style='color: red' onclick='window.executed = true'>x</p>" });
    document.querySelector("p[onclick]").click();
    add("style", { textContent: "body { color: red }" });
    add("img", { src: "http://127.0.0.1:9/x.png" });
    add("script", { src: "http://127.0.0.1:9/x.js" });
    add("iframe", { src: "/runs" });
    fetch("http://127.0.0.1:9/").catch(() => {});
  });
  for (const directive of ["connect", "frame", "img", "script-src-attr", "script-src-elem", "style-src-attr", "style-src-elem"]) {
    await until(`what ${directive} forbids is refused`, () => page.evaluate((name) => [...window.refused].some((each) => each.startsWith(name)), directive), 20_000);
  }
  assert.equal(await page.evaluate(() => window.executed), undefined);
  assert.ok(page.complaints.length > 0, "what is refused would have been found by the other tests");
  await page.context().close();
});

test("a page of another site changes nothing, and shows none of ours", async () => {
  const page = await sit(browser, world.server, { as: await loggedIn(browser, world.server) });
  const attack = `<!doctype html><title>elsewhere</title><iframe src="${world.server.url}/runs"></iframe>
    <form method="post" action="${world.server.url}/logout"><button>Win</button></form>`;
  const elsewhere = createServer((_, response) => response.setHeader("content-type", "text/html").end(attack));
  await new Promise((resolve) => elsewhere.listen(0, "127.0.0.1", resolve));
  try {
    // Another name of this machine is another site.
    await page.goto(`http://localhost:${elsewhere.address().port}/`);
    assert.ok(page.frames().every((frame) => !frame.url().startsWith(world.server.url)), "the frame is empty");
    await page.getByRole("button", { name: "Win" }).click();
    await page.waitForURL((url) => url.origin === world.server.url);
    await page.goto("/runs");
    assert.match(await name(page), new RegExp(OWNER.name), "still logged in");
    const cookies = await page.context().cookies();
    const session = cookies.filter((cookie) => cookie.httpOnly);
    assert.deepEqual(session.map((cookie) => cookie.sameSite), ["Strict"]);
    assert.ok(!await page.evaluate((value) => document.cookie.includes(value), session[0].value), "no script reads it");
  } finally {
    elsewhere.closeAllConnections();
    elsewhere.close();
    await page.context().close();
  }
});
