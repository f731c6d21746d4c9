//! How is a running lab spoken to?
//!
//! One question, one answer, each a line of JSON, on a socket in the lab's folder.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixListener;

use crate::event::{Asker, Event, Events, Question};
use crate::place::Place;
use crate::settings::LabName;
use crate::status::Status;
use crate::who::PodName;

/// A question with manifests in it.
const QUESTION_BYTES_MAX: u64 = 16 << 20;

/// A lab that is asked ends pods with their grace periods at the longest.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Request {
    Status,
    /// What was written, and where it comes from.
    Apply {
        origin: String,
        text: String,
    },
    /// The objects that a text names.
    Delete {
        origin: String,
        text: String,
    },
    /// One object, by kind and name.
    DeleteNamed {
        kind: String,
        name: PodName,
    },
    Scale {
        deployment: PodName,
        replicas: u32,
    },
    /// A node's programs are killed and its kernel's state is lost; its pods are lost with it.
    Crash {
        node: String,
    },
    /// A crashed node comes back, empty.
    Boot {
        node: String,
    },
    Down,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reply {
    Status(Box<Status>),
    /// What was done, a line for each thing; and what a person should know.
    Done {
        lines: Vec<String>,
        warnings: Vec<String>,
    },
    Refused {
        what: String,
        hint: String,
    },
}

/// Asks a running lab.
pub fn ask(name: &LabName, request: &Request) -> Result<Reply, AskError> {
    let path = Place::new(name.clone()).control_socket();
    let failed = |source| AskError { lab: name.clone(), source };
    let mut stream = UnixStream::connect(path).map_err(failed)?;
    stream.set_read_timeout(Some(PATIENCE)).map_err(failed)?;
    let mut line = serde_json::to_vec(request).map_err(|error| failed(error.into()))?;
    line.push(b'\n');
    stream.write_all(&line).map_err(failed)?;
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer).map_err(failed)?;
    if answer.is_empty() {
        return Err(failed(io::ErrorKind::UnexpectedEof.into()));
    }
    serde_json::from_str(&answer).map_err(|error| failed(error.into()))
}

#[derive(Debug, thiserror::Error)]
#[error("cannot ask lab {lab}: {source}")]
pub struct AskError {
    pub lab: LabName,
    pub source: io::Error,
}

impl AskError {
    /// Nobody answers at all.
    #[must_use]
    pub fn is_down(&self) -> bool {
        matches!(self.source.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused)
    }
}

/// Answers whoever connects, by asking the loop.
#[expect(clippy::infinite_loop, reason = "it ends with the runtime")]
pub(crate) async fn serve(listener: UnixListener, events: Events) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let events = events.clone();
                tokio::spawn(async move {
                    if let Err(error) = converse(stream, events).await {
                        tracing::debug!("a question was not answered: {error}");
                    }
                });
            }
            Err(error) => {
                tracing::warn!("cannot take a question: {error}");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn converse(stream: tokio::net::UnixStream, events: Events) -> io::Result<()> {
    let (reader, mut writer) = stream.into_split();
    let mut line = String::new();
    tokio::io::BufReader::new(reader.take(QUESTION_BYTES_MAX)).read_line(&mut line).await?;
    let (asker, answer, _told) = Asker::new();
    let gone = || io::Error::from(io::ErrorKind::ConnectionAborted);
    let reply = match serde_json::from_str(&line) {
        Ok(request) => {
            let question = Event::Asked(Question { request, asker });
            events.send(question).await.map_err(|_unsent| gone())?;
            answer.await.map_err(|_unanswered| gone())?
        }
        Err(error) => Reply::Refused {
            what: format!("not a question: {error}"),
            hint: "are the lab and this command of one version?".to_owned(),
        },
    };
    let mut text = serde_json::to_vec(&reply)?;
    text.push(b'\n');
    writer.write_all(&text).await
}
