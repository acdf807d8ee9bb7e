// A component is sent as it is, and then asked after until it is a tool, or none.

import { ask } from "./bloom.js";

const form = document.getElementById("add");
form?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const [alert, status, button] = ["[role=alert]", "[role=status]", "button"].map((each) => form.querySelector(each));
  const file = form.elements.component.files[0];
  alert.textContent = "";
  button.disabled = true;
  try {
    status.textContent = form.dataset.sending;
    let answer = await ask("POST", "/api/v1/tools", file, { "content-type": "application/wasm" });
    while (answer.status === "compiling") {
      status.textContent = form.dataset.compiling;
      await new Promise((done) => setTimeout(done, 1000));
      answer = await ask("GET", answer.url);
    }
    location.assign(`/tools/${encodeURIComponent(answer.name)}`);
  } catch (error) {
    alert.textContent = `${document.body.dataset.failed} ${error.message}`;
    status.textContent = "";
  } finally {
    button.disabled = false;
  }
});
