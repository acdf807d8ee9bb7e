// Diagrams for these tests, and who answers what they ask.

/** A diagram of icons in a row, each `[type, content]` or an object with more members; `one` is the next one where nothing is said. */
export function diagram(name, icons, params) {
  const items = { 1: { type: "end" }, 2: { type: "branch", branchId: 0, one: "3" } };
  icons.forEach((icon, at) => {
    const { ...members } = Array.isArray(icon) ? { type: icon[0], content: icon[1] } : icon;
    items[at + 3] = { one: at + 1 < icons.length ? String(at + 4) : "1", ...members };
  });
  return JSON.stringify({ type: "drakon", name, items, ...(params && { params }) });
}

const action = (content) => ["action", content];

/** Asks an LLM, and goes one of two ways. */
export const GREETING = diagram("Greeting", [
  action("answer ← LLM(\"Greet {name} in one sentence\")"),
  { type: "question", content: "size(answer) > 1000?", flag1: 0, two: "6", one: "5" },
  { type: "action", content: "RETURN {greeting: answer}", one: "1" },
  { type: "action", content: "RETURN {greeting: \"too long\"}", one: "1" },
], "name: string");

/** The answers to what is asked, as `--llm scripted:` reads them. */
export const ANSWERS = {
  default: { answer: { text: "Good morning, and a good day to you." }, usage: { input_tokens: 210, output_tokens: 12, cost_micro_usd: 1_250 } },
};

/** Does `count` things in a row. */
export const sized = (count) => diagram(`A diagram of ${count} icons`, [
  action("x ← 0"), ...Array.from({ length: count - 2 }, () => action("x ← x + 1")), action("RETURN {x: x}"),
]);

/** Says something `count` times, and calls a tool each tenth time: twelve events in ten rounds. */
export const LONG = diagram("A long run", [
  ["loopbegin", "i = 0; i < count; i++"],
  action("LOG i"),
  { type: "question", content: "i % 10 == 0?", flag1: 1, one: "6", two: "7" },
  action("memory ← read-memory()"),
  ["loopend", ""],
  action("RETURN {count: count}"),
], "count: int");

/** Ends with an error. */
export const FAILING = diagram("An order that fails", [
  action("answer ← LLM(\"Look up order {number}\")"), action("FAIL \"there is no order \" + string(number)"),
], "number: int");

/** Proposes to remember something. */
export const REMEMBERING = diagram("Пам'ять", [action("write-memory(text: note)")], "note: string");

/** Asks a person (`--prose human`). */
export const ASKING = diagram("Замовлення", [
  action("сума ← кількість * 120"),
  { type: "question", content: "Чи схвалити замовлення?", flag1: 1, one: "5", two: "6" },
  { type: "action", content: "ПОВЕРНУТИ {схвалено: true, сума: сума}", one: "1" },
  { type: "action", content: "ПОВЕРНУТИ {схвалено: false, сума: 0}", one: "1" },
], "кількість: ціле");

/** What must be shown as text, wherever it stands. */
export const HOSTILE = "<script>alert(1)</script>\"><img src=x onerror=alert(2)>";

/** A diagram of texts that a page must not take for markup. */
export const HOSTILE_DIAGRAM = diagram(`Hostile ${HOSTILE}`, [
  ["comment", `A comment ${HOSTILE}`],
  action(`text ← "${HOSTILE.replaceAll("\"", "\\\"")}"`),
  action("LOG text"),
  action("answer ← LLM(\"Repeat {text}\")"),
  action("RETURN {text: text, answer: answer}"),
], "hint: string = \"<b>bold</b>\"  # a hint with <i>markup</i>");

/** One that cannot be compiled: a name that is not known. */
export const BROKEN = diagram("Broken", [action("count = 1"), action("total = conut + 1"), action("RETURN {total: total}")]);
