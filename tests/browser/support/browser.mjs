// Chromium: pages of a server, in a language, a theme and a size, and what must hold on each of them.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

import { OWNER, PATIENCE } from "./bloom.mjs";

const folder = process.env.BLOOM_BROWSER;
const require = createRequire(join(folder, "node_modules/"));
const { chromium } = require("playwright-core");
const AXE = require("axe-core").source;

/** What WCAG 2.2 asks for on its levels A and AA, with what it has from 2.0 and 2.1. */
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];

export const WIDE = { width: 1280, height: 900 };
export const PHONE = { width: 390, height: 844 };

/** A browser; without its own sandbox, which containers do not let it have. */
export function launch() {
  const executablePath = readFileSync(join(folder, "browser"), "utf8").trim();
  return chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-dev-shm-usage"], timeout: PATIENCE });
}

/** Somebody at a browser: with a language, a theme, a size, and what a log-in left. */
export async function sit(browser, server, { language = "en", theme = "light", size = WIDE, as, ...more } = {}) {
  const context = await browser.newContext({
    baseURL: server.url, locale: language === "uk" ? "uk-UA" : "en-GB", timezoneId: "Europe/Kyiv",
    colorScheme: theme, viewport: size, storageState: as,
    // Nothing appears slowly, and nothing pulses in pictures.
    reducedMotion: "reduce", ...more,
  });
  context.setDefaultTimeout(PATIENCE / 2);
  const page = await context.newPage();
  page.complaints = [];
  page.on("console", (message) => {
    if (message.type() === "error") page.complaints.push(`${message.text()} (${message.location().url})`);
  });
  page.on("pageerror", (error) => page.complaints.push(`${error.stack}`));
  return page;
}

/** What a log-in leaves: the cookies of an owner. */
export async function loggedIn(browser, server) {
  const context = await browser.newContext({ baseURL: server.url });
  const answer = await context.request.post("/api/v1/session", { form: OWNER, headers: { origin: server.url }, maxRedirects: 0 });
  assert.equal(answer.status(), 303, await answer.text());
  const state = await context.storageState();
  await context.close();
  return state;
}

/** No error in the console, and nothing that the content security policy kept from being done; `allowed` may be there. */
export function assertQuiet(page, allowed = /^$/) {
  assert.deepEqual(page.complaints.filter((each) => !allowed.test(each)), [], page.url());
}

/** What axe finds on a page, as lines; none where it keeps to WCAG. */
export async function barriers(page) {
  if (!await page.evaluate(() => "axe" in window)) await page.evaluate(AXE);
  const found = await page.evaluate(async (rules) => (await axe.run({ runOnly: rules })).violations, RULES);
  // In a picture, a word that is too long for its icon goes on in the next line; its name has the word as it is.
  const isBroken = (rule, node) => rule.id === "label-content-name-mismatch" && /class="icon/.test(node.html);
  return found.flatMap((rule) => rule.nodes.filter((node) => !isBroken(rule, node))
    .map((node) => `${rule.id}: ${node.target.join(" ")}: ${node.failureSummary}`));
}

/** Whether a page is wider than its window, so that it must be scrolled to the side. */
export function overflow(page) {
  return page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
}

/** Presses Tab until what is wanted has the focus, as who has no mouse does; what was passed must be seen to have it. */
export async function tabTo(page, wanted, key = "Tab") {
  const passed = [];
  for (let presses = 0; presses < 300; presses++) {
    await page.keyboard.press(key);
    const now = await page.evaluate((selector) => {
      const at = document.activeElement;
      const style = getComputedStyle(at), box = at.getBoundingClientRect();
      return {
        is: at.matches(selector), name: at.outerHTML.slice(0, 120), isBody: at === document.body,
        isSeen: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 1 || style.boxShadow !== "none",
        isThere: box.width > 1 && box.height > 1,
      };
    }, wanted);
    passed.push(now.name);
    if (now.isBody) continue;
    assert.ok(now.isSeen && now.isThere, `the focus is not seen on ${now.name}`);
    if (now.is) return;
  }
  assert.fail(`Tab does not lead to ${wanted}, but to ${[...new Set(passed)].join("\n")}`);
}
