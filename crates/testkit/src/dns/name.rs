//! How is a domain name written as text?

use hickory_proto::rr::Name;

/// A name as its octets: a backslash makes the next character, or three digits, an octet of a label.
/// None where it is not a name.
pub(crate) fn name(text: &str) -> Option<Name> {
    if text == "." {
        return Some(Name::root());
    }
    let mut labels: Vec<Vec<u8>> = vec![Vec::new()];
    let mut octets = text.bytes();
    while let Some(octet) = octets.next() {
        match octet {
            b'.' => labels.push(Vec::new()),
            b'\\' => labels.last_mut()?.push(escaped(&mut octets)?),
            octet => labels.last_mut()?.push(octet),
        }
    }
    Name::from_labels(labels.iter().map(Vec::as_slice)).ok()
}

/// What follows a backslash.
fn escaped(octets: &mut std::str::Bytes<'_>) -> Option<u8> {
    let first = octets.next()?;
    if !first.is_ascii_digit() {
        return Some(first);
    }
    let digits = [first, octets.next()?, octets.next()?];
    std::str::from_utf8(&digits).ok()?.parse().ok()
}

/// The text of a name, in its own case, without the dot at the end.
pub(super) fn name_text(name: &Name) -> String {
    let labels: Vec<String> = name.iter().map(label_text).collect();
    if labels.is_empty() { ".".to_owned() } else { labels.join(".") }
}

fn label_text(label: &[u8]) -> String {
    let octet = |octet: &u8| match octet {
        b'.' | b'\\' => format!("\\{}", char::from(*octet)),
        octet if octet.is_ascii_graphic() => char::from(*octet).to_string(),
        octet => format!("\\{octet:03}"),
    };
    label.iter().map(octet).collect()
}
