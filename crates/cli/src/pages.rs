//! How are completions and manual pages made?

use clap::Command;
use clap_complete::Shell;
use clap_mangen::Man;

use crate::failure::{Failure, write_out};

pub(crate) fn completion(shell: Shell) -> Result<(), Failure> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut crate::command(), "pogu", &mut text);
    write_out(&String::from_utf8_lossy(&text))
}

/// The page of a command, named by its words.
pub(crate) fn man(words: &[String]) -> Result<(), Failure> {
    let mut root = crate::command();
    root.build();
    let mut command = &root;
    for word in words {
        command = command.find_subcommand(word).ok_or_else(|| {
            let shown = command.get_subcommands().filter(|command| !command.is_hide_set());
            let known: Vec<&str> = shown.map(Command::get_name).collect();
            let hint = format!("one of {}", known.join(", "));
            Failure::usage(format!("unknown command: {}", words.join(" ")), hint)
        })?;
    }
    let mut text = Vec::new();
    Man::new(command.clone()).render(&mut text).map_err(|error| {
        Failure::new(format!("cannot make the manual page: {error}"), "this is a defect of pogu")
    })?;
    write_out(&String::from_utf8_lossy(&text))
}
