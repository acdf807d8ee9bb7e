// What every page has; the attributes that it reads are explained in `src/ui/mod.rs`.

const notice = document.getElementById("notice");
let clearing = 0;
/** Tells something at the foot of the page, for a while or until it is so no more. */
export function tell(text, stays = false) {
  clearTimeout(clearing);
  if (!stays) clearing = setTimeout(() => notice.replaceChildren(), 15_000);
  if (notice.textContent !== text) notice.textContent = text;
}

/** What was typed stays: whoever logs in does so in another tab. */
function loggedOut() {
  const link = document.createElement("a");
  [link.href, link.target, link.textContent] = ["/login", "_blank", document.body.dataset.logIn];
  notice.dataset.offline = "yes";
  tell(`${document.body.dataset.over} `, true);
  notice.append(link);
}

const times = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "medium", timeStyle: "medium" });
export function localise(root) {
  for (const time of root.querySelectorAll("time[datetime]")) {
    const at = new Date(time.dateTime);
    if (!Number.isNaN(at.valueOf())) time.textContent = times.format(at);
  }
}

// Live parts.

let fetching = false, again = false, took = 0;
export async function refresh() {
  if (fetching) { again = true; return; }
  fetching = true;
  const began = performance.now();
  try {
    const response = await fetch(location.href, { headers: { accept: "text/html" }, signal: AbortSignal.timeout(40_000) });
    if (response.redirected && new URL(response.url).pathname === "/login") { loggedOut(); return; }
    if (!response.ok) throw new Error(response.status);
    const now = new DOMParser().parseFromString(await response.text(), "text/html");
    for (const old of document.querySelectorAll("[data-live]")) {
      const fresh = now.getElementById(old.id);
      const held = document.activeElement, isHeld = old !== held && old.contains(held), isRegion = held?.id && held.matches(".scroll, .diagram");
      if (!fresh || fresh.outerHTML === old.dataset.was || isHeld && !isRegion || old.querySelector("dialog[open]")) continue;
      const written = fresh.outerHTML, open = [...old.querySelectorAll("details[open][id]")].map((each) => each.id);
      const checked = [...old.querySelectorAll("input[type=checkbox]:checked")].map((each) => [each.name, each.value]);
      const told = [...old.querySelectorAll("form [role=alert]:not(:empty)")].map((each) => [each.closest("form").dataset.api, each.textContent]);
      const scrolled = [...old.querySelectorAll("[id].scroll, [id].diagram")].map((each) => [each.id, each.scrollLeft, each.scrollTop]);
      old.replaceWith(fresh);
      fresh.dataset.was = written;
      for (const id of open) document.getElementById(id)?.setAttribute("open", "");
      for (const [id, left, top] of scrolled) document.getElementById(id)?.scrollTo(left, top);
      for (const [name, value] of checked) for (const box of fresh.querySelectorAll(`input[name="${CSS.escape(name)}"]`)) box.checked ||= box.value === value;
      for (const [api, text] of told) Object.assign(fresh.querySelector(`form[data-api="${CSS.escape(api)}"] [role=alert]`) ?? {}, { textContent: text });
      if (isHeld) document.getElementById(held.id)?.focus({ preventScroll: true });
      localise(fresh);
      fresh.dispatchEvent(new CustomEvent("fresh", { bubbles: true }));
    }
    // Of what is over nothing is followed any more.
    if (!document.querySelector("[data-live]")) follow();
    if (notice.dataset.offline) { delete notice.dataset.offline; tell(""); }
  } catch {
    notice.dataset.offline = "yes";
    tell(document.body.dataset.offline, true);
  } finally {
    [fetching, took] = [false, performance.now() - began];
    if (again) { again = false; soon(); }
  }
}

// What takes long is asked less often.
let due = 0;
const soon = () => { due ||= setTimeout(() => { due = 0; refresh(); }, Math.max(400, 10 * took)); };

let source = null, poll = 0;
function follow() {
  source?.close();
  clearInterval(poll);
  source = null;
  const live = document.querySelector("[data-live]");
  if (!live || document.hidden) return;
  listen();
  const every = document.querySelector("[data-live][data-every]");
  // While the stream is gone, the page is asked.
  poll = setInterval(() => {
    if (every || source?.readyState !== EventSource.OPEN) soon();
    if (!source) listen();
  }, 5000);
}

function listen() {
  source = new EventSource(document.querySelector('[data-live^="/"]')?.dataset.live ?? "/api/v1/events/stream");
  source.onopen = soon;
  // Servers name their events; whichever it is, something happened.
  for (const name of EVENTS.split(" ")) source.addEventListener(name, soon);
  source.onerror = () => { if (source?.readyState === EventSource.CLOSED) source = null; };
}
const EVENTS = "message run.status.changed run.step.completed proposal.created proposal.status.changed "
  + "run.started effect.requested effect.attempted effect.completed effect.failed emitted signal.received run.forked "
  + "run.completed run.failed run.cancelled run.continued "
  + "transient.performing transient.attempt_failed transient.resumed";
document.addEventListener("visibilitychange", () => { if (!document.hidden && document.querySelector("[data-live]")) soon(); follow(); });

// Forms that ask the API.

// Without a prototype: a member may have any name.
const bare = () => Object.create(null);

/** What a field sends; undefined: nothing. */
function valueOf(field) {
  const has = field.dataset, read = "json" in has ? JSON.parse : (text) => text;
  if ("object" in has) return bare();
  if (field.type === "checkbox") return field.checked;
  const many = field.type === "select-multiple" ? [...field.selectedOptions].map((each) => each.value)
    : "lines" in has ? field.value.split("\n").filter((line) => line.trim()) : null;
  if (many ? !many.length : field.value === "") {
    if ("omitEmpty" in has) return undefined;
    if ("nullEmpty" in has) return null;
  }
  if (many) return many.map((each) => read(each));
  if (field.type === "number" && field.value !== "") return Number(field.value);
  if ("time" in has && field.value !== "") return new Date(field.value).toISOString();
  if (!("any" in has)) return read(field.value);
  try { return JSON.parse(field.value); } catch { return field.value; }
}

/** What a form sends; with `isOwn`, what it keeps for itself. */
export function body(form, isOwn = false) {
  const members = bare();
  for (const field of form.elements) {
    if (!field.name || field.disabled || "own" in field.dataset !== isOwn || (field.type === "radio" && !field.checked)) continue;
    let value;
    try { value = valueOf(field); } catch (error) { at(field, error.message); throw error; }
    if (value === undefined) continue;
    if ("whole" in field.dataset) return value;
    let inner = members;
    const path = field.name.split(".").map(decodeURIComponent);
    for (const part of path.slice(0, -1)) inner = inner[part] ??= bare();
    inner[path.at(-1)] = value;
  }
  return "of" in form.dataset ? members[form.dataset.of] : members;
}

/** What an error of the API says, in each of the shapes that it has. */
function said(error) {
  if (!error || typeof error === "string") return error;
  if (error.message) return error.message;
  const fields = Object.entries(error.fieldErrors ?? {}).map(([name, wrong]) => `${name}: ${wrong.join(", ")}`);
  return [...(error.formErrors ?? []), ...fields].join("; ");
}

function at(field, message) {
  field.setAttribute("aria-invalid", "true");
  const told = document.getElementById(`${field.id}-error`);
  if (told) told.textContent = message;
  field.focus();
}

/** Tells problems, with JSON pointers into the value that the fields are of, at the fields. */
function point(form, details) {
  const found = details?.details?.violations ?? details?.problems ?? [];
  for (const problem of [...found].reverse()) {
    const [path, message] = problem.message ? [problem.path, problem.message] : String(problem).split(/: (.*)/s);
    const fits = (each) => path === each.dataset.at || path.startsWith(`${each.dataset.at}/`);
    const place = [...form.querySelectorAll("[data-at]")].filter(fits).pop();
    const field = place?.matches(".field") && place.querySelector("input, select, textarea");
    if (field) at(field, message);
    else if (place) place.querySelector(".field-error").textContent = message;
  }
}

/** Asks the API; what it refuses is thrown as an Error with what it said. */
export async function ask(method, path, content, headers = {}) {
  const response = await fetch(path, { method, headers: { "content-type": "application/json", ...headers }, body: content });
  const text = await response.text();
  let answer = text;
  try { answer = JSON.parse(text); } catch { /* not every answer is JSON */ }
  if (response.status === 401) loggedOut();
  if (!response.ok) throw Object.assign(new Error(said(answer?.error) || response.statusText), { answer });
  return answer;
}

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!form.dataset.api) return;
  event.preventDefault();
  const dialog = form.dataset.ask && document.getElementById(form.dataset.ask);
  if (dialog && !dialog.open) { dialog.showModal(); return; }
  if (form.busy) return;
  form.busy = true;
  const [method, template] = form.dataset.api.split(" ");
  // Not disabled: it has the focus.
  const buttons = [...form.elements].filter((each) => each.type === "submit");
  for (const button of buttons) button.setAttribute("aria-disabled", "true");
  for (const told of form.querySelectorAll("[role=alert], .field-error")) told.textContent = "";
  for (const field of form.querySelectorAll("[aria-invalid]")) field.removeAttribute("aria-invalid");
  try {
    const members = method === "DELETE" || method === "GET" ? {} : body(form), named = new Set();
    const path = template.replace(/\{(\w+)\}/g, (_, name) => { named.add(name); return encodeURIComponent(members[name]); });
    for (const name of named) delete members[name];
    const content = method === "DELETE" || method === "GET" ? undefined : JSON.stringify(members);
    // The same again, as after a connection that broke, is the same request.
    if (form.asked !== content) [form.asked, form.key] = [content, [...crypto.getRandomValues(new Uint8Array(16))].join("-")];
    const answer = await ask(method, path, content, "key" in form.dataset ? { "idempotency-key": form.key } : {});
    form.asked = null;
    form.closest("dialog")?.close();
    dialog?.close();
    if (form.dataset.show) { show(form, answer); soon(); }
    else if (form.dataset.then) location.assign(form.dataset.then.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(answer[name])));
    else if (form.dataset.told) { tell(form.dataset.told); form.reset(); soon(); } else location.reload();
  } catch (error) {
    const alert = form.querySelector("[role=alert]");
    const told = `${document.body.dataset.failed} ${error.message}`;
    if (alert) alert.textContent = told; else tell(told);
    point(form, error.answer?.error?.details);
  } finally {
    form.busy = false;
    for (const button of buttons) button.removeAttribute("aria-disabled");
  }
});

function show(form, answer) {
  const place = document.getElementById(form.dataset.show), all = { ...body(form, true), ...answer };
  for (const part of place.querySelectorAll("[data-member]")) {
    const { member, before } = part.dataset, value = all[member] ?? "";
    const text = (each) => typeof each === "object" ? JSON.stringify(each) : String(each);
    if (member === "*") part.textContent = Object.entries(answer).map(([name, each]) => `${name}: ${text(each)}`).join("\n");
    else part.textContent = before === undefined || value === "" ? text(value) : before + encodeURIComponent(value);
  }
  for (const time of place.querySelectorAll("time[data-member]")) time.dateTime = time.textContent;
  localise(place);
  place.hidden = false;
  form.reset();
  if (place.showModal) place.showModal(); else place.focus();
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest?.("button[data-copy]");
  if (!button) return;
  const copied = document.getElementById(button.dataset.copy);
  getSelection().selectAllChildren(copied);
  // Where the browser does not let pages copy, the text is at least selected.
  try { await navigator.clipboard.writeText(copied.textContent.trim()); tell(button.dataset.told); } catch { copied.focus(); }
});

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("button[data-open], button[data-close]");
  if (button?.dataset.open) document.getElementById(button.dataset.open)?.showModal();
  else if (button) button.closest("dialog")?.close();
});

document.addEventListener("close", (event) => { if ("reload" in event.target.dataset) location.reload(); }, true);

for (const each of document.querySelectorAll("[data-origin]"))
  each.textContent = each.dataset.origin ? encodeURIComponent(location.origin) : location.origin;
for (const part of document.querySelectorAll("[data-live]")) part.dataset.was = part.outerHTML;
localise(document);
follow();
