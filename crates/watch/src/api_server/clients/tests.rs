//! How often is an exec plugin asked who we are?

use std::fs;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::time::{sleep, timeout};

use super::Clients;
use crate::api_server::access::Access;
use crate::api_server::run::now;
use crate::tests::folder::TempFolder;

/// So long a test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(30);

/// Somebody whom a shell script gives credentials, and counts how often it is asked.
struct Rig {
    folder: TempFolder,
    clients: Clients,
}

impl Rig {
    fn new(script: &str) -> Self {
        let folder = TempFolder::new();
        let path = folder.0.join("kubeconfig");
        let config = format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: a\n\
             clusters: [{{name: a, cluster: {{server: 'http://127.0.0.1:1'}}}}]\n\
             contexts: [{{name: a, context: {{cluster: a, user: a}}}}]\n\
             users: [{{name: a, user: {{exec: {{\
             apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never, command: sh, \
             args: [-c, 'cd {}; echo >> asked; {script}']}}}}}}]\n",
            folder.0.display()
        );
        fs::write(&path, config).unwrap();
        let clients = Clients::new(Access::Kubeconfig { path, context: None });
        Self { folder, clients }
    }

    fn times_asked(&self) -> u64 {
        let asked = fs::read_to_string(self.folder.0.join("asked")).unwrap_or_default();
        u64::try_from(asked.lines().count()).unwrap()
    }
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

#[test]
fn a_plugin_that_fails_is_asked_once_a_second_at_most() {
    let rig = Rig::new("echo no luck >&2; exit 3");
    let began = now();
    let mut told: Vec<String> = runtime().block_on(async {
        let mut told = Vec::new();
        for _ in 0..100 {
            told.extend(rig.clients.current(None).await.err().map(|error| error.to_string()));
        }
        told
    });
    let seconds = now().saturating_duration_since(began).as_secs();
    assert_eq!(told.len(), 100);
    told.dedup();
    assert_eq!(told, ["cannot get credentials by the exec plugin \"sh\": exit status: 3: no luck"]);
    let asked = rig.times_asked();
    assert!((1..=1 + seconds).contains(&asked), "{asked} times in {seconds} s");
}

#[test]
fn a_plugin_that_nobody_waits_for_any_more_is_waited_for_by_the_next_one() {
    let answer = r#"{\"kind\": \"ExecCredential\", \"status\": {\"token\": \"secret\"}}"#;
    let rig = Rig::new(&format!("until test -e go; do sleep 0.01; done; echo \"{answer}\""));
    runtime().block_on(async {
        let is_asked = async {
            while rig.times_asked() == 0 {
                sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::select! {
            _ = rig.clients.current(None) => panic!("the plugin still runs"),
            asked = timeout(PATIENCE, is_asked) => asked.unwrap(),
        }
        fs::write(rig.folder.0.join("go"), "").unwrap();
        let made = rig.clients.current(None).await;
        assert_eq!(made.map_err(|error| error.to_string()).map(|it| it.number), Ok(0));
    });
    assert_eq!(rig.times_asked(), 1);
}
