// The pages of a run. Without it, the same is reached by links: each effect and icon has a page, and so has each event.
import { localise } from "./bloom.js";

async function part(path, id) {
  const response = await fetch(path, { headers: { accept: "text/html" } });
  if (!response.ok || response.redirected) return null;
  const found = new DOMParser().parseFromString(await response.text(), "text/html").getElementById(id);
  if (found) localise(found);
  return found;
}

/** Has what is marked in a diagram in sight, without moving the page. */
function show(diagram, mark) {
  if (!mark) return;
  const box = diagram.getBoundingClientRect(), at = mark.getBoundingClientRect();
  if (at.top < box.top || at.bottom > box.bottom) diagram.scrollTop += at.top - box.top - box.height / 3;
  if (at.left < box.left || at.right > box.right) diagram.scrollLeft += at.left - box.left - box.width / 3;
}
const marked = (diagram) => diagram.querySelector(".icon:has(.shape.failed), .icon:has(.shape.current)");

// What is chosen.

const selected = document.getElementById("selected");
let chosen = null, asked = "";
const icons = () => [...document.querySelectorAll("#diagram .icon[data-item]")].filter((each) => each.querySelector(".shape, .head, .bar"));

function mark() {
  for (const each of document.querySelectorAll("#diagram .icon")) each.classList.toggle("chosen", each.dataset.item === chosen);
  for (const each of document.querySelectorAll("[data-of-item]")) each.classList.toggle("chosen", each.dataset.ofItem === chosen);
}

async function choose(path, goes) {
  asked = path;
  const found = await part(path, "found").catch(() => null);
  // Somebody chose another one meanwhile.
  if (asked !== path) return;
  // The page itself says what is wrong.
  if (!found) { location.assign(path); return; }
  chosen = found.dataset.item ?? null;
  document.getElementById("selected-title").textContent = found.querySelector("h2").textContent;
  selected.replaceChildren(...found.childNodes);
  mark();
  if (goes) { selected.tabIndex = -1; selected.focus(); }
  else if (selected.getBoundingClientRect().top > innerHeight * .8 || selected.getBoundingClientRect().bottom < 99) selected.scrollIntoView({ block: "nearest" });
}

/** One icon can be come to with Tab, the others from it with arrows. */
function ready() {
  const diagram = document.getElementById("diagram");
  if (!diagram?.dataset.effects) return;
  const all = icons();
  for (const each of all) {
    each.setAttribute("role", "button");
    each.ariaLabel = each.querySelector("title")?.textContent ?? null;
    each.setAttribute("tabindex", "-1");
  }
  (marked(diagram) ?? all[0])?.setAttribute("tabindex", "0");
  mark();
}

if (selected) {
  ready();
  const diagram = document.getElementById("diagram");
  if (diagram) show(diagram, marked(diagram));
  document.addEventListener("fresh", () => { ready(); watch(); });
  document.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    const link = event.target.closest?.("a[data-effect], a[data-icon]");
    const icon = event.target.closest?.("#diagram .icon[data-item]");
    if (link) { event.preventDefault(); choose(link.getAttribute("href"), event.detail === 0); }
    else if (icon) { icon.blur(); choose(of(icon), false); }
  });
  document.addEventListener("keydown", (event) => {
    const icon = event.target.closest?.("#diagram .icon[data-item]");
    if (!icon) return;
    const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
    if (event.key === "Enter" || event.key === " ") { event.preventDefault(); choose(of(icon), true); }
    if (!step) return;
    event.preventDefault();
    const all = icons(), next = all[all.indexOf(icon) + step];
    if (!next) return;
    icon.setAttribute("tabindex", "-1");
    next.setAttribute("tabindex", "0");
    next.focus();
  });
}
const of = (icon) => `${document.getElementById("diagram").dataset.effects}?item=${encodeURIComponent(icon.dataset.item)}`;

// Events, when they come near.

const had = new Map();
let near = null;
function watch() {
  const scroll = document.getElementById("history-scroll");
  near?.disconnect();
  if (!scroll) return;
  near = new IntersectionObserver((entries) => {
    for (const entry of entries) if (entry.isIntersecting) { near.unobserve(entry.target); fill(entry.target); }
  }, { root: scroll, rootMargin: "800px 0px" });
  for (const chunk of scroll.querySelectorAll(".chunk.away")) near.observe(chunk);
}

async function fill(chunk) {
  // Of the newest part there is more each time.
  const { src, last } = chunk.dataset, known = had.get(src);
  const events = known?.last === last ? known.events : (await part(src, "chunk").catch(() => null))?.firstElementChild;
  if (!events) return;
  had.set(src, { last, events });
  chunk.replaceChildren(events);
  chunk.classList.remove("away");
}
watch();

// Steps through time.

const steps = document.getElementById("steps");
if (steps) {
  const range = steps.elements.at;
  let wanted = range.value, at = wanted, going = false;
  const go = async (to) => {
    wanted = String(Math.min(Math.max(Number(to), 1), Number(range.max)));
    range.value = wanted;
    if (going) return;
    going = true;
    try {
      while (at !== wanted) {
        const next = wanted, path = `${steps.dataset.travel}?at=${next}`;
        const fresh = await part(path, "moment").catch(() => null), old = document.getElementById("moment");
        if (!fresh) { location.assign(path); return; }
        const diagram = old.querySelector("#diagram"), focus = document.activeElement?.dataset?.step;
        const scrolled = diagram && [diagram.scrollLeft, diagram.scrollTop];
        const open = old.querySelector("#event-raw")?.open;
        old.replaceWith(fresh);
        const drawn = fresh.querySelector("#diagram");
        if (drawn && scrolled) drawn.scrollTo(...scrolled);
        if (drawn) show(drawn, marked(drawn));
        if (open) fresh.querySelector("#event-raw")?.setAttribute("open", "");
        if (focus) fresh.querySelector(`[data-step=${focus}]`)?.focus();
        at = next;
        history.replaceState(null, "", path);
      }
    } finally { going = false; }
  };
  const diagram = document.getElementById("diagram");
  if (diagram) show(diagram, marked(diagram));
  range.addEventListener("input", () => go(range.value));
  steps.addEventListener("submit", (event) => { event.preventDefault(); go(range.value); });
  const to = { first: () => 1, previous: () => Number(wanted) - 1, next: () => Number(wanted) + 1, last: () => range.max };
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[data-step]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    go(to[link.dataset.step]());
  });
  document.addEventListener("keydown", (event) => {
    const key = { Home: "first", ArrowLeft: "previous", ArrowRight: "next", End: "last" }[event.key];
    if (!key || event.altKey || event.ctrlKey || event.metaKey || event.target.matches("input, textarea, select, pre, .diagram")) return;
    event.preventDefault();
    go(to[key]());
  });
}
