//! Which commands stand for images, by what the command line says?

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::failure::Failure;

/// What a file says, a flag may say otherwise.
pub(super) fn read(
    files: &[PathBuf],
    flags: &[String],
) -> Result<BTreeMap<String, String>, Failure> {
    let mut images = BTreeMap::new();
    for path in files {
        let text = std::fs::read_to_string(path).map_err(|error| {
            let hint = "--images names a file with a line NAME=COMMAND for each image";
            Failure::new(format!("cannot read {}: {error}", path.display()), hint)
        })?;
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (name, command) = split(line).ok_or_else(|| {
                let what = format!("no command in {} line {number}: {line}", path.display());
                Failure::new(what, "write it as NAME=COMMAND, without quotes around the command")
            })?;
            images.insert(name, command);
        }
    }
    for flag in flags {
        let (name, command) = split(flag).ok_or_else(|| {
            let hint = "write it as NAME='COMMAND'";
            Failure::usage(format!("--image without a command: {flag}"), hint)
        })?;
        images.insert(name, command);
    }
    Ok(images)
}

fn split(text: &str) -> Option<(String, String)> {
    let (name, command) = text.split_once('=')?;
    let (name, command) = (name.trim(), command.trim());
    (!name.is_empty()).then(|| (name.to_owned(), command.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flag_prevails_over_a_file_and_a_file_over_an_earlier_one() {
        let folder = std::env::temp_dir().join(format!("pogu-images-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let file = |name: &str, text: &str| {
            let path = folder.join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let files = [
            file("first", "# of a suite\n\nagnhost = /agnhost\nnginx=serve 80 --as=a\n"),
            file("second", "nginx=serve 80 --as=b\nshell=\n"),
        ];
        let of = |flags: &[&str]| {
            let flags: Vec<String> = flags.iter().map(|&flag| flag.to_owned()).collect();
            read(&files, &flags)
        };
        let expected = |nginx: &str| -> BTreeMap<String, String> {
            [("agnhost", "/agnhost"), ("nginx", nginx), ("shell", "")]
                .map(|(name, command)| (name.to_owned(), command.to_owned()))
                .into()
        };
        assert_eq!(of(&[]), Ok(expected("serve 80 --as=b")));
        assert_eq!(of(&["nginx=c"]), Ok(expected("c")));
        let broken = file("broken", "agnhost=/agnhost\nnginx serve\n");
        let failure = read(std::slice::from_ref(&broken), &[]).unwrap_err();
        std::fs::remove_dir_all(&folder).unwrap();
        assert_eq!(failure.what, format!("no command in {} line 2: nginx serve", broken.display()));
    }
}
