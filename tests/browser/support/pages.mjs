// All pages, in one place: what is drawn, looked at by axe, and kept as a picture. A new page is a line.

/** Pages by name, with their paths in a world that has lived. */
export const PAGES = (world) => ({
  overview: "/",
  runs: "/runs",
  "runs-failed": "/runs?status=failed",
  "runs-none": "/runs?status=continued",
  "run-completed": `/runs/${world.runs.completed}`,
  "run-failed": `/runs/${world.runs.failed}`,
  "run-waiting": `/runs/${world.runs.waiting}`,
  "run-cancelled": `/runs/${world.runs.cancelled}`,
  "run-hostile": `/runs/${world.runs.hostile}`,
  "run-history": `/runs/${world.runs.completed}/history?from=1`,
  "run-replay": `/runs/${world.runs.completed}/replay`,
  "run-effect": `/runs/${world.runs.completed}/effects?effect=n1%231`,
  "run-icon": `/runs/${world.runs.failed}/effects?item=3`,
  "run-what-if": `/runs/${world.runs.completed}/what-if?effect=n1%231`,
  "run-otherwise": `/runs/${world.runs.completed}/what-if?effect=n1%231&error=failed`,
  travel: `/runs/${world.runs.completed}/travel`,
  "travel-failed": `/runs/${world.runs.failed}/travel`,
  flows: "/flows",
  flow: "/flows/greeting",
  "flow-asking": "/flows/asking",
  "flow-version": "/flows/greeting/versions/0.9.0",
  "flow-hostile": "/flows/hostile",
  questions: "/questions",
  question: `/questions/${world.question}`,
  proposals: "/proposals",
  proposal: `/proposals/${world.proposals.pending}`,
  "proposal-rejected": `/proposals/${world.proposals.rejected}`,
  "proposal-hostile": `/proposals/${world.proposals.hostile}`,
  workers: "/workers",
  worker: "/workers/violin-1",
  nodes: "/nodes",
  tasks: "/tasks",
  task: `/tasks/${world.task}`,
  leases: "/leases",
  tools: "/tools",
  tool: "/tools/write-memory",
  code: "/codes/D044",
  audit: "/audit",
  "audit-verified": "/audit?verify=1000",
  settings: "/settings",
  "logged-in": "/login",
});

/** Pages of who has not logged in. */
export const OPEN = { login: "/login" };

/** Pages that tell of an error, with the status of their answer. */
export const ERRORS = { "not-there": ["/runs/none", 404], refused: ["/runs?status=asleep", 400] };
