//! Which command runs for a container?

use std::collections::BTreeMap;

use model::Protocol;
use workload::api::Container;

/// The image of the built-in server.
const ECHO: &str = "pogu.dev/echo";

/// What a container runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Command {
    Program {
        name: String,
        args: Vec<String>,
    },
    /// The built-in server; an image that nobody mapped is stood in for by it.
    Echo {
        args: Vec<String>,
        is_stand_in: bool,
    },
}

/// The container says no command, its image has none here, and it opens no port that the built-in
/// server could stand in for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no command is known for image {0:?}")]
pub(crate) struct NoCommand(String);

impl NoCommand {
    pub(crate) fn hint(&self) -> String {
        let image = bare(&self.0);
        format!("write a command in the manifest, or start the lab with --image {image}='COMMAND'")
    }
}

/// A container's own `command` is a program of the host. Else its image decides: the table, by the
/// image's whole name, then without its tag, then by its last part alone.
pub(crate) fn command(
    container: &Container,
    command: &[String],
    args: &[String],
    images: &BTreeMap<String, String>,
) -> Result<Command, NoCommand> {
    let image = container.image.as_str();
    if let Some((name, rest)) = command.split_first() {
        let args = rest.iter().chain(args).cloned().collect();
        return Ok(Command::Program { name: name.clone(), args });
    }
    let untagged = bare(image);
    let last = untagged.rsplit('/').next().unwrap_or(untagged);
    let mapped = [image, untagged, last].into_iter().find_map(|name| images.get(name));
    if let Some(text) = mapped {
        return Ok(in_shell(text, args));
    }
    if untagged == ECHO {
        return Ok(Command::Echo { args: args.to_vec(), is_stand_in: false });
    }
    let args = ports(container);
    if args.is_empty() {
        return Err(NoCommand(image.to_owned()));
    }
    Ok(Command::Echo { args, is_stand_in: true })
}

/// Without its tag and digest; a colon before a slash parts host and port.
fn bare(image: &str) -> &str {
    let image = image.split('@').next().unwrap_or(image);
    match image.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => name,
        Some(_) | None => image,
    }
}

/// The shell gives way to a single command, so that this one gets the signals.
fn in_shell(text: &str, args: &[String]) -> Command {
    let is_single = !text.contains(['|', ';', '&', '<', '>', '(', '`', '\n']);
    let script = format!("{}{text} \"$@\"", if is_single { "exec " } else { "" });
    let mut all = vec!["-c".to_owned(), script, "sh".to_owned()];
    all.extend_from_slice(args);
    Command::Program { name: "sh".to_owned(), args: all }
}

/// What the built-in server must open to stand in for the container.
fn ports(container: &Container) -> Vec<String> {
    let options = container.ports.iter().filter_map(|port| {
        let option = match Protocol::from(port.protocol) {
            Protocol::Tcp => "--http",
            Protocol::Udp => "--udp",
            Protocol::Sctp => return None,
        };
        Some(format!("{option}={}", port.container_port))
    });
    options.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(container: &str, images: &[(&str, &str)]) -> Result<Command, String> {
        let container: Container =
            serde_json::from_str(container).map_err(|error| error.to_string())?;
        let images = images.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
        command(&container, &container.command, &container.args, &images.collect())
            .map_err(|error| format!("{error}; {}", error.hint()))
    }

    fn program(name: &str, args: &[&str]) -> Result<Command, String> {
        let args = args.iter().map(|&arg| arg.to_owned()).collect();
        Ok(Command::Program { name: name.to_owned(), args })
    }

    fn echo(args: &[&str], is_stand_in: bool) -> Result<Command, String> {
        let args = args.iter().map(|&arg| arg.to_owned()).collect();
        Ok(Command::Echo { args, is_stand_in })
    }

    #[test]
    fn the_manifest_then_the_table_then_the_built_in_server() {
        let nginx = r#"{"image": "docker.io:443/library/nginx:1.27@sha256:0",
                        "ports": [{"containerPort": 80}, {"containerPort": 53, "protocol": "UDP"}]}"#;
        let own = r#"{"image": "nginx", "command": ["sleep"], "args": ["1"]}"#;
        assert_eq!(of(own, &[("nginx", "true")]), program("sleep", &["1"]));
        let script = ["-c", "exec serve 80 \"$@\"", "sh"];
        assert_eq!(of(nginx, &[("nginx", "serve 80")]), program("sh", &script));
        let whole = [("docker.io:443/library/nginx", "a | b"), ("nginx", "serve 80")];
        assert_eq!(of(nginx, &whole), program("sh", &["-c", "a | b \"$@\"", "sh"]));
        assert_eq!(of(nginx, &[]), echo(&["--http=80", "--udp=53"], true));
        let built_in = r#"{"image": "pogu.dev/echo:latest", "args": ["--tcp", "7"]}"#;
        assert_eq!(of(built_in, &[]), echo(&["--tcp", "7"], false));
    }

    #[test]
    fn an_image_without_a_command_says_what_to_do() {
        let expected = "no command is known for image \"example.com/batch:2\"; write a command in \
                        the manifest, or start the lab with --image example.com/batch='COMMAND'";
        assert_eq!(of(r#"{"image": "example.com/batch:2"}"#, &[]), Err(expected.to_owned()));
    }
}
