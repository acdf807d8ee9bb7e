// Decisions on several proposals at once, and what became of each.

import { ask, refresh } from "./bloom.js";

const form = document.getElementById("batch");
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const status = event.submitter?.value, note = form.elements.decision_note.value.trim();
  const alert = document.getElementById("batch-alert"), results = document.getElementById("results");
  const chosen = [...form.querySelectorAll("input[name=proposal_ids]:checked")];
  alert.textContent = "";
  if (!status || form.busy) return;
  if (chosen.length === 0) { alert.textContent = form.dataset.none; return; }
  if (status === "rejected" && [...note].length < 10) { alert.textContent = form.dataset.note; form.elements.decision_note.focus(); return; }
  const names = new Map(chosen.map((box) => [box.value, box.closest("tr").querySelector("a").textContent]));
  const body = { proposal_ids: [...names.keys()], status, ...(note && { decision_note: note }) };
  form.busy = true;
  try {
    const answer = await ask("PATCH", form.dataset.batch, JSON.stringify(body));
    const failed = new Map(answer.errors.map((error) => [error.proposal_id, error.message]));
    results.replaceChildren(...[...names].map(([id, name]) => {
      const item = document.createElement("li"), link = document.createElement("a");
      link.href = `/proposals/${encodeURIComponent(id)}`;
      link.textContent = name;
      const told = failed.get(id);
      item.className = told ? "alert" : "good";
      item.append(link, told ? ` ✕ ${told}` : ` ✓ ${form.dataset.done}`);
      return item;
    }));
    for (const box of chosen) box.checked = failed.has(box.value);
    if (!failed.size) form.elements.decision_note.value = "";
    await refresh();
  } catch (error) {
    alert.textContent = `${document.body.dataset.failed} ${error.message}`;
  } finally {
    form.busy = false;
  }
});
