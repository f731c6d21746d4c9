//! What do files say when one of them is edited, broken, moved or removed?

use super::{Heard, documents, path};
use crate::files::{Files, Read};

/// Files that are read by name, and what was heard of them.
#[derive(Default)]
struct Told {
    files: Files,
    heard: Heard,
}

impl Told {
    /// Takes the reads as one change; `again` is what files say that must be read again.
    fn take(&mut self, reads: &[(&str, Read)], again: &[(&str, &str)]) -> &Heard {
        let reads = reads.iter().map(|(name, read)| (path(name), read.clone())).collect();
        let taken = self.files.take(reads);
        self.heard.hear(taken.events);
        let wanted: Vec<_> = again.iter().map(|(name, _)| path(name)).collect();
        assert_eq!(taken.read_again, wanted);
        if !again.is_empty() {
            let reads = again.iter().map(|(name, it)| (path(name), text(it))).collect();
            let taken = self.files.take(reads);
            self.heard.hear(taken.events);
            assert_eq!(taken.read_again, Vec::<std::path::PathBuf>::new());
        }
        &self.heard
    }
}

fn text(text: &str) -> Read {
    Read::Text(text.to_owned())
}

fn holds(services: &[(&str, u16)]) -> Read {
    Read::Text(documents(services))
}

#[test]
fn a_file_is_applied_edited_and_removed() {
    let mut told = Told::default();
    let heard = told.take(&[("a.yaml", holds(&[("web", 80), ("api", 90)]))], &[]);
    assert_eq!(heard.services(), [("api", "90"), ("web", "80")]);
    let heard = told.take(&[("a.yaml", holds(&[("web", 81)]))], &[]);
    assert_eq!(heard.services(), [("web", "81")]);
    let heard = told.take(&[("a.yaml", Read::Gone)], &[]);
    assert_eq!(*heard, Heard::default());
}

#[test]
fn the_same_text_again_says_nothing() {
    let mut files = Files::default();
    files.take(vec![(path("a.yaml"), holds(&[("web", 80)]))]);
    let again = files.take(vec![(path("a.yaml"), holds(&[("web", 80)]))]);
    assert_eq!(again, crate::files::Taken::default());
}

#[test]
fn what_cannot_be_read_stays_and_is_told_until_it_can() {
    let broken = "apiVersion: v1\nkind: Service\nmetadata: {name: web, names";
    let cases = [
        (
            Read::Failed("cannot read the file: permission denied".to_owned()),
            "file /m/a.yaml content: cannot read the file: permission denied",
        ),
        (
            text(""),
            "file /m/a.yaml content: the file is empty, and what it held stays in force; \
             remove the file to remove its objects",
        ),
    ];
    for (read, rejection) in cases {
        let mut told = Told::default();
        told.take(&[("a.yaml", holds(&[("web", 80)]))], &[]);
        let heard = told.take(&[("a.yaml", read)], &[]);
        assert_eq!(heard.services(), [("web", "80")]);
        assert_eq!(heard.rejections(), [rejection]);
        let heard = told.take(&[("a.yaml", holds(&[("web", 81)]))], &[]);
        assert_eq!(heard.services(), [("web", "81")]);
        assert_eq!(heard.rejections(), [""; 0]);
    }
    let mut told = Told::default();
    told.take(&[("a.yaml", holds(&[("api", 90), ("web", 80)]))], &[]);
    let half = format!("{}---\n{broken}", documents(&[("api", 91)]));
    let heard = told.take(&[("a.yaml", text(&half))], &[]);
    assert_eq!(heard.services(), [("api", "91"), ("web", "80")]);
    assert_eq!(heard.rejections().len(), 1);
    let heard = told.take(&[("a.yaml", holds(&[("api", 91)]))], &[]);
    assert_eq!(heard.services(), [("api", "91")]);
    assert_eq!(heard.rejections(), [""; 0]);
}

#[test]
fn an_object_with_a_bad_field_hides_no_removal_of_another() {
    let mut told = Told::default();
    told.take(&[("a.yaml", holds(&[("api", 90), ("web", 80)]))], &[]);
    let bad = documents(&[("web", 80)]).replace("port: 80", "port: [80]");
    let heard = told.take(&[("a.yaml", text(&bad))], &[]);
    let names: Vec<&str> = heard.services().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["web"]);
}

#[test]
fn an_empty_file_that_held_nothing_is_fine() {
    let mut told = Told::default();
    assert_eq!(*told.take(&[("a.yaml", text("\n"))], &[]), Heard::default());
    assert_eq!(*told.take(&[("a.yaml", text("# nothing yet\n"))], &[]), Heard::default());
}

#[test]
fn the_first_file_by_path_counts_and_the_other_takes_over() {
    let mut told = Told::default();
    told.take(&[("b.yaml", holds(&[("web", 82)]))], &[]);
    let heard = told.take(&[("a.yaml", holds(&[("web", 81)]))], &[]);
    assert_eq!(heard.services(), [("web", "81")]);
    assert_eq!(
        heard.rejections(),
        ["Service shop/web metadata.name: the object stands in /m/a.yaml too, and that counts; \
          remove one of the two"]
    );
    let b = documents(&[("web", 82)]);
    let heard = told.take(&[("a.yaml", Read::Gone)], &[("b.yaml", &b)]);
    assert_eq!(heard.services(), [("web", "82")]);
    assert_eq!(heard.rejections(), [""; 0]);
}

#[test]
fn the_second_of_a_file_is_told() {
    let mut told = Told::default();
    let heard = told.take(&[("a.yaml", holds(&[("web", 81), ("web", 82)]))], &[]);
    assert_eq!(heard.services(), [("web", "81")]);
    assert_eq!(
        heard.rejections(),
        ["Service shop/web metadata.name: the object stands in this file twice, and the first \
          counts; remove one of the two"]
    );
}

#[test]
fn moving_an_object_to_another_file_deletes_nothing() {
    let mut files = Files::default();
    files.take(vec![(path("a.yaml"), holds(&[("web", 80)]))]);
    let moved =
        files.take(vec![(path("a.yaml"), Read::Gone), (path("b.yaml"), holds(&[("web", 80)]))]);
    assert_eq!(moved, crate::files::Taken::default());
}
