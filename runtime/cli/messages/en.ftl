# The texts of the command line in English. Both languages have the same messages with the same variables.

## Words

error = Error:
because = because
hint = What to do:
yes = yes
count-proposals = { $count ->
    [one] { $count } proposal
   *[other] { $count } proposals
}
count-tokens = { $count ->
    [one] { $count } token
   *[other] { $count } tokens
}

## Help: headings

help-usage = Usage:
help-commands = Commands
help-arguments = Arguments
help-options = Options
help-examples = Examples:

## Help: commands, by their names; the attributes are their arguments

cmd = Runs algorithms that people draw: compiles a diagram, signs it, runs it, and proposes what it would change
    .data = The data directory: store, keys, compiled tools [default: $BLOOM_DATA, else $XDG_DATA_HOME/bloom, else ~/.local/share/bloom]
    .config = The file of settings [default: $BLOOM_CONFIG, else bloom.toml here, in the data directory, or in ~/.config/bloom]
    .lang = The language of texts: en or uk [default: from LC_ALL, LC_MESSAGES or LANG]
    .json = Answer in JSON
    .text = Answer in text for people, also where the output is not a terminal
    .help = Print help
    .version = Print the version
    .examples =
        bloom run flow.drakon --notes ~/notes      run a diagram over a folder of notes
        bloom proposals list                       what waits for your decision
        bloom replay last                          prove that the last run follows from its program

        Exit status: 0 completed; 1 failed; 2 the arguments are wrong;
        3 refused (signature, trust, policy); 4 the run waits; 128 + N stopped by signal N.

cmd-run = Run a flow: a diagram, pseudocode, signed IR, or a flow of the store
    .flow = A file, or a flow of the store by id@version or hash
    .input = Inputs as NAME=VALUE, read by the type in the flow's input schema
    .inputs = Inputs as a JSON object
    .llm = What answers LLM nodes: claude, command:PROGRAM, scripted:FILE, or auto:FILE (claude where it is installed and logged in, else the script); human: a person, through bloom questions
    .tools = A folder with more tools (*.wasm)
    .notes = The folder that tools may read as notes
    .context = The folder that tools may read as context [default: the notes]
    .flows = The folder with diagrams that tools may read
    .memory = The folder with the agents' memory [default: memory in the data directory]
    .resume = Go on with a run that was interrupted
    .wait = Wait as long as the run does, for times, signals and people; else the command ends with status 4 once the run only waits
    .progress = What to tell on the standard error meanwhile: auto, lines, json (a line of JSON for each recorded event), none [default: auto]
    .id = The flow's id [default: the file's name]
    .flow-version = The flow's version; 0.0.0 is never registered by name [default: 0.0.0]
    .limit = How much a run may use, as max_proposals=50; may be repeated. Also max_tokens, max_cost_micro_usd, max_steps, max_events, timeout_seconds, node_timeout_seconds
    .max-tokens = Tokens of all LLM calls of the run together
    .max-cost = What all LLM calls of the run may cost together, in US dollars, as 0.50
    .timeout = How long the run may be active, in seconds; waiting does not count
    .prose = What becomes of text that is no statement: error, llm (an LLM does it or answers it), human (a person does) [default: error]
    .opaque = Take every icon's text as such text, also where it would parse; for an LLM unless --prose says otherwise
    .examples =
        bloom run archivist.drakon --notes ~/notes
        bloom run report.drakon --input days=7 --input title="This week" --json
        bloom run archivist.drakon --llm scripted:answers.json
        bloom run --resume last

        On a terminal it tells each effect as it goes. Elsewhere, and with --json, it prints one JSON object:
        run, status, result, error, proposals, tokens, cost_micro_usd.

cmd-check = Say what is wrong with diagrams, pseudocode or IR documents
    .files = The files
    .format = How to write what was found: text, json, or sarif (SARIF 2.1.0) [default: text]
    .limit = How much a run may use, as max_proposals=50; may be repeated. Also max_tokens, max_cost_micro_usd, max_steps, max_events, timeout_seconds, node_timeout_seconds
    .tools = A folder with more tools (*.wasm)
    .prose = What becomes of text that is no statement: error, llm (an LLM does it or answers it), human (a person does) [default: error]
    .opaque = Take every icon's text as such text, also where it would parse; for an LLM unless --prose says otherwise
    .examples =
        bloom check *.drakon
        bloom check flow.drakon --json
        bloom check *.drakon --format sarif > bloom.sarif

cmd-explain = Say what an error code means, why, and what to do
    .codes = The codes, as D044
    .examples =
        bloom explain D044

cmd-compile = Compile a diagram or pseudocode to a signed IR document
    .file = A diagram, pseudocode, or an IR document to sign
    .output = The file to write; without it, the standard output
    .force = Write also over a file that is no IR document
    .key = The key of this machine that signs [default: development]
    .tools = A folder with more tools (*.wasm)
    .id = The flow's id [default: the file's name]
    .flow-version = The flow's version; 0.0.0 is never registered by name [default: 0.0.0]
    .limit = How much a run may use, as max_proposals=50; may be repeated. Also max_tokens, max_cost_micro_usd, max_steps, max_events, timeout_seconds, node_timeout_seconds
    .prose = What becomes of text that is no statement: error, llm (an LLM does it or answers it), human (a person does) [default: error]
    .opaque = Take every icon's text as such text, also where it would parse; for an LLM unless --prose says otherwise
    .examples =
        bloom compile archivist.drakon -o archivist.ir.json
        bloom compile archivist.drakon --flow-version 1.2.0 --key release -o archivist.ir.json
        bloom compile archivist.ir.json --key reviewer -o archivist.ir.json     # signs beside the author

cmd-rehearse = Walk a flow with the answers of an oracle, and say what no walk came to; no tool and no LLM runs
    .file = A diagram, pseudocode, or an IR document
    .runs = How many walks [default: 100, with --trace 1]
    .oracle = The seed of the oracle: the same seed gives the same answers; further walks use the numbers after it [default: 1]
    .trace = Print each event of the walk as a line of JSON instead
    .output = Also draw the diagram as SVG to this file, with the icons and ways that nothing came to
    .tools = A folder with more tools (*.wasm)
    .id = The flow's id [default: the file's name]
    .flow-version = The flow's version; 0.0.0 is never registered by name [default: 0.0.0]
    .limit = How much a run may use, as max_proposals=50; may be repeated. Also max_tokens, max_cost_micro_usd, max_steps, max_events, timeout_seconds, node_timeout_seconds
    .prose = What becomes of text that is no statement: error, llm or human [default: llm; nobody is asked in a rehearsal]
    .opaque = Take every icon's text as such text, also where it would parse
    .examples =
        bloom rehearse archivist.drakon
        bloom rehearse checklist.drakon --opaque --oracle 7 --trace

cmd-import = Make native diagrams of a file of DRAKON Editor
    .file = A .drn file
    .output = The folder to write to, a file for each diagram
    .force = Write also over files that are there
    .examples =
        bloom import flows.drn -o flows/
        bloom check flows/*.drakon

        Each diagram's lines are resolved; what is wrong with a drawing is told with its place on the sheet.

cmd-pseudocode = Write a diagram as pseudocode, which compiles to the same program
    .file = A diagram
    .locale = The language of the keywords: uk or en [default: that of the texts of bloom]
    .output = The file to write; without it, the standard output
    .tools = A folder with more tools (*.wasm)
    .prose = What becomes of text that is no statement: error, llm (an LLM does it or answers it), human (a person does) [default: error]
    .opaque = Take every icon's text as such text, also where it would parse; for an LLM unless --prose says otherwise
    .examples =
        bloom pseudocode archivist.drakon --locale uk
        bloom pseudocode archivist.drakon --locale en -o archivist.md

cmd-agent = Make the files of an agent from its diagram, and check them for activation

cmd-agent-export = Write _agent.md and pseudocode.md from the diagram in a folder
    .folder = The agent's folder
    .locale = The language of the keywords: uk or en [default: that of the texts of bloom]
    .force = Write also over a body that was written by hand
    .tools = A folder with more tools (*.wasm)
    .examples =
        bloom agent export agents/archivist

cmd-agent-check = Say what stands in the way of activating an agent
    .folder = The agent's folder
    .tools = A folder with more tools (*.wasm)
    .examples =
        bloom agent check agents/archivist

cmd-render = Draw a diagram as a picture (SVG or PNG), with what a run or rehearsals did
    .file = A diagram
    .output = The file to write; without it, the standard output
    .theme = light or dark [default: light]
    .format = svg or png [default: by the file's name, else svg]
    .run = A run of this diagram: the ways that it took, how often it passed each icon, how long it waited
    .rehearse = Rehearse so often, and mark the icons and ways that nothing came to
    .tools = A folder with more tools (*.wasm)
    .id = The flow's id [default: the file's name]
    .flow-version = The flow's version; 0.0.0 is never registered by name [default: 0.0.0]
    .limit = How much a run may use, as max_proposals=50; may be repeated. Also max_tokens, max_cost_micro_usd, max_steps, max_events, timeout_seconds, node_timeout_seconds
    .prose = What becomes of text that is no statement: error, llm or human [default: llm; nobody is asked in a rehearsal]
    .opaque = Take every icon's text as such text, also where it would parse
    .examples =
        bloom render archivist.drakon -o archivist.svg
        bloom render archivist.drakon --run last --theme dark -o run.png
        bloom render archivist.drakon --rehearse 100 -o coverage.svg

cmd-verify = Check hash and signatures of an IR document against the keys that this machine trusts
    .file = The document
    .examples =
        bloom verify archivist.ir.json

cmd-keys = Make keys, list them, trust the keys of others, and trust them no more
    .examples =
        bloom keys new release
        bloom keys list
        bloom keys trust anna.pub --role author
        bloom keys distrust anna

cmd-keys-new = Make a private key
    .name = Its name: letters, digits, - _ .

cmd-keys-list = List the keys of this machine and those that it trusts

cmd-keys-trust = Trust a key
    .key = A public key as keys new prints it, a file that holds one, or the name of a key of this machine
    .name = Its name in the trust list
    .roles = A role that policies ask for, as author or reviewer; may be repeated
    .expires = When the trust ends, as 2027-01-01T00:00:00Z

cmd-keys-distrust = Trust a key no more: nothing that it alone signed runs from now on, on running servers and workers of this machine, too
    .key = Its name in the trust list, its id, the key itself, or a file that holds it

cmd-owner = Set the passwords of owners: the people who log in to a server and decide by name
    .examples =
        bloom owner set Olena
        bloom owner list
        pass show bloom | bloom owner set Olena
cmd-owner-set = Set an owner's password; it is asked for on the terminal, else it is the first line of the standard input
    .name = What the person is called, as it will stand in decisions and in the audit log
    .server = A server's URL, in place of the store of this machine; client.api_key is then the token of an owner's session
cmd-owner-list = List owners
    .server = A server's URL, in place of the store of this machine
cmd-owner-remove = Remove an owner, whose sessions end
    .name = What the person is called
    .server = A server's URL, in place of the store of this machine; client.api_key is then the token of an owner's session

cmd-flow = List, publish and start the flows of the store, or of a server
    .server = A server's URL, as http://127.0.0.1:5000, in place of the store of this machine
    .examples =
        bloom flow publish archivist.drakon --flow-version 1.0.0
        bloom flow publish archivist.ir.json --server http://127.0.0.1:5000
        bloom flow start archivist --wait --server http://127.0.0.1:5000

        A server that asks for a key gets the one of client.api_key (BLOOM_CLIENT_API_KEY, RUNTIME_API_KEY).

cmd-flow-list = List the flows
    .server = A server's URL, in place of the store of this machine

cmd-flow-publish = Make a flow startable by its name: signed IR, or a diagram, which is compiled and signed here
    .flow = A file, or a flow of the store by id@version or hash
    .server = A server's URL, in place of the store of this machine
    .id = The flow's id [default: the file's name]
    .flow-version = The flow's version; 0.0.0 is never registered by name [default: 0.0.0]
    .limit = How much a run may use, as max_steps=1000; may be repeated
    .prose = What becomes of text that is no statement: error, llm (an LLM does it or answers it), human (a person does) [default: error]
    .opaque = Take every icon's text as such text, also where it would parse; for an LLM unless --prose says otherwise
    .tools = A folder with more tools (*.wasm)

cmd-flow-start = Run a published flow; without --server here, as bloom run does
    .flow = Its id, or id@version; without a server id@version or a hash
    .input = Inputs as NAME=VALUE, read by the type in the flow's input schema
    .inputs = Inputs as a JSON object
    .wait = Wait for the run's end
    .server = A server's URL, in place of the store of this machine
    .idempotency-key = The same key and inputs give the same run, however often it is started

cmd-contexts = List execution contexts, say which flows run in one, and which others may read it
    .examples =
        bloom contexts set client-a --agent archivist
        bloom contexts delegate client-a reports
        bloom contexts revoke client-a reports
    .server = A server's URL, in place of the store of this machine
cmd-contexts-list = List the contexts that were changed; all others are empty
    .server = A server's URL, in place of the store of this machine
cmd-contexts-show = Show a context
    .context = Its id; one that nobody changed is empty
    .server = A server's URL, in place of the store of this machine
cmd-contexts-set = Say which flows run in a context, and which have their memory in it
    .context = Its id
    .agents = A flow that runs in it; may be repeated [default: any flow]
    .memories = A flow that has its memory in it; may be repeated [default: all that run in it]
    .server = A server's URL, in place of the store of this machine
cmd-contexts-delegate = Let runs of another context read what runs of this one handed out
    .context = The context that is read
    .reader = The context that may read it
    .server = A server's URL, in place of the store of this machine
cmd-contexts-revoke = Do not let them any more, from the next read on
    .context = The context that is read
    .reader = The context that may not read it any more
    .server = A server's URL, in place of the store of this machine

cmd-runs = List runs, newest first
    .flow = Of this flow only
    .status = In this state only: running, completed, failed, cancelled, continued
    .limit = At most so many [default: 20]
    .server = A server's URL, in place of the store of this machine

cmd-tasks = List what is asked of workers, newest first, or have it tried again
    .status = In this state only: queued, leased, running, completed, failed, dead
    .limit = At most so many [default: 20]
    .server = A server's URL, in place of the store of this machine
cmd-tasks-list = List tasks, newest first
    .status = In this state only: queued, leased, running, completed, failed, dead
    .limit = At most so many [default: 20]
    .server = A server's URL, in place of the store of this machine
cmd-tasks-requeue = Have a failed or dead task tried again, with no attempt counted
    .task = Its id
    .server = A server's URL, in place of the store of this machine

cmd-workers = List who takes tasks, or remove a worker
    .server = A server's URL, in place of the store of this machine; only a server knows who is there
cmd-workers-list = List workers
    .server = A server's URL, in place of the store of this machine; only a server knows who is there
cmd-workers-remove = Remove a worker; what it holds is queued again
    .worker = Its name
    .server = A server's URL, in place of the store of this machine

cmd-workers-key = Make, list and revoke keys of workers: each acts for one worker and nobody else
cmd-workers-key-new = Make a key for a worker, and print it: it is shown now and never again
    .worker = The worker's name; it need not be registered yet
    .server = A server's URL, in place of the store of this machine
cmd-workers-key-list = List the keys, without their secrets
    .server = A server's URL, in place of the store of this machine
cmd-workers-key-revoke = Let nobody in with a key any more
    .id = The key's id
    .server = A server's URL, in place of the store of this machine
cmd-workers-enroll = Make a token with which one machine becomes a node, once, within 15 minutes, and print it
    .worker = What the node is called
    .server = A server's URL, in place of the store of this machine

cmd-show = Show a run: what it did, how it ended, what it proposed
    .run = Its id, an unambiguous part of it, or last

cmd-history = Print what was recorded of a run
    .run = Its id, an unambiguous part of it, or last
    .examples =
        bloom history last
        bloom history last --json > run.jsonl       the exact bytes of the hash chain

cmd-replay = Prove that a run follows from its program, or show where it does not
    .runs = Ids, unambiguous parts of them, or last; with --ir also the id of a flow, for its last runs
    .ir = By this flow: a diagram, pseudocode, signed IR, or a flow of the store. If a run pins another one, say where it would go another way
    .file = Replay an exported history, without the store; may be repeated
    .last = With --ir: compare the last N runs of the flow [default: 20]
    .until = Stop after event N and print the whole state
    .tools = A folder with more tools (*.wasm)
    .id = The id of the flow given by --ir [default: the file's name]
    .flow-version = The version of the flow given by --ir [default: 0.0.0]
    .limit = How much a run of the flow given by --ir may use, as max_steps=1000; may be repeated
    .prose = What becomes of text that is no statement: error, llm (an LLM does it or answers it), human (a person does) [default: error]
    .opaque = Take every icon's text as such text, also where it would parse; for an LLM unless --prose says otherwise
    .examples =
        bloom replay last
        bloom replay last --until 7
        bloom replay --ir archivist.ir.json --file run.jsonl
        bloom replay --ir corrected.drakon              which of the last 20 runs would go another way, and where?
        bloom replay --ir corrected.drakon --last 100 archivist

        With --ir it calls nothing: recorded answers are given to what asks the same, and it stops where one is missing.

cmd-debug = Go through a recorded run or a rehearsal step by step, forward and back
    .run = A run: its id, an unambiguous part of it, or last; with --rehearse a flow
    .rehearse = Go through a rehearsal of a flow: a walk with made-up answers
    .oracle = The seed that the made-up answers follow from [default: 1]
    .file = Go through an exported history, without the store
    .ir = The flow of the exported history: a diagram, pseudocode or signed IR
    .tools = A folder with more tools (*.wasm)
    .id = The flow's id [default: the file's name]
    .flow-version = The flow's version [default: 0.0.0]
    .limit = How much a run of the flow may use, as max_steps=1000; may be repeated
    .prose = What becomes of text that is no statement: error, llm (an LLM does it or answers it), human (a person does) [default: error]
    .opaque = Take every icon's text as such text, also where it would parse; for an LLM unless --prose says otherwise
    .examples =
        bloom debug last
        bloom debug flow.drakon --rehearse
        printf 'break 14\ncontinue\nprint notes\n' | bloom debug last

        Commands are lines: next, back, step, event 7, break 14, continue, print size(notes), vars, events, help, quit.

cmd-fork = Start another run that shares the history of a run up to an event, and goes on from there
    .run = Its id, an unambiguous part of it, or last
    .at = The last event that is shared
    .ir = Go on with this flow: a diagram, pseudocode, signed IR, or a flow of the store. The shared events must follow from it too
    .llm = What answers LLM nodes [default: what answered in the run]
    .tools = A folder with more tools (*.wasm) [default: that of the run]
    .notes = The folder that tools may read as notes [default: that of the run]
    .context = The folder that tools may read as context [default: that of the run]
    .flows = The folder with diagrams that tools may read [default: that of the run]
    .memory = The folder with the agents' memory [default: that of the run]
    .wait = Wait as long as the run does, for times, signals and people; else the command ends with status 4 once the run only waits
    .progress = What to tell on the standard error meanwhile: auto, lines, json (a line of JSON for each recorded event), none [default: auto]
    .id = The id of the flow given by --ir [default: the file's name]
    .flow-version = The version of the flow given by --ir [default: 0.0.0]
    .limit = How much a run of the flow given by --ir may use, as max_proposals=50; may be repeated
    .prose = What becomes of text that is no statement: error, llm (an LLM does it or answers it), human (a person does) [default: error]
    .opaque = Take every icon's text as such text, also where it would parse; for an LLM unless --prose says otherwise
    .server = A server's URL, in place of the store of this machine: the run, by its whole id, is one of its runs, and --ir a version or hash of the flow there
    .idempotency-key = The same key, run and event give the same fork, however often it is asked for
    .examples =
        bloom history last                              the events, by number
        bloom fork last --at 7                          tries the rest again
        bloom fork RUN --at 7 --server URL --wait       the same on a server
        bloom fork last --at 7 --ir corrected.drakon    goes on as a corrected diagram says

cmd-proposals = See and decide what runs want to change
    .examples =
        bloom proposals list
        bloom proposals approve 0b5c
        bloom proposals approve --action memory-update

cmd-proposals-list = List the proposals that wait for a decision
    .run = Of this run only
    .all = Also those that were decided, and those that repeat another

cmd-proposals-show = Show a proposal with its content
    .proposal = Its id, or an unambiguous part of it

cmd-proposals-approve = Approve proposals; a memory update is applied at once
    .proposals = Their ids, or unambiguous parts of them
    .action = All pending ones with this action, as memory-update
    .note = Why
    .memory = The folder with the agents' memory [default: memory in the data directory]

cmd-proposals-reject = Reject proposals
    .proposals = Their ids, or unambiguous parts of them
    .note = Why

cmd-questions = See what runs ask people
    .examples =
        bloom questions list
        bloom questions show 0b5c
        bloom answer 0b5c true

cmd-questions-list = List the questions that wait for an answer
    .run = Of this run only
    .all = Also those that were answered, and those that nobody needs answered any more

cmd-questions-show = Show a question, and what its answer must be
    .question = Its id, or an unambiguous part of it

cmd-answer = Answer a question of a run; the run goes on when it is resumed
    .question = The question's id, or an unambiguous part of it
    .answer = The answer as JSON, as true, 7 or "yes"; a text needs no quotes where a text is asked for

cmd-signal = Tell a run that something happened that it waits for
    .run = The run's id, an unambiguous part of it, or last
    .name = The signal's name, as the diagram has it
    .value = What comes with it, as JSON [default: null]
    .examples =
        bloom signal last archive
        bloom signal 0b5c payment 20

cmd-cancel = End a run, with the runs that it waits for
    .run = The run's id, an unambiguous part of it, or last
    .note = Why

cmd-tool = Write, check, install and list the tools that flows may call
    .tools = The folder of installed tools [default: components in the data directory]
    .examples =
        bloom tool                                  list the tools that flows may call
        bloom tool new word-count --lang rust       a project; also c, js, python, assemblyscript
        bloom tool build && bloom tool check        in its folder: a component, and what is wrong with it
        bloom tool call . '{ "{" }"path": "bach.md"{ "}" }' --files notes=samples/notes
        bloom tool add                              install it for flows

cmd-tool-new = Write a project for a tool, with an example, tests and samples
    .name = The tool's name in kebab-case, as word-count
    .lang = What it is written in: rust, c, js, python or assemblyscript
    .folder = The folder to make [default: the name]
    .examples =
        bloom tool new word-count --lang rust
        bloom tool new word-count --lang python --folder tools/word-count

cmd-tool-build = Build a project, or make a component of a core module from any compiler
    .path = A project's folder, or a core module [default: .]
    .output = Where to write the component [default: as the project says; for a module NAME.component.wasm]
    .stub-wasi = Put functions that only fail in place of what a module imports of WASI preview 1
    .examples =
        bloom tool build                            the project in this folder, by its bloom-tool.toml
        bloom tool build module.wasm -o tool.wasm   what a compiler made

cmd-tool-check = Say what a component is and asks for, and make the calls of its samples
    .path = A project's folder, or a component [default: .]
    .samples = A folder with samples [default: as the project says]
    .examples =
        bloom tool check
        bloom tool check other.wasm --samples samples
        bloom tool check --json

        A sample is a file of JSON: { "{" } "input": { "{" } … { "}" }, "output": … { "}" } or { "{" } "input": { "{" } … { "}" }, "failure": "code" { "}" }, with what is
        granted: "files": { "{" } "notes": "DIR" { "}" }, "config": { "{" } "KEY": "VALUE" { "}" }, "http": ["https://HOST METHOD…"].

cmd-tool-call = Call a tool once in the sandbox; it gets what is granted here and nothing else
    .tool = A project's folder, a component, or the name of an installed tool, which gets what bloom.toml grants, too
    .input = The arguments: a JSON object, @FILE, or - for the standard input [default: {"{}"}]
    .files = A folder that it may read, by root, as notes=DIR; may be repeated
    .http = A host that it may send requests to, as "https://api.example.org GET POST"; may be repeated
    .set = A setting; its value is a secret, which must not come back
    .set-public = A setting that anybody may see
    .tools = The folder of installed tools [default: components in the data directory]
    .agent = Whose memory it sees [default: author]
    .timeout = How long it may take [default: 45]
    .examples =
        bloom tool call . '{ "{" }"path": "bach.md"{ "}" }' --files notes=samples/notes
        bloom tool call read-notes --files notes=~/notes --json
        bloom tool call weather.wasm '{ "{" }"city": "Львів"{ "}" }' --http https://api.example.org --set key=…

cmd-tool-watch = Build a project and make the calls of its samples, now and on every change
    .path = The project's folder [default: .]
    .examples =
        bloom tool watch

cmd-tool-bench = Measure how long calls of a tool take on this machine
    .tool = A project's folder, a component, or the name of an installed tool
    .input = The arguments, as for bloom tool call [default: {"{}"}]
    .calls = How many calls [default: 1000]
    .files = A folder that it may read, by root, as notes=DIR; may be repeated
    .http = A host that it may send requests to; may be repeated
    .set = A setting; its value is a secret, which must not come back
    .set-public = A setting that anybody may see
    .tools = The folder of installed tools [default: components in the data directory]
    .examples =
        bloom tool bench . '{ "{" }"path": "bach.md"{ "}" }' --files notes=samples/notes

cmd-tool-add = Install a tool for flows, beside what is there
    .path = A project's folder, or a component [default: .]
    .tools = The folder of installed tools [default: components in the data directory]
    .examples =
        bloom tool add
        bloom tool add word-count.wasm

cmd-tool-list = List the tools that flows may call
    .tools = The folder of installed tools [default: components in the data directory]
    .examples =
        bloom tool list --json                      with manifests and digests

cmd-tool-diff = Say what became of a tool between two versions, and whether flows may go on with it
    .old = A component, a project's folder, or an installed tool: NAME, NAME@VERSION, or its digest or the beginning of that
    .new = The other version, named likewise
    .tools = The folder of installed tools [default: components in the data directory]
    .examples =
        bloom tool diff word-count@0.1.0 ./word-count.wasm
        bloom tool diff old.wasm new.wasm --json

cmd-tool-grant = Grant a tool hosts and settings, in bloom.toml; comments there stay
    .tool = The tool's name
    .http = A host that it may send requests to, as "https://api.example.org GET POST"; may be repeated
    .header = A header field that is added to requests to these hosts, as "authorization: Bearer {"{"}key{"}"}", with settings in braces; may be repeated
    .address = An address that is not public, which these hosts may have; may be repeated
    .no-http = A host that it no longer may, as it stands in the file
    .set = A setting, kept in the file; its value is a secret, which must not come back
    .set-public = A setting that anybody may see
    .set-env = A secret that is in an environment variable
    .set-file = A secret that is in a file
    .unset = A setting to take away
    .artifacts = Whose artifacts it may read: those of the calling agent (own), or of all agents
    .digest = The only component that gets what is granted: its digest, or "installed" for the one that has the name now
    .any-digest = Whichever component has the name gets what is granted
    .tools = The folder of installed tools [default: components in the data directory]
    .examples =
        bloom tool grant weather --http "https://api.example.org GET" --set-env key=WEATHER_KEY
        bloom tool grant weather --http "https://api.example.org GET" --header "x-api-key: {"{"}key{"}"}" --digest installed

cmd-tool-remove = Take an installed tool away, unless a flow pins it
    .tool = Its name, NAME@VERSION, or its digest or the beginning of that
    .force = Also where flows pin it: they cannot run any more
    .tools = The folder of installed tools [default: components in the data directory]
    .examples =
        bloom tool remove word-count@0.1.0

cmd-audit = Read the log of who did what, and prove that it is whole

cmd-audit-list = List its last entries
    .limit = At most so many, up to 1000 [default: 50]
    .server = A server's URL, in place of the store of this machine

cmd-audit-export = Print the log as JSON Lines, to be kept or verified elsewhere
    .from = From the entry of this number on [default: 1]
    .server = A server's URL, in place of the store of this machine

cmd-audit-checkpoint = Print where the log stands now, signed, to be kept elsewhere
    .server = A server's URL, in place of the store of this machine
    .examples =
        bloom audit checkpoint > audit.checkpoint.json      signed with the key audit of this machine (bloom keys list)

cmd-audit-verify = Check that nothing in it was changed or removed
    .file = A log that was exported; without one, the store's
    .checkpoint = A checkpoint that was taken before: then it shows, too, if entries were cut off or the log was written anew
    .key = Whose checkpoint it must be: a public key, or the file that holds it [default: this machine's own]
    .server = A server's URL, in place of the store of this machine
    .examples =
        bloom audit verify
        bloom audit export --server http://127.0.0.1:5000 > audit.jsonl
        bloom audit verify audit.jsonl              needs neither a server nor a store
        bloom audit verify audit.jsonl --checkpoint audit.checkpoint.json --key ed25519:…

cmd-db = Look after the store of this machine as a whole

cmd-db-check = Check that nothing in it contradicts itself: records, indexes, histories, the audit log
    .examples =
        bloom db check
        bloom --data /var/lib/bloom db check        while no server has it open

cmd-db-backup = Copy its file while no server has it open, and look whether the copy is whole
    .file = The new file
    .examples =
        bloom db backup /backup/bloom-2026-11-21.redb
        cp /backup/bloom-2026-11-21.redb DATA/bloom.redb      puts it back, where nothing runs

cmd-db-compact = Give room that it does not need back to the disk
    .examples =
        bloom db compact

cmd-db-export = Write all that it holds as JSON Lines
    .file = The new file; - is the standard output
    .examples =
        bloom db export store.jsonl
        bloom db export - | gzip > store.jsonl.gz

cmd-db-import = Make the store of an empty data directory out of an export
    .file = The export, compressed with gzip or not; - is the standard input
    .examples =
        bloom --data new db import store.jsonl.gz

cmd-db-archive = Move runs that ended long ago to a file, which can be put back
    .file = The new file: JSON Lines, compressed with gzip
    .older-than = How long ago they must have ended: 90d, 12h, 6 months
    .dry-run = Only say what would be moved
    .examples =
        bloom db archive --older-than 90d --dry-run
        bloom db archive --older-than 90d runs-2026-11.jsonl.gz && bloom db compact

cmd-db-restore = Put runs of an archive back
    .file = The archive
    .examples =
        bloom db restore runs-2026-11.jsonl.gz

cmd-serve = Serve flows and runs over HTTP, and look after all runs of the store
    .listen = Address and port [default: server.listen, else 127.0.0.1:5000]
    .workers = How many LLM tasks are done in this process at a time; 0: none [default: server.workers, else 1]
    .insecure = Listen beyond this machine without a key
    .web = The folder of a built web client, with its index.html, to be served in place of this server's own pages [default: server.web]
    .examples =
        bloom serve                                         on http://127.0.0.1:5000; its API is at /docs
        RUNTIME_API_KEY=… bloom serve --listen 0.0.0.0:5000

cmd-worker = Do LLM tasks for a server that is elsewhere
    .server = The server [default: worker.server, else http://127.0.0.1:5000]
    .name = The name by which the server knows this worker [default: worker.name, else the machine's]
    .slots = How many tasks to do at a time, 1 to 32 [default: worker.slots, else 1]
    .labels = What tasks may ask for as label:NAME; may be repeated
    .llm = Who answers: claude, command:PROGRAM, scripted:FILE or auto:FILE [default: run.llm, else claude]
    .examples =
        RUNTIME_API_KEY=… bloom worker --server http://10.0.0.2:5000
        bloom worker --slots 4 --label fast

cmd-service = Print what a service manager needs to run a server or a worker
    .manager = systemd (a unit) or openrc (a script)
    .command = What to run: serve or worker [default: serve]
    .user = As whom [default: bloom]
    .program = Where bloom is installed [default: /usr/local/bin/bloom]
    .examples =
        bloom --data /var/lib/bloom service systemd > /etc/systemd/system/bloom.service
        bloom --data /var/lib/bloom service openrc > /etc/init.d/bloom

        Secrets stand in /etc/bloom/environment (RUNTIME_API_KEY=…), which only root may read.

cmd-config = Settings: what the file bloom.toml, the environment and the options say
    .examples =
        bloom config show           every setting with its value and where it comes from
cmd-config-show = Every setting with its value and where it comes from; secrets are masked

cmd-completions = Print the completion script of a shell
    .shell = bash, elvish, fish, powershell or zsh
    .examples =
        bloom completions bash > ~/.local/share/bash-completion/completions/bloom

## Wrong arguments

usage-unknown-argument = there is no argument { $argument } here
usage-unknown-command = there is no command { $command }
usage-missing-command = a command is missing
usage-missing-argument = missing: { $argument }
usage-missing-value = { $argument } needs a value
usage-one-of = { $argument } cannot be { $value }; it is one of { $values }
usage-bad-value-because = { $argument } cannot be { $value }: { $reason }
usage-conflict = { $argument } and { $other } exclude each other
usage-near = did you mean { $near }?
usage-see-help = See --help.

## The server

serve-listening = Listening on { $url } (its API: { $url }/docs). Ctrl-C stops it; runs go on at the next start.
serve-stopped = The server has stopped; what was running goes on at the next start.
serve-cannot-listen = nothing can listen on { $address }
serve-no-client = { $path } is no folder of a web client: it has no index.html
serve-open-to-all = listening on { $address } without a key would let everybody in
serve-open-to-all-hint = set server.api_key (or RUNTIME_API_KEY), listen on 127.0.0.1, or say --insecure if everybody may
serve-bad-url = server.public_url is not the URL of a server: { $url }
serve-bad-network = server.trusted_proxies has { $network }, which is no network
serve-not-honoured = { $name } is set, and this version cannot do what it asks for
serve-not-honoured-hint = unset it, or use a version that can; docs/configuration.md lists these names
serve-no-llm = Nobody answers LLM nodes here: { $reason }. Runs that need an answer wait.

## Workers

worker-works = Worker { $name } does tasks of { $server }, { $slots } at a time. Ctrl-C stops it: it ends what it holds first.
worker-draining = No new task is taken; what was begun is brought to its end. Once more, and it is given back at once.
worker-stopped = The worker has stopped, and holds nothing.
worker-no-llm = this worker could do nothing: { $reason }
worker-only-flows = Whole runs are executed here, but LLM nodes are not answered: { $reason }
worker-no-name = this machine has no name: give the worker one with --name
worker-bad-url = { $url } is not the URL of a server, as http://127.0.0.1:5000
worker-bad-key = the worker's key holds characters that no key has: see worker.key
worker-refused = the server does not let this worker in
worker-refused-hint = give it the server's key: worker.key in bloom.toml, or RUNTIME_API_KEY
worker-failed = the server cannot be worked for
worker-failed-hint = see whether this is the URL of a bloom server of the same version

## Settings

config-default = default
config-file = Settings are read from { $path }
config-no-file = There is no bloom.toml; docs/configuration.md says what can be set
config-bad-value = { $key } cannot have this value ({ $origin })
config-unknown-key = { $place }: there is no setting { $key }
config-unknown-variable = there is no setting for the environment variable { $name }
config-not-toml = { $place }: this is not TOML: { $reason }
config-writable = { $path } may be written by others, so its settings are not used
config-writable-hint = take the right to write it away from others, or name the file with --config
artifacts-incomplete = artifacts.place is s3, and { $key } is not set
artifacts-unused = { $key } is set, and artifacts.place is not s3
artifacts-bad-endpoint = artifacts.endpoint { $endpoint } is neither a host name nor a URL with http or https
artifacts-endpoint-differs = artifacts.endpoint { $endpoint } and { $key } contradict each other
artifacts-unfit = the bucket { $bucket } at { $endpoint } cannot be used for artifacts
artifacts-refused = { $endpoint } refuses the key for the bucket { $bucket }, or the key may not read and write there
artifacts-missing = there is no bucket { $bucket } at { $endpoint }
artifacts-unreachable = { $endpoint }, where artifacts are to be put, does not answer as an S3-compatible store does
artifacts-hint = see [artifacts] in docs/configuration.md; `bloom config show` tells what is set, and where
telemetry-bad-endpoint = telemetry.otlp_endpoint { $endpoint } is not the URL of a collector, as http://127.0.0.1:4318
config-secret-empty = { $key } is empty
column-setting = SETTING
column-value = VALUE
column-origin = FROM

## Files and the data directory

cannot-read = { $path } cannot be read
cannot-write = { $path } cannot be written
not-a-folder = { $path } is not a folder
data-no-home = there is no data directory: name one with --data, BLOOM_DATA or HOME
data-cannot-create = the data directory { $path } cannot be made
data-readable = The data directory { $path } can be read by others (mode { $mode }). Take the rights away: chmod 700 { $path }
store-failed = the store could not do this
store-unavailable = for now it cannot be done: { $what }
store-full = the disk is full: what was to be stored may not be there
store-full-hint = make room on the disk of the data directory, then do it again; runs go on from what is recorded of them
store-read-only = the data directory cannot be written
store-read-only-hint = see to it that its disk is mounted for writing and that its files are yours, then do it again
db-sound = Nothing contradicts itself (runs: { $runs }, events: { $events }, audit entries: { $entries }, rows: { $rows }).
db-broken = the store contradicts itself (faults: { $count })
db-size = The file has { $bytes } bytes: { $each } for each event.
db-size-empty = The file has { $bytes } bytes.
db-backed-up = Copied to { $path } ({ $bytes } bytes).
db-compacted = The file had { $before } bytes, and now has { $after }.
db-exported = Exported to { $path } (records: { $records }, among them runs: { $runs }, events: { $events }).
db-imported = Imported (records: { $records }, among them runs: { $runs }, events: { $events }).
db-archived = Moved to { $path } (runs: { $runs }, events: { $events }).
db-would-archive = Ended before { $before } and can be moved (runs: { $runs }, events: { $events }).
db-nothing-to-archive = No run that ended before { $before } can be moved.
db-kept-proposals = Stay, since their proposals are open: { $count }
db-kept-artifacts = Stay, since they handed out artifacts: { $count }
db-kept-held = Stay, since somebody holds their tasks: { $count }
db-kept-linked = Stay, since they are tied to runs that stay: { $count }
db-restored = Put back (runs: { $restored }; there already: { $there }).
db-bad-age = { $age } is no age
db-bad-age-hint = give a number with a unit, as 90d, 12h or 6 months
db-no-store = there is no store: { $path }
db-no-store-hint = name the data directory that it is in with --data or BLOOM_DATA
db-file-there = { $path } is there already, and nothing is overwritten
db-foreign = { $path } is neither an export nor an archive of a store
db-is-archive = { $path } is an archive of runs, not an export of a store
db-is-archive-hint = put its runs back: bloom db restore
db-is-export = { $path } is an export of a store, not an archive of runs
db-is-export-hint = make a new store of it: bloom --data DIR db import
db-newer = { $path } was written by a newer bloom (line { $line }: { $kind }, version { $version })
db-truncated = { $path } was cut short: it ends after line { $line }
db-changed = { $path } is not as it was written: line { $line }: { $what }
db-not-empty = the store is not empty, and an import makes a new one
db-not-empty-hint = name a new data directory with --data; runs of an archive are put back by bloom db restore
db-contradiction = what is in { $path } contradicts itself (faults: { $count }): { $first }
db-other-run = the store has another run { $run }
db-unfit = run { $run } cannot be put back: { $what }
db-unchanged-hint = nothing was changed
store-locked = the store { $path } is in use by { $holder }
store-locked-hint = wait until that process has ended, or name another data directory with --data; where it is bloom serve, speak to it with --server
store-damaged = the store is damaged: { $what }
store-damaged-hint = keep a copy of the data directory as it is now; then put back a backup of its bloom.redb, or start anew in another one with --data
store-too-new = the store { $path } was written by a newer bloom (schema version { $found }; this one reads up to { $supported })
tools-failed = the tools cannot be loaded
tool-rejected = The tool { $origin } was left out: { $reason }

## Keys and trust

no-more = no more
key-missing = there is no key { $name } on this machine
key-missing-hint = make one with: bloom keys new { $name }
key-exists = there is a key { $name } already; it was left as it is
key-bad-name = { $name } is no name for a key: use letters, digits, - _ .
key-no-randomness = the system gave no random numbers
key-malformed = { $path } is no private key
key-readable = the private key { $path } can be read by others (mode { $mode })
key-readable-hint = if nobody else has read it, take the rights away: chmod 600 { $path }
key-unreadable = { $key } is neither a public key, nor a file that holds one, nor a key of this machine
key-made = Made the key { $name } ({ $id }). To let this machine run what it signs: bloom keys trust { $name }
key-trusted = The key { $name } ({ $id }) is trusted now.
key-distrusted = The key { $name } ({ $id }) is trusted no more. What ran under it can still be replayed.
trust-malformed = the trust list { $path } cannot be understood

## Refused documents

refused = { $name } is refused: { $reason }
refused-own-hint = the key is your own; trust it: bloom keys trust { $key }
refused-trust-hint = if you know the signer, trust the key: bloom keys trust KEY
refused-unsigned-hint = if it is yours, sign it: bloom compile FILE -o SIGNED
refused-changed-hint = it was changed after it was signed: get it again from its author, or compile it again
refused-malformed = { $count ->
    [one] it is not a sound IR document: { $problems }
   *[other] it is not a sound IR document ({ $count } problems): { $problems }
}
refused-no-signature = it carries no signature
refused-hash = its content has the hash { $computed }, but it states { $stated }
refused-program = its program has the hash { $computed }, but it states { $stated }
refused-not-pinned = the run started with { $pinned }, but this is { $computed }
refused-signature = its signature by key { $key } does not verify
refused-not-trusted = it is signed by { $keys }, and this machine trusts none of them
refused-distrusted = the key { $key } ({ $name }) is not trusted any more
refused-expired = the trust in the key { $key } ({ $name }) ended at { $at }
refused-policy = a policy asks for { $asked } signatures on { $flow } (roles: { $roles }), and { $found } count

## Compiling and checking

flow-too-large = { $path } has { $bytes } bytes: that is no diagram
no-such-flow = there is neither a file nor a stored flow { $flow }
no-such-flow-hint = bloom flows lists those of the store
flow-conflict = { $id }@{ $version } is registered with another program
flow-conflict-hint = give the changed program a new version: --flow-version
compile-failed = { $count ->
    [one] { $name } has an error
   *[other] { $name } has { $count } errors
}
compile-not-over = { $path } is there and is no IR document: it was left as it is
compile-not-over-hint = name another file, or write over it with --force
compiled = Wrote { $path }: { $nodes ->
    [one] { $nodes } node
   *[other] { $nodes } nodes
}, { $hash }
compiled-callee = Wrote beside it a flow that it calls: { $path }
verified = { $flow } is whole and signed by { $signers }.
    { $hash }
check-sound = { $count ->
    [one] No errors.
   *[other] No errors in { $count } files.
}
check-errors = { $count ->
    [one] { $count } error.
   *[other] { $count } errors.
}

## Importing

imported = Wrote { $path }
import-failed = { $count ->
    [one] { $name } was not imported: it has an error
   *[other] { $name } was not imported: it has { $count } errors
}
import-not-over = { $path } is there: it was left as it is
import-not-over-hint = name another folder, or write over it with --force
import-empty = { $name } has no diagrams
import-native = { $name } is JSON, as native diagrams are: check it with bloom check, there is nothing to import
import-no-database = { $name } is no file of DRAKON Editor: such files are databases of SQLite
import-other = { $name } is a database of another application: it lacks the tables diagrams and items of DRAKON Editor
import-damaged = { $name } is a damaged database: { $detail }

## Running

run-signed-new-key = Made a development key on first use: { $id }
run-llm-claude = LLM nodes are answered by the Claude CLI ({ $version }).
run-rehearsal = Rehearsal: the Claude CLI is not usable here ({ $reason }), so LLM nodes get the scripted answers of { $file }.
run-llm-command = LLM nodes are answered by { $program }.
run-not-logged-in = it is not logged in
run-llm-human = What LLM nodes ask, a person answers: bloom questions list
llm-human-elsewhere = whoever has the runs asks people: set run.llm = "human" where bloom serve is
run-scripted = LLM nodes get the scripted answers of { $file }.
run-no-claude = the flow asks an LLM, and the Claude CLI is not usable here: { $reason }
run-no-claude-hint = install claude and log in, or answer with --llm command:PROGRAM or --llm scripted:FILE
llm-no-program = { $program } is no program that can be executed
llm-bad = { $given } is none of claude, command:PROGRAM, scripted:FILE, auto:FILE, human
script-bad = the script { $path } cannot be used
input-bad = the input { $given } is not NAME=VALUE
input-unknown = { $flow } has no input { $name }
input-unknown-hint = its inputs are: { $names }
input-type = the input { $name } must be { $kind }, not { $given }
input-twice = the input { $name } is given twice
inputs-too-large = { $path } has more than { $most } bytes: these are no inputs
inputs-bad = { $path } is not a JSON object
run-flow = the flow
run-waits = the run cannot go on for now
run-stopped = the run stopped
run-not-possible = the flow cannot be run
inputs-do-not-fit = the inputs are not what the flow takes
run-refused = the run was refused
run-refused-hint = grant the tools what they ask for, in bloom.toml ("bloom config show" says which is read), with the values that you mean:
run-refused-missing-hint = put the documents of the flows that it calls beside it, as bloom compile CALLER -o FILE writes them; or run the diagrams once with this data directory
run-id = Run { $run }
run-interrupted = Interrupted. Nothing that was recorded is lost; go on with: bloom run --resume { $run }
run-over = The run { $run } has ended already: { $status }.
budget-unknown = agents.{ $agent }.budget names the profile { $name }, which is not there
budget-unknown-hint = there are: { $names }
run-not-begun = The run { $run } has not begun: it waits for its turn.
run-can-resume = It can go on: bloom run --resume { $run }
run-origin = { $run }, at event { $seq }
run-cancelled = The run { $run } was cancelled.
waits-time = It waits until { $time }.
waits-until = at most until { $time }
waits-signal = It waits for the signal “{ $name }”: bloom signal { $run } { $name }
waits-question = It waits for an answer to “{ $title }”: bloom answer { $id } JSON
signal-sent = The signal “{ $name }” was recorded.
signal-none = this flow awaits no signals, so not { $name } either
signal-unknown = this flow awaits no signal of the name { $name }
signal-unknown-hint = it awaits: { $names }
signals-too-many = too many signals wait for this run already
payload-bad = this is no JSON: { $value }
payload-bad-hint = texts stand in quotes: '"yes"'
payload-too-large = this has { $bytes } bytes; it may have { $most }
payload-does-not-fit = this is not what is asked for: { $problems }
question-answered = The answer was recorded.
question-closed = question { $id } is { $status }: nobody waits for an answer
at-icon = at icon { $item }
at-line = at line { $item }
run-failed = Failed.
run-result = Result:
run-tokens = { $tokens } of { $limit } tokens
run-cost = { $cost } USD
run-cost-of = { $cost } of { $limit } USD
run-next-proposals = Decide on them: bloom proposals show ID, bloom proposals approve ID
run-next-replay = Prove this run: bloom replay { $run }
event-started = { $flow } started
event-resumed = goes on
event-forked = forked at event { $seq } of
event-again = again in { $after }
event-proposed = proposed
event-artifact = artifact
event-event = event
event-log = note
event-signal = signal
event-completed = Completed.
event-failed = Failed.
event-cancelled = Cancelled.
event-continued = Goes on as run { $run }.

## Looking things up

no-runs = there are no runs yet
no-such-run = there is no run { $id }
no-such-proposal = there is no proposal { $id }
no-such-question = there is no question { $id }
ambiguous = { $count } ids begin or end with { $id }
ambiguous-hint = give more of it
no-proposals = No proposals.
proposals-hidden = { $count ->
    [one] { $count } more repeats one of these (--all shows it).
   *[other] { $count } more repeat these (--all shows them).
}
repeats = repeats { $id }

## Proposals

proposal-duplicate = the proposal { $id } repeats { $of }: decide on that one
proposal-decided = the proposal { $id } is { $status }
proposal-expired = the proposal { $id } expired: it could be decided on until { $at }
approved-waits = Approved: { $action } for { $target }. It stays approved until it is applied.
applied = Applied: { $action } for { $target }
apply-finished = Applied after an interruption: { $action } for { $target }
apply-failed = { $action } for { $target } could not be applied
apply-conflict-hint = run the flow again for a proposal that is made for the memory as it is
approve-some = { $done } of { $count } proposals were approved; the others failed, see above
approve-none = no pending proposal has the action { $action }
rejected = Rejected: { $action } for { $target }
status-requested = requested
status-queued = queued
status-running = running
status-waiting = waiting
status-open = open
status-answered = answered
status-closed = closed
status-completed = completed
status-failed = failed
status-cancelled = cancelled
status-continued = went on as another run
status-pending = pending
status-auto-approved = approved by rule
status-approved = approved
status-rejected = rejected
status-expired = expired
status-applying = being applied
status-applied = applied
status-proposal-failed = failed

## Replay

replay-same = { $count ->
    [one] Run { $run } follows from its program: { $count } event agrees.
   *[other] Run { $run } follows from its program: all { $count } events agree.
}
replay-unfinished = { $count ->
    [one] Run { $run } follows from its program so far: { $count } event agrees; the run is not over.
   *[other] Run { $run } follows from its program so far: { $count } events agree; the run is not over.
}
replay-stopped = { $count ->
    [one] Run { $run } after { $count } event, which agrees:
   *[other] Run { $run } after { $count } events, which agree:
}
replay-broken = The history of { $run } was changed: { $reason }
replay-other = Run { $run } was made by another IR: { $recorded }, not { $given }.
replay-misplaced = The history of { $run } is out of order: event { $seq } cannot stand there.
replay-erased = The payload of event { $seq } of { $run } was erased, and what follows depends on it.
replay-diverged = Run { $run } does not follow from its program.
replay-unlinked = Run { $run } follows from its program, but it and run { $other } do not continue each other: { $reason }.
link-not-named = the earlier run does not name the later one
link-other-head = the later run does not name the last event of the earlier one
link-diverged = the history of the earlier run does not agree with the program
link-other-state = the later run begins with another state than the earlier one ends with
replay-cut-off = The history ends too early: the store knows { $head } as its last hash.
replay-empty = { $path } holds no event
replay-bad-history = { $path } is no exported history
replay-at = event { $seq } differs in its { $what } at { $path }
differs-start = start
differs-kind = kind
differs-request = request
differs-emission = emission
differs-end = end
differs-state = final state
replay-icon = icon { $item }: { $text }
replay-recorded = recorded:
replay-replayed = replayed:
replay-now = now:
what-if-no-runs = there are no runs of { $flow }
what-if-no-runs-hint = name runs or a flow: bloom runs lists them; --id says under which id the diagram's runs stand
what-if-summary = { $count ->
    [one] { $diverged } of { $count } run would differ.
   *[other] { $diverged } of { $count } runs would differ.
}
what-if-same = the same
what-if-other-way = goes another way
what-if-no-answer = asks what has no answer
what-if-other-effects = has other effects
what-if-other-end = ends otherwise
what-if-other-proposals = proposes something else
what-if-refused = refuses the inputs
what-if-unreadable = cannot be read
what-if-endless = computes without an end
what-if-after = after event { $seq }:
what-if-end = the end
what-if-parting = from here it goes another way
what-if-new = new, and without a recorded result: { $what }, { $place }
what-if-new-passed = new, its result is not needed: { $what }, { $place }
what-if-unused = not asked any more, the result of event { $seq } is not used: { $what }, { $place }
what-if-different = asks something else at { $path }: { $what }, { $place }
what-if-added = hands out more: { $what }, { $place }
what-if-lost = does not hand out any more: { $what }, { $place }
what-if-changed = hands out something else: { $what }, { $place }
what-if-ends = ends otherwise
what-if-no-end = not at all
what-if-stopped = stops here: the answer that it needs is not recorded
what-if-waits = waits where the recorded run went on
what-if-inputs = the inputs do not fit: { $reason }
what-if-bad-event = event { $seq }: { $reason }

## Stepping

debug-hello = Type help for what there is; an empty line repeats the last move.
debug-at = event { $seq } of { $count }, step { $step }
debug-at-step = step { $step }
debug-branch = in the branch { $path }
debug-next-event = next: event { $seq }, { $kind }
debug-more = … { $count } more
debug-end = The end.
debug-at-start = This is the start.
debug-at-end = This is the end.
debug-fault = The history cannot be followed any further: { $reason }
debug-break-here = a breakpoint
debug-no-breaks = No breakpoints.
debug-no-break = there is no breakpoint at icon { $item }
debug-no-icon = no icon has the id or the text { $what }
debug-no-event = there is no event { $seq }; the last one is { $count }
debug-no-changes = Nothing changed.
debug-no-value = no value: { $reason }
debug-computes-nothing = A rehearsal computes nothing: it has no variables and no events.
debug-unknown = there is no command { $word }; type help
debug-needs = { $word } needs something more, or a number; type help
debug-help =
    next [N]          the next icon                          (n)
    back [N]          the icon before                        (b)
    step [N]          the next statement or event            (s)
    reverse [N]       one step back                          (r)
    event N           to the moment after event N            (e)
    continue          on to a breakpoint, or the end         (c)
    rewind            back to a breakpoint, or the start     (rc)
    break ICON|TEXT   stop at an icon, by its id or its text (br)
    breaks            the breakpoints
    delete ICON       take one away                          (del)
    print EXPRESSION  a variable or an expression            (p)
    vars              all variables and inputs               (v)
    changes           what the last move changed             (ch)
    where             this icon among its neighbours         (w)
    icons             all icons                              (i)
    events [all]      the events around, or all              (ev)
    state             the whole state, as JSON
    quit              or Ctrl-D                              (q)
    An empty line repeats the last move.

## Forks

fork-point = run { $run } has no event { $at } that a fork could go on from
fork-point-hint = give --at 1 to { $most }; its end, if it has ended, cannot be shared
fork-differs = by the other program, run { $run } would not have come to event { $at }
fork-differs-hint = share less, or look where the two part: bloom replay { $run } --ir

## The audit log

audit-sound = { $count ->
    [one] The audit log is whole: { $count } entry, head { $head }.
   *[other] The audit log is whole: { $count } entries, head { $head }.
}
audit-empty = The audit log is empty.
audit-bad-checkpoint = this is no checkpoint of an audit log, or another key signed it
audit-signed = It has all that stood in it when { $count ->
    [one] { $count } entry was
   *[other] { $count } entries were
} signed with the key { $key }.
audit-signed-by-whom = It has the { $count } entries of the checkpoint; whose signature that bears was not checked: name the key with --key.
audit-broken = the audit log was changed: entry { $seq } does not continue the one before

## Servers

server-bad-url = { $url } is not the URL of a server, as http://127.0.0.1:5000
server-bad-key = client.api_key holds characters that no key has
server-gone = the server { $url } cannot be reached, or it went away
server-garbled = the server { $url } answered something that is not understood
server-refused = the server answered { $status }: { $message }
server-needs-key = set client.api_key in bloom.toml, or BLOOM_CLIENT_API_KEY, to the server's key
tls-key-exposed = The key goes to { $url } unencrypted, and whoever is on the way can read it. Give the server a certificate (server.tls_certificate), and write https://.
tls-bad-ca = { $setting } names { $path }, whose certificates cannot be used
tls-untrusted = nobody who is trusted here vouches for the certificate of { $url }
tls-untrusted-hint = if you know the certificate, or who signed it, name its PEM file as { $setting }; else look at its dates and at this machine's clock
tls-wrong-name = { $url } shows a certificate that is for another name
tls-wrong-name-hint = name the server as its certificate does, or have a certificate made that has this name, too
tls-not-spoken = { $url } does not speak TLS
tls-not-spoken-hint = write http:// if the server has no certificate, but only where nobody can listen; or give it one (server.tls_certificate)
tls-wanted = { $url } answers with something that is not HTTP
tls-wanted-hint = if the server has a certificate, write https://
tls-failed = no encrypted connection to { $url } comes about
tls-failed-hint = the server must speak TLS 1.2 or 1.3, and not ask for a certificate of who speaks to it
flow-published = Published { $id }@{ $version } ({ $hash }).
run-there = Run { $run }: { $status }.
no-such-task = there is no task { $id }
task-requeued = Task { $id } is queued again.
task-not-requeued = task { $id } cannot be queued again
no-such-worker = there is no worker { $id }
worker-removed = Worker { $id } is removed.
owner-password = Password for { $name }:{" "}
owner-password-again = The same once more:{" "}
owner-passwords-differ = the two passwords are not the same
owner-bad-name = "{ $name }" cannot be a name: it has 1 to 64 characters, and no control characters
owner-password-short = a password has at least { $count } characters
owner-password-long = a password has at most { $count } bytes
owner-no-password = no password stands on the standard input
owner-no-terminal = the password cannot be read from the terminal
owner-set = The password of { $name } is set. Sessions that were open have ended.
owner-removed = Owner { $name } is removed. Sessions that were open have ended.
no-such-owner = there is no owner { $name }
worker-bad-name = { $name } is no name of a worker
worker-key-made = This is the key { $id } of worker { $worker }. It is not shown again.
worker-enroll-made = With this token one machine becomes the node { $worker }, once, until { $until }. It is not shown again.
worker-key-revoked = Key { $id } is revoked.
worker-key-not-revoked = key { $id } cannot be revoked
service-odd-name = { $name } holds characters that service managers read in their own way; name it by letters, digits and . _ + - @ only
serve-half-tls = server.tls_certificate and server.tls_key belong together
serve-bad-tls = the certificate of server.tls_certificate cannot be used
status-leased = leased
status-dead = dead
status-online = online
status-offline = offline
status-syncing = syncing
status-error = in trouble
status-unknown = unknown
status-not-logged-in = not logged in
status-no-quota = quota used up

## Columns

column-context = CONTEXT
column-agents = FLOWS
column-memories = MEMORY OF
column-readers = OPEN TO
context-all = all
context-shut = the flow { $agent } does not run in the context { $id }
context-shut-hint = bloom contexts show { $id } lists the flows that do; bloom contexts set changes them
contexts-none = No context was changed: any flow runs in any of them, and none reads another.
column-attempts = ATTEMPTS
column-heard = LAST HEARD OF
column-holds = HOLDS
column-provides = PROVIDES
column-revoked = REVOKED
column-task = TASK
column-worker = WORKER
column-action = ACTION
column-actor = WHO
column-agent = AGENT
column-applied = RESULT
column-by-other = BY THE OTHER
column-answer = ANSWER
column-answered = ANSWERED
column-capabilities = ASKS FOR
column-decided = DECIDED
column-description = DESCRIPTION
column-effect = EFFECT
column-entity = OF WHAT
column-events = EVENTS
column-expires = EXPIRES
column-flow = FLOW
column-hash = HASH
column-inputs = INPUTS
column-key = KEY
column-owner = OWNER
column-password-set = PASSWORD SET
column-set-by = BY
column-made = MADE
column-name = NAME
column-fork-of = FORK OF
column-proposal = PROPOSAL
column-question = QUESTION
column-repeats = REPEATS
column-roles = ROLES
column-run = RUN
column-signs = OWN
column-started = STARTED
column-status = STATUS
column-stored = STORED
column-target = FOR
column-time = TIME
column-title = TITLE
column-tokens = TOKENS
column-used = USED
column-continues = CONTINUES
column-continued-by = CONTINUED BY
column-tool = TOOL
column-trusted = TRUSTED
column-updated = UPDATED
column-where = WHERE

## Limits

limit-bad = the limit { $given } is not NAME=VALUE
limit-unknown = there is no limit { $name }
limit-not-a-number = the limit { $name } must be a whole number, { $least } or more, not { $value }
limit-too-large = a limit is too large: the times and max_proposals are { $most } at most
limit-hint = the limits, as they are without --limit: { $known }
limit-of-signed = the limits of { $name } are part of the signed program: here they can only be made smaller
limit-of-signed-hint = compile its diagram again with these limits
limit-not-money = --max-cost { $value } is no amount of US dollars, as 0.50

## Rehearsals

rehearsed = { $runs ->
    [one] { $runs } rehearsal: { $reached } of { $all } icons reached.
   *[other] { $runs } rehearsals: { $reached } of { $all } icons reached.
}
rehearsed-all = Every icon was reached, every way was taken, every rehearsal came to an end.
rehearsed-never-reached = Never reached:
rehearsed-never-taken = Never taken:
rehearsed-endless = { $count ->
    [one] { $count } rehearsal did not come to an end. It was here when it was cut off:
   *[other] { $count } rehearsals did not come to an end. They were here when they were cut off:
}
rehearsed-icon = icon
rehearsed-yes = Yes
rehearsed-no = No
rehearsed-other = all other values
rehearsed-again = another round
rehearsed-no-more = no more rounds


no-such-code = there is no error code “{ $code }”
no-such-code-hint = codes are a letter and three digits, as D044; all are listed in schemas/error-codes/README.md
explain-example = Example.

## Calls of other flows

flow-calls-itself = { $name } calls “{ $flow }”, which calls it in turn
flow-calls-itself-hint = a call runs one exact program, so no flow can call itself: use a loop
callee-failed = { $name }, which is called, has errors

## Agents

agent-broken = { $path } is no sound description of an agent
agent-broken-hint = See what is wrong with it: bloom agent check, with its folder.
agent-by-hand = the body of { $path } was changed by hand
agent-by-hand-hint = Move it elsewhere, or write over it with --force.
agent-exported = { $path } is written, from { $name }
agent-no-diagram = { $count ->
    [0] there is no diagram in { $path }
   *[other] there are { $count } diagrams in { $path }, and none is called main-flow
}
agent-no-diagram-hint = Put one .drakon file into the folder or its folder drakon, or name it in `generated_from`.
agent-sound = nothing stands in the way of activation

## Pictures

rendered = { $path }: { $width } × { $height }
render-failed = { $name } cannot be drawn
render-too-large = a picture of { $width } × { $height } pixels is too large for PNG: draw it as SVG
render-other-diagram = run { $run } is of another diagram than { $name }, or of an older version of it
render-differs = the history of run { $run } does not agree with its program: see `bloom replay`

## Tools and their authors

tool-origin-ships = ships with bloom
tool-origin-kept = kept for flows
tool-origin-added = added
tool-made = { $folder } is there, with { $files } files. Next:
tool-bad-name = { $name } is no name for a tool: it is in kebab-case, as word-count, of at most 64 characters
tool-exists = { $path } is there already, and nothing is overwritten
tool-no-project = there is no bloom-tool.toml in { $folder }, nor in a folder above it
    .hint = bloom tool new NAME --lang rust writes a project; for a core module, name its file
tool-bad-project = { $path } does not say how the tool is built
tool-missing = not installed: { $what }
tool-no-program = the program { $program } cannot be started
tool-build-failed = { $command } failed ({ $status })
tool-no-output = { $command } did not write { $output }
    .hint = say in bloom-tool.toml, as build.output, what the build writes
tool-built = { $path }: { $size } bytes, { $digest }
tool-not-built = { $path } is not there yet
    .hint = bloom tool build
tool-core-module = { $path } is a core module, not a component
    .hint = bloom tool build { $path }
tool-not-wasm = { $path } is no WebAssembly: it begins with { $start }
tool-too-large = { $path } has { $size } bytes, more than { $limit }
tool-damaged = { $path } is damaged: { $reason }
tool-missing-exports = { $path } does not export { $names }
    .hint = a tool exports the functions describe and invoke, its memory, and cabi_realloc; bloom tool new NAME --lang c shows how
tool-wasi = { $path } imports { $names }, and tools get no WASI
tool-wasi-rust = build for wasm32-unknown-unknown, not for a target with wasi in its name, and leave out std::fs, std::env, std::time and std::net
tool-wasi-c = link without a C library, as the template does, or say stub_wasi = true under [build] in bloom-tool.toml
tool-wasi-stub = build with --stub-wasi, as the template does
tool-wasi-assemblyscript = leave wasi-shim out of asconfig.json, and say "use": ["abort=assembly/bloom/abort"], as the template does
tool-wasi-any = for a core module: bloom tool build --stub-wasi; componentize-py and componentize-qjs have --stub-wasi; Rust has the target wasm32-unknown-unknown
tool-unknown-imports = { $path } imports { $names }, which nobody has
    .hint = they are functions that the linker did not find: link what defines them, or do not call them
tool-other-contract = { $path } is made for { $found }, and this is { $ours }
    .hint = build it with the WIT package of this version: bloom tool new writes it into wit/deps
tool-wrong-world = { $path } does not fit the contract with tools: { $reason }
    .hint = the contract is the world bloom:tool/adapter; bloom tool new NAME --lang js writes its WIT into wit/deps
tool-refused = { $path } is no tool: { $reason }
tool-unasked =
    .hint = say { $kind }:… among the manifest's capabilities, or leave the import out
tool-bad-manifest =
    .hint = correct what describe returns: manifest.json, or the types that it follows from
tool-bad-sample = the sample { $name } grants something that cannot be granted
    .hint = a sample is { "{" } "input": { "{" } … { "}" }, "output": … { "}" }, or with "failure": "code"; and "files", "config", "http"
tool-no-pair = { $text } is not of the form KEY=VALUE
tool-bad-header = { $text } is no header field of the form NAME: TEXT
tool-bad-digest = { $digest } is no digest of the form sha256:…, and not "installed"
tool-bad-http = { $text } is no host that can be granted, as "https://api.example.org GET POST"
tool-bad-input = the arguments of a call are one JSON object
tool-figures = { $took }, fuel { $fuel }, memory { $memory }
tool-not-granted =
    .hint = grant what it asks for: --files ROOT=DIR, --http "https://HOST METHOD…", --set KEY=VALUE
tool-other-output = returned { $output }, not { $expected }
tool-no-failure = returned { $output }; expected was the failure { $code }
tool-other-failure = failed with { $code } ({ $message }), not with { $expected }
tool-failed = failed with { $code }: { $message }
tool-label-component = component
tool-label-exports = exports
tool-label-imports = imports
tool-label-asks = asks for
tool-label-takes = takes
tool-asks-in-vain = it asks for { $asked } and imports nothing that would use it
tool-no-description = it says of itself in no word what it does: models choose tools by that
tool-input-no-object = its input schema does not say "type": "object", and a call's arguments always are one
tool-no-samples = no samples: put calls into samples/*.json to have them made here
tool-watching = watching { $folder }; Ctrl-C ends it
tool-bench-head = { $tool }, { $calls } calls
tool-bench-load = compiled in { $compile } (once, when it is installed); loaded in { $load }
tool-bench-tool = in the tool
tool-bench-call = whole call
tool-bench-times = { $what }: median { $median }, 99 of 100 within { $p99 }, at most { $most }
tool-bench-used = fuel { $fuel }, memory { $memory }
tool-added = { $tool } is installed: { $digest }
tool-asks = It asks for { $asked }. To grant it:
tool-others = Other versions stay: { $versions }
tool-still-pinned = These flows pin one of them; compile them again to use this one:
tool-unknown = there is no installed tool { $tool }
    .hint = bloom tool list
tool-ships = { $tool } ships with bloom and cannot be removed
tool-ambiguous = { $tool } begins more than one digest
tool-pinned = { $tool } is pinned by { $flows }
    .hint = compile them with another version, or say --force: then they cannot run any more
tool-removed = removed { $digest }
tool-grant-nothing = nothing to grant was said: --http, --set, --set-env, --set-file, --artifacts, --digest, …
tool-grant-bad-file = { $path } cannot be changed
tool-change-added = added
tool-change-removed = removed
tool-change-changed = changed
tool-change-wider = takes more
tool-change-narrower = takes less
tool-change-unclear = changed so that it cannot be told whether it takes more or less
tool-diff-same = They are the same for flows.
tool-diff-compatible = Compatible: what was right before is right now.
tool-diff-breaking = { $count ->
    [one] Not compatible: the change marked with ! can break flows.
   *[other] Not compatible: { $count } changes, marked with !, can break flows.
}
tool-diff-pinned = Flows that pin the old one, and go on with it until they are compiled anew:
tool-grant-same = { $path } says that already
tool-granted = { $path } grants it to { $tool }
