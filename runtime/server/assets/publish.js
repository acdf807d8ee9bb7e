// Publishing a flow by its file: what the server finds is shown, on the diagram, before anything is published.

import { ask, tell } from "./bloom.js";

const part = (id) => document.getElementById(id);
const [checked, release, picture, list] = ["checked", "release", "picture", "found"].map(part);
const { id, version } = release.elements;
let file = null, turn = 0;

/** The query for the file as it is to be called; a signed document says that itself. */
function query() {
  if (file.isSigned) return "";
  const called = { name: file.name, id: id.value.trim(), version: version.value.trim() };
  return `?${new URLSearchParams(Object.entries(called).filter(([, value]) => value))}`;
}

const send = (path) => ask("POST", path + query(), file.bytes, {
  "content-type": file.isSigned ? "application/json" : "application/octet-stream",
  "accept-language": document.documentElement.lang,
});

async function take(given) {
  if (!given) return;
  checked.hidden = true;
  const bytes = await given.arrayBuffer();
  const text = new TextDecoder().decode(bytes);
  let isSigned = false;
  try { isSigned = "ir" in JSON.parse(text); } catch { /* pseudocode, or what the server tells about */ }
  file = { name: given.name, bytes, text, isSigned };
  id.value = version.value = "";
  await check();
  part("checked-title").focus();
}

/** Nothing can be published before the answer to the last question is shown. */
async function check() {
  const mine = ++turn;
  part("release-button").disabled = true;
  checked.setAttribute("aria-busy", "true");
  try {
    let answer = await send("/api/v1/check");
    if (mine === turn && answer.flow?.version === "0.0.0" && !version.value) {
      version.value = next(answer.newest);
      answer = await send("/api/v1/check");
    }
    if (mine === turn) show(answer);
  } catch (error) {
    tell(`${document.body.dataset.failed} ${error.message}`);
  } finally {
    if (mine === turn) checked.removeAttribute("aria-busy");
  }
}

/** The version after the newest that is there. */
function next(newest) {
  const [, start, last] = /^(\d+\.\d+\.)(\d+)/.exec(newest ?? "") ?? [];
  return start && newest !== "0.0.0" ? start + (Number(last) + 1) : "1.0.0";
}

function show({ flow, known, newest, signers, refused, diagnostics, picture: svg }) {
  const say = checked.dataset, errors = diagnostics.filter((each) => each.severity === "error").length;
  checked.hidden = false;
  part("checked-title").textContent = file.name;
  const told = diagnostics.length
    ? [[say.errors, errors], [say.warnings, diagnostics.length - errors]].filter(([, count]) => count).map(([name, count]) => `${name} ${count}`)
    : [say.fine];
  if (known) told.push(say.known);
  else if (newest) told.push(`${say.replaces} ${newest}`);
  part("checked-told").textContent = told.join(" · ");
  part("refused").textContent = refused && !errors ? refused.message : "";
  release.hidden = !flow;
  if (flow) {
    part("release-title").textContent = flow.title;
    part("release-hash").textContent = flow.hash;
    part("release-signers").textContent = signers.map((each) => [each.name ?? each.key, ...each.roles].join(", ")).join("; ") || "—";
    for (const [field, value] of [[id, flow.id], [version, flow.version]]) if (field !== document.activeElement) field.value = value;
    id.readOnly = version.readOnly = file.isSigned;
    part("release-button").disabled = Boolean(refused);
  }
  list.replaceChildren(...diagnostics.map(one));
  if (svg) picture.replaceChildren(document.importNode(new DOMParser().parseFromString(svg, "image/svg+xml").documentElement, true));
  else picture.replaceChildren(...(file.isSigned ? [] : [lines(diagnostics)]));
  picture.hidden = !picture.firstChild;
  picture.scrollTo(0, 0);
}

/** Pseudocode, with the lines that have errors marked. */
function lines(diagnostics) {
  const all = document.createElement("ol");
  all.className = "lines";
  all.append(...file.text.split(/\r?\n/).map((text) => Object.assign(document.createElement("li"), { textContent: text })));
  for (const { line, severity } of diagnostics) all.children[line - 1]?.classList.add(severity === "error" ? "failed" : "doubtful");
  return all;
}

function one(found) {
  const row = part("one-found").content.firstElementChild.cloneNode(true);
  const [button, state, message, text, hint, about] = ["button", ".state", ".message", "q", ".hint", "a"].map((each) => row.querySelector(each));
  state.textContent = checked.dataset[found.severity];
  state.classList.add(`state-${found.severity}`);
  message.textContent = found.message;
  text.textContent = found.text?.trim() ?? "";
  text.hidden = !found.text;
  hint.textContent = [found.line && `${checked.dataset.line} ${found.line}.`, found.hint].filter(Boolean).join(" ");
  [about.textContent, about.href] = [found.code, found.about];
  row.dataset.of = found.item ?? "";
  button.addEventListener("click", () => point(found));
  return row;
}

/** Shows the icon or the line of a problem. */
function point({ item, line }) {
  const place = item ? picture.querySelector(`[data-item="${CSS.escape(item)}"]`) : picture.querySelector(".lines")?.children[line - 1];
  picture.querySelector(".shown")?.classList.remove("shown");
  place?.classList.add("shown");
  place?.scrollIntoView({ block: "center", inline: "center" });
}

// And the other way: an icon leads to what is said of it.
picture.addEventListener("click", (event) => {
  const item = event.target.closest("[data-item]")?.dataset.item;
  [...list.children].find((row) => item && row.dataset.of === item)?.querySelector("button").focus();
});

release.addEventListener("change", () => check());
release.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = part("release-button");
  button.disabled = true;
  try {
    const flow = await send("/api/v1/flows");
    location.assign(`/flows/${encodeURIComponent(flow.id)}/versions/${encodeURIComponent(flow.hash)}`);
  } catch (error) {
    part("refused").textContent = `${document.body.dataset.failed} ${error.message}`;
    button.disabled = false;
  }
});

part("file").addEventListener("change", (event) => take(event.target.files[0]));
// A file may be dropped anywhere on the page.
const over = (is) => part("drop").classList.toggle("over", is);
for (const name of ["dragover", "dragleave", "drop"]) {
  document.addEventListener(name, (event) => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    if (name !== "dragleave") event.preventDefault();
    over(name === "dragover");
    if (name === "drop") take(event.dataTransfer.files[0]);
  });
}
