//! How is a client told what became of its command?

use std::collections::BTreeMap;

use serde::Serialize;

use crate::runtime::{Exit, Refusal};

/// The fields of the API's `Status` that are about a command.
#[derive(Serialize)]
struct Status<'a> {
    metadata: Empty,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<Details<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<u16>,
}

/// An object without fields.
type Empty = BTreeMap<String, String>;

#[derive(Serialize)]
struct Details<'a> {
    causes: [Cause<'a>; 1],
}

#[derive(Serialize)]
struct Cause<'a> {
    reason: &'static str,
    message: &'a str,
}

/// The `Status` in JSON that a client reads from the error stream.
pub(crate) fn status(outcome: &Result<Exit, Refusal>) -> Vec<u8> {
    let code = outcome.as_ref().map(|exit| exit.0.to_string()).unwrap_or_default();
    let status = match outcome {
        Ok(Exit(0)) => Status {
            metadata: Empty::new(),
            status: "Success",
            message: None,
            reason: None,
            details: None,
            code: None,
        },
        Ok(Exit(_)) => Status {
            metadata: Empty::new(),
            status: "Failure",
            message: Some(format!("command terminated with exit code {code}")),
            reason: Some("NonZeroExitCode"),
            details: Some(Details { causes: [Cause { reason: "ExitCode", message: &code }] }),
            code: None,
        },
        Err(refusal) => {
            let (reason, code) = match refusal {
                Refusal::NotFound(_) => ("NotFound", 404),
                Refusal::BadRequest(_) => ("BadRequest", 400),
                Refusal::Internal(_) => ("InternalError", 500),
            };
            Status {
                metadata: Empty::new(),
                status: "Failure",
                message: Some(refusal.to_string()),
                reason: Some(reason),
                details: None,
                code: Some(code),
            }
        }
    };
    // Strings and numbers are always JSON.
    serde_json::to_vec(&status).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(outcome: Result<Exit, Refusal>, wanted: &str) {
        assert_eq!(String::from_utf8(status(&outcome)).unwrap(), wanted);
    }

    #[test]
    fn success_is_short() {
        check(Ok(Exit(0)), r#"{"metadata":{},"status":"Success"}"#);
    }

    #[test]
    fn an_exit_code_is_a_cause() {
        check(
            Ok(Exit(3)),
            r#"{"metadata":{},"status":"Failure","message":"command terminated with exit code 3","reason":"NonZeroExitCode","details":{"causes":[{"reason":"ExitCode","message":"3"}]}}"#,
        );
    }

    #[test]
    fn a_refusal_has_its_reason_and_code() {
        check(
            Err(Refusal::NotFound("no such program: sch".to_owned())),
            r#"{"metadata":{},"status":"Failure","message":"no such program: sch","reason":"NotFound","code":404}"#,
        );
    }
}
