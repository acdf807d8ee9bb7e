//! Units for service managers.

use std::process::{Command, Stdio};

use crate::support::Place;

fn unit(place: &Place, arguments: &[&str]) -> String {
    let output = place.bloom().arg("service").args(arguments).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_systemd_unit_is_one_that_systemd_takes() {
    let place = Place::new();
    let config = place.write("data/bloom.toml", "[server]\nworkers = 0\n");
    let text = unit(&place, &["systemd", "--user", "root", "--program", "/bin/sh"]);
    let start =
        format!("ExecStart=/bin/sh serve --data {} --config {}", place.path("data").display(), config.display());
    assert!(text.contains(&start), "{text}");
    assert!(text.contains("User=root\n") && text.contains("EnvironmentFile=-/etc/bloom/environment\n"), "{text}");
    assert!(unit(&place, &["systemd", "--command", "worker"]).contains("/usr/local/bin/bloom worker --data "));

    let file = place.write("bloom.service", &text);
    match Command::new("systemd-analyze").arg("verify").arg("--man=no").arg(&file).output() {
        Ok(verified) => assert!(verified.status.success(), "{verified:?}"),
        Err(_) => eprintln!("SKIPPED: there is no systemd-analyze to look at the unit"),
    }
}

#[test]
fn an_openrc_script_is_one_that_a_shell_takes() {
    let place = Place::new();
    let text = unit(&place, &["openrc"]);
    assert!(text.starts_with("#!/sbin/openrc-run\n") && text.contains("command=\"/usr/local/bin/bloom\"\n"), "{text}");
    let file = place.write("bloom", &text);
    let read = Command::new("sh").arg("-n").arg(&file).stdin(Stdio::null()).output().unwrap();
    assert!(read.status.success(), "{read:?}");
}

#[test]
fn a_name_that_would_be_read_otherwise_is_refused() {
    let place = Place::new();
    for user in ["a b", "a\nExecStart=/bin/false", "$(id)", "-x", "%n", ""] {
        let output = place.bloom().args(["service", "systemd"]).arg(format!("--user={user}")).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{user:?} {output:?}");
    }
}
