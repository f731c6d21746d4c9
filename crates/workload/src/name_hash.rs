//! Which short suffix makes a derived name stable?

/// Letters and digits that make no words and are not mistaken for each other.
const ALPHABET: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";

/// FNV-1a over the parts, each closed by a byte that text does not contain.
pub(crate) fn hash(parts: &[&str]) -> u64 {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for part in parts {
        for byte in part.bytes().chain([0xff]) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    // The low bits of FNV mix poorly, and names are made of them.
    hash ^= hash >> 32;
    hash = hash.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    hash ^ (hash >> 29)
}

/// A hash in so many letters.
pub(crate) fn suffix(mut hash: u64, length: usize) -> String {
    let mut text = String::with_capacity(length);
    for _ in 0..length {
        let index = usize::try_from(hash % 27).expect("a number below 27 fits");
        text.push(char::from(ALPHABET[index]));
        hash /= 27;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_where_parts_end() {
        assert_ne!(hash(&["ab", "c"]), hash(&["a", "bc"]));
        assert_eq!(suffix(27 * 26, 3), "b9b");
    }
}
