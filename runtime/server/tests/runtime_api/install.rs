//! The script that installs an agent: checked by the shell, and run where it may change nothing but a folder of the test.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use axum::body::Body;
use axum::http::Request;
use http_body_util::BodyExt as _;
use tempfile::TempDir;

use crate::world::{KEY, World};

pub(crate) const SCRIPT: &str = "/api/runtime/agent-install-script";

async fn script(world: &World, query: &str) -> String {
    let request = Request::get(format!("{SCRIPT}?{query}")).header("X-Runtime-API-Key", KEY);
    let response = world.respond(request.body(Body::empty()).unwrap()).await;
    assert_eq!(response.status(), 200);
    assert!(response.headers()["content-type"].to_str().unwrap().starts_with("text/plain"));
    String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

/// A folder that stands for the whole machine.
pub(crate) struct Machine {
    pub(crate) root: TempDir,
    init: &'static str,
}

impl Machine {
    pub(crate) fn new(init: &'static str) -> Self {
        Self { root: tempfile::tempdir().unwrap(), init }
    }

    /// Runs a script as `curl … | sh` does.
    pub(crate) fn run(&self, script: &str, more: &[(&str, &str)]) -> Output {
        let mut shell = Command::new("sh");
        shell.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        shell.env("BLOOM_INSTALL_ROOT", self.root.path()).env("BLOOM_INSTALL_INIT", self.init);
        shell.env_remove("BLOOM_WORKER_KEY").env_remove("MEMBRIDGE_ADMIN_KEY").envs(more.iter().copied());
        let mut running = shell.spawn().unwrap();
        running.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
        running.wait_with_output().unwrap()
    }

    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.root.path().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    fn mode(&self, path: &str) -> u32 {
        fs::metadata(self.root.path().join(path)).unwrap().permissions().mode() & 0o777
    }
}

#[track_caller]
pub(crate) fn ok(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// A program that is there.
pub(crate) fn program(folder: &Path) -> String {
    let path = folder.join("bloom");
    fs::write(&path, "#!/bin/sh\n").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path.display().to_string()
}

pub(crate) fn is_there(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success())
}

#[tokio::test]
async fn parameters_are_checked_and_no_secret_is_in_the_script() {
    let world = World::with(|config| {
        config.control_plane.url = Some("http://plane:8000".to_owned());
        config.control_plane.admin_key = Some("the key of the plane".into());
        config.agent_key = Some("the key of the agents".into());
    });
    let query = "node_id=a%20b&server_url=ftp%3A%2F%2Fx&port=0&agent=java&repo_url=-x&agent_key=a%27b";
    let wrong = world.get(&format!("{SCRIPT}?{query}")).await.wrong();
    assert_eq!(wrong, ["agent", "agent_key", "node_id", "port", "repo_url", "server_url"]);
    for query in ["", "agent=python", "agent=bloom", "node_id=rpi4b&port=9&agent_key=own&repo_url=git@x.org:a/b"] {
        let script = script(&world, query).await;
        for secret in [KEY, "the key of the agents", "the key of the plane"] {
            assert!(!script.contains(secret), "{query}");
        }
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("install.sh");
        fs::write(&file, &script).unwrap();
        ok(&Command::new("sh").arg("-n").arg(&file).output().unwrap());
    }
    assert!(script(&world, "").await.contains("SERVER_URL='http://plane:8000'"), "agents report to the control plane");
    assert!(script(&world, "agent=bloom").await.contains("SERVER_URL='http://127.0.0.1:5000'"));
    let refused = world.send(axum::http::Method::GET, SCRIPT, None, None).await;
    assert_eq!(refused.error(401), "Unauthorized");
}

#[tokio::test]
async fn worker_becomes_a_service_of_systemd() {
    let world = World::new();
    let script = script(&world, "agent=bloom&node_id=rpi4b&server_url=https%3A%2F%2Fbloom.example.org").await;
    let machine = Machine::new("systemd");
    let bloom = program(machine.root.path());
    let missing = machine.run(&script, &[("BLOOM_INSTALL_PROGRAM", "/nowhere/bloom")]);
    assert!(!missing.status.success());
    assert!(String::from_utf8_lossy(&missing.stderr).contains("is not on this machine"), "{missing:?}");

    let told = ok(&machine.run(&script, &[("BLOOM_INSTALL_PROGRAM", &bloom), ("BLOOM_WORKER_KEY", "its own key")]));
    assert!(told.contains("bloom-worker is installed on rpi4b"), "{told}");
    let settings =
        "BLOOM_WORKER_SERVER='https://bloom.example.org'\nBLOOM_WORKER_NAME='rpi4b'\nBLOOM_WORKER_KEY='its own key'\n";
    assert_eq!(machine.read("etc/bloom/worker.env"), settings);
    assert_eq!(machine.mode("etc/bloom/worker.env"), 0o600);
    let unit = machine.read("etc/systemd/system/bloom-worker.service");
    assert!(unit.contains(&format!("ExecStart=\"{bloom}\" worker\n")), "{unit}");
    assert!(unit.contains("TimeoutStopSec=90\n"), "longer than it drains: {unit}");
    assert!(
        unit.contains("EnvironmentFile=/etc/bloom/worker.env\n") && unit.contains("WantedBy=multi-user.target"),
        "{unit}"
    );

    // Installed again, it keeps its key; a key that cannot be kept is refused, and nothing is changed.
    ok(&machine.run(&script, &[("BLOOM_INSTALL_PROGRAM", &bloom)]));
    assert_eq!(machine.read("etc/bloom/worker.env"), settings);
    let odd = machine.run(&script, &[("BLOOM_INSTALL_PROGRAM", &bloom), ("BLOOM_WORKER_KEY", "a'b")]);
    assert!(String::from_utf8_lossy(&odd.stderr).contains("BLOOM_WORKER_KEY holds a quote"), "{odd:?}");
    assert_eq!(machine.read("etc/bloom/worker.env"), settings);
}

#[tokio::test]
async fn worker_becomes_a_service_of_openrc() {
    let world = World::new();
    let script = script(&world, "agent=bloom&node_id=alpine").await;
    let machine = Machine::new("openrc");
    let bloom = program(machine.root.path());
    let told = ok(&machine.run(&script, &[("BLOOM_INSTALL_PROGRAM", &bloom)]));
    assert!(told.contains("It has no key"), "{told}");
    let service = machine.read("etc/init.d/bloom-worker");
    assert!(service.starts_with("#!/sbin/openrc-run\n") && service.contains("retry=\"TERM/90/KILL/5\""), "{service}");
    assert_eq!(machine.mode("etc/init.d/bloom-worker"), 0o755);
    ok(&Command::new("sh").arg("-n").arg(machine.root.path().join("etc/init.d/bloom-worker")).output().unwrap());

    // Root reads the script; what stands in the settings, which the owner may write, is for the owner.
    let (folder, mark) = (machine.root.path(), machine.root.path().join("mark"));
    fs::write(folder.join("etc/bloom/worker.env"), "BLOOM_WORKER_NAME='alpine'\n: >\"$MARK\"\n").unwrap();
    fs::write(&bloom, "#!/bin/sh\necho \"$BLOOM_WORKER_NAME $1\"\n").unwrap();
    let here = folder.join("etc/bloom").display().to_string();
    fs::write(folder.join("trial"), service.replace("/etc/bloom", &here)).unwrap();
    let shell = |rest: &str| {
        let mut shell = Command::new("sh");
        shell.arg("-c").arg(format!(". \"$0\"; {rest}")).arg(folder.join("trial")).env("MARK", &mark);
        ok(&shell.output().unwrap())
    };
    shell("");
    assert!(!mark.exists(), "{service}");
    // As supervise-daemon is started.
    assert_eq!(shell("eval \"$command\" $command_args"), "alpine worker\n");

    let odd = machine.run(&script, &[("BLOOM_INSTALL_PROGRAM", &bloom), ("BLOOM_INSTALL_USER", "a'; id; '")]);
    assert!(String::from_utf8_lossy(&odd.stderr).contains("more than a name"), "{odd:?}");

    let neither = Machine::new("runit").run(&script, &[("BLOOM_INSTALL_PROGRAM", &bloom)]);
    assert!(String::from_utf8_lossy(&neither.stderr).contains("neither systemd nor OpenRC"), "{neither:?}");
}

#[tokio::test]
async fn python_agent_is_cloned_and_brought_up_to_date() {
    if !is_there("git") || !is_there("python3") {
        println!("skipped: there is no git or no Python here");
        return;
    }
    let place = tempfile::tempdir().unwrap();
    let repository = place.path().join("agent");
    let git = |arguments: &[&str]| {
        let mut git = Command::new("git");
        git.args(["-c", "user.name=a", "-c", "user.email=a@example.org", "-C"]).arg(&repository).args(arguments);
        ok(&git.output().unwrap())
    };
    fs::create_dir(&repository).unwrap();
    git(&["init", "--quiet"]);
    let commit = |text: &str| {
        fs::write(repository.join("run-agent.sh"), text).unwrap();
        git(&["add", "run-agent.sh"]);
        git(&["commit", "--quiet", "-m", "x"]);
    };
    commit("#!/bin/sh\necho one\n");
    // What is asked of the network comes from that folder.
    let rewrite = format!("url.{}.insteadOf", repository.display());
    let network: Vec<(&str, &str)> = vec![
        ("HOME", "/home/pi"),
        ("BLOOM_INSTALL_USER", "pi-of-a-test"),
        ("GIT_CONFIG_COUNT", "1"),
        ("GIT_CONFIG_KEY_0", &rewrite),
        ("GIT_CONFIG_VALUE_0", "https://example.org/agent.git"),
    ];
    let world = World::new();
    let machine = Machine::new("systemd");
    let bare = script(&world, "node_id=rpi4b").await;
    let none = machine.run(&bare, &network);
    assert!(String::from_utf8_lossy(&none.stderr).contains("add repo_url=URL"), "{none:?}");

    let query = "node_id=rpi4b&server_url=http%3A%2F%2F10.0.0.1%3A8000&port=8005&agent_key=its-key";
    let script = script(&world, &format!("{query}&repo_url=https%3A%2F%2Fexample.org%2Fagent.git")).await;
    let handed_on = [network.clone(), vec![("MEMBRIDGE_ADMIN_KEY", "handed on")]].concat();
    let output = machine.run(&script, &handed_on);
    if String::from_utf8_lossy(&output.stderr).contains("Python 3.11") {
        println!("skipped: the Python of this machine is too old");
        return;
    }
    assert!(ok(&output).contains("membridge-agent is installed on rpi4b, and listens on port 8005"));
    let settings = "MEMBRIDGE_NODE_ID='rpi4b'\nMEMBRIDGE_SERVER_URL='http://10.0.0.1:8000'\nMEMBRIDGE_AGENT_PORT='8005'\n\
                    MEMBRIDGE_AGENT_KEY='its-key'\nMEMBRIDGE_SERVER_ADMIN_KEY='handed on'\n";
    assert_eq!(machine.read("home/pi/membridge/.env.agent"), settings);
    assert_eq!(machine.mode("home/pi/membridge/.env.agent"), 0o600);
    let unit = machine.read("etc/systemd/system/membridge-agent.service");
    assert!(unit.contains("ExecStart=\"/bin/sh\" /home/pi/membridge/run-agent.sh\n"), "{unit}");

    commit("#!/bin/sh\necho two\n");
    ok(&machine.run(&bare, &network));
    assert!(machine.read("home/pi/membridge/run-agent.sh").contains("two"), "it was brought up to date");
}
