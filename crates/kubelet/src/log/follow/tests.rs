//! What does a reader get of a log that is being written?

use std::fs::File;
use std::io::Write as _;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use tokio::io::AsyncReadExt as _;

use super::super::{LogWriter, Recorder, Stream};
use super::*;

/// A folder of this test, gone with the value.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("kubelet-log-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn writer(&self) -> LogWriter {
        LogWriter::create(&self.0.join("app.log")).unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).unwrap();
    }
}

fn at(second: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(second)
}

/// Begins to read; what comes is to be received.
fn read(writer: &LogWriter, options: LogOptions) -> mpsc::Receiver<io::Result<Bytes>> {
    let (to, from) = mpsc::channel(4);
    tokio::spawn(follow(writer.log(), options.start(), options, Timestamp::UNIX_EPOCH, to));
    from
}

/// Receives until there are so many bytes, or no more.
async fn text(from: &mut mpsc::Receiver<io::Result<Bytes>>, bytes: usize) -> String {
    let mut all = Vec::new();
    while all.len() < bytes {
        let next = tokio::time::timeout(Duration::from_secs(10), from.recv()).await.unwrap();
        let Some(chunk) = next else { break };
        all.extend_from_slice(&chunk.unwrap());
    }
    String::from_utf8(all).unwrap()
}

#[tokio::test]
async fn what_is_there_is_read_and_no_more_is_waited_for() {
    let folder = Folder::new("there");
    let mut writer = folder.writer();
    writer.append(at(1), Stream::Stdout, b"one\ntw").unwrap();
    let mut from = read(&writer, LogOptions::default());
    assert_eq!(text(&mut from, usize::MAX).await, "one\ntw");
}

#[tokio::test]
async fn a_follower_gets_words_as_they_are_said_until_the_container_ends() {
    let folder = Folder::new("follow");
    let mut writer = folder.writer();
    writer.append(at(1), Stream::Stdout, b"one\n").unwrap();
    let mut from = read(&writer, LogOptions { follow: true, ..LogOptions::default() });
    let first = text(&mut from, 4).await;
    writer.append(at(2), Stream::Stderr, b"who? ").unwrap();
    let second = text(&mut from, 5).await;
    writer.append(at(3), Stream::Stdout, b"end\n").unwrap();
    drop(writer);
    let rest = text(&mut from, usize::MAX).await;
    assert_eq!([&*first, &second, &rest], ["one\n", "who? ", "end\n"]);
}

#[tokio::test]
async fn the_last_lines_are_counted_as_they_were_said() {
    let folder = Folder::new("tail");
    let mut writer = folder.writer();
    for piece in [&b"one\ntwo\nth"[..], b"ree\n", b"four"] {
        writer.append(at(1), Stream::Stdout, piece).unwrap();
    }
    let mut found = Vec::new();
    for lines in [0, 1, 2, 3, 100] {
        let options = LogOptions { tail_lines: Some(lines), ..LogOptions::default() };
        found.push(text(&mut read(&writer, options), usize::MAX).await);
    }
    let wanted = ["", "four", "three\nfour", "two\nthree\nfour", "one\ntwo\nthree\nfour"];
    assert_eq!(found, wanted);
}

#[tokio::test]
async fn a_line_beyond_the_bound_is_read_as_one() {
    let folder = Folder::new("long");
    let mut writer = folder.writer();
    let long = "x".repeat(3 * super::super::RECORD_BYTES_MAX + 1) + "\n";
    writer.append(at(1), Stream::Stdout, long.as_bytes()).unwrap();
    let mut from = read(&writer, LogOptions::default());
    assert_eq!(text(&mut from, usize::MAX).await, long);
}

#[tokio::test]
async fn a_new_run_begins_a_new_log() {
    let folder = Folder::new("again");
    let mut writer = folder.writer();
    writer.append(at(1), Stream::Stdout, b"old\n").unwrap();
    drop(writer);
    let mut writer = folder.writer();
    writer.append(at(2), Stream::Stdout, b"new\n").unwrap();
    let mut from = read(&writer, LogOptions::default());
    assert_eq!(text(&mut from, usize::MAX).await, "new\n");
}

#[tokio::test]
async fn what_a_container_says_is_recorded_and_heard() {
    let folder = Folder::new("record");
    let mut writer = folder.writer();
    writer.append(at(1), Stream::Stdout, b"before\n").unwrap();
    let log = writer.log();
    let mut heard = [log.listen(Stream::Stdout), log.listen(Stream::Stderr)];
    let (words, mut stdout) = io::pipe().unwrap();
    let (errors, mut stderr) = io::pipe().unwrap();
    let outputs = [(words.into(), Stream::Stdout), (errors.into(), Stream::Stderr)];
    let plain = File::create_new(folder.0.join("plain.log")).unwrap();
    let recorder = Recorder::begin(outputs, writer, Some(plain), || at(2)).unwrap();
    stdout.write_all(b"who? ").unwrap();
    let mut first = [0; 5];
    heard[0].read_exact(&mut first).await.unwrap();
    stderr.write_all(b"trouble\n").unwrap();
    let mut second = [0; 8];
    heard[1].read_exact(&mut second).await.unwrap();
    // Whoever the container left behind may hold its outputs: its end is told by who runs it.
    stdout.write_all(b"me\n").unwrap();
    recorder.finish();
    let mut rest = [String::new(), String::new()];
    for (heard, rest) in heard.iter_mut().zip(&mut rest) {
        heard.read_to_string(rest).await.unwrap();
    }
    assert_eq!((&first, &second), (b"who? ", b"trouble\n"));
    assert_eq!(rest, ["me\n".to_owned(), String::new()]);
    let plain = std::fs::read_to_string(folder.0.join("plain.log")).unwrap();
    assert_eq!(plain, "who? trouble\nme\n");
}
