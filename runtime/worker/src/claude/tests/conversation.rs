//! Questions of one conversation.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use bloom_interpreter::effect::EffectError;
use bloom_ir::document::Session;
use bloom_runtime::clock::Clock;
use bloom_runtime::llm::{LlmExecutor as _, LlmTask};
use bloom_runtime::record::ContextId;

use super::super::{Claude, Flags};
use super::claude;
use crate::fake::{FakeProgram, task};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// Says the time that it was set to.
#[derive(Default)]
struct SetClock(AtomicI64);

impl Clock for SetClock {
    fn now(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }
}

/// Keeps conversations as the CLI does: by folder, and among what is its own.
const TALKS: &str = r#"cat > /dev/null; printf '%s\n' "$@" >> "$here/args"
    mkdir "$here/busy" 2>/dev/null || echo overlap >> "$here/log"
    project="$CLAUDE_CONFIG_DIR/projects/$(pwd | tr -c 'a-zA-Z0-9' '-')"
    while [ $# -gt 0 ]; do case "$1" in
        --session-id) id=$2; how=began; mkdir -p "$project"; : > "$project/$id.jsonl" ;;
        --resume) id=$2; how=resumed
            if [ ! -e "$project/$id.jsonl" ]; then
                rmdir "$here/busy"; echo "No conversation found with session ID: $id" >&2; exit 1
            fi ;;
    esac; shift; done
    echo "$how $id $(ls -A | wc -l)" >> "$here/log"
    if [ -e "$here/hangs" ]; then rm "$here/hangs"; rmdir "$here/busy"; sleep 1000; fi
    rmdir "$here/busy"
    if [ -e "$here/fails" ]; then rm "$here/fails"; exit 3; fi
    echo '{"type":"result","structured_output":{"n":1},"usage":{"input_tokens":2},"session_id":"'$id'"}'"#;

struct World {
    program: FakeProgram,
    clock: Arc<SetClock>,
    claude: Claude,
}

impl World {
    fn new() -> Self {
        let (program, clock) = (FakeProgram::new(TALKS), Arc::new(SetClock::default()));
        let claude = restarted(&program, &clock);
        Self { program, clock, claude }
    }

    async fn ask(&self, context: &str) -> Result<Option<String>, EffectError> {
        Ok(self.claude.answer(within(context)).await?.usage.and_then(|usage| usage.session))
    }

    /// What the program did, and what the conversation was called; each began and went on in an empty folder.
    fn log(&self) -> Vec<(String, String)> {
        let log = self.program.wrote("log");
        let words = |line: &str| {
            let words: Vec<_> = line.split(' ').map(str::to_owned).collect();
            assert_eq!(words[2], "0", "{line}");
            (words[0].clone(), words[1].clone())
        };
        log.lines().map(words).collect()
    }

    fn has_transcript(&self, id: &str) -> bool {
        let projects = fs::read_dir(self.program.file("settings/projects")).into_iter().flatten().flatten();
        projects.into_iter().any(|project| project.path().join(format!("{id}.jsonl")).exists())
    }

    fn folders(&self) -> Vec<PathBuf> {
        fs::read_dir(self.program.file("talks")).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
    }
}

/// A worker that begins with what another one left.
fn restarted(program: &FakeProgram, clock: &Arc<SetClock>) -> Claude {
    let mut claude = claude(program);
    claude.environment.push(("CLAUDE_CONFIG_DIR".into(), program.file("settings").into()));
    claude.with_conversations(program.file("talks"), clock.clone())
}

fn within(context: &str) -> LlmTask {
    let mut task = LlmTask { context: ContextId::new(context), ..task("How many?") };
    task.request.session = Some(Session::Context);
    task
}

#[tokio::test]
async fn a_conversation_goes_on_in_its_context_and_in_no_other() {
    let world = World::new();
    let first = world.ask("a").await.unwrap().unwrap();
    assert_eq!(world.ask("a").await.unwrap().as_ref(), Some(&first));
    let other = world.ask("b").await.unwrap().unwrap();
    assert_ne!(other, first);
    let expected = [("began", &first), ("resumed", &first), ("began", &other)];
    assert_eq!(world.log(), expected.map(|(how, id)| (how.to_owned(), id.clone())));
    assert!(!world.program.wrote("args").contains("--no-session-persistence"));

    let answer = world.claude.answer(task("How many?")).await.unwrap();
    assert_eq!(answer.usage.unwrap().session, None, "nobody asked for a conversation");
    assert!(world.program.wrote("args").contains("--no-session-persistence"));
}

#[tokio::test]
async fn a_retry_goes_on_with_the_conversation_of_the_attempt_that_failed() {
    let world = World::new();
    fs::write(world.program.file("fails"), "").unwrap();
    assert_eq!(world.ask("a").await.unwrap_err().code, "executor_failed");
    let id = world.ask("a").await.unwrap().unwrap();
    // One that was killed, too, and one of a worker that began anew.
    fs::write(world.program.file("hangs"), "").unwrap();
    let claude = world.claude.clone();
    let asking = tokio::spawn(async move { claude.answer(within("a")).await });
    // Until it hangs, and nobody else will.
    while world.log().len() < 3 || world.program.file("busy").exists() {
        tokio::task::yield_now().await;
    }
    asking.abort();
    assert!(asking.await.unwrap_err().is_cancelled());
    let answer = restarted(&world.program, &world.clock).answer(within("a")).await.unwrap();
    assert_eq!(answer.usage.unwrap().session, Some(id.clone()));
    let expected = ["began", "resumed", "resumed", "resumed"].map(|how| (how.to_owned(), id.clone()));
    assert_eq!(world.log(), expected);
}

#[tokio::test]
async fn a_conversation_that_the_cli_has_lost_begins_anew() {
    let world = World::new();
    let first = world.ask("a").await.unwrap().unwrap();
    fs::remove_dir_all(world.program.file("settings")).unwrap();
    let second = world.ask("a").await.unwrap().unwrap();
    assert_ne!(first, second);
    assert_eq!(world.ask("a").await.unwrap(), Some(second.clone()));
    let expected = [("began", first), ("began", second.clone()), ("resumed", second)];
    assert_eq!(world.log(), expected.map(|(how, id)| (how.to_owned(), id)));
}

#[tokio::test]
async fn nothing_is_left_of_a_conversation_after_a_day() {
    let world = World::new();
    let first = world.ask("a").await.unwrap().unwrap();
    world.clock.0.store(DAY_MS / 2, Ordering::SeqCst);
    let other = world.ask("b").await.unwrap().unwrap();
    assert_eq!((world.folders().len(), world.has_transcript(&first)), (2, true));

    world.clock.0.store(DAY_MS, Ordering::SeqCst);
    world.claude.conversations.as_ref().unwrap().sweep();
    assert_eq!((world.folders().len(), world.has_transcript(&first)), (1, false));
    assert!(world.has_transcript(&other), "its day is not over");
    assert_ne!(world.ask("a").await.unwrap().unwrap(), first, "that one is over");

    // What somebody who is gone has left.
    fs::create_dir(world.program.file("talks/half")).unwrap();
    world.clock.0.store(3 * DAY_MS, Ordering::SeqCst);
    let claude = restarted(&world.program, &world.clock);
    assert_eq!((world.folders(), world.has_transcript(&other)), (vec![], false));
    drop(claude);
}

#[tokio::test]
async fn one_that_was_not_swept_does_not_go_on_either() {
    let world = World::new();
    let first = world.ask("a").await.unwrap().unwrap();
    world.clock.0.store(DAY_MS, Ordering::SeqCst);
    assert_ne!(world.ask("a").await.unwrap().unwrap(), first);
    assert!(!world.has_transcript(&first));
}

#[tokio::test]
async fn questions_of_a_conversation_are_asked_one_after_the_other() {
    let world = World::new();
    let (first, second, third) = tokio::join!(world.ask("a"), world.ask("a"), world.ask("a"));
    assert!(first.is_ok() && second.is_ok() && third.is_ok());
    assert!(!world.program.wrote("log").contains("overlap"));
    assert_eq!(world.log().iter().filter(|(how, _)| how == "began").count(), 1);

    fs::write(world.program.file("hangs"), "").unwrap();
    let hangs = LlmTask { timeout_ms: 3_000, ..within("a") };
    let waits = LlmTask { timeout_ms: 1_000, ..within("a") };
    let (hangs, waits) = tokio::join!(world.claude.answer(hangs), world.claude.answer(waits));
    assert_eq!((hangs.unwrap_err().code, waits.unwrap_err().code), ("timeout".to_owned(), "timeout".to_owned()));
}

#[tokio::test]
async fn who_cannot_keep_a_conversation_says_so() {
    let world = World::new();
    let flags = Flags::of_help("--print --output-format --model --tools --strict-mcp-config --resume").unwrap();
    let old = Claude { flags, ..world.claude.clone() };
    let nowhere = claude(&world.program);
    for claude in [old, nowhere] {
        assert_eq!(claude.answer(within("a")).await.unwrap_err().code, "session_unsupported");
    }
    assert_eq!(world.program.wrote("log"), "");
}
