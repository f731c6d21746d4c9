//! May each role nothing but what it does?

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::Value;
use testkit::control_plane::ControlPlane;

use super::acts::{AGENT, Act, CONTROLLER, NAMESPACE, decided, granted};
use super::audit::{lines, text};
use super::process::{PATIENCE, wait_for};
use super::roles::{AGENT_USER, CONTROLLER_USER, install};

/// Whoever asks for everything, in the log.
const ASKER: &str = "asker";

/// All verbs of all resources of the API, each asked of one object that there is not and of those that
/// have rights of their own, in two namespaces and in all of them.
fn everything(server: &ControlPlane, rights: &BTreeSet<Act>) -> Vec<(String, String)> {
    let raw = |path: &str| -> Value {
        serde_json::from_str(&server.kubectl(&format!("get --raw {path}"))).unwrap()
    };
    let groups = raw("/apis");
    let groups = groups["groups"].as_array().unwrap().iter();
    let roots = groups.map(|it| format!("/apis/{}", text(&it["preferredVersion"]["groupVersion"])));
    let mut all = Vec::new();
    for root in std::iter::once("/api/v1".to_owned()).chain(roots) {
        for resource in raw(&root)["resources"].as_array().unwrap() {
            let is_namespaced = resource["namespaced"] == true;
            for verb in resource["verbs"].as_array().unwrap() {
                all.extend(each(
                    &root,
                    &text(&resource["name"]),
                    is_namespaced,
                    &text(verb),
                    rights,
                ));
            }
        }
    }
    all
}

/// Methods of HTTP, and targets. None of them does anything, or takes time, where it is allowed.
fn each(
    root: &str,
    resource: &str,
    is_namespaced: bool,
    verb: &str,
    rights: &BTreeSet<Act>,
) -> Vec<(String, String)> {
    let (resource, sub) = resource.split_once('/').unwrap_or((resource, ""));
    let of_all =
        matches!(verb, "list" | "watch" | "deletecollection") || verb == "create" && sub.is_empty();
    let method = match verb {
        "create" => "POST",
        "update" => "PUT",
        "patch" => "PATCH",
        "delete" | "deletecollection" => "DELETE",
        _ => "GET",
    };
    let query = match verb {
        "watch" => "watch=1&resourceVersion=none",
        "list" => "resourceVersion=none",
        "get" => "",
        _ => "dryRun=All",
    };
    let names = rights.iter().filter(|it| it.resource == resource).map(|it| it.name.as_str());
    let names: BTreeSet<&str> = names.filter(|it| !it.is_empty()).chain(["none"]).collect();
    let namespaces: &[&str] = match (is_namespaced, verb) {
        (false, _) => &[""],
        (true, "list" | "watch") => &["", NAMESPACE, "default"],
        (true, _) => &[NAMESPACE, "default"],
    };
    let mut all = Vec::new();
    for namespace in namespaces {
        let mut path = root.to_owned();
        if !namespace.is_empty() {
            write!(path, "/namespaces/{namespace}").unwrap();
        }
        write!(path, "/{resource}").unwrap();
        if of_all {
            all.push((method.to_owned(), format!("{path}?{query}")));
        }
        for name in &names {
            let selector = format!("fieldSelector=metadata.name%3D{name}");
            match verb {
                "list" | "watch" => {
                    all.push((method.to_owned(), format!("{path}?{query}&{selector}")));
                }
                _ if of_all => {}
                _ if sub.is_empty() => {
                    all.push((method.to_owned(), format!("{path}/{name}?{query}")));
                }
                _ => all.push((method.to_owned(), format!("{path}/{name}/{sub}?{query}"))),
            }
        }
    }
    all
}

/// Asks all of it with the token of an account.
fn ask(server: &ControlPlane, account: &str, all: &[(String, String)]) {
    let token = server.token(&format!("{NAMESPACE}/{account}"), "1h");
    let (url, folder) = (server.url(), server.state().display());
    let mut script = String::new();
    for (method, target) in all {
        if !script.is_empty() {
            script.push_str("next\n");
        }
        write!(
            script,
            "url = \"{url}{target}\"\nrequest = {method}\nuser-agent = {ASKER}\nsilent\n\
             cacert = {folder}/pki/ca.crt\noutput = /dev/null\n\
             header = \"Authorization: Bearer {token}\"\n"
        )
        .unwrap();
        match method.as_str() {
            "GET" | "DELETE" => {}
            "PATCH" => {
                script.push_str(
                    "header = \"Content-Type: application/merge-patch+json\"\ndata = {}\n",
                );
            }
            _ => script.push_str("header = \"Content-Type: application/json\"\ndata = {}\n"),
        }
    }
    host::process::stdout_of("curl", &["--config", "-"], &script, PATIENCE).unwrap();
}

/// What each account may by the roles that the API server itself makes.
fn is_for_everybody(act: &Act) -> bool {
    act.verb == "create"
        && matches!(
            (act.group.as_str(), act.resource.as_str()),
            ("authorization.k8s.io", "selfsubjectaccessreviews" | "selfsubjectrulesreviews")
                | ("authentication.k8s.io", "selfsubjectreviews")
        )
}

#[test]
fn of_all_that_the_api_has_each_role_may_what_its_rules_say() {
    let Some(server) = ControlPlane::up() else { return };
    install(&server);
    for (account, user, roles) in [
        ("pogu-agent", AGENT_USER, &AGENT[..]),
        ("pogu-controller", CONTROLLER_USER, &CONTROLLER[..]),
    ] {
        let rights = granted(&server, roles);
        let all = everything(&server, &rights);
        ask(&server, account, &all);
        let decided: Vec<(Act, bool)> = wait_for("all decisions", || {
            let mut lines = lines(&server);
            lines.retain(|it| {
                it["userAgent"] == ASKER
                    && it["user"]["username"] == user
                    && it["stage"] == "ResponseComplete"
            });
            Some(decided(&lines).collect()).filter(|it: &Vec<_>| it.len() >= all.len())
        });
        let is_right = |act: &Act| is_for_everybody(act) || rights.iter().any(|it| it.allows(act));
        let wrong: Vec<&(Act, bool)> =
            decided.iter().filter(|(act, may)| *may != is_right(act)).collect();
        assert_eq!(wrong, Vec::<&(Act, bool)>::new(), "{user}");
        let allowed = decided.iter().filter(|it| it.1).count();
        println!("{user}: {} requests, {allowed} of them allowed", decided.len());
        assert!(allowed > rights.len() / 2, "{user}");
    }
}
