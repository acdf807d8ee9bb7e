// A server at which much has happened: a bit of all that the pages show.

import { Client, OWNER, Place, Server, Worker, until } from "./bloom.mjs";
import * as diagrams from "./diagrams.mjs";

/** A place with an owner, and with what servers of it are to answer and to remember. */
export async function settled() {
  const place = new Place();
  await place.bloom(["owner", "set", OWNER.name], { typed: OWNER.password });
  place.write("memory/.keep", "");
  place.answers = `scripted:${place.write("answers.json", diagrams.ANSWERS)}`;
  place.variables = { BLOOM_RUN_MEMORY: place.path("memory") };
  return place;
}

/** A server that answers by a script, and who speaks to it. */
export async function served(options = {}) {
  const place = await settled();
  const server = await Server.serve(place, { llm: place.answers, variables: place.variables, ...options });
  return { place, server, client: await Client.of(server) };
}

/** Flows, runs of every end, an open question, proposals, a worker. */
export async function lived() {
  const place = await settled();
  const asking = await place.compiled("asking", diagrams.ASKING, "--prose", "human");
  const server = await Server.serve(place, { llm: place.answers, variables: place.variables });
  const client = await Client.of(server);
  const worker = await Worker.work(server, "violin-1", place.answers);
  await client.publishSigned(asking, diagrams.ASKING);
  await client.publish("greeting", diagrams.GREETING, "0.9.0");
  await client.publish("greeting", diagrams.GREETING.replace("1000", "2000"), "1.0.0");
  await client.publish("failing", diagrams.FAILING);
  await client.publish("remembering", diagrams.REMEMBERING);
  await client.publish("hostile", diagrams.HOSTILE_DIAGRAM);
  const started = {
    completed: await client.start("greeting", { name: "Ann" }),
    failed: await client.start("failing", { number: 7 }),
    hostile: await client.start("hostile", { hint: diagrams.HOSTILE }),
    waiting: await client.start("asking", { "кількість": 3 }),
    cancelled: await client.start("asking", { "кількість": 1 }),
    decided: await client.start("asking", { "кількість": 2 }),
    remembered: await client.start("remembering", { note: "Струни на малій скрипці замінено" }),
    proposed: await client.start("remembering", { note: "Метроном стоїть на 60" }),
    hostileProposal: await client.start("remembering", { note: diagrams.HOSTILE }),
  };
  const waits = (run) => run.waiting;
  for (const name of ["waiting", "cancelled", "decided"]) await client.run(started[name], waits);
  await client.post(`/api/v1/runs/${started.cancelled}/cancel`);
  const questions = (await client.get("/api/v1/questions")).questions;
  const of = (run) => questions.find((question) => question.run_id === run)?.id;
  await client.post(`/api/v1/questions/${of(started.decided)}/answer`, { answer: { answer: true } });
  for (const [name, run] of Object.entries(started)) if (name !== "waiting") await client.run(run);

  const pending = (await client.get("/api/v1/proposals/pending")).proposals;
  const proposal = (run) => pending.find((each) => each.source.run_id === run)?.id;
  const proposals = { pending: proposal(started.proposed), hostile: proposal(started.hostileProposal), rejected: proposal(started.remembered) };
  await client.ask("PATCH", `/api/v1/proposals/${proposals.rejected}`, { status: "rejected", decision_note: "Про це вже є запис у пам'яті" });

  await until("the worker is known", async () => (await client.get("/api/runtime/workers")).some((each) => each.id === "violin-1"));
  const task = await client.post("/api/runtime/llm-tasks", { context_id: "garden", agent_slug: "greeting", prompt: diagrams.HOSTILE });
  return { place, server, client, runs: started, proposals, question: of(started.waiting), task: task.id, worker };
}
