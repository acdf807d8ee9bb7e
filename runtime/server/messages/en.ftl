# The texts of the operator's pages in English. Both languages have the same messages with the same variables.

## Around every page

nav = Pages
skip = To the content
language = Language
theme = Theme
theme-auto = Auto
theme-light = Light
theme-dark = Dark
log-in = Log in
log-out = Log out
session-over = Your session has ended. What you typed is still here.
offline = The server does not answer. What you see may be old; this page tries again by itself.
act-failed = It was not done:
to-overview = To the overview

## Navigation

nav-overview = Overview
nav-runs = Runs
nav-workers = Workers
nav-nodes = Nodes
nav-tasks = Tasks
nav-leases = Leases
nav-tools = Tools

nav-flows = Flows

## Words

run = Run
flow = Flow
status = Status
created = Created
took = Took
tokens = Tokens
cost = Cost
from = From (UTC)
to = To (UTC)
any = any
filter = Filter
older = Older ones
waiting = waits
task = Task
worker = Worker
node = Node
tool = Tool
version = Version
updated = Updated
all = all
none = none
yes = yes
no = no
never = never
actions = Actions
cancel = Cancel
close = Close
copy = Copy
copied = It is copied.
this-server = http://THIS-SERVER

## Where a run stands

status-requested = requested
status-queued = queued
status-running = running
status-completed = completed
status-failed = failed
status-cancelled = cancelled
status-continued = continued

## Errors

error-not-found = There is no such thing
error-method-not-allowed = That cannot be done here
error-validation-failed = That is not what is asked for
error-forbidden = You may not see this
error-rate-limited = Too much at once; try again in a moment
error-unavailable = The store fails for now; the server's log says why
error-other = Something went wrong

## Overview

overview-waits = Waits for you
overview-proposals = Proposals
overview-questions = Questions
overview-runs = Runs
overview-work = Work
overview-workers = Workers online
overview-queued = Tasks in the queue
overview-leases = Active leases
overview-today = LLM calls today (UTC)
overview-newest = Newest runs
overview-oldest = The oldest waits
overview-health = Health
overview-store = Store
overview-well = reads and writes
overview-ill = cannot be written
overview-plane = Control plane
overview-uptime = Up for
overview-failures = Newest failures
overview-failures-none = No run has failed.
plane-none = none set
plane-untried = not asked yet
plane-connected = connected
plane-lost = does not answer
hour = The last hour
hour-ended = Runs that ended
hour-most = The most in a minute
hour-p95 = 95 % of them took at most
hour-runs = Runs that ended, minute by minute
hour-durations = How long 95 % took at most, minute by minute
hour-runs-told = { $ended } in the hour, { $most } in the busiest minute.
hour-durations-told = 95 % took at most { $p95 }; in the slowest minute, { $slowest }.
hour-nothing = No run ended in this hour.
hour-since = Counted since the server was started; durations are rounded up by an eighth at most.

## Runs

runs-none = There are no runs here.
runs-total = { $count } in all

## Logging in

name = Name
password = Password
by-key = with the server's key
login-title = Log in
login-as = You are logged in as
login-by-key = You came in with the server's key
login-until = until
login-go-on = Go on
login-nobody = Nobody can log in by name yet. Whoever operates this server sets a password with
login-with-key = Or with the server's key
login-key-reach = The key opens all pages and bears nobody's name. Decisions on proposals need a person's name.
login-key = The server's key
login-open = Open
login-wrong = The name or the password is wrong.
login-wrong-key = This is not the server's key.
login-too-many = Too many wrong attempts. Try again in a minute.
login-elsewhere = The browser did not say that this page sent the form, so it was not taken. Open this page by the server's own address, and try again.

## Words of several pages

nav-questions = Human tasks
nav-proposals = Proposals
nav-audit = Audit
nav-settings = Settings
id = Id
by = By
until = Until
context = Context
save = Save
keep = Leave it as it is

## Differences

diff = What differs
diff-before = Line before
diff-after = Line after
diff-kind = Change
diff-line = Text
diff-added = added
diff-removed = removed
diff-cut = There are more differences than are shown here.
diff-memory = The agent's memory as it stands now, and as it would be.
diff-file = The file as it stands on this server now, and as it would be:
diff-accepted = Compared with the proposal of the same target that was accepted last:
diff-refused = It cannot be applied:
diff-nothing = Nothing is known of what stands there now, so this is the whole of what is proposed.
diff-unknown = What stood there before was not kept; this is the whole of what was proposed.
diff-same = Nothing would change.
diff-counts = { $added ->
    [one] { $added } line added
   *[other] { $added } lines added
  }, { $removed ->
    [one] { $removed } line removed
   *[other] { $removed } lines removed
  }

## Proposals

proposal-pending = waits for a decision
proposal-auto_approved = approved by a rule
proposal-approved = approved
proposal-rejected = rejected
proposal-expired = expired
proposal-applying = being applied
proposal-applied = applied
proposal-failed = could not be applied
approve = Approve
reject = Reject
proposals-inbox = Waiting for a decision
proposals-none-waiting = No proposal waits for a decision.
proposals-more = More are waiting: they come up here as these are decided on.
proposals-choose = Choose
proposals-change = Change
proposals-why = Reasons
proposals-agent = Agent
proposals-age = Waits for
proposals-left = Time left
proposals-duplicate = Proposes the same as
proposals-overdue = The time for a decision is over.
proposals-decide-chosen = Decide on those chosen
proposals-note = Note
proposals-note-hint = It goes with each decision. A rejection needs at least 10 characters.
proposals-note-short = Say why, in at least 10 characters.
proposals-none-chosen = Choose at least one proposal.
proposals-done = decided
proposals-log-in = A decision bears the name of the person who makes it. Log in by your name to decide.
proposals-history = Decided on
proposals-none-decided = There are none here.
proposals-decided = Decided by
proposals-noted = Note
proposals-icon = from the icon
proposals-until = To be decided until
proposals-revision = Made against revision
proposals-applied = What applying it gave
proposals-what = What would change
proposals-what-was = What was proposed
proposals-proposed = What is proposed, as a whole
proposals-no-reasoning = The agent gives no reasons.
proposals-confidence = Confidence:
proposals-citations = It rests on
proposals-raw = All of the proposal, as it was recorded
proposals-decision = Decision
proposals-no-decision = There is nothing to decide on.
proposals-reject-instead = Reject instead
proposals-reject-why = Why it is rejected
proposals-conflict = What it changes was changed since it was proposed. Look at the difference above: it shows what would be made of what stands there now.
proposals-force = Apply to what stands there now
proposals-force-ask = Apply it all the same?
proposals-force-means = It was made against another version. What was changed since stays, as far as this change does not touch it.
proposals-keep = Not now
proposals-again = Apply again
proposals-drop = Drop it
proposals-log = In the audit log
proposals-log-none = The audit log says nothing of it yet.
proposals-log-all = Look for it in all of the audit log

## Human tasks

question-open = waits for an answer
question-answered = answered
question-closed = closed
questions-open = Waiting for an answer
questions-none = No run waits for a person.
questions-more = More are waiting than are shown here.
questions-question = Question
questions-assignee = For
questions-age = Waits for
questions-until = Until
questions-no-limit = no limit
questions-over = Answered or closed
questions-none-over = Nothing was answered yet.
questions-by = Answered by
questions-at = When
questions-answer = Answer
questions-schema = What the answer must be (JSON Schema)
questions-send = Answer
questions-closed = It was closed without an answer: the run went on, or ended.

## Audit

audit-lead = Who did what, and when. Each entry holds the hash of the one before it, so none can be changed, removed or put in between unnoticed.
audit-number = No.
audit-at = When
audit-actor = Who
audit-action = Action
audit-entity = What
audit-id = Id
audit-detail = Detail
audit-more = more
audit-hash = Its hash
audit-prev = Hash of the one before
audit-entries = Entries
audit-total = { $count ->
    [one] { $count } entry in the log
   *[other] { $count } entries in the log
  }
audit-looked-at = { $count ->
    [one] { $count } entry looked through for this page
   *[other] { $count } entries looked through for this page
  }
audit-none = There are no such entries among those that were looked through.
audit-verify-title = Is the log as it was written?
audit-verify-lead = The entries are read from the store again, and the hash of each is calculated anew.
audit-verify-some = Verify the newest 1,000
audit-verify-many = Verify the newest 50,000
audit-verify-limits = That the newest entries were cut off, or all of them written anew, shows only beside a checkpoint that was kept elsewhere. For that, and for the whole of a long log:
audit-sound = Entries { $from } to { $to } are as they were written
audit-sound-whole = These are all entries, from the first to the last.
audit-sound-part = Those before, up to { $before }, were not looked at; the link to entry { $before } is sound.
audit-broken = The log is not as it was written
audit-sound-before = Entries { $from } to { $to } are.
audit-head = Hash of the last entry verified
audit-verified-at = Verified
audit-downloads = To keep elsewhere
audit-export = The whole log (JSON Lines)
audit-checkpoint = A signed checkpoint
audit-checkpoint-why = A checkpoint says, signed by this server, how long the log is now and how it ends.
audit-no-checkpoint = This server signs no checkpoints: it has no key of the role audit.

## Settings

settings-server = Server
settings-version = Version
settings-uptime = Running for
settings-url = Reached at
settings-tls = Own certificate (TLS)
settings-key = A key is needed
settings-session-secret = Sessions depend on a secret
settings-agent-key = Key for node agents
settings-signing-key = Signs published diagrams as
settings-audit-key = Signs audit checkpoints as
settings-where = These are set by whoever starts the server, in
settings-docs = The API and its description
settings-store = Store
store-works = It can be read and written.
store-fails = It cannot be written.
store-runs = Runs
store-tasks = Tasks
store-leases = Leases
store-audit = Audit entries
store-unwritable = The store cannot be written.
store-check = Whether all that it holds agrees with itself is checked while no server runs, by
settings-plane = Control plane
plane-url = Its URL
plane-key = Admin key
plane-fails = cannot be reached
plane-unknown = not asked yet
plane-error = Last error
plane-last-success = Last success
plane-last-test = Last test
plane-test = Test the connection
plane-set = Set another one
settings-keys = Keys of workers
keys-lead = Each lets a worker in and acts for that worker only. The keys themselves are kept nowhere.
keys-none = There are no keys of workers.
key-new = Make a key
key-told = The new key
key-told-once = It is shown now and never again. Copy it before you close this.
key-revoke = Revoke
key-revoke-ask = Revoke this key? From now on it lets nobody in.
key-revoked = revoked
settings-tokens = Enroll tokens
tokens-lead = With a token one machine becomes a node, once, within 15 minutes.
tokens-none = No token was made lately.
token-new = Make a token
token-told = The new token
token-open = open
token-used = used
token-expired = expired
settings-owners = Owners
owners-lead = The people who decide, each under a name of their own.
owners-set = Password set
owners-sessions = Open sessions
owners-self = you
owners-key-sessions = { $count ->
    [one] { $count } session was opened with the server's key.
   *[other] { $count } sessions were opened with the server's key.
  }
owners-new-password = New password (at least 12 characters)
owners-set-password = Set the password
owners-ends = A new password ends all sessions of that owner. A name that is new makes a new owner.
owners-remove = Remove
owners-remove-ask = Remove this owner? All sessions of this person end.
owners-log-in = Owners are changed by owners who are logged in.
settings-budgets = Budgets
budgets-none = No budget profile is set. Runs have the profile standard, which allows what is signed with their flows.
budgets-profile = Profile
budgets-run = Each run
budgets-time = Time of a run
budgets-day = Each agent in a day
budgets-today = Used today (UTC)
budgets-unused = No LLM was called today.
budgets-agent = Agent
budgets-calls = Calls
budgets-share = Of its daily budget
settings-limits = Limits
limit-runs = Runs at once
limit-runs-agent = Runs of each agent at once + waiting
limit-runs-of = Runs of the agent
limit-depth = Runs that call each other, at most
limit-attempts = Attempts of an effect
limit-tool = Time of a tool call
limit-lease = A lease without a heartbeat
limit-offline = A silent worker is offline after
limit-proposal = A proposal waits
limit-body = Body of a request
limit-connections = Connections at once
limit-request = Time of a request
limit-rate = Requests a minute of each identity
limit-rate-open = Requests a minute of each address
settings-contexts = Contexts
contexts-lead = Flows work in contexts. A context that is not listed is empty: any flow runs in it, and no other context reads it.
contexts-none = No context was changed.
contexts-agents = Flows that run in it
contexts-memories = Memories
contexts-readers = Read by
contexts-reader = Context that may read
contexts-delegate = Let it read
contexts-revoke = Do not let it read any more

## A run

run-stand = Where it stands
run-queue = { $position } in the queue
run-elsewhere = A worker executes it
run-why = Why it failed
run-why-do = What to do:
run-why-where = Where:
run-why-cancelled = Why it was stopped
run-continued-by = Its history was long enough; in its place goes on run
run-waits = Waits for
run-since = since
run-until = until
run-answer = Answer
run-more = and { $count } more
run-acts = What can be done
run-back = Back
run-rerun = Run again
run-rerun-what = The same program with the same inputs, as another run. Tools and LLMs are called anew.
run-fork = Fork
run-fork-what = Another run shares the first events of this one and goes on from there; this one stays as it is. What was asked for by then and has no answer is asked again.
run-what-if = What if…?
run-fork-at = The other run shares all events up to number (1 to { $last })
run-fork-version = Version of the flow to go on by (empty: the same program)
run-fork-ask-again = Ask it again, really
run-fork-ask-again-what = Another run shares everything up to this question and asks it again: of the same tool, model or person. This run stays as it is.
run-cancel = Cancel
run-cancel-what = The run is stopped for good. What was recorded stays.
run-cancel-reason = Why, for people
run-signal = Signal
run-signal-what = The run waits for this signal, and goes on with what you send.
run-signal-send = Send
run-signal-sent = The signal was sent.
run-path = The way that it took
run-path-told = Lines and icons that were passed are lit up, with how often and how long. Choose an icon to see what it asked.
run-differs = The history does not follow from the program, as far as replaying it shows:
run-no-diagram = The file that the flow was made from is not kept here, so the way cannot be drawn.
run-no-program = The program that this run pins is not here, or nobody who is trusted signed it: the way cannot be drawn.
run-selected = What the chosen icon asked
run-choose = Choose an icon or a bar to see what was asked, what came of it and what it cost.
run-icon = Icon
run-values = What went in and came out
run-inputs = Inputs
run-result = Result
run-proposals = Proposals
run-artifacts = Artifacts
run-artifact = Artifact
run-children = Runs that it started
run-facts = Facts
run-hash = Program
run-context = Context
run-by = Asked for by
run-started = Began
run-ended = Ended
run-budget = Budget profile
run-parent = Started by run
run-continues = Goes on in place of run
run-origin = Fork of run
run-events = Events
run-head = Hash of the last event
run-earlier = Earlier ones
run-later = Later ones
run-history = History
run-history-chunk = Events { $first } to { $last }
run-history-raw = As recorded
run-history-whole = All of it
run-task-queued = queued
run-task-leased = leased
run-task-running = running
run-task-completed = completed
run-task-failed = failed
run-task-dead = out of attempts

## Effects of a run

effects = What it asked, over time
effects-none = The run has asked for nothing yet.
effects-none-here = This icon has asked nobody for anything in this run: it computes by itself, or was not passed.
effects-shown = { $first } to { $last } of { $total }
effects-table = As a table
effects-of-icon = { $count ->
    [one] asked once
   *[other] asked { $count } times
}
effect = Asked
effect-tool = Tool
effect-llm = LLM
effect-flow = Flow
effect-sleep = Pause
effect-timer = Timer
effect-timer-end = End of a timer
effect-signal = Signal
effect-question = Question
effect-asked = Asked at
effect-answered = Answered at
effect-attempts = Attempts
effect-attempt-failed = Attempt { $number } failed:
effect-latency = Latency
effect-model = Model
effect-model-asked = Model that was asked for
effect-tokens = { $input } in, { $output } out
effect-task = Task
effect-worker = Worker
effect-lease = Lease
effect-arguments = Arguments
effect-prompt = Prompt
effect-system = System prompt
effect-memory = Memory
effect-schema = What the answer must satisfy
effect-answer = Answer
outcome-completed = done
outcome-failed = failed
outcome-running = under way
outcome-cancelled = never answered

## With another answer

otherwise = What would have happened with another answer
otherwise-failed = If it had failed
otherwise-choose = Choose an answer that the run was given: with another one it is computed anew, up to where it would have asked for something new. Nothing is really asked, and this run stays as it is.
otherwise-none = The run was given no answers yet.
otherwise-it-was = It was answered:
otherwise-more = There are more answers: choose an icon in the diagram to see its own.
otherwise-own = Another answer of your own
otherwise-answer = The answer, as JSON
otherwise-error = Or the code of an error that it fails with
otherwise-tell = Show what would have happened
otherwise-recorded = As it was recorded
otherwise-not-told = This cannot be told:
otherwise-same = Nothing would have been different.
otherwise-same-end = The run would have come to the same end, but not all of it would have been the same.
otherwise-other-end = The run would have come to another end.
otherwise-stopped = The run would have gone another way, up to something that it never asked for; what comes after that nobody knows.
otherwise-waits = The run would have waited for something else.
otherwise-refused = The run would not have begun.
otherwise-endless = The run would have computed without an end.
otherwise-unreadable = The history cannot be read.
otherwise-after = After
otherwise-went = the run went
otherwise-would-go = it would have gone
otherwise-to-end = to its end
otherwise-same-way = It would have gone the same way.
otherwise-answers = { $count ->
    [one] { $count } recorded answer was used; nothing was called.
   *[other] { $count } recorded answers were used; nothing was called.
}
otherwise-was = How it ended
otherwise-would = How it would have ended
otherwise-no-end = It had no end.
otherwise-differs = What differs
otherwise-asks-new = It would have asked for something that was never asked
otherwise-asks-unread = It would have asked for something else, whose answer nobody reads
otherwise-asks-other = It would have asked for something else
otherwise-asks-no-more = It would not have asked this
otherwise-hands-more = It would have handed out { $name }
otherwise-hands-less = It would not have handed out { $name }
otherwise-hands-other = It would have handed out another { $name }
otherwise-ask-really = A fork finds out what comes after that: it asks again, really, and may be answered differently.
otherwise-path = The way that it would have taken

## Proof of a run

run-replay = Replay
replay-what = The program was run again over what was recorded, and called nothing. Every event must follow from the one before.
replay-same = The history is what the program does, to the last byte.
replay-unfinished = The history is what the program does, so far. The run is not over.
replay-broken = The chain is broken: an event was changed, lost or added.
replay-other-program = The history belongs to another program.
replay-misplaced = An event stands where it cannot.
replay-erased = A payload was erased, and what follows depends on it.
replay-unlinked = The history agrees in itself, but not with the run that it continues, or that continues it.
replay-diverged = The program does something else than was recorded.
replay-agreed = { $count } of { $total } events agree.
replay-recorded = Recorded
replay-replayed = By the program
differs-start = It differs in how the run began:
differs-kind = Another kind of event is due:
differs-request = It differs in what was asked:
differs-emission = It differs in what was handed out:
differs-end = It differs in how the run ended:
differs-state = It differs in the variables at the end:

## Time travel

travel = Time travel
travel-here = Look at this moment
travel-event = Event
travel-go = Go
travel-steps = Steps
travel-fork = Fork from here
travel-first = First
travel-previous = Previous
travel-next = Next
travel-last = Last
travel-at = The run is at
travel-path = The way so far
travel-state = State
travel-changes = { $count ->
    [0] No variable changed by this event
    [one] { $count } variable changed by this event
   *[other] { $count } variables changed by this event
}
travel-branch = Branch
travel-no-variables = There are no variables.
travel-not-set = not set
travel-was = It was:
change-added = new
change-changed = changed
change-removed = gone
event-run-started = Run started
event-effect-requested = Asked
event-effect-attempted = Attempt failed
event-effect-completed = Answered
event-effect-failed = Failed
event-emitted = Handed out
event-signal-received = Signal received
event-run-forked = Forked
event-run-cancelled = Run cancelled
event-run-completed = Run completed
event-run-failed = Run failed
event-run-continued = Goes on as another run

runs-more-than = more than { $count }

## Workers

workers-summary = { $online } of { $all } online
workers-none = No worker is here. Start one, as told below: until then tasks wait in the queue.
worker-kind = Kind
worker-is-local = within this server
worker-is-puller = asks for tasks
worker-is-agent = node agent, which is called
worker-is-sighted = known from the control plane
worker-stands-online = online
worker-stands-offline = offline
worker-stands-syncing = syncing
worker-stands-error = error
worker-stands-unknown = unknown
worker-drains = takes nothing more
worker-blocked-quota = quota used up
worker-blocked-login = not logged in
worker-blocked-until = until
worker-slots = Slots
worker-busy = Tasks at work
worker-silent = Silent for
worker-heard = Heard of
worker-able = Provides
worker-registered = Registered
worker-os = System
worker-installed = Installed as
worker-holds = What it holds now
worker-holds-nothing = It holds no task.
worker-node = To the nodes
worker-let-in = Let it in again
worker-let-in-text = Log in to its provider on that machine, then let it in again: until then it is granted nothing.
worker-log-in-text = Log in to its provider on that machine (with the Claude CLI: start it and type /login). It looks by itself, and is let in when the provider answers.
worker-quota-text = All that share this quota wait until it is renewed; no attempt counts meanwhile. Nothing is to be done here.
worker-remove = Remove
worker-remove-ask = { $count ->
        [0] It holds no task now. It comes back if it registers again.
        [one] { $count } lease is revoked, and its task is queued again for other workers. It comes back if it registers again.
       *[other] { $count } leases are revoked, and their tasks are queued again for other workers. It comes back if it registers again.
    }
reached-locally = This address leads to the server from its own machine only. For other machines, set server.public_url and listen on an address that they reach.
workers-enroll = Make a machine a worker
workers-enroll-text = The command installs bloom worker as a service of systemd or OpenRC. It holds a token that is good once, for this name, for 15 minutes.
workers-enroll-name = Name of the worker
workers-enroll-name-how = Latin letters, digits, . _ -
workers-enroll-make = Make the command
workers-enroll-run = Run this on
workers-enroll-once = It is shown now and never again, and is good until
workers-start = Start a worker by hand
workers-start-text = On any machine that reaches the server and where the Claude CLI is logged in:

## Nodes

nodes-lead = Machines with an agent that this server calls: it sends them tasks, and has them clone projects.
nodes-total = Nodes
nodes-online = Online
nodes-offline = Offline or unknown
nodes-fleet = Fleet
nodes-none = There are no nodes. Register one, or make a machine one, below.
node-url = Address of the agent
node-addresses = IP addresses
node-sighted = from the control plane
node-health = Health
node-health-of = Health of
node-update = Update
node-update-ask = The agent fetches its newest code and starts again. What it is doing meanwhile may be lost, and is then tried again.
node-updated = The agent was told to update itself.
node-repository = Repository of the agent (empty: where it came from)
node-source = Repository to clone the agent from (empty: it is there already)
node-restart = Restart
node-restart-ask = The agent starts again. What it is doing may be lost, and is then tried again.
node-uninstall = Uninstall
node-uninstall-ask = The agent removes itself from the machine. Only somebody at that machine can install it again.
node-remove = Remove
node-name = Name of the node
node-port = Port of the agent
node-register = Register a node
node-register-text = For an agent that is installed already. The server calls it at this address.
node-register-do = Register
node-registered = The node is registered.
node-enroll = Make a machine a node
node-enroll-text = The command installs the agent as a service of systemd or OpenRC. It holds a token that is good once, for this name, for 15 minutes. Then register the node with its address.
projects = Managed projects
projects-lead = Git repositories that are kept on nodes.
projects-none = There are no projects.
project-name = Name
project-repository = Repository
project-path = Path on the node
project-primary = Primary node
project-synced = Brought there
project-stands-pending = not cloned yet
project-stands-cloning = being cloned
project-stands-cloned = cloned
project-stands-failed = failed
project-stands-propagating = being spread
project-stands-synced = on all nodes
project-clone = Clone
project-clone-ask = The node's agent clones the repository. That may take a minute.
project-propagate = Spread
project-propagate-ask = The agents of all nodes that are online and have not got it yet clone the repository.
project-sync = Sync memory
project-sync-ask = The control plane brings the project's memory from a node or to it.
project-direction = Direction
project-push = from the node
project-pull = to the node
project-delete = Delete
project-delete-ask = The project is managed no longer. What lies on nodes stays there.
project-new = New project
project-new-do = Create
project-made = The project is there; nothing is cloned yet.

## Tasks

tasks-lead = What workers are asked: by icons of flows, and by clients that post tasks themselves.
tasks-none = There are no tasks here.
task-is-queued = queued
task-is-leased = with a worker
task-is-running = being done
task-is-completed = completed
task-is-failed = failed
task-is-dead = out of attempts
task-agent = Flow or agent
task-whole = a whole run
task-asks = Asks for
task-posted = posted by a client
task-node = Node of the program
task-context = Context
task-attempts = Attempts
task-requires = Requires
task-priority = Priority
task-timeout = Time for an attempt
task-model = Model
task-not-before = Not before
task-requeue = Try it again
task-requeue-ask = It is queued again, with no attempt counted. What a worker answers then is paid for again.
task-dispatch = Send it to a node
task-dispatch-none = No node agent is online that it could be sent to.
task-dispatch-best = the best one
task-dispatch-do = Send
task-lease = Newest lease
task-answer = Answer
task-output = What the worker said
task-artifact = The artifact that was kept of it
task-prompt = Prompt
task-system = System prompt
task-question = Question
task-hints = Context that goes with it
task-schema = What the answer must satisfy (JSON Schema)
task-cut = This is the beginning.
task-whole-text = The whole task as JSON

## Leases

leases-lead = Who holds which task, and for how long yet. A holder that is not heard of in time loses it to another worker.
leases-none = There are no leases here.
lease-active = active
lease-released = released
lease-expired = expired
lease-failed = failed
lease-left = Time left
lease-ended = ended
lease-for = For
lease-since = Since

## Tools

tools-lead = Components that flows may call here. Each runs in a sandbox, and gets what its flow is signed for and the operator grants.
tools-none = No tool is installed.
tools-counted = Counted since the server was started.
tool-effect = Effect
effect-read = only reads
effect-operational = changes something outside
effect-propose = shapes a proposal
effect-means-read = after a crash it is asked again
effect-means-operational = after a crash its outcome is unknown
effect-means-propose = it shapes a proposal, and changes nothing
tool-asks = Asks for
tool-asks-nothing = It asks for nothing: it sees its arguments alone.
tool-digest = Digest
tool-calls = Calls
tool-failed = Failed
tool-traps = Traps
tool-used = Calls here
tool-also = Also called
tool-params = Positional arguments
tool-others = Other components of this name
tool-capability = Capability
tool-granted = Granted by the operator
tool-signed = Flows signed for it
tool-flows = Flows that may call it
tool-flows-none = No stored flow calls it.
tool-flows-partial = Of the stored flows, the newest { $count } were looked at.
tool-pins = Pins
tool-pins-none = whichever is installed
tool-this = this one
tool-may = May call it here
tool-limits = Limits of a call
tool-limit-fuel = Work (about an instruction each)
tool-limit-memory = Memory
tool-limit-input = Arguments
tool-limit-output = Result
tool-limit-requests = HTTP requests
tool-limit-at-once = Calls at the same time
tool-failures = Ways to fail
tool-input = Input schema
tool-output = Output schema
tool-add = Add a component
tool-add-text = A WebAssembly component of the world bloom:tool/adapter, of at most 64 MiB. It may do nothing until a flow is signed for it and the operator grants what it asks for.
tool-component = Component
tool-add-do = Add
tool-sending = It is being sent …
tool-compiling = It is being compiled …

## Forms

form-required = required
form-nothing = Nothing needs to be filled in.
form-value = Value
form-yes = yes
form-no = no
form-lines = One entry a line.
form-json = Written as JSON.
form-any = JSON, or plain text.

## Kinds of values

kind-text = text
kind-whole = whole number
kind-number = number
kind-boolean = yes or no
kind-choice = one of: { $values }
kind-object = object
kind-list = list
kind-list-of = list ({ $kind })
kind-any = anything
kind-other = JSON
kind-or-null = { $kind }, or null
bound-minimum = At least { $number }.
bound-above = More than { $number }.
bound-maximum = At most { $number }.
bound-below = Less than { $number }.
bound-multiple = A multiple of { $number }.
bound-shortest = { $count ->
    [one] At least { $count } character.
   *[other] At least { $count } characters.
}
bound-longest = { $count ->
    [one] At most { $count } character.
   *[other] At most { $count } characters.
}
bound-pattern = It must match { $pattern }
bound-format = Format: { $format }.
bound-fewest = { $count ->
    [one] At least { $count } entry.
   *[other] At least { $count } entries.
}
bound-most = { $count ->
    [one] At most { $count } entry.
   *[other] At most { $count } entries.
}
bound-unique = No entry twice.
bound-examples = For example: { $values }.

## Flows

flows-search = Id or title
flows-total = { $count ->
    [one] { $count } flow
   *[other] { $count } flows
}
flows-none = There are no flows yet. Publish the first one below: drop a diagram, pseudocode or a signed document.
flows-not-found = No flow has these words in its id or title.
flows-more = Further ones
flow-id = Id
flow-version = Version
flow-title = Title
flow-signed-by = Signed by
flow-published = Published
flow-no-runs = No runs yet.
flow-hash = Hash
flow-program = Program
flow-kind = Kind
flow-machine = It may wait for ever (a machine).
flow-procedure = It comes to an end (a procedure).
flow-source = Source
flow-no-source = It does not say what it was made of.
flow-nobody = Nobody
flow-is-newest = the newest
flow-untrusted = It may not run:
flow-refused = It would be refused here:
flow-all-runs = All its runs
flow-failures = What it failed with lately
flow-no-failures = None of its runs failed.
flow-facts = What it is
flow-not-drawn = This diagram cannot be drawn.
flow-source-not-kept = The file that it was made of is not kept here, so there is no diagram. “PUT …/source” of the API keeps it.
flow-ir = Signed document (IR)
flow-ir-large = It is too large to be shown here; download it.
flow-inputs = What it takes
flow-outputs = What it gives
flow-no-inputs = It takes nothing.
flow-no-outputs = It does not say what it gives.
flow-versions = Versions
flow-shown = shown
diagram = Diagram
pseudocode = Pseudocode
pseudocode-uk = Pseudocode, Ukrainian
pseudocode-en = Pseudocode, English
download = Download
needs-script = This needs JavaScript, which is off in this browser.

trust-trusted = trusted
trust-untrusted = not trusted

## Starting a run

start = Start a run
start-do = Start
start-cannot = This version cannot be started here; above it is said why.
start-options = Context, place, limits
start-version = Version { $version } is started.
start-context = Context
start-context-about = Which memory and artifacts it shares with other flows; empty: “default”.
start-dispatch = Where it runs
start-on-server = On the server
start-on-worker = On a worker
start-budget = That of the flow ({ $name })
start-limits = Less than it may use

## Policy

policy = What it may do
policy-tools = Tools that it may call
policy-no-tools = It calls no tools.
policy-tool = Tool
policy-effect = What a call does
policy-uses = What it may use
policy-uses-nothing = nothing outside of itself
policy-pinned = Pinned to
policy-not-pinned = no component
policy-here = Here
policy-proposes = It may propose
policy-proposes-nothing = nothing
policy-sandbox = Sandbox
policy-memory = Memory
policy-budget = Budget profile
policy-limits = What a run may use
tool-ready = ready
tool-missing = missing
use-memory = reads the flow's memory
use-files = reads the folder { $name }
use-config = has its setting { $name }
use-artifacts-own = reads what runs of this flow handed out
use-artifacts-all = reads what all flows of the context handed out
use-http = asks { $name } over the network
use-http-any = asks the hosts that the operator granted
use-unknown = unknown here, and never granted
sandbox-restricted = No tool reaches the network.
sandbox-network = Tools reach the hosts that the operator granted.
sandbox-rehearsal = No tool runs.
memory-read = Its tools read the flow's memory.
memory-shown = { $count ->
    [one] { $count } call of an LLM is shown memory.
   *[other] { $count } calls of an LLM are shown memory.
}
memory-proposed = It may propose to change its memory.
memory-none = It neither reads its memory nor proposes to change it.
limit-time = Active time
limit-node-time = Time for one icon
limit-tokens = Tokens of LLMs
limit-cost = Cost of LLMs, in millionths of a US dollar
limit-steps = Steps without an effect
limit-events = Events
limit-proposals = Proposals
limit-none = any
budget-none = It bounds nothing beyond the limits.
budget-run = A run: { $what }.
budget-day = All its runs of a day: { $what }.
budget-time = Active for { $what } at most.
budget-calls = { $count ->
    [one] { $count } call
   *[other] { $count } calls
}
budget-tokens = { $count ->
    [one] { $count } token
   *[other] { $count } tokens
}

## Schemas

schema-name = Name
schema-kind = Kind
schema-about = About it
schema-itself = the value itself
schema-default = Else
schema-more = There is more in it; the signed document has all.

## Publishing

publish = Publish a flow
publish-log-in = A diagram is published by a person: log in to publish one. You can check it without that, and a document that is signed already can be published.
publish-no-key = This server has no key to sign with, so it takes signed documents only. It makes one when it starts with an owner.
publish-choose = A diagram, pseudocode, or a signed document
publish-drop = Choose a file, or drop one anywhere on this page. It is checked first; nothing is published before you say so.
publish-fine = Nothing is wrong with it.
publish-errors = Errors:
publish-warnings = Warnings:
publish-known = This program is published already under this version.
publish-newest = The newest version now:
publish-line = Line
publish-signs = It is signed by
publish-do = Publish
severity-error = error
severity-warning = warning
code-example = Example
settings-plane-none = No control plane is set: this server knows its nodes by itself.

## Spans of time

span-ms = { $ms } ms
span-s = { $s }.{ $hundredths } s
span-passing = { $s } s
span-min = { $min } min { $s } s
span-h = { $h } h { $min } min
span-d = { $d } d { $h } h
