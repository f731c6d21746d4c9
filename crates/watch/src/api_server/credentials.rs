//! Which token or certificate says who we are, and until when?
//!
//! A client is made of credentials as they are, and another one when they end or change: so each is
//! read once for a client, whether it stands in a file or an exec plugin gives it.

use std::path::Path;
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use host::process::{Bounds, run_with};
use jiff::Timestamp;
use kube::config::{AuthInfo, ExecConfig, ExecInteractiveMode};
use serde::Deserialize;
use serde_json::json;

use super::access::AccessError;

/// An exec plugin that takes longer has hung, and is ended; so is one that writes more. A credential
/// has some kilobytes.
const PLUGIN_BOUNDS: Bounds = Bounds { deadline: Duration::from_secs(60), bytes_max: 1 << 20 };

/// Of what a plugin writes of its failure for people, no more is shown.
const WORDS_MAX: usize = 200;

/// What an exec plugin writes.
#[derive(Deserialize)]
struct ExecCredential {
    #[serde(default)]
    status: Option<ExecStatus>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ExecStatus {
    expiration_timestamp: Option<Timestamp>,
    token: Option<String>,
    client_certificate_data: Option<String>,
    client_key_data: Option<String>,
}

/// Puts a token or a certificate in the place of what gives it; tells until when it is good, where
/// that is known.
///
/// # Errors
/// There is none.
pub(super) fn obtain(auth: &mut AuthInfo) -> Result<Option<SystemTime>, AccessError> {
    if let Some(path) = auth.token_file.take() {
        auth.token = Some(token_of(Path::new(&path))?.into());
        return Ok(None);
    }
    match auth.exec.take() {
        // Who has a token is not asked for another one.
        Some(exec) if auth.token.is_none() => by_plugin(&exec, auth),
        Some(_) | None => Ok(None),
    }
}

/// Nothing says who we are. `kubectl proxy` is content with that.
pub(super) const fn are_absent(auth: &AuthInfo) -> bool {
    auth.token.is_none()
        && auth.client_certificate.is_none()
        && auth.client_certificate_data.is_none()
        && auth.username.is_none()
        && auth.auth_provider.is_none()
}

/// Editors and shells end a file with a line's end, which is no part of the token.
fn token_of(path: &Path) -> Result<String, AccessError> {
    let wrong = |reason| AccessError::TokenFile { path: path.to_owned(), reason };
    let text = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
    match text.trim() {
        "" => Err(wrong("it is empty".to_owned())),
        token => Ok(token.to_owned()),
    }
}

fn by_plugin(exec: &ExecConfig, auth: &mut AuthInfo) -> Result<Option<SystemTime>, AccessError> {
    let command = exec.command.clone().unwrap_or_default();
    let failed = |reason: String| AccessError::Plugin {
        command: command.clone(),
        reason,
        install_hint: exec.install_hint.clone(),
    };
    let status = ask(&command, exec).map_err(&failed)?;
    let expires = status.expiration_timestamp.map(SystemTime::from);
    match (status.token, status.client_certificate_data, status.client_key_data) {
        (token, Some(certificate), Some(key)) => {
            auth.token = token.map(Into::into);
            auth.client_certificate_data = Some(STANDARD.encode(certificate));
            auth.client_key_data = Some(STANDARD.encode(key).into());
        }
        (Some(token), None, None) => auth.token = Some(token.into()),
        (_, Some(_), None) => return Err(failed("it gave a certificate without a key".to_owned())),
        (_, None, Some(_)) => return Err(failed("it gave a key without a certificate".to_owned())),
        (None, None, None) => {
            return Err(failed("it gave neither a token nor a certificate".to_owned()));
        }
    }
    Ok(expires)
}

/// Runs the plugin. What it wrote as its output is never shown: there may be a secret in it. Its errors
/// are for people, and kubectl shows them too.
fn ask(command: &str, exec: &ExecConfig) -> Result<ExecStatus, String> {
    if command.is_empty() {
        return Err("the kubeconfig names no command".to_owned());
    }
    if exec.interactive_mode == Some(ExecInteractiveMode::Always) {
        return Err("it asks a person, and there is nobody here (interactiveMode)".to_owned());
    }
    let args: Vec<&str> = exec.args.iter().flatten().map(String::as_str).collect();
    let output = run_with(command, &args, &variables(exec)?, "", PLUGIN_BOUNDS)
        .map_err(|error| error.to_string())?;
    if !output.status.success() {
        let words: String = output.stderr.trim().chars().take(WORDS_MAX).collect();
        return Err(format!("{}: {words}", output.status));
    }
    let credential: ExecCredential = serde_saphyr::from_str(&output.stdout)
        .map_err(|_may_show_secrets| "what it wrote is no ExecCredential".to_owned())?;
    credential.status.ok_or_else(|| "its ExecCredential has no status".to_owned())
}

fn variables(exec: &ExecConfig) -> Result<Vec<(String, String)>, String> {
    let mut spec = json!({"interactive": false});
    if exec.provide_cluster_info {
        let cluster = serde_json::to_value(&exec.cluster).map_err(|error| error.to_string())?;
        spec["cluster"] = cluster;
    }
    let asked =
        json!({"apiVersion": exec.api_version, "kind": "ExecCredential", "spec": spec}).to_string();
    let written = exec.env.iter().flatten();
    let mut variables: Vec<(String, String)> = written
        .filter_map(|it| Some((it.get("name")?.clone(), it.get("value")?.clone())))
        .collect();
    variables.push(("KUBERNETES_EXEC_INFO".to_owned(), asked));
    Ok(variables)
}
