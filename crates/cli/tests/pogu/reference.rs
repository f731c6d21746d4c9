//! Is the reference of the command line what the program says?

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

const PAGE: &str = "../../docs/reference/cli.md";

/// A chapter for each command that does something, with its help.
fn chapter(command: &mut clap::Command, words: &str, page: &mut String) {
    let help = command.clone().term_width(100).render_long_help().to_string();
    let help: String = help.lines().map(|line| format!("{}\n", line.trim_end())).collect();
    write!(page, "\n## {words}\n\n```text\n{}\n```\n", help.trim_end()).unwrap();
    for sub in command.get_subcommands_mut().filter(|sub| sub.get_name() != "help") {
        let words = format!("{words} {}", sub.get_name());
        chapter(sub, &words, page);
    }
}

#[test]
fn the_page_of_the_command_line_is_current() {
    let mut page = String::from(
        "# Command line\n\nWhat `--help` says of each command. Made from the program; \
         `UPDATE_EXPECT=1 cargo test -p cli reference` makes it anew.\n",
    );
    let mut command = cli::command();
    command.build();
    chapter(&mut command, "pogu", &mut page);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(PAGE);
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(&path, &page).unwrap();
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(kept, page, "UPDATE_EXPECT=1 makes it anew");
}
