//! Does the server tell who it is?

use std::net::SocketAddr;

use explain::Server;
use serde::Deserialize;

/// As much of the built-in server's words as is needed.
#[derive(Deserialize)]
struct Report {
    pod: String,
    #[serde(default)]
    namespace: String,
    client: SocketAddr,
}

/// The first JSON object of an answer, if it is such a server's.
pub(crate) fn server(answer: &[u8]) -> Option<Server> {
    let begin = answer.iter().position(|byte| *byte == b'{')?;
    let mut values = serde_json::Deserializer::from_slice(answer.get(begin..)?).into_iter();
    let Report { pod, namespace, client } = values.next()?.ok()?;
    let pod = if namespace.is_empty() { pod } else { format!("{namespace}/{pod}") };
    Some(Server { pod, client })
}

/// Nothing more is waited for.
pub(crate) fn is_whole(answer: &[u8]) -> bool {
    server(answer).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_tells_is_understood_by_http_and_without() {
        let server = Some(Server {
            pod: "shop/web-0".to_owned(),
            client: "[fd00::1]:7".parse().expect("an address"),
        });
        let json = r#"{"pod":"web-0","namespace":"shop","client":"[fd00::1]:7","protocol":"TCP"}"#;
        let http = format!("HTTP/1.1 200 OK\r\ncontent-length: 77\r\n\r\n{json}");
        let echoed = format!("{json}\nGET / HTTP/1.1\r\n");
        assert_eq!(
            [json, &http, &echoed].map(|it| super::server(it.as_bytes())),
            [const { None }; 3].map(|_: Option<Server>| server.clone())
        );
    }

    #[test]
    fn others_are_not() {
        let others = ["", "HTTP/1.1 200 OK\r\n\r\n<html>", "{\"pod\":", "{\"pod\": 1}"];
        assert_eq!(others.map(|it| server(it.as_bytes())), [const { None }; 4]);
    }
}
