//! Is a real folder followed: links turned, files replaced, forbidden and removed?

use std::fs;
use std::ops::ControlFlow;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use super::{Heard, documents};
use crate::event::Event;
use crate::folder::{Folder, OpenError, Stopper};

/// So long a test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(10);

/// A folder of its own, removed at the end.
pub(crate) struct TempFolder(pub(crate) PathBuf);

impl TempFolder {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("pogu-watch-{}-{number}", std::process::id()));
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn write(&self, name: &str, services: &[(&str, u16)]) {
        fs::write(self.0.join(name), documents(services)).unwrap();
    }

    /// As editors do: beside it, then over it.
    fn replace(&self, name: &str, services: &[(&str, u16)]) {
        let temporary = self.0.join(format!(".{name}.swp"));
        fs::write(&temporary, documents(services)).unwrap();
        fs::rename(temporary, self.0.join(name)).unwrap();
    }
}

impl Drop for TempFolder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

/// A folder that is followed on a thread of its own.
struct Followed {
    events: Receiver<Vec<Event>>,
    heard: Heard,
    stopper: Stopper,
    thread: Option<JoinHandle<()>>,
}

impl Followed {
    fn new(path: &Path) -> Self {
        let folder = Folder::open(path).unwrap();
        let stopper = folder.stopper();
        let (sender, events) = channel();
        let thread = std::thread::spawn(move || {
            folder.run(|events| match sender.send(events) {
                Ok(()) => ControlFlow::Continue(()),
                Err(_) => ControlFlow::Break(()),
            });
        });
        Self { events, heard: Heard::default(), stopper, thread: Some(thread) }
    }

    /// Waits until this is what is known.
    #[track_caller]
    fn wait(&mut self, services: &[(&str, &str)], rejections: &[String]) {
        while self.heard.services() != services || self.heard.rejections() != rejections {
            let Ok(events) = self.events.recv_timeout(PATIENCE) else {
                panic!("waited for {services:?} {rejections:?}, heard {:?}", self.heard);
            };
            self.heard.hear(events);
        }
    }
}

impl Drop for Followed {
    fn drop(&mut self) {
        self.stopper.stop();
        self.thread.take().unwrap().join().unwrap();
    }
}

#[test]
fn a_folder_is_read_and_followed_into_its_folders() {
    let folder = TempFolder::new();
    folder.write("web.yaml", &[("web", 80)]);
    folder.write("notes.txt", &[("no", 1)]);
    folder.write(".hidden.yaml", &[("no", 2)]);
    let mut followed = Followed::new(&folder.0);
    followed.wait(&[("web", "80")], &[]);
    assert!(followed.heard.is_synced);
    folder.replace("web.yaml", &[("web", 81)]);
    followed.wait(&[("web", "81")], &[]);
    fs::create_dir_all(folder.0.join("more/deep")).unwrap();
    folder.write("more/deep/api.yml", &[("api", 90)]);
    followed.wait(&[("api", "90"), ("web", "81")], &[]);
    fs::remove_file(folder.0.join("web.yaml")).unwrap();
    followed.wait(&[("api", "90")], &[]);
    fs::remove_dir_all(folder.0.join("more")).unwrap();
    followed.wait(&[], &[]);
}

#[test]
fn a_renamed_file_is_no_change() {
    let folder = TempFolder::new();
    folder.write("a.yaml", &[("web", 80)]);
    let mut followed = Followed::new(&folder.0);
    followed.wait(&[("web", "80")], &[]);
    fs::rename(folder.0.join("a.yaml"), folder.0.join("b.yaml")).unwrap();
    folder.write("c.yaml", &[("api", 90)]);
    let events = followed.events.recv_timeout(PATIENCE).unwrap();
    let kinds: Vec<&str> = events
        .iter()
        .map(|event| match event {
            Event::Applied(_) => "applied",
            Event::Deleted(_) => "deleted",
            Event::FileRejected { .. } | Event::FileRepaired { .. } | Event::Synced => "other",
        })
        .collect();
    assert_eq!(kinds, ["applied"]);
    followed.heard.hear(events);
    assert_eq!(followed.heard.services(), [("api", "90"), ("web", "80")]);
}

#[test]
fn a_mounted_config_map_is_followed_through_its_links() {
    let folder = TempFolder::new();
    let version = |name: &str, port: u16| {
        fs::create_dir(folder.0.join(name)).unwrap();
        folder.write(&format!("{name}/web.yaml"), &[("web", port)]);
    };
    let turn = |name: &str| {
        symlink(name, folder.0.join("..data_tmp")).unwrap();
        fs::rename(folder.0.join("..data_tmp"), folder.0.join("..data")).unwrap();
    };
    version("..2026_1", 80);
    turn("..2026_1");
    symlink("..data/web.yaml", folder.0.join("web.yaml")).unwrap();
    let mut followed = Followed::new(&folder.0);
    followed.wait(&[("web", "80")], &[]);
    version("..2026_2", 81);
    turn("..2026_2");
    fs::remove_dir_all(folder.0.join("..2026_1")).unwrap();
    followed.wait(&[("web", "81")], &[]);
}

#[test]
fn what_cannot_be_read_stays_until_it_can() {
    let folder = TempFolder::new();
    folder.write("web.yaml", &[("web", 80)]);
    let mut followed = Followed::new(&folder.0);
    followed.wait(&[("web", "80")], &[]);
    let path = folder.0.join("web.yaml");
    fs::remove_file(&path).unwrap();
    symlink("nowhere", &path).unwrap();
    let rejection = format!(
        "file {} content: cannot read the file: No such file or directory (os error 2)",
        path.display()
    );
    followed.wait(&[("web", "80")], &[rejection]);
    fs::remove_file(&path).unwrap();
    folder.write("web.yaml", &[("web", 81)]);
    followed.wait(&[("web", "81")], &[]);
}

#[test]
fn a_folder_that_goes_takes_nothing_with_it() {
    let folder = TempFolder::new();
    let root = folder.0.join("manifests");
    fs::create_dir(&root).unwrap();
    folder.write("manifests/web.yaml", &[("web", 80)]);
    let mut followed = Followed::new(&root);
    followed.wait(&[("web", "80")], &[]);
    fs::rename(&root, folder.0.join("away")).unwrap();
    let rejection = format!(
        "file {} content: cannot list the folder: No such file or directory (os error 2)",
        root.display()
    );
    followed.wait(&[("web", "80")], &[rejection]);
    fs::create_dir(&root).unwrap();
    folder.write("manifests/web.yaml", &[("web", 81)]);
    followed.wait(&[("web", "81")], &[]);
}

#[test]
fn folders_are_followed_to_a_bound_and_links_upwards_end() {
    let folder = TempFolder::new();
    let deepest = ["d"; 33].join("/");
    let last = ["d"; 32].join("/");
    fs::create_dir_all(folder.0.join(&deepest)).unwrap();
    symlink("..", folder.0.join("d/up")).unwrap();
    folder.write(&format!("{last}/web.yaml"), &[("web", 80)]);
    folder.write(&format!("{deepest}/api.yaml"), &[("api", 90)]);
    let rejection = format!(
        "file {} content: cannot list the folder: it lies in more than 32 folders",
        folder.0.join(&deepest).display()
    );
    let mut followed = Followed::new(&folder.0);
    followed.wait(&[("web", "80")], &[rejection]);
}

#[test]
fn many_files_are_told_in_parts_and_synced_at_the_end() {
    let folder = TempFolder::new();
    let names: Vec<String> = (100..300).map(|number| format!("s{number}")).collect();
    for name in &names {
        folder.write(&format!("{name}.yaml"), &[(name, 80)]);
    }
    let mut followed = Followed::new(&folder.0);
    let mut sizes = Vec::new();
    while !followed.heard.is_synced {
        let events = followed.events.recv_timeout(PATIENCE).unwrap();
        sizes.push(events.len());
        followed.heard.hear(events);
    }
    // 200 files and the folder itself, of which there is nothing to say.
    assert_eq!(sizes, [63, 64, 64, 10]);
    let expected: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "80")).collect();
    assert_eq!(followed.heard.services(), expected);
}

#[test]
fn only_a_folder_can_be_opened() {
    let folder = TempFolder::new();
    folder.write("web.yaml", &[("web", 80)]);
    let file = folder.0.join("web.yaml");
    let hint = |error: OpenError| format!("{error}\nhint: {}", error.hint());
    assert_eq!(
        hint(Folder::open(&file).unwrap_err()),
        format!(
            "the source of manifests is not a folder: {}\n\
             hint: put the file into a folder and name that, for example {}",
            file.display(),
            folder.0.display()
        )
    );
    let missing = folder.0.join("missing");
    assert_eq!(
        hint(Folder::open(&missing).unwrap_err()),
        format!(
            "cannot open the folder of manifests: {}: No such file or directory (os error 2)\n\
             hint: name a folder that exists and that this user may read",
            missing.display()
        )
    );
}
