mod conversation;

use std::ffi::OsString;
use std::time::Duration;

use bloom_interpreter::effect::Usage;
use bloom_ir::{Digest, Value};
use bloom_runtime::llm::{LlmExecutor, LlmTask};

use super::{Claude, Detection, Flags, Login, Unavailable, detect};
use crate::fake::{FakeProgram, task};

const ALL_FLAGS: &str = "--print --output-format --model --json-schema --system-prompt-file --append-system-prompt-file \
    --tools --strict-mcp-config --setting-sources --settings --disable-slash-commands --no-session-persistence --resume --session-id";

fn environment() -> Vec<(OsString, OsString)> {
    vec![("PATH".into(), std::env::var_os("PATH").unwrap()), ("HOME".into(), "/nonexistent".into())]
}

fn claude(program: &FakeProgram) -> Claude {
    Claude {
        program: program.path(),
        flags: Flags::of_help(ALL_FLAGS).unwrap(),
        environment: environment(),
        conversations: None,
    }
}

fn one() -> Value {
    [("n", Value::Int(1))].into_iter().collect()
}

async fn failure(body: &str) -> (String, bool) {
    let error = claude(&FakeProgram::new(body)).answer(task("How many?")).await.unwrap_err();
    (error.code, error.retryable)
}

#[tokio::test]
async fn an_answer_has_its_value_and_its_cost() {
    let program = FakeProgram::new(
        r#"cat > "$here/stdin"; printf '%s\n' "$@" > "$here/args"; env > "$here/env"; pwd > "$here/pwd"; ls -A > "$here/ls"
        while [ $# -gt 0 ]; do case "$1" in
            --system-prompt-file) cat "$2" > "$here/system"; stat -c %a "$2" > "$here/mode" ;;
            --append-system-prompt-file) cat "$2" > "$here/memory" ;;
        esac; shift; done
        echo '{"type":"result","subtype":"success","is_error":false,"result":"done","structured_output":{"n":1},
            "usage":{"input_tokens":10,"output_tokens":5,"cache_read_input_tokens":3,"cache_creation_input_tokens":2},
            "total_cost_usd":0.0123,"duration_ms":9,"session_id":"s","modelUsage":{"model-x":{}}}'"#,
    );
    let mut asked = task("How many secrets?");
    asked.request.system = Some("You count.".to_owned());
    asked.request.memory = vec!["Remember two.".into(), one()];
    asked.request.model = Some("small".to_owned());
    asked.request.max_tokens = Some(77);
    let answer = claude(&program).answer(asked).await.unwrap();
    assert_eq!(answer.value, one());
    let Usage { latency_ms: _, ref prompt, .. } = answer.usage.clone().unwrap();
    assert_eq!(*prompt, Some(Digest::of(b"How many secrets?")));
    let usage = answer.usage.unwrap();
    assert_eq!((usage.input_tokens, usage.output_tokens, usage.cost_micro_usd), (15, 5, Some(12_300)));
    assert_eq!(usage.model.as_deref(), Some("model-x"));

    assert_eq!(program.wrote("stdin"), "How many secrets?");
    assert_eq!(program.wrote("system"), "You count.");
    assert_eq!(program.wrote("memory"), "Remember two.\n\n{\"n\":1}");
    assert_eq!(program.wrote("mode"), "600\n");
    assert_eq!(program.wrote("ls"), "", "the folder that it works in is empty");
    assert!(!std::path::Path::new(program.wrote("pwd").trim()).exists(), "the scratch folder is gone");
    let args = program.wrote("args");
    for text in ["secrets", "You count", "Remember"] {
        assert!(!args.contains(text), "{text} stands on the command line: {args}");
    }
    for flag in [
        "--print\n--output-format\njson\n--tools\n\n--strict-mcp-config\n",
        "--setting-sources\n\n",
        "--no-session-persistence\n",
        "--model\nsmall\n",
        "\"integer\"",
    ] {
        assert!(args.contains(flag), "{flag} is not in {args}");
    }
    assert!(program.wrote("env").contains("CLAUDE_CODE_MAX_OUTPUT_TOKENS=77\n"));
    assert!(program.wrote("env").contains("CLAUDE_CODE_MAX_RETRIES=2\n"), "tries are the task's matter");
    let names: Vec<_> = std::env::vars().map(|(name, _)| name).filter(|name| name.starts_with("CARGO")).collect();
    assert!(!names.is_empty() && names.iter().all(|name| !program.wrote("env").contains(&format!("{name}="))));
}

#[tokio::test]
async fn what_the_version_lacks_goes_ahead_of_the_prompt() {
    let program =
        FakeProgram::new(r#"cat > "$here/stdin"; printf '%s\n' "$@" > "$here/args"; echo '{"result":"{\"n\":1}"}'"#);
    let flags = Flags::of_help("--print --output-format --model --tools --strict-mcp-config").unwrap();
    let mut asked = task("How many?");
    asked.request.system = Some("You count.".to_owned());
    asked.request.memory = vec!["Remember two.".into()];
    let answer = Claude { flags, ..claude(&program) }.answer(asked).await.unwrap();
    assert_eq!((answer.value, answer.usage), (one(), None));
    assert_eq!(program.wrote("args"), "--print\n--output-format\njson\n--tools\n\n--strict-mcp-config\n");
    let stdin = program.wrote("stdin");
    assert!(stdin.starts_with("You count.\n\nRemember two.\n\nHow many?\n\n"), "{stdin}");
    assert!(stdin.contains("\"integer\""), "{stdin}");
}

#[tokio::test]
async fn an_answer_that_does_not_fit_is_repaired_once() {
    let program = FakeProgram::new(
        r#"if [ -e "$here/first" ]; then cat > "$here/second"; echo '{"result":"{\"n\":1}","usage":{"input_tokens":2}}'
        else cat > "$here/first"; echo '{"result":"{\"n\":\"one\"}","usage":{"input_tokens":3}}'; fi"#,
    );
    let answer = claude(&program).answer(task("How many?")).await.unwrap();
    assert_eq!(answer.value, one());
    assert_eq!(answer.usage.unwrap().input_tokens, 5, "both calls were paid for");
    let repair = program.wrote("second");
    assert!(repair.contains("/n: ") && repair.contains("How many?") && repair.contains(r#"{"n":"one"}"#), "{repair}");
}

#[tokio::test]
async fn an_answer_that_never_fits_is_invalid_output() {
    let program =
        FakeProgram::new(r#"cat > /dev/null; echo x >> "$here/calls"; echo '{"result":"I think it is one."}'"#);
    let error = claude(&program).answer(task("How many?")).await.unwrap_err();
    assert_eq!((error.code.as_str(), error.retryable), ("invalid_output", false));
    assert!(error.message.contains("not JSON"), "{error}");
    assert_eq!(program.wrote("calls"), "x\nx\n");
}

#[tokio::test]
async fn failures_are_typed() {
    for (body, code, retryable) in [
        ("echo 'no envelope at all'", "invalid_output", false),
        (r#"echo '{"is_error":true,"result":"Claude AI usage limit reached|1767225600"}'; exit 1"#, "quota", true),
        (r#"echo '{"is_error":true,"result":"API Error: 529 overloaded_error"}'"#, "overloaded", true),
        (r#"echo '{"is_error":true,"result":"Invalid API key · Please run /login"}'; exit 1"#, "not_logged_in", false),
        (r#"echo '{"is_error":false,"stop_reason":"refusal","result":"No."}'"#, "refused", false),
        ("echo 'cannot load' >&2; exit 3", "executor_failed", true),
    ] {
        assert_eq!(failure(body).await, (code.to_owned(), retryable), "{body}");
    }
    let missing = Claude { program: "/nonexistent/claude".into(), ..claude(&FakeProgram::new("")) };
    assert_eq!(missing.answer(task("x")).await.unwrap_err().code, "executor_missing");
}

#[tokio::test]
async fn faults_of_the_program_are_no_answers() {
    for (fault, body, code, retryable) in [
        ("crash", "kill -SEGV $$", "executor_failed", true),
        ("crash halfway", r#"printf '{"result":"{\\"n\\":1'; kill -KILL $$"#, "executor_failed", true),
        ("half of the JSON", r#"printf '{"is_error":false,"structured_output":{"n":1'"#, "invalid_output", false),
        ("garbage", r"printf '\377\376\000\001garbage\200'", "invalid_output", false),
        ("nothing", "exit 0", "invalid_output", false),
        ("another shape", "echo '[1, 2, 3]'", "invalid_output", false),
        (
            "an envelope without a result",
            r#"echo '{"type":"result","usage":{"input_tokens":1}}'"#,
            "invalid_output",
            false,
        ),
        ("an answer, and a failure", r#"echo '{"structured_output":{"n":1}}'; exit 7"#, "executor_failed", true),
        ("an answer, and a crash", r#"echo '{"structured_output":{"n":1}}'; kill -SEGV $$"#, "executor_failed", true),
    ] {
        assert_eq!(failure(body).await, (code.to_owned(), retryable), "{fault}");
    }
}

#[tokio::test]
async fn what_was_paid_for_in_vain_is_told() {
    let body = r#"echo '{"structured_output":{"n":1},"usage":{"input_tokens":4,"output_tokens":2},"total_cost_usd":0.5}'; exit 7"#;
    let error = claude(&FakeProgram::new(body)).answer(task("x")).await.unwrap_err();
    let usage = error.usage.unwrap();
    assert_eq!((usage.tokens(), usage.cost_micro_usd), (6, Some(500_000)));
}

#[tokio::test]
async fn slow_output_is_read_to_its_end() {
    let body = r#"cat > /dev/null
        for part in '{"structured' '_output"' ':{"n"' ':1' '}}'; do printf '%s' "$part"; sleep 0.05; done"#;
    assert_eq!(claude(&FakeProgram::new(body)).answer(task("x")).await.unwrap().value, one());
    // A program that goes on for ever is ended by its time.
    let program = FakeProgram::new(r"while :; do printf ' '; sleep 0.02; done");
    let error = claude(&program).answer(LlmTask { timeout_ms: 300, ..task("x") }).await.unwrap_err();
    assert_eq!((error.code.as_str(), error.retryable), ("timeout", true));
}

#[tokio::test]
async fn a_flood_is_cut_off() {
    assert_eq!(failure("head -c 20000000 /dev/zero").await, ("invalid_output".to_owned(), false));
}

#[tokio::test]
async fn a_prompt_that_nobody_reads_does_not_block() {
    let program = FakeProgram::new(r#"echo '{"structured_output":{"n":1}}'"#);
    let answer = claude(&program).answer(task(&"long ".repeat(100_000))).await.unwrap();
    assert_eq!(answer.value, one());
}

/// Hangs, with a grandchild that hangs, too.
const HANGS: &str = r#"sleep 1000 & echo $! > "$here/new_pid"; mv "$here/new_pid" "$here/pid"; wait"#;

#[tokio::test]
async fn the_time_limit_ends_the_whole_group() {
    let program = FakeProgram::new(HANGS);
    let executor = claude(&program);
    let asking = tokio::spawn(async move { executor.answer(LlmTask { timeout_ms: 60_000, ..task("x") }).await });
    while !program.file("pid").exists() {
        tokio::task::yield_now().await;
    }
    // Nothing but time has to go by.
    tokio::time::pause();
    let error = asking.await.unwrap().unwrap_err();
    tokio::time::resume();
    assert_eq!((error.code.as_str(), error.retryable), ("timeout", true));
    grandchild_ends(&program).await;
}

#[tokio::test]
async fn a_dropped_question_ends_the_whole_group() {
    let program = FakeProgram::new(HANGS);
    let executor = claude(&program);
    let asking = tokio::spawn(async move { executor.answer(task("x")).await });
    while !program.file("pid").exists() {
        tokio::task::yield_now().await;
    }
    asking.abort();
    assert!(asking.await.unwrap_err().is_cancelled());
    grandchild_ends(&program).await;
}

/// Waits until the grandchild is gone, or nothing but an entry that nobody has collected.
async fn grandchild_ends(program: &FakeProgram) {
    let pid = program.wrote("pid");
    let gone = async {
        loop {
            match std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())) {
                Ok(stat) if !stat.contains(") Z ") => tokio::task::yield_now().await,
                _ => return,
            }
        }
    };
    assert!(!pid.is_empty());
    tokio::time::timeout(Duration::from_mins(1), gone).await.expect("the grandchild still runs");
}

fn cli(auth: &str, help: &str) -> FakeProgram {
    FakeProgram::new(&format!(
        "case \"$1\" in --version) echo '2.1.0 (Claude Code)';; --help) printf '%s\\n' '{help}';; auth) {auth};; *) exit 9;; esac"
    ))
}

#[tokio::test]
async fn detection_tells_version_login_and_what_is_missing() {
    let help = "--print --output-format --model --json-schema --tools --strict-mcp-config\nCommands:\n  auth   Manage authentication";
    let program = cli("exit 0", help);
    let found: Detection = detect::detect(program.path(), environment()).await.unwrap();
    assert_eq!((found.version.as_str(), found.login), ("2.1.0 (Claude Code)", Login::Yes));
    assert!(found.missing_flags.contains(&"--settings") && !found.missing_flags.contains(&"--json-schema"));

    let program = cli("echo Not logged in; exit 1", help);
    let found = detect::detect(program.path(), environment()).await.unwrap();
    assert_eq!(found.login, Login::No("Not logged in".to_owned()));

    // A version that cannot say.
    let program = cli("exit 9", ALL_FLAGS);
    let found = detect::detect(program.path(), environment()).await.unwrap();
    assert_eq!((found.login, found.missing_flags), (Login::Unknown, Vec::new()));
    std::fs::write(program.file(".credentials.json"), "{}").unwrap();
    let mut logged_in = environment();
    logged_in.push(("CLAUDE_CONFIG_DIR".into(), program.folder.path().into()));
    assert_eq!(detect::detect(program.path(), logged_in).await.unwrap().login, Login::Yes);
}

#[tokio::test]
async fn detection_says_why_there_is_none() {
    let missing = detect::detect("/nonexistent/claude".into(), environment()).await;
    assert!(matches!(missing, Err(Unavailable::Missing { .. })), "{missing:?}");
    let old = detect::detect(cli("exit 9", "--print").path(), environment()).await;
    assert!(
        matches!(old, Err(Unavailable::TooOld { ref flags, .. }) if flags == &["--output-format", "--model", "--tools", "--strict-mcp-config"]),
        "{old:?}"
    );
    let other = detect::detect(FakeProgram::new("exit 2").path(), environment()).await;
    assert!(matches!(other, Err(Unavailable::NotClaude { argument: "--version", .. })), "{other:?}");
}

#[tokio::test]
async fn operator_says_how_often_the_cli_asks_again() {
    let program = FakeProgram::new(r#"env > "$here/env"; echo '{"type":"result","structured_output":{"n":1}}'"#);
    let mut claude = claude(&program);
    claude.environment.push(("CLAUDE_CODE_MAX_RETRIES".into(), "7".into()));
    claude.answer(task("How many?")).await.unwrap();
    let env = program.wrote("env");
    assert_eq!(
        env.lines().filter(|line| line.starts_with("CLAUDE_CODE_MAX_RETRIES=")).collect::<Vec<_>>(),
        ["CLAUDE_CODE_MAX_RETRIES=7"]
    );
}

#[tokio::test]
async fn key_that_is_refused_is_told_by_its_status() {
    // As the published CLI says it.
    let body = r#"echo '{"type":"result","subtype":"success","is_error":true,"api_error_status":401,"result":"It did not work"}'; exit 1"#;
    assert_eq!(failure(body).await, ("not_logged_in".to_owned(), false));
    let probe = |body: &str| {
        let program = FakeProgram::new(body);
        async move { claude(&program).probe().await.map_err(|error| error.code) }
    };
    assert_eq!(probe(body).await, Err("not_logged_in".to_owned()));
    assert_eq!(probe(r#"echo '{"type":"result","result":"{}"}'"#).await, Ok(()));
    assert_eq!(probe(r#"echo '{"type":"result","result":"Hello!"}'"#).await, Ok(()), "it was let in");
    assert_eq!(probe("exit 1").await, Err("executor_failed".to_owned()));
}
