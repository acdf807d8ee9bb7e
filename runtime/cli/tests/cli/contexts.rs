//! Contexts, changed in the store of this machine and on a server.

use std::fs;

use serde_json::json;

use crate::served::Served;
use crate::support::{Place, json as told_by, signed_greeting};

#[test]
fn contexts_are_changed_here_and_on_a_server_alike() {
    let place = Place::new();
    let flow = fs::read(signed_greeting(&place)).unwrap();
    let bloom = |arguments: &[&str], server: Option<&str>| {
        let mut command = place.bloom();
        command.arg("contexts").args(arguments).arg("--json");
        if let Some(url) = server {
            command.args(["--server", url]);
        }
        told_by(&mut command)
    };
    assert_eq!(bloom(&[], None), json!([]));
    let none = place.bloom().arg("contexts").output().unwrap();
    assert!(String::from_utf8_lossy(&none.stdout).contains("No context was changed"), "{none:?}");
    let set = bloom(&["set", "a", "--agent", "poet", "--agent", "greeting", "--memory", "poet"], None);
    let expected = json!({ "id": "a", "agents": ["greeting", "poet"], "memory_bindings": ["poet"], "delegations": [] });
    assert_eq!(set, expected);
    assert_eq!(bloom(&["delegate", "a", "b"], None)["delegations"], json!(["b"]));
    assert_eq!(bloom(&["set", "shut", "--agent", "poet"], None)["agents"], json!(["poet"]));

    let server = Served::start(&place, &["--workers", "0"]);
    let url = server.url();
    assert_eq!(bloom(&["show", "a"], Some(&url))["delegations"], json!(["b"]));
    assert_eq!(bloom(&["delegate", "a", "c/d"], Some(&url))["delegations"], json!(["b", "c/d"]));
    assert_eq!(
        bloom(&["set", "a"], Some(&url)),
        json!({ "id": "a", "agents": [], "memory_bindings": [], "delegations": ["b", "c/d"] })
    );
    assert_eq!(bloom(&["revoke", "a", "b"], Some(&url))["delegations"], json!(["c/d"]));
    let listed = bloom(&["list"], Some(&url));
    assert_eq!(listed.as_array().unwrap().iter().map(|context| &context["id"]).collect::<Vec<_>>(), ["a", "shut"]);

    assert_eq!(server.post("/api/v1/flows", &flow).0, 201);
    let submit = |context: &str| {
        let body = json!({ "inputs": { "name": "Ann" }, "context_id": context }).to_string();
        server.post("/api/v1/flows/greeting/runs", body.as_bytes())
    };
    let (status, denied) = submit("shut");
    assert_eq!((status, &denied["error"]["code"]), (403, &json!("CONTEXT_DENIED")), "{denied}");
    assert_eq!(submit("a").0, 202);
}
