//! Is a text a name that DNS and the API allow?

/// A label of RFC 1123 in lower case: what namespaces, Services and ports are called.
pub(crate) fn is_label(text: &str) -> bool {
    text.len() <= 63 && is_part(text)
}

/// Labels with dots between: what all other objects, and external names, are called. The API bounds
/// the length of the whole, not that of each label.
pub(crate) fn is_subdomain(text: &str) -> bool {
    text.len() <= 253 && text.split('.').all(is_part)
}

fn is_part(text: &str) -> bool {
    let is_inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    !text.is_empty() && text.bytes().all(is_inner) && !text.starts_with('-') && !text.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_labels_and_subdomains() {
        let cases = [
            ("web", true, true),
            ("0-9", true, true),
            ("a.b.c", false, true),
            ("", false, false),
            ("Web", false, false),
            ("-a", false, false),
            ("a-", false, false),
            ("a..b", false, false),
            ("a/b", false, false),
            ("é", false, false),
        ];
        for (text, label, subdomain) in cases {
            assert_eq!((is_label(text), is_subdomain(text)), (label, subdomain), "{text}");
        }
        assert_eq!((is_label(&"a".repeat(63)), is_label(&"a".repeat(64))), (true, false));
        assert_eq!((is_subdomain(&"a".repeat(253)), is_subdomain(&"a".repeat(254))), (true, false));
    }
}
